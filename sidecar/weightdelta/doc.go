// Package weightdelta ships a checkpoint as its change against another one.
//
// After a step of training nearly every weight has changed, so that neither a general compressor nor sharing chunks between files gains
// anything: the bytes of a float32 look random. The change of a weight does not. It is small beside the weight, so most of its leading
// bits are zero; how many is what a delta stores, with the few bits that follow. Restoring is exact to the bit.
//
// A delta cuts the full file into blocks of at most 256 KiB. Each block is restored alone, from its own bytes and those of one place in
// the base, so blocks are encoded and restored in parallel. Only the encoder knows about tensors: it reads the headers of two
// safetensors files and pairs tensors of equal name, type and shape. A decoder sees blocks only, so files of any other kind work too, if
// rarely with a gain. docs/reference/weight-deltas.md describes the format byte by byte.
//
//   - Encode makes a delta, Apply and ApplyVerified restore the full file, ParseHeader says which files a delta belongs to.
//   - format.go has the file: header and blocks. section.go is the compressor behind it, words.go and order.go the transforms before it.
//   - Encoding: tensors.go and plan.go pair the files and cut them, block.go chooses how to write a block.
//   - Decoding: apply.go hands blocks to workers, decode.go restores one.
//
// Deltas come from peers: decoding never panics, needs no memory beyond the result and about 1 MiB for each core, and its time is bounded by the
// sizes. Encoding needs about 10 MiB for each core.
package weightdelta
