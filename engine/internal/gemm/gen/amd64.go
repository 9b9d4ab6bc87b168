package main

import "fmt"

// amd64 describes the kernels of one vector width.
type amd64 struct {
	name          string
	bytes         int    // of a vector
	register      string // prefix of its name
	rows, vectors int
	b             int // first register of the row of B; the accumulators are below
	broadcast     []int
	mask          int  // vector register of the mask, where there is no mask register
	opmask        bool // masks are in K1
	broadcastMask []int
}

var avx2 = amd64{name: "avx2", bytes: 32, register: "Y", rows: 6, vectors: 2, b: 12, broadcast: []int{14, 15}, broadcastMask: []int{14}, mask: 15}

var avx512 = amd64{name: "avx512", bytes: 64, register: "Z", rows: 8, vectors: 3, b: 24, broadcast: []int{28, 29, 30, 31},
	broadcastMask: []int{28, 29, 30, 31}, opmask: true}

func (a amd64) reg(i int) string { return fmt.Sprintf("%s%d", a.register, i) }

func (a amd64) acc(row, vector, vectors int) string { return a.reg(row*vectors + vector) }

func (a amd64) file() []byte {
	f := newFile("")
	entry := map[string]string{"avx2": "AVX2", "avx512": "AVX512"}[a.name]
	f.line("")
	f.line("// func tiles%s(t *tiles)", entry)
	f.line("TEXT ·tiles%s(SB), NOSPLIT, $0-8", entry)
	f.op("MOVQ t+0(FP), DI")
	f.op("MOVQ %d(DI), AX", fieldKernel)
	f.op("LEAQ %sTable<>(SB), BX", a.name)
	f.op("MOVQ (BX)(AX*8), AX")
	f.op("JMP AX")

	var table []string
	for _, masked := range []bool{false, true} {
		for vectors := 1; vectors <= a.vectors; vectors++ {
			for rows := 1; rows <= a.rows; rows++ {
				table = append(table, a.tile(f, rows, vectors, masked))
			}
		}
	}
	f.table(a.name+"Table", table)
	if a.name == "avx2" {
		transposeAVX2(f)
	}
	a.peak(f, entry)
	return f.Bytes()
}

