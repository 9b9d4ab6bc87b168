package main

import (
	"fmt"
	"strings"
)

// The tile of NEON: 24 accumulators V0 to V23, the row of B in V24 to V26, values of A in V27 to V31.
const (
	neonRows    = 8
	neonVectors = 3
	neonB       = 24
	neonA       = 27
)

func neonFile() []byte {
	f := newFile("")
	f.line("")
	f.line("// func tilesNEON(t *tiles)")
	f.line("TEXT ·tilesNEON(SB), NOSPLIT, $0-8")
	f.op("MOVD t+0(FP), R0")
	f.op("MOVD %d(R0), R1", fieldKernel)
	f.op("MOVD $neonTable<>(SB), R2")
	f.op("MOVD (R2)(R1<<3), R1")
	f.op("JMP (R1)")
	var table []string
	for vectors := 1; vectors <= neonVectors; vectors++ {
		for rows := 1; rows <= neonRows; rows++ {
			table = append(table, neonTile(f, rows, vectors))
		}
	}
	f.table("neonTable", table)
	transposeNEON(f)
	peakNEON(f)
	return f.Bytes()
}

// neonTile writes a kernel and returns its symbol. Registers: R0 arguments, R1 a, R2 row step, R3 k step, R4 b, R5 b step, R6 c,
// R7 c step, R8 k, R9 tiles; R10 is a pointer into C and the offset of the column of A, R11 points to the row of B, R19 to R26 to the rows of A.
func neonTile(f *file, rows, vectors int) string {
	symbol := fmt.Sprintf("neon_%dx%d", rows, vectors)
	f.text(symbol)
	for _, r := range []struct{ field, register int }{{fieldA, 1}, {fieldRowStep, 2}, {fieldKStep, 3}, {fieldB, 4}, {fieldBStep, 5},
		{fieldC, 6}, {fieldCStep, 7}, {fieldCount, 9}} {
		f.op("MOVD %d(R0), R%d", r.field, r.register)
	}
	f.label("tile")
	f.op("MOVD %d(R0), R8", fieldK)
	f.op("MOVD %d(R0), R10", fieldAccumulate)
	f.op("CBNZ R10, load")
	for i := range rows * vectors {
		f.op("VEOR V%d.B16, V%d.B16, V%d.B16", i, i, i)
	}
	f.op("B begin")
	f.label("load")
	neonRowsOfC(f, rows, func(row int) { f.op("VLD1 (R10), %s", neonList(row*vectors, vectors)) })
	f.label("begin")
	f.op("MOVD %d(R0), R11", fieldNextC)
	f.op("ADD R6, R11, R10")
	for row := range rows {
		f.op("PRFM (R10), PLDL1KEEP")
		if row < rows-1 {
			f.op("ADD R7, R10, R10")
		}
	}
	f.op("MOVD R1, R19")
	for row := 1; row < rows; row++ {
		f.op("ADD R2, R%d, R%d", 18+row, 19+row)
	}
	f.op("MOVD R4, R11")
	f.op("MOVD ZR, R10")
	f.label("step")
	f.op("VLD1.P (R11)(R5), %s", neonList(neonB, vectors))
	for row := range rows {
		x := neonA + row%(32-neonA)
		f.op("FMOVS (R%d)(R10), F%d", 19+row, x)
		for v := range vectors {
			multiplyAddByElement(f, row*vectors+v, neonB+v, x)
		}
	}
	f.op("ADD R3, R10, R10")
	f.op("SUBS $1, R8, R8")
	f.op("BNE step")
	neonRowsOfC(f, rows, func(row int) { f.op("VST1 %s, (R10)", neonList(row*vectors, vectors)) })
	for _, next := range []struct{ field, register int }{{fieldNextA, 1}, {fieldNextB, 4}, {fieldNextC, 6}} {
		f.op("MOVD %d(R0), R10", next.field)
		f.op("ADD R10, R%d, R%d", next.register, next.register)
	}
	f.op("SUBS $1, R9, R9")
	f.op("BNE tile")
	f.op("RET")
	return symbol
}

