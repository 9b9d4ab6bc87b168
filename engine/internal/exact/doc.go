// Package exact computes single numbers the way engine/SPEC.md section 1 defines them: the fused multiply-add with one rounding, square
// root, the elementary functions of activations and losses, and the rules for NaN and infinity.
//
// Everything here is plain Go on float32 and float64, slow and the same on every machine. It is the reference that the kernels of
// packages gemm and vector reproduce bit for bit. Start with FMA: every other function is a straight line of FMA and of single rounded
// operations, in the order in which they are written.
//
// A product that is followed by an addition always stands inside float32(…): without it the compiler fuses the two on some processors.
package exact
