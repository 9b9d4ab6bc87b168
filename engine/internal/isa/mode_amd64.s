#include "textflag.h"

// func mxcsr() uint32
TEXT ·mxcsr(SB), NOSPLIT, $0-4
	STMXCSR ret+0(FP)
	RET

// func setMXCSR(r uint32)
TEXT ·setMXCSR(SB), NOSPLIT, $0-4
	LDMXCSR r+0(FP)
	RET
