package main

import "fmt"

// NEON instructions as words: the Go assembler knows few of them. Registers are numbers of V registers, all with four lanes of 32 bits.

// word emits an instruction by its encoding, with its text as a comment.
func (a *arm64) word(encoding uint32, format string, args ...any) {
	a.line("WORD $0x%08X // %s", encoding, fmt.Sprintf(format, args...))
}

// three emits d = n op m.
func (a *arm64) three(i neonOp, d, n, m int) {
	a.word(i.code|uint32(m)<<16|uint32(n)<<5|uint32(d), "%s v%d%s, v%d%s, v%d%s", i.name, d, i.lanes, n, i.lanes, m, i.lanes)
}

// two emits d = op n.
func (a *arm64) two(i neonOp, d, n int) {
	a.word(i.code|uint32(n)<<5|uint32(d), "%s v%d%s, v%d%s", i.name, d, i.lanes, n, i.lanes)
}

type neonOp struct {
	code        uint32
	name, lanes string
}

// Of three registers.
var (
	fadd  = neonOp{0x4E20D400, "fadd", ".4s"}
	fsub  = neonOp{0x4EA0D400, "fsub", ".4s"}
	fmul  = neonOp{0x6E20DC00, "fmul", ".4s"}
	fdiv  = neonOp{0x6E20FC00, "fdiv", ".4s"}
	fmla  = neonOp{0x4E20CC00, "fmla", ".4s"}  // d += n·m, one rounding
	fmls  = neonOp{0x4EA0CC00, "fmls", ".4s"}  // d -= n·m
	fcmgt = neonOp{0x6EA0E400, "fcmgt", ".4s"} // ones where n > m
	fcmeq = neonOp{0x4E20E400, "fcmeq", ".4s"}
	cmeq  = neonOp{0x6EA08C00, "cmeq", ".4s"}
	iadd  = neonOp{0x4EA08400, "add", ".4s"}
	isub  = neonOp{0x6EA08400, "sub", ".4s"}
	and   = neonOp{0x4E201C00, "and", ".16b"}
	orr   = neonOp{0x4EA01C00, "orr", ".16b"}
	eor   = neonOp{0x6E201C00, "eor", ".16b"}
	bic   = neonOp{0x4E601C00, "bic", ".16b"} // n &^ m
	bsl   = neonOp{0x6E601C00, "bsl", ".16b"} // d = d ? n : m
	bit   = neonOp{0x6EA01C00, "bit", ".16b"} // d = m ? n : d
	bif   = neonOp{0x6EE01C00, "bif", ".16b"} // d = m ? d : n
	uzp1  = neonOp{0x4E801800, "uzp1", ".4s"} // even elements of n and m
	uzp2  = neonOp{0x4E805800, "uzp2", ".4s"} // odd elements
	zip1  = neonOp{0x4E803800, "zip1", ".4s"} // pairs of the low halves
	zip2  = neonOp{0x4E807800, "zip2", ".4s"} // pairs of the high halves
)

// Of two registers.
var (
	fsqrt = neonOp{0x6EA1F800, "fsqrt", ".4s"}
	fneg  = neonOp{0x6EA0F800, "fneg", ".4s"}
	scvtf = neonOp{0x4E21D800, "scvtf", ".4s"}
)

func (a *arm64) move(d, n int) {
	a.word(orr.code|uint32(n)<<16|uint32(n)<<5|uint32(d), "mov v%d.16b, v%d.16b", d, n)
}

func (a *arm64) shiftLeft(d, n int, distance uint32) {
	a.word(0x4F005400|(32+distance)<<16|uint32(n)<<5|uint32(d), "shl v%d.4s, v%d.4s, #%d", d, n, distance)
}

func (a *arm64) shiftRight(d, n int, distance uint32) {
	a.word(0x4F000400|(64-distance)<<16|uint32(n)<<5|uint32(d), "sshr v%d.4s, v%d.4s, #%d", d, n, distance)
}

// spread copies lane 0 to all lanes.
func (a *arm64) spread(r int) {
	a.word(0x4E040400|uint32(r)<<5|uint32(r), "dup v%d.4s, v%d.s[0]", r, r)
}

// rotate moves the lanes down by so many bytes.
func (a *arm64) rotate(d, n, bytes int) {
	a.word(0x6E000000|uint32(n)<<16|uint32(bytes)<<11|uint32(n)<<5|uint32(d), "ext v%d.16b, v%d.16b, v%d.16b, #%d", d, n, n, bytes)
}

// loadFrom and storeTo move 16 bytes at base + offset, a multiple of 16.
func (a *arm64) loadFrom(r, base, offset int) {
	a.word(0x3DC00000|uint32(offset/16)<<10|uint32(base)<<5|uint32(r), "ldr q%d, [x%d, #%d]", r, base, offset)
}

func (a *arm64) storeTo(r, base, offset int) {
	a.word(0x3D800000|uint32(offset/16)<<10|uint32(base)<<5|uint32(r), "str q%d, [x%d, #%d]", r, base, offset)
}
