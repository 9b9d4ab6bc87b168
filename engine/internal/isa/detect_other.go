//go:build !amd64 && !arm64

package isa

// detect returns the levels above Portable: there are no kernels for this architecture.
func detect() []Level { return nil }
