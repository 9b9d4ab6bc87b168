// Package engine is the learner whose results have the same bits on every machine.
//
// Validators of the chain agree on the loss of a checkpoint by computing it themselves, so "about equal" is not good enough: two
// correct computers must print the same integer. The package reaches that by fixing, for every operation, the order of every rounding
// (SPEC.md is the norm, this code is its first implementation) and by using nothing whose result depends on the processor, the
// compiler, the number of threads, the clock or the order of a map.
//
// # What is here
//
//   - Spec describes a network: input shape, normalisation, a list of layers. ParseSpec reads its canonical protobuf bytes.
//   - Model is a Spec with float32 weights. NewModel initialises one from a seed, DecodeModel reads a canonical safetensors file.
//   - Model.Train follows a Recipe over Data; Model.Evaluate turns Data into integers (Evaluation) that may enter consensus.
//   - Canonicalize rewrites anybody's float32 safetensors file into the one form that is accepted.
//   - BLAS is the same matrix product behind gonum's interface, for programs that bring their own layers.
//   - SelfTest compares this machine with stored answers; a validator runs it at start and does not vote when it fails.
//
// # Where to start reading
//
// fma.go defines the one arithmetic step everything is made of, gemm.go the matrix product built from it, layers.go and loss.go the
// network on top. backend.go is the seam behind which faster kernels may be put; they have to give the bits of the portable one.
//
// # Rules for this package
//
// Write float32(x*y)+z, never x*y+z: the compiler may fuse the latter on some processors. From package math only functions that IEEE
// 754 defines exactly (Sqrt, Abs, bit conversions) may be used. Both rules are kept by tests.
package engine

// Version names the definition of SPEC.md that this package implements. It is part of every digest and of every pinned manifest: a
// change that alters any bit of any result needs a new version.
const Version = "pold-engine/1"