// tile writes a kernel and returns its symbol. Registers: R8 a, R9 row step, R13 three row steps, R10 k step, SI b, R11 b step,
// DX c, R12 c step, CX k; AX and BX point to the rows 0 and 4 of the column of A, R15 to the row of B.
func (a amd64) tile(f *file, rows, vectors int, masked bool) string {
	symbol := fmt.Sprintf("%s_%dx%d", a.name, rows, vectors)
	if masked {
		symbol += "_masked"
	}
	f.text(symbol)
	for _, r := range []struct {
		field    int
		register string
	}{{fieldA, "R8"}, {fieldRowStep, "R9"}, {fieldKStep, "R10"}, {fieldB, "SI"}, {fieldBStep, "R11"}, {fieldC, "DX"}, {fieldCStep, "R12"}} {
		f.op("MOVQ %d(DI), %s", r.field, r.register)
	}
	if rows > 3 {
		f.op("LEAQ (R9)(R9*2), R13")
	}
	if masked {
		f.op("MOVQ %d(DI), AX", fieldMask)
		if a.opmask {
			f.op("KMOVW (AX), K1")
		} else {
			f.op("VMOVUPS (AX), %s", a.reg(a.mask))
		}
	}

	f.label("tile")
	f.op("MOVQ %d(DI), CX", fieldK)
	f.op("CMPQ %d(DI), $0", fieldAccumulate)
	f.op("JNE load")
	for i := range rows * vectors {
		if a.opmask {
			f.op("VPXORD %s, %s, %s", a.reg(i), a.reg(i), a.reg(i))
		} else {
			f.op("VXORPS %s, %s, %s", a.reg(i), a.reg(i), a.reg(i))
		}
	}
	f.op("JMP begin")
	f.label("load")
	a.rowsOfC(f, rows, "DX", func(row int) {
		for v := range vectors {
			a.load(f, fmt.Sprintf("%d(AX)", v*a.bytes), a.acc(row, v, vectors), masked && v == vectors-1)
		}
	})
	f.label("begin")
	// The rows of C of the next tile come into the cache while this one is computed.
	f.op("MOVQ DX, R15")
	f.op("ADDQ %d(DI), R15", fieldNextC)
	a.rowsOfC(f, rows, "R15", func(int) {
		for offset := 0; offset < vectors*a.bytes; offset += 64 {
			f.op("PREFETCHT0 %d(AX)", offset)
		}
	})
	f.op("MOVQ R8, AX")
	if rows > 4 {
		f.op("LEAQ (R8)(R9*4), BX")
	}
	f.op("MOVQ SI, R15")
	f.line("\tPCALIGN $32")
	f.label("step")
	for v := range vectors {
		a.load(f, fmt.Sprintf("%d(R15)", v*a.bytes), a.reg(a.b+v), masked && v == vectors-1)
	}
	broadcast := a.broadcast
	if masked {
		broadcast = a.broadcastMask
	}
	for row := range rows {
		x := a.reg(broadcast[row%len(broadcast)])
		f.op("VBROADCASTSS %s, %s", rowAddress(row), x)
		for v := range vectors {
			f.op("VFMADD231PS %s, %s, %s", a.reg(a.b+v), x, a.acc(row, v, vectors))
		}
	}
	f.op("ADDQ R11, R15")
	f.op("ADDQ R10, AX")
	if rows > 4 {
		f.op("ADDQ R10, BX")
	}
	f.op("DECQ CX")
	f.op("JNE step")

	a.rowsOfC(f, rows, "DX", func(row int) {
		for v := range vectors {
			a.store(f, a.acc(row, v, vectors), fmt.Sprintf("%d(AX)", v*a.bytes), masked && v == vectors-1)
		}
	})
	f.op("ADDQ %d(DI), R8", fieldNextA)
	f.op("ADDQ %d(DI), SI", fieldNextB)
	f.op("ADDQ %d(DI), DX", fieldNextC)
	f.op("DECQ %d(DI)", fieldCount)
	f.op("JNE tile")
	f.op("VZEROUPPER")
	f.op("RET")
	return symbol
}

// rowsOfC lets AX point to one row of C after the other, the first one at base.
func (a amd64) rowsOfC(f *file, rows int, base string, use func(row int)) {
	f.op("MOVQ %s, AX", base)
	for row := range rows {
		use(row)
		if row < rows-1 {
			f.op("ADDQ R12, AX")
		}
	}
}

// rowAddress is the operand of a row of the column of A.
func rowAddress(row int) string {
	base := [...]string{"AX", "BX"}[row/4]
	return "(" + base + ")" + [...]string{"", "(R9*1)", "(R9*2)", "(R13*1)"}[row%4]
}

func (a amd64) load(f *file, from, to string, masked bool) {
	switch {
	case !masked:
		f.op("VMOVUPS %s, %s", from, to)
	case a.opmask:
		f.op("VMOVUPS.Z %s, K1, %s", from, to)
	default:
		f.op("VMASKMOVPS %s, %s, %s", from, a.reg(a.mask), to)
	}
}

func (a amd64) store(f *file, from, to string, masked bool) {
	switch {
	case !masked:
		f.op("VMOVUPS %s, %s", from, to)
	case a.opmask:
		f.op("VMOVUPS %s, K1, %s", from, to)
	default:
		f.op("VMASKMOVPS %s, %s, %s", from, a.reg(a.mask), to)
	}
}

