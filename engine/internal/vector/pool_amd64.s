#include "textflag.h"

// Places of the even and odd elements of 32, and how 16 pairs are put together again.
DATA poolEven<>+0(SB)/8, $0x0000000200000000
DATA poolEven<>+8(SB)/8, $0x0000000600000004
DATA poolEven<>+16(SB)/8, $0x0000000a00000008
DATA poolEven<>+24(SB)/8, $0x0000000e0000000c
DATA poolEven<>+32(SB)/8, $0x0000001200000010
DATA poolEven<>+40(SB)/8, $0x0000001600000014
DATA poolEven<>+48(SB)/8, $0x0000001a00000018
DATA poolEven<>+56(SB)/8, $0x0000001e0000001c
GLOBL poolEven<>(SB), RODATA|NOPTR, $64

DATA poolPairs<>+0(SB)/8, $0x0000001000000000
DATA poolPairs<>+8(SB)/8, $0x0000001100000001
DATA poolPairs<>+16(SB)/8, $0x0000001200000002
DATA poolPairs<>+24(SB)/8, $0x0000001300000003
DATA poolPairs<>+32(SB)/8, $0x0000001400000004
DATA poolPairs<>+40(SB)/8, $0x0000001500000005
DATA poolPairs<>+48(SB)/8, $0x0000001600000006
DATA poolPairs<>+56(SB)/8, $0x0000001700000007
GLOBL poolPairs<>(SB), RODATA|NOPTR, $64

// Masks for n < 16 outputs in AX: K5 the outputs, K6 and K7 the first and second 16 of their 2n inputs. Uses CX and DX.
#define TAIL_MASKS \
	MOVQ AX, CX \
	MOVL $1, DX \
	SHLL CX, DX \
	DECL DX \
	KMOVW DX, K5 \
	SHLQ $1, CX \
	MOVQ $1, DX \
	SHLQ CX, DX \
	DECQ DX \
	KMOVW DX, K6 \
	SHRQ $16, DX \
	KMOVW DX, K7

// func poolRowsAVX512(dst *float32, index *uint32, src *float32, width, rows, cols int)
// rows × cols outputs from 2·rows lines of width values.
TEXT ·poolRowsAVX512(SB), NOSPLIT, $0-48
	MOVQ dst+0(FP), DI
	MOVQ index+8(FP), R8
	MOVQ src+16(FP), SI
	MOVQ width+24(FP), R9
	MOVQ rows+32(FP), R10
	MOVQ cols+40(FP), R11
	SHLQ $2, R9
	MOVQ R11, AX
	ANDQ $15, AX
	TAIL_MASKS
	VMOVDQU32 poolEven<>(SB), Z16
	MOVL $1, DX
	VPBROADCASTD DX, Z17       // 1
	VPADDD Z17, Z17, Z18       // 2
	VPADDD Z18, Z17, Z19       // 3
	VPADDD Z17, Z16, Z20       // places of the odd elements

row:
	MOVQ SI, BX                // top line
	LEAQ (SI)(R9*1), DX        // bottom line
	MOVQ R11, R12
	KXNORW K1, K1, K1
	KXNORW K2, K2, K2
	KXNORW K3, K3, K3

piece:
	CMPQ R12, $16
	JGE whole
	TESTQ R12, R12
	JZ done
	KMOVW K5, K1
	KMOVW K6, K2
	KMOVW K7, K3

