// Package modelspec holds the rules of a model spec: the list of layers that a training group pins and everybody reads alike.
//
// It knows shapes, limits, sizes and costs, all as integers, and no arithmetic of a layer: the chain decides with it whether a group
// may open, the engine (package engine) carries out what it describes. Both use this one copy, so that no group opens whose model
// sidecars would refuse. It needs the standard library and protowire only.
//
//   - Spec, Normalization and Layer mirror the protobuf message pold.pol.v1.ModelSpec. ParseSpec reads its canonical bytes, Marshal
//     writes them.
//   - Plan checks a spec and resolves it into nodes: what each layer reads, its shapes, its tensors and its work.
//   - Summary prints the plan for people.
//
// Start reading at kinds.go, the table of layer kinds; docs/reference/layers.md says the same for users.
//
// A shape is that of one row, without the batch, and row-major. Values of a row are flat: a layer of shape [C, H, W] has C·H·W of them.
package modelspec
