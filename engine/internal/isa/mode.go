package isa

import (
	"errors"
	"math"
)

// CheckMode reports an error if the floating-point unit of the thread that calls does not round to nearest, ties to even, or replaces
// subnormal numbers by zero. The mode belongs to the operating system thread, so that a caller who relies on the answer for longer than
// one call must be locked to its thread. A program without cgo starts in the right mode; a C library built for speed can change it
// behind the program's back.
func CheckMode() error {
	if err := checkRegister(); err != nil {
		return err
	}
	return checkArithmetic()
}

// probe holds operands that the compiler must not know.
var probe = struct{ one, halfUlp, tiny, half float32 }{1, 0x1p-24, 0x1p-126, 0.5}

// checkArithmetic finds a wrong mode by its results; it is the only check on architectures without a check of their control register.
func checkArithmetic() error {
	one, halfUlp := probe.one, probe.halfUlp
	odd := one + (halfUlp + halfUlp)
	switch {
	case one+halfUlp != 1 || odd+halfUlp != 1+0x1p-22 || -one-halfUlp != -1 || one+float32(halfUlp*1.5) != 1+0x1p-23 || -one-float32(halfUlp*1.5) != -1-0x1p-23:
		return errors.New("the floating-point unit does not round to nearest, ties to even: something in this process changed its " +
			"rounding mode; run a binary built with CGO_ENABLED=0")
	case math.Float32bits(probe.tiny*probe.half) != 0x00400000:
		return errFlush("results are flushed to zero")
	case math.Float32frombits(math.Float32bits(probe.tiny)>>1)*2/probe.half == 0:
		return errFlush("operands are taken as zero")
	}
	return nil
}

func errFlush(what string) error {
	return errors.New("the floating-point unit does not keep subnormal numbers (" + what + "): something in this process, for " +
		"example a library built with -ffast-math, changed its mode; run a binary built with CGO_ENABLED=0")
}
