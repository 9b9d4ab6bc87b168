package engine

import (
	"crypto/sha256"
	"encoding/binary"
	"encoding/hex"
	"fmt"
	"math"

	"github.com/pold-network/pold/engine/internal/exact"
	"github.com/pold-network/pold/engine/internal/gemm"
	"github.com/pold-network/pold/engine/internal/isa"
	"github.com/pold-network/pold/engine/internal/vector"
	"github.com/pold-network/pold/modelspec"
)

// SelfTest recomputes stored answers on this machine: fused multiply-adds, a matrix product, the elementary functions over their whole
// range, reductions and three training steps with each optimiser and objective. It takes a few milliseconds. A validator whose
// SelfTest fails must not vote; the error names what differs.
func SelfTest() error {
	if err := isa.CheckMode(); err != nil {
		return fmt.Errorf("%w: %w; do not vote with this process", ErrSelfTest, err)
	}
	return selfTest(defaultMachine())
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

func selfTest(on *machine) error {
	for _, item := range selfTestItems() {
		if err := item.check(on); err != nil {
			return err
		}
	}
	return nil
}

func selfTestItems() []selfTestItem {
	return []selfTestItem{
		{"subnormal arithmetic", "e1bf7d77bbaed65ec1f4e390dfde1f0835459939346d5ffee644da01d56e2a80", selfTestSubnormals},
		{"fused multiply-add", "70b17bd32dad240ff19f4662273e316c262122783582f9509b685166ebf1c069", selfTestFMA},
		{"matrix product", "35014f971f61fb6b0f74a6c3252bb96b392ea8fe12676aae8eb6eb0235ed3df0", selfTestGemm},
		{"exponential", "ed5efb2bbdeacde67a09e062f0c9dd348a4d98bba9798829af058842d7e028b7", selfTestFunction(func(v *vector.Kernels) function { return v.Exp })},
		{"logarithm", "073be3638b0d195da12e37e35121b139bb877c24d6b24f24e8c88787e63a345c", selfTestFunction(func(v *vector.Kernels) function { return v.Log })},
		{"hyperbolic tangent", "59a0175d9c05a0b02dd25136f4e07dce5464eb5333eccb1d9498eb516bafd621", selfTestFunction(func(v *vector.Kernels) function { return v.Tanh })},
		{"reductions", "04ab460b57e4f5d9b7db2bdfe096662471bf5b7fdec4bb449da4f80b1221d7d5", selfTestReductions},
		{"training steps (sgd)", "26a4cf67fe091252908b3d0246a34b56359cb870f1e56f82ad0ea20c56f91b98", selfTestTraining(Recipe{Optimizer: OptimizerSGD, LearningRate: 0.1, Momentum: 0.9})},
		{"training steps (adam)", "56281961190a07d72a5f29d5136990b91ddd24a586d340b3fc6f809e82952245", selfTestTraining(Recipe{Optimizer: OptimizerAdam, LearningRate: 0.01, Momentum: 0.9, Beta2: 0.999, Epsilon: 1e-8})},
	}
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

type function = func(dst, x []float32)

// selfTestFunction samples all exponents and both signs evenly.
func selfTestFunction(of func(*vector.Kernels) function) func(*machine) []byte {
	return func(on *machine) []byte {
		const samples = 4099
		x := make([]float32, samples)
		for i := range x {
			x[i] = math.Float32frombits(uint32(i) * (1<<32/samples + 1))
		}
		// A second half where the functions are neither constant nor trivial.
		for _, v := range selfTestNumbers("function", samples) {
			x = append(x, v*16)
		}
		for _, b := range []uint32{0, 1, 0x7fffff, 0x800000, 0x3f800000, 0x42b17217, 0x42b17218, 0x42cff1b4, 0x42cff1b5, 0x7f7fffff, 0x7f800000, 0x7fc00001} {
			x = append(x, math.Float32frombits(b), math.Float32frombits(b|exact.SignBit))
		}
		of(on.vec)(x, x)
		return appendBits(nil, x...)
	}
}

func selfTestReductions(on *machine) []byte {
	x := selfTestNumbers("reductions", 1000)
	var b []byte
	for n := range 70 {
		b = appendBits(b, on.vec.Sum(x[:n]))
	}
	columns := make([]float32, 10)
	on.vec.SumColumns(columns, x, 100, 10, make([]float32, 16*10))
	return appendBits(b, columns...)
}

// selfTestTraining trains a small network for three steps with both objectives.
func selfTestTraining(r Recipe) func(*machine) []byte {
	return func(on *machine) []byte {
		spec := &Spec{
			InputShape:    []uint32{3, 2},
			Normalization: &Normalization{OffsetE6: -250_000, DivisorE6: 750_000},
			Layers: []Layer{
				{Name: "first", Kind: modelspec.KindDense, Units: 9}, {Name: "bend", Kind: modelspec.KindTanh},
				{Name: "second", Kind: modelspec.KindDense, Units: 7}, {Name: "cut", Kind: modelspec.KindReLU},
				{Name: "last", Kind: modelspec.KindDense, Units: 3},
			},
		}
		const rows = 20
		d := &Data{Features: 6, Targets: 3, X: selfTestNumbers("rows", rows*6), Y: selfTestNumbers("targets", rows*3)}
		for i := range rows {
			d.Labels = append(d.Labels, uint32(i%3))
		}
		r.BatchSize, r.Steps = 8, 3
		var b []byte
		for _, o := range []Objective{CrossEntropy, MeanSquaredError} {
			m, err := NewModel(spec, [32]byte{1})
			if err != nil {
				return []byte(err.Error())
			}
			m.machine = on
			if err := m.Train(d, o, r, func(_ int, loss float32) bool { b = appendBits(b, loss); return true }); err != nil {
				return []byte(err.Error())
			}
			e, err := m.Evaluate(d, o)
			if err != nil {
				return []byte(err.Error())
			}
			b = append(append(b, m.Encode()...), e.Digest[:]...)
			b = binary.LittleEndian.AppendUint64(b, e.LossE9)
			b = binary.LittleEndian.AppendUint64(b, e.MetricE9)
		}
		return b
	}
}
