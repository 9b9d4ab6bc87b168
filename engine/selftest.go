package engine

import (
	"crypto/sha256"
	"encoding/binary"
	"encoding/hex"
	"fmt"
	"math"

	"github.com/pold-network/pold/engine/internal/exact"
	"github.com/pold-network/pold/engine/internal/gemm"
	"github.com/pold-network/pold/engine/internal/vector"
)

// SelfTest recomputes stored answers on this machine: fused multiply-adds, matrix products, every kernel on ordinary and on special
// numbers, and training steps of small networks with each objective and optimiser. It also checks the floating-point mode of the calling
// thread and of all workers. It takes a few milliseconds, on the portable backend some more. A validator whose SelfTest fails must not
// vote; the error names what differs.
func SelfTest() error {
	on := defaultMachine()
	return selfTest(on, on.pool.CheckWorkers)
}

// selfTestItem is one computation whose result bits are known. The answers belong to Version and never change with it.
type selfTestItem struct {
	name   string
	answer string // SHA-256 of the result
	run    func(on *machine) []byte
}

// check runs the item and compares.
func (item selfTestItem) check(on *machine) error {
	digest := sha256.Sum256(item.run(on))
	if got := hex.EncodeToString(digest[:]); got != item.answer {
		return fmt.Errorf("%w: %s: expected digest %s, got %s; this machine or build does not compute as %s demands, do not vote with it",
			ErrSelfTest, item.name, item.answer, got, Version)
	}
	return nil
}

// selfTest runs every item, and checkModes before and after: a worker looks at its mode when there is work.
func selfTest(on *machine, checkModes func() error) error {
	modes := func() error {
		if err := checkModes(); err != nil {
			return fmt.Errorf("%w: %w; do not vote with this process", ErrSelfTest, err)
		}
		return nil
	}
	if err := modes(); err != nil {
		return err
	}
	for _, item := range selfTestItems() {
		if err := item.check(on); err != nil {
			return err
		}
	}
	return modes()
}

func selfTestItems() []selfTestItem {
	items := []selfTestItem{
		{"subnormal arithmetic", "e1bf7d77bbaed65ec1f4e390dfde1f0835459939346d5ffee644da01d56e2a80", selfTestSubnormals},
		{"fused multiply-add", "70b17bd32dad240ff19f4662273e316c262122783582f9509b685166ebf1c069", selfTestFMA},
		{"matrix product", "35014f971f61fb6b0f74a6c3252bb96b392ea8fe12676aae8eb6eb0235ed3df0", selfTestGemm},
		{"matrix product in tiles", "06506e30ae85a9d04f38df8cac1ccd5fa95fb8487971d8f03d4120599d03a65c", selfTestTiles},
		{"exponential", "ed5efb2bbdeacde67a09e062f0c9dd348a4d98bba9798829af058842d7e028b7", selfTestFunction(func(v *vector.Kernels) function { return v.Exp })},
		{"logarithm", "073be3638b0d195da12e37e35121b139bb877c24d6b24f24e8c88787e63a345c", selfTestFunction(func(v *vector.Kernels) function { return v.Log })},
		{"hyperbolic tangent", "59a0175d9c05a0b02dd25136f4e07dce5464eb5333eccb1d9498eb516bafd621", selfTestFunction(func(v *vector.Kernels) function { return v.Tanh })},
		{"reductions", "04ab460b57e4f5d9b7db2bdfe096662471bf5b7fdec4bb449da4f80b1221d7d5", selfTestReductions},
	}
	return append(append(items, selfTestNetworks()...), selfTestKernels()...)
}

// selfTestNumbers returns n numbers in (-1, 1), different for each label.
func selfTestNumbers(label string, n int) []float32 {
	s := newStream([32]byte{}, "self-test/"+label, 0)
	x := make([]float32, n)
	for i := range x {
		x[i] = s.symmetric()
	}
	return x
}

func appendBits(b []byte, x ...float32) []byte {
	for _, v := range x {
		b = binary.LittleEndian.AppendUint32(b, exact.CanonicalBits(v))
	}
	return b
}