// multiplyAddByElement writes FMLA Vd.4S, Vn.4S, Vm.S[0], which the Go assembler does not know: one factor is the value in the lowest
// lane of Vm, where a scalar load puts it. A load that repeats the value in all lanes would take a slot of the arithmetic units of
// several processors.
func multiplyAddByElement(f *file, d, n, m int) {
	f.op("WORD $%#08x // FMLA V%d.S4, V%d.S4, V%d.S[0]", 0x4f801000|m<<16|n<<5|d, d, n, m)
}

func neonRowsOfC(f *file, rows int, use func(row int)) {
	f.op("MOVD R6, R10")
	for row := range rows {
		use(row)
		if row < rows-1 {
			f.op("ADD R7, R10, R10")
		}
	}
}

// neonList is a list of consecutive registers.
func neonList(first, count int) string {
	var names []string
	for i := range count {
		names = append(names, fmt.Sprintf("V%d.S4", first+i))
	}
	return "[" + strings.Join(names, ", ") + "]"
}

// transposeNEON writes a function that transposes 8 rows of 8 values, again and again along the rows.
func transposeNEON(f *file) {
	f.line("")
	f.line("// func transposeNEON(dst unsafe.Pointer, dstStep int, src unsafe.Pointer, srcStep, blocks int)")
	f.line("TEXT ·transposeNEON(SB), NOSPLIT, $0-40")
	f.op("MOVD dst+0(FP), R0")
	f.op("MOVD dstStep+8(FP), R1")
	f.op("MOVD src+16(FP), R2")
	f.op("MOVD srcStep+24(FP), R3")
	f.op("MOVD blocks+32(FP), R4")
	f.label("block")
	f.op("MOVD R2, R5")
	for row := range 8 {
		f.op("VLD1 (R5), [V%d.S4, V%d.S4]", 2*row, 2*row+1)
		f.op("ADD R3, R5, R5")
	}
	f.op("ADD $32, R2, R2")
	for half := range 2 { // columns 4·half to 4·half+3 of all rows
		for group := range 2 { // rows 4·group to 4·group+3
			r := func(row int) int { return 2*(4*group+row) + half }
			for pair := range 2 {
				f.op("VTRN1 V%d.S4, V%d.S4, V%d.S4", r(2*pair+1), r(2*pair), 16+2*pair)
				f.op("VTRN2 V%d.S4, V%d.S4, V%d.S4", r(2*pair+1), r(2*pair), 17+2*pair)
			}
			for column := range 2 {
				f.op("VTRN1 V%d.D2, V%d.D2, V%d.D2", 18+column, 16+column, 20+2*column+group)
				f.op("VTRN2 V%d.D2, V%d.D2, V%d.D2", 18+column, 16+column, 24+2*column+group)
			}
		}
		for column := range 4 {
			f.op("VST1 [V%d.S4, V%d.S4], (R0)", 20+2*column, 21+2*column)
			f.op("ADD R1, R0, R0")
		}
	}
	f.op("SUBS $1, R4, R4")
	f.op("BNE block")
	f.op("RET")
}

// peakNEON writes a loop of multiply-adds that fill the arithmetic units: x = x + ½·½ in 24 registers.
func peakNEON(f *file) {
	f.line("")
	f.line("// func peakNEON(rounds int)")
	f.line("TEXT ·peakNEON(SB), NOSPLIT, $0-8")
	f.op("MOVD rounds+0(FP), R0")
	f.op("FMOVS $0.5, F%d", neonB)
	f.op("VDUP V%d.S[0], V%d.S4", neonB, neonB)
	for i := range neonB {
		f.op("VEOR V%d.B16, V%d.B16, V%d.B16", i, i, i)
	}
	f.label("round")
	for i := range neonB {
		multiplyAddByElement(f, i, neonB, neonB)
	}
	f.op("SUBS $1, R0, R0")
	f.op("BNE round")
	f.op("RET")
}
