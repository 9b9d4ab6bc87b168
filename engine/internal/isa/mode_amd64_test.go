package isa

import (
	"runtime"
	"testing"
)

func TestEveryWrongModeIsFound(t *testing.T) {
	runtime.LockOSThread() // the mode belongs to the thread; it is put back before any other code runs on it
	defer runtime.UnlockOSThread()
	right := mxcsr()
	for name, bits := range map[string]uint32{"round down": 1 << 13, "round up": 2 << 13, "round toward zero": 3 << 13,
		"flush to zero": mxcsrFTZ, "denormals are zero": mxcsrDAZ} {
		if checkMXCSR(right|bits) == nil {
			t.Errorf("%s: not found in the register", name)
		}
		setMXCSR(right | bits)
		byArithmetic := checkArithmetic() != nil
		byEither := CheckMode() != nil
		setMXCSR(right)
		if !byArithmetic || !byEither {
			t.Errorf("%s: found by arithmetic %v, by CheckMode %v", name, byArithmetic, byEither)
		}
	}
	if err := CheckMode(); err != nil {
		t.Error(err)
	}
}
