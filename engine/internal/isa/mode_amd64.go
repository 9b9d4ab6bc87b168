package isa

import "fmt"

// Bits of the control and status register MXCSR.
const (
	mxcsrDAZ      = 1 << 6  // subnormal operands count as zero
	mxcsrRounding = 3 << 13 // 0: nearest, ties to even
	mxcsrFTZ      = 1 << 15 // subnormal results become zero
)

// mxcsr returns the register of this thread.
func mxcsr() uint32

// setMXCSR changes the register of this thread. Only the test of CheckMode does so.
func setMXCSR(r uint32)

func checkRegister() error { return checkMXCSR(mxcsr()) }

func checkMXCSR(r uint32) error {
	switch {
	case r&mxcsrRounding != 0:
		return fmt.Errorf("floating-point mode: expected rounding to nearest, ties to even, got MXCSR %#x: something in this process "+
			"changed the rounding mode; run a binary built with CGO_ENABLED=0", r)
	case r&mxcsrFTZ != 0:
		return errFlush(fmt.Sprintf("flush to zero is set in MXCSR %#x", r))
	case r&mxcsrDAZ != 0:
		return errFlush(fmt.Sprintf("denormals are zero is set in MXCSR %#x", r))
	}
	return nil
}