// peak writes a loop of multiply-adds that fill the arithmetic units: x = x·½ + 1 in as many registers as are left.
func (a amd64) peak(f *file, entry string) {
	f.line("")
	f.line("// func peak%s(rounds int)", entry)
	f.line("TEXT ·peak%s(SB), NOSPLIT, $0-8", entry)
	f.op("MOVQ rounds+0(FP), CX")
	f.op("MOVL $0x3f000000, AX") // 0.5
	f.op("VMOVD AX, X%d", a.b)
	f.op("VBROADCASTSS X%d, %s", a.b, a.reg(a.b))
	f.op("MOVL $0x3f800000, AX") // 1
	f.op("VMOVD AX, X%d", a.b+1)
	f.op("VBROADCASTSS X%d, %s", a.b+1, a.reg(a.b+1))
	for i := range a.b {
		f.op("VMOVAPS %s, %s", a.reg(a.b+1), a.reg(i))
	}
	f.line("\tPCALIGN $32")
	f.label("round")
	for i := range a.b {
		f.op("VFMADD213PS %s, %s, %s", a.reg(a.b+1), a.reg(a.b), a.reg(i))
	}
	f.op("DECQ CX")
	f.op("JNE round")
	f.op("VZEROUPPER")
	f.op("RET")
}

// transposeAVX2 writes a function that transposes 8 rows of 8 values, again and again along the rows.
func transposeAVX2(f *file) {
	f.line("")
	f.line("// func transposeAVX2(dst unsafe.Pointer, dstStep int, src unsafe.Pointer, srcStep, blocks int)")
	f.line("TEXT ·transposeAVX2(SB), NOSPLIT, $0-40")
	f.op("MOVQ dst+0(FP), DI")
	f.op("MOVQ dstStep+8(FP), R12")
	f.op("MOVQ src+16(FP), AX")
	f.op("MOVQ srcStep+24(FP), R9")
	f.op("MOVQ blocks+32(FP), CX")
	f.op("LEAQ (R9)(R9*2), R13")
	f.op("LEAQ (R12)(R12*2), R14")
	f.op("LEAQ (AX)(R9*4), BX")
	f.op("LEAQ (DI)(R12*4), SI")
	f.label("block")
	// Row i joins row i+4: the halves of a register hold the same columns, or the next four, of both.
	for i := range 4 {
		low, high := rowAddress(i), rowAddress(i+4)
		f.op("VMOVUPS %s, X%d", low, i)
		f.op("VINSERTF128 $1, %s, Y%d, Y%d", high, i, i)
		f.op("VMOVUPS 16%s, X%d", low, i+4)
		f.op("VINSERTF128 $1, 16%s, Y%d, Y%d", high, i+4, i+4)
	}
	for half := 0; half < 8; half += 4 {
		f.op("VUNPCKLPS Y%d, Y%d, Y8", half+1, half)
		f.op("VUNPCKHPS Y%d, Y%d, Y9", half+1, half)
		f.op("VUNPCKLPS Y%d, Y%d, Y10", half+3, half+2)
		f.op("VUNPCKHPS Y%d, Y%d, Y11", half+3, half+2)
		f.op("VUNPCKLPD Y10, Y8, Y%d", half)
		f.op("VUNPCKHPD Y10, Y8, Y%d", half+1)
		f.op("VUNPCKLPD Y11, Y9, Y%d", half+2)
		f.op("VUNPCKHPD Y11, Y9, Y%d", half+3)
	}
	for i, to := range []string{"(DI)", "(DI)(R12*1)", "(DI)(R12*2)", "(DI)(R14*1)", "(SI)", "(SI)(R12*1)", "(SI)(R12*2)", "(SI)(R14*1)"} {
		f.op("VMOVUPS Y%d, %s", i, to)
	}
	f.op("ADDQ $32, AX")
	f.op("ADDQ $32, BX")
	f.op("LEAQ (DI)(R12*8), DI")
	f.op("LEAQ (SI)(R12*8), SI")
	f.op("DECQ CX")
	f.op("JNE block")
	f.op("VZEROUPPER")
	f.op("RET")
}
