// Package engine is the learner whose results have the same bits on every machine.
//
// Validators of the chain agree on the loss of a checkpoint by computing it themselves, so "about equal" is not good enough: two
// correct computers must print the same integer. The package reaches that by fixing, for every operation, the order of every rounding
// (SPEC.md is the norm, this code is its first implementation) and by using nothing whose result depends on the processor, the
// compiler, the number of threads, the clock or the order of a map. docs/explanation/why-the-bits-are-equal.md tells it from the start.
//
// # What is here
//
//   - Spec describes a network: input shape, normalisation, a list of layers. ParseSpec reads its canonical protobuf bytes. Its rules
//     are in package modelspec, because the chain needs them too.
//   - Model is a Spec with float32 weights. NewModel initialises one from a seed, DecodeModel reads a canonical safetensors file,
//     ImportStateDict the state dict of another program.
//   - Model.Train follows a Recipe over Data, NewTraining does so step by step; Model.Evaluate turns Data into integers (Evaluation)
//     that may enter consensus; Forward and Predict give outputs.
//   - Canonicalize rewrites anybody's float32 safetensors file into the one form that is accepted.
//   - Mapping is the secret that a model with a secure mapping layer needs to be of use.
//   - Configure chooses instruction set and number of threads, which cannot change a result.
//   - SelfTest compares this machine with stored answers; a validator runs it at start and does not vote when it fails.
//   - BLAS is the matrix product behind gonum's interface, for programs that bring their own layers; what is not ours panics.
//
// # Where to start reading
//
// training.go is a training step: rows are drawn (recipe.go), run forward and backward through the layers (pass.go, in the buffers that
// memory.go plans), compared with their targets (loss.go), and the weights updated (optimizer.go, schedule.go). layers.go has the
// interface of a layer and the list of kinds, layer_*.go one kind or family each. model.go, safetensors.go, header.go, canonical.go and
// import.go are about weights and their files, rng.go about random numbers. machine.go is what all of it computes with:
//
//   - internal/exact: single numbers, as SPEC.md section 1 defines them; start with FMA
//   - internal/gemm: matrix products
//   - internal/vector: activations, reductions, updates and pooling on slices
//   - internal/pool: the workers
//   - internal/isa: instruction sets, and the floating-point mode of a thread
//
// The kernels of gemm and vector are generated for each instruction set and give the bits of their references.
//
// # Rules for this package
//
// Layers compute through gemm and vector, and with plain + - * / and square roots on single numbers. Write float32(x*y)+z, never x*y+z:
// the compiler may fuse the latter on some processors. From package math only functions that IEEE 754 defines exactly (Sqrt, Abs, bit
// conversions) may be used. Threads share results, never a sum. All of this is kept by tests.
package engine

// Version names the definition of SPEC.md that this package implements. It is part of every digest and of every pinned manifest: a
// change that alters any bit of any result needs a new version.
const Version = "pold-engine/1"
