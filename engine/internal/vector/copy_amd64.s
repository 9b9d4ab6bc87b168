#include "textflag.h"

// func copyRowsAVX512(dst *float32, dstStride int, src *float32, srcStride, rows, cols int)
TEXT ·copyRowsAVX512(SB), NOSPLIT, $0-48
	MOVQ dst+0(FP), DI
	MOVQ dstStride+8(FP), R8
	MOVQ src+16(FP), SI
	MOVQ srcStride+24(FP), R9
	MOVQ rows+32(FP), R10
	MOVQ cols+40(FP), R11
	SHLQ $2, R8
	SHLQ $2, R9

	// K1: the lanes of the last, partial vector of a row.
	MOVQ R11, CX
	ANDQ $15, CX
	MOVL $1, AX
	SHLL CX, AX
	DECL AX
	KMOVW AX, K1
	SHRQ $4, R11

row:
	MOVQ DI, DX
	MOVQ SI, BX
	MOVQ R11, R12
	TESTQ R12, R12
	JZ rest

whole:
	VMOVUPS (BX), Z0
	VMOVUPS Z0, (DX)
	ADDQ $64, BX
	ADDQ $64, DX
	DECQ R12
	JNZ whole

rest:
	VMOVUPS.Z (BX), K1, Z0
	VMOVUPS Z0, K1, (DX)
	ADDQ R8, DI
	ADDQ R9, SI
	DECQ R10
	JNZ row
	VZEROUPPER
	RET
