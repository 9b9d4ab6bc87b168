package isa

import "fmt"

// Bits of the floating-point control register FPCR.
const (
	fpcrFIZ      = 1 << 0  // subnormal operands count as zero
	fpcrAH       = 1 << 1  // alternate handling of subnormal numbers and NaN
	fpcrFZ16     = 1 << 19 // half precision only
	fpcrRounding = 3 << 22 // 0: nearest, ties to even
	fpcrFZ       = 1 << 24 // subnormal numbers become zero
)

// fpcr returns the register of this thread.
func fpcr() uint64

func checkRegister() error { return checkFPCR(fpcr()) }

func checkFPCR(r uint64) error {
	switch {
	case r&fpcrRounding != 0:
		return fmt.Errorf("floating-point mode: expected rounding to nearest, ties to even, got FPCR %#x: something in this process "+
			"changed the rounding mode; run a binary built with CGO_ENABLED=0", r)
	case r&(fpcrFZ|fpcrFIZ|fpcrAH|fpcrFZ16) != 0:
		return errFlush(fmt.Sprintf("a flush mode is set in FPCR %#x", r))
	}
	return nil
}
