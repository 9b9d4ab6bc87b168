//go:build !amd64 && !arm64

package gemm

import "unsafe"

// There is no assembly for this architecture; the driver is never entered.
var assembly []*kernelSet

func (k *kernelSet) run(*tiles) { panic("gemm: no kernels for this architecture") }

func (k *kernelSet) peakLoop(int) int { panic("gemm: no kernels for this architecture") }

func transpose8(unsafe.Pointer, int, unsafe.Pointer, int, int) {
	panic("gemm: no kernels for this architecture")
}

func (k *kernelSet) mask(int) unsafe.Pointer { return nil }