whole:
	VMOVUPS.Z (BX), K2, Z0
	VMOVUPS.Z 64(BX), K3, Z1
	VMOVUPS.Z (DX), K2, Z2
	VMOVUPS.Z 64(DX), K3, Z3
	VMOVAPS Z16, Z4
	VMOVAPS Z20, Z5
	VMOVAPS Z16, Z6
	VMOVAPS Z20, Z7
	VPERMI2PS Z1, Z0, Z4
	VPERMI2PS Z1, Z0, Z5
	VPERMI2PS Z3, Z2, Z6
	VPERMI2PS Z3, Z2, Z7
	VPXORD Z8, Z8, Z8
	VCMPPS $0x1e, Z4, Z5, K4   // greater, false for NaN
	VMOVAPS Z5, K4, Z4
	VMOVDQA32 Z17, K4, Z8
	VCMPPS $0x1e, Z4, Z6, K4
	VMOVAPS Z6, K4, Z4
	VMOVDQA32 Z18, K4, Z8
	VCMPPS $0x1e, Z4, Z7, K4
	VMOVAPS Z7, K4, Z4
	VMOVDQA32 Z19, K4, Z8
	VMOVUPS Z4, K1, (DI)
	VMOVDQU32 Z8, K1, (R8)
	CMPQ R12, $16
	JLT last
	ADDQ $64, DI
	ADDQ $64, R8
	ADDQ $128, BX
	ADDQ $128, DX
	SUBQ $16, R12
	JMP piece

last:
	LEAQ (DI)(R12*4), DI
	LEAQ (R8)(R12*4), R8

done:
	LEAQ (SI)(R9*2), SI
	DECQ R10
	JNZ row
	VZEROUPPER
	RET

// func poolRowsGradAVX512(dx *float32, dy *float32, index *uint32, width, rows, cols int)
// 2·rows lines of width values, of which 2·cols are stored, from rows × cols gradients.
TEXT ·poolRowsGradAVX512(SB), NOSPLIT, $0-48
	MOVQ dx+0(FP), SI
	MOVQ dy+8(FP), DI
	MOVQ index+16(FP), R8
	MOVQ width+24(FP), R9
	MOVQ rows+32(FP), R10
	MOVQ cols+40(FP), R11
	SHLQ $2, R9
	MOVQ R11, AX
	ANDQ $15, AX
	TAIL_MASKS
	VMOVDQU32 poolPairs<>(SB), Z16
	MOVL $1, DX
	VPBROADCASTD DX, Z17
	VPADDD Z17, Z17, Z18
	VPADDD Z18, Z17, Z19
	VPSLLD $3, Z17, Z20
	VPADDD Z20, Z16, Z20       // the upper half of the pairs
	VPXORD Z21, Z21, Z21

row:
	MOVQ SI, BX
	LEAQ (SI)(R9*1), DX
	MOVQ R11, R12
	KXNORW K1, K1, K1
	KXNORW K2, K2, K2
	KXNORW K3, K3, K3

piece:
	CMPQ R12, $16
	JGE whole
	TESTQ R12, R12
	JZ done
	KMOVW K5, K1
	KMOVW K6, K2
	KMOVW K7, K3

whole:
	VMOVUPS.Z (DI), K1, Z0
	VMOVDQU32.Z (R8), K1, Z1
	VPCMPEQD Z21, Z1, K4
	VMOVAPS.Z Z0, K4, Z4
	VPCMPEQD Z17, Z1, K4
	VMOVAPS.Z Z0, K4, Z5
	VPCMPEQD Z18, Z1, K4
	VMOVAPS.Z Z0, K4, Z6
	VPCMPEQD Z19, Z1, K4
	VMOVAPS.Z Z0, K4, Z7
	VMOVAPS Z16, Z8
	VMOVAPS Z20, Z9
	VMOVAPS Z16, Z10
	VMOVAPS Z20, Z11
	VPERMI2PS Z5, Z4, Z8
	VPERMI2PS Z5, Z4, Z9
	VPERMI2PS Z7, Z6, Z10
	VPERMI2PS Z7, Z6, Z11
	VMOVUPS Z8, K2, (BX)
	VMOVUPS Z9, K3, 64(BX)
	VMOVUPS Z10, K2, (DX)
	VMOVUPS Z11, K3, 64(DX)
	CMPQ R12, $16
	JLT last
	ADDQ $64, DI
	ADDQ $64, R8
	ADDQ $128, BX
	ADDQ $128, DX
	SUBQ $16, R12
	JMP piece

last:
	LEAQ (DI)(R12*4), DI
	LEAQ (R8)(R12*4), R8

done:
	LEAQ (SI)(R9*2), SI
	DECQ R10
	JNZ row
	VZEROUPPER
	RET