// selfTestSubnormals finds processors that were told to flush tiny numbers to zero.
func selfTestSubnormals(*machine) []byte {
	x := selfTestNumbers("subnormals", 64)
	var b []byte
	for i, v := range x {
		tiny := float32(v * 0x1p-126)
		b = appendBits(b, tiny, tiny*0.5, tiny+float32(x[len(x)-1-i]*0x1p-130), tiny/3, exact.Sqrt(float32(math.Abs(float64(tiny)))))
	}
	return b
}

// selfTestFMA includes sums that lie half way between two float32 values, or nearly so.
func selfTestFMA(*machine) []byte {
	x := selfTestNumbers("fma", 300)
	var b []byte
	for i := 0; i+2 < len(x); i++ {
		b = appendBits(b, exact.FMA(x[i], x[i+1], x[i+2]), exact.FMA(x[i], x[i+1]*0x1p-100, x[i+2]*0x1p-126))
		// 1 + 2^-24 is half way between 1 and the next number; the product moves it by less than float64 can see.
		b = appendBits(b, exact.FMA(1+0x1p-12, 0x1p-12, 1), exact.FMA(x[i]*0x1p-30, x[i+1]*0x1p-30, 1+0x1p-23))
	}
	return appendBits(b, exact.FMA(0x1.000002p0, 0x1.000002p-54, 0x1p29), exact.FMA(0x1.fffffep-1, 0x1.000002p-24, 1))
}

func selfTestGemm(on *machine) []byte {
	const m, n, k = 17, 19, 67
	a, bm := selfTestNumbers("gemm/a", m*k), selfTestNumbers("gemm/b", k*n)
	var b []byte
	for variant := range 8 {
		c := selfTestNumbers("gemm/c", m*n)
		p := gemm.Product{TransA: variant&1 != 0, TransB: variant&2 != 0, Accumulate: variant&4 != 0,
			M: m, N: n, K: k, A: a, LDA: k, B: bm, LDB: n, C: c, LDC: n}
		if p.TransA {
			p.LDA = m
		}
		if p.TransB {
			p.LDB = k
		}
		on.mul.Multiply(&p)
		b = appendBits(b, c...)
	}
	return append(b, selfTestGemmTies(on)...)
}

// selfTestGemmTies computes z + x·y, as a product over k = 2, for sums that miss the middle of two float32 values by less than float64
// can see.
func selfTestGemmTies(on *machine) []byte {
	const rows, columns = 64, 5
	zx := selfTestNumbers("gemm/ties", 2*rows)
	oneY := make([]float32, 2*columns)
	for i := 0; i < len(zx); i += 2 {
		zx[i] = 1 + float32(math.Abs(float64(zx[i])))
		zx[i+1] = 1 + 0x1p-23
	}
	for j := range columns {
		oneY[j] = 1
		oneY[columns+j] = 0x1p-24 * (1 + float32(float32(j-2)*0x1p-23))
	}
	c := make([]float32, rows*columns)
	on.mul.Multiply(&gemm.Product{M: rows, N: columns, K: 2, A: zx, LDA: 2, B: oneY, LDB: columns, C: c, LDC: columns})
	return appendBits(nil, c...)
}

// selfTestTiles is large enough for full tiles, several blocks of columns and more than one block of k, through both ways to compute it.
func selfTestTiles(on *machine) []byte {
	const m, n, k = 29, 113, 67
	const deep = 1100
	a, bm := selfTestNumbers("tiles/a", m*deep), selfTestNumbers("tiles/b", n*deep)
	var b []byte
	var scratch gemm.Scratch
	for variant := range 5 {
		p := gemm.Product{TransA: variant&1 != 0, TransB: variant&2 != 0, M: m, N: n, K: k, A: a, LDA: k, B: bm, LDB: n, LDC: n}
		if variant == 4 {
			p.K, p.M, p.LDA = deep, 9, deep
		}
		if p.TransA {
			p.LDA = m
		}
		if p.TransB {
			p.LDB = k
		}
		p.C = make([]float32, m*n)
		on.mul.Multiply(&p)
		b = appendBits(b, p.C...)
		p.Accumulate = true
		on.mul.Serial(&p, &scratch)
		b = appendBits(b, p.C...)
	}
	return b
}
