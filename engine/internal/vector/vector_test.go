package vector

import (
	"fmt"
	"math"
	"math/rand/v2"

	"github.com/pold-network/pold/engine/internal/exact"
	"github.com/pold-network/pold/engine/internal/isa"
)

// call is one use of a kernel: slices in the order of its parameters, and scalars. It returns the result of the kernel, or 0.
type call struct {
	slices  [4][]float32
	index   []uint32
	scalars AdamCoefficients
}

// A subject is a kernel under test, reached by name through one signature.
type subject struct {
	name    string
	widths  [4]int // of each slice, in elements per element of the kernel; 0 ends the list
	index   bool
	nonzero bool // n must not be 0
	state   bool // writes other slices than the first, too
	run     func(k *Kernels, c *call) float32
}

var subjects = func() []subject {
	none := func(f func(k *Kernels, c *call)) func(*Kernels, *call) float32 {
		return func(k *Kernels, c *call) float32 {
			f(k, c)
			return 0
		}
	}
	unary := func(name string, f func(k *Kernels) func(dst, x []float32)) subject {
		return subject{name: name, widths: [4]int{1, 1}, run: none(func(k *Kernels, c *call) { f(k)(c.slices[0], c.slices[1]) })}
	}
	scalar := func(name string, f func(k *Kernels, dst, x []float32, s *AdamCoefficients)) subject {
		return subject{name: name, widths: [4]int{1, 1}, run: none(func(k *Kernels, c *call) { f(k, c.slices[0], c.slices[1], &c.scalars) })}
	}
	binary := func(name string, f func(k *Kernels) func(dst, a, b []float32)) subject {
		return subject{name: name, widths: [4]int{1, 1, 1}, run: none(func(k *Kernels, c *call) {
			f(k)(c.slices[0], c.slices[1], c.slices[2])
		})}
	}
	return []subject{
		unary("Exp", func(k *Kernels) func(dst, x []float32) { return k.Exp }),
		unary("Log", func(k *Kernels) func(dst, x []float32) { return k.Log }),
		unary("Tanh", func(k *Kernels) func(dst, x []float32) { return k.Tanh }),
		unary("Sigmoid", func(k *Kernels) func(dst, x []float32) { return k.Sigmoid }),
		unary("GELU", func(k *Kernels) func(dst, x []float32) { return k.GELU }),
		unary("SiLU", func(k *Kernels) func(dst, x []float32) { return k.SiLU }),
		unary("ReLU", func(k *Kernels) func(dst, x []float32) { return k.ReLU }),
		binary("ReLUGrad", func(k *Kernels) func(dx, y, dy []float32) { return k.ReLUGrad }),
		binary("TanhGrad", func(k *Kernels) func(dx, y, dy []float32) { return k.TanhGrad }),
		binary("SigmoidGrad", func(k *Kernels) func(dx, y, dy []float32) { return k.SigmoidGrad }),
		binary("GELUGrad", func(k *Kernels) func(dx, x, dy []float32) { return k.GELUGrad }),
		binary("SiLUGrad", func(k *Kernels) func(dx, x, dy []float32) { return k.SiLUGrad }),
		binary("Add", func(k *Kernels) func(dst, a, b []float32) { return k.Add }),
		binary("Sub", func(k *Kernels) func(dst, a, b []float32) { return k.Sub }),
		binary("Mul", func(k *Kernels) func(dst, a, b []float32) { return k.Mul }),
		{name: "AddScaled", widths: [4]int{1, 1, 1}, run: none(func(k *Kernels, c *call) {
			k.AddScaled(c.slices[0], c.slices[1], c.slices[2], c.scalars.Rate)
		})},
		scalar("Scale", func(k *Kernels, dst, x []float32, s *AdamCoefficients) { k.Scale(dst, x, s.Rate) }),
		scalar("AddScalar", func(k *Kernels, dst, x []float32, s *AdamCoefficients) { k.AddScalar(dst, x, s.Rate) }),
		scalar("DivScalar", func(k *Kernels, dst, x []float32, s *AdamCoefficients) { k.DivScalar(dst, x, s.Rate) }),
		scalar("DivScale", func(k *Kernels, dst, x []float32, s *AdamCoefficients) { k.DivScale(dst, x, s.Rate, s.Beta1) }),
		scalar("Normalize", func(k *Kernels, dst, x []float32, s *AdamCoefficients) { k.Normalize(dst, x, s.Rate, s.Beta1) }),
		scalar("Standardize", func(k *Kernels, dst, x []float32, s *AdamCoefficients) { k.Standardize(dst, x, s.Rate, s.Beta1) }),
		scalar("Affine", func(k *Kernels, dst, x []float32, s *AdamCoefficients) { k.Affine(dst, x, s.Rate, s.Beta1) }),
		{name: "AffineRow", widths: [4]int{1, 1, 1, 1}, run: none(func(k *Kernels, c *call) {
			k.AffineRow(c.slices[0], c.slices[1], c.slices[2], c.slices[3])
		})},
		{name: "LayerNormGrad", widths: [4]int{1, 1, 1}, run: none(func(k *Kernels, c *call) {
			k.LayerNormGrad(c.slices[0], c.slices[1], c.slices[2], c.scalars.Rate, c.scalars.Beta1, c.scalars.Beta2)
		})},
		{name: "Sum", widths: [4]int{1}, run: func(k *Kernels, c *call) float32 { return k.Sum(c.slices[0]) }},
		{name: "Dot", widths: [4]int{1, 1}, run: func(k *Kernels, c *call) float32 { return k.Dot(c.slices[0], c.slices[1]) }},
		{name: "SumSquaredDiff", widths: [4]int{1}, run: func(k *Kernels, c *call) float32 {
			return k.SumSquaredDiff(c.slices[0], c.scalars.Rate)
		}},
		{name: "Max", widths: [4]int{1}, nonzero: true, run: func(k *Kernels, c *call) float32 { return k.Max(c.slices[0]) }},
		{name: "ExpSubSum", widths: [4]int{1, 1}, run: func(k *Kernels, c *call) float32 {
			return k.ExpSubSum(c.slices[0], c.slices[1], c.scalars.Rate)
		}},
		{name: "SGDPlain", widths: [4]int{1, 1}, run: func(k *Kernels, c *call) float32 {
			return k.SGDPlain(c.slices[0], c.slices[1], c.scalars.Rate)
		}},
		{name: "SGD", widths: [4]int{1, 1, 1}, state: true, run: func(k *Kernels, c *call) float32 {
			return k.SGD(c.slices[0], c.slices[1], c.slices[2], c.scalars.Rate, c.scalars.Beta1)
		}},
		{name: "Nesterov", widths: [4]int{1, 1, 1}, state: true, run: func(k *Kernels, c *call) float32 {
			return k.Nesterov(c.slices[0], c.slices[1], c.slices[2], c.scalars.Rate, c.scalars.Beta1)
		}},
		{name: "Adam", widths: [4]int{1, 1, 1, 1}, state: true, run: func(k *Kernels, c *call) float32 {
			return k.Adam(c.slices[0], c.slices[1], c.slices[2], c.slices[3], &c.scalars)
		}},
		{name: "NonFinite", widths: [4]int{1}, run: func(k *Kernels, c *call) float32 { return k.NonFinite(c.slices[0]) }},
		{name: "MaxPool2", widths: [4]int{1, 2, 2}, index: true, run: none(func(k *Kernels, c *call) {
			k.MaxPool2(c.slices[0], c.index, c.slices[1], c.slices[2])
		})},
		{name: "MaxPool2Grad", widths: [4]int{2, 2, 1}, index: true, run: none(func(k *Kernels, c *call) {
			k.MaxPool2Grad(c.slices[0], c.slices[1], c.slices[2], c.index)
		})},
	}
}()

// levels are the tables to compare with the reference: every instruction set of this processor.
func levels() []*Kernels {
	var ks []*Kernels
	for _, l := range isa.Supported() {
		ks = append(ks, For(l))
	}
	return ks
}

// generator makes numbers of one kind.
type generator struct {
	name string
	next func(r *rand.Rand) float32
}

var specials = []uint32{
	0, 0x80000000, 1, 0x80000001, 0x007fffff, 0x807fffff, 0x00800000, 0x80800000, 0x3f800000, 0xbf800000, 0x7f7fffff, 0xff7fffff,
	0x7f800000, 0xff800000, 0x7fc00000, 0xffc00001, 0x7f800001, 0xffbfffff,
	0x42b17217, 0x42b17218, 0x42b17219, 0xc2cff1b3, 0xc2cff1b4, 0xc2cff1b5, 0xc2cff1b6, // the ends of exp
	0x3f1fffff, 0x3f200000, 0x41180000, 0x4117ffff, 0xc1180000, // the seams of tanh
	0xc2e00000, 0xc2dfffff, 0x42e00000, 0xc1300000, 0xc12fffff, 0x41300000, // the limits of silu and gelu
	0x3f3504f2, 0x3f3504f3, 0x3fb504f3, // the seams of log
}

var generators = []generator{
	{"ordinary numbers", func(r *rand.Rand) float32 { return float32(r.NormFloat64()) }},
	{"numbers of ten to a hundred", func(r *rand.Rand) float32 { return float32(r.NormFloat64() * 40) }},
	{"random bit patterns", func(r *rand.Rand) float32 { return math.Float32frombits(r.Uint32()) }},
	{"subnormal and tiny numbers", func(r *rand.Rand) float32 { return math.Float32frombits(r.Uint32() & 0x82ffffff) }},
	{"special values", func(r *rand.Rand) float32 { return math.Float32frombits(specials[r.IntN(len(specials))]) }},
	{"ordinary numbers and now and then a special value", func(r *rand.Rand) float32 {
		if r.IntN(20) == 0 {
			return math.Float32frombits(specials[r.IntN(len(specials))])
		}
		return float32(r.NormFloat64())
	}},
	{"small integers, with many ties", func(r *rand.Rand) float32 { return float32(r.IntN(5) - 2) }},
}

// margin surrounds each slice: a kernel must leave it alone.
const margin = 33

const marginBits = 0x4479c6ab

// newCall fills the slices of a call of n elements. The slices begin at odd places and are followed by the margin.
func newCall(s *subject, n int, r *rand.Rand, g *generator) *call {
	c := &call{}
	fill := func(n int) []float32 {
		full := make([]float32, n+2*margin)
		for i := range full {
			full[i] = math.Float32frombits(marginBits)
		}
		x := full[margin:][:n]
		for i := range x {
			x[i] = g.next(r)
		}
		return x
	}
	for i, w := range s.widths {
		if w > 0 {
			c.slices[i] = fill(w * n)
		}
	}
	if s.index {
		full := make([]uint32, n+2*margin)
		for i := range full {
			full[i] = marginBits
		}
		c.index = full[margin:][:n]
		for i := range c.index {
			c.index[i] = r.Uint32N(4)
		}
	}
	a := &c.scalars
	for _, p := range []*float32{&a.Rate, &a.Beta1, &a.Beta2, &a.Rest1, &a.Rest2, &a.Epsilon, &a.Correction1, &a.Correction2, &a.Keep} {
		*p = g.next(r)
	}
	return c
}

func clone(c *call) *call {
	d := *c
	for i, x := range c.slices {
		if x != nil {
			full := append([]float32(nil), withMargin(x)...)
			d.slices[i] = full[margin:][:len(x)]
		}
	}
	if c.index != nil {
		full := append([]uint32(nil), withMargin(c.index)...)
		d.index = full[margin:][:len(c.index)]
	}
	return &d
}

// compare reports the first difference between two calls after they ran: every number bit by bit, any NaN like any other unless the
// kernel promises the canonical one, and the margins.
func compare(s *subject, got, want *call, gotResult, wantResult float32) error {
	same := func(a, b float32) bool {
		switch s.name {
		case "Exp", "Log", "Tanh", "Sigmoid", "GELU", "SiLU", "ExpSubSum":
			return math.Float32bits(a) == math.Float32bits(b)
		}
		return exact.CanonicalBits(a) == exact.CanonicalBits(b)
	}
	for i := range want.slices {
		g, w := got.slices[i], want.slices[i]
		if w == nil {
			continue
		}
		g, w = withMargin(g), withMargin(w)
		for j := range w {
			if !same(g[j], w[j]) {
				return fmt.Errorf("slice %d, element %d of %d: expected %v (%#08x), got %v (%#08x)",
					i, j-margin, len(w)-2*margin, w[j], math.Float32bits(w[j]), g[j], math.Float32bits(g[j]))
			}
		}
	}
	if want.index != nil {
		g, w := withMargin(got.index), withMargin(want.index)
		for j := range w {
			if g[j] != w[j] {
				return fmt.Errorf("index %d of %d: expected %d, got %d", j-margin, len(w)-2*margin, w[j], g[j])
			}
		}
	}
	if exact.CanonicalBits(gotResult) != exact.CanonicalBits(wantResult) {
		return fmt.Errorf("result: expected %v (%#08x), got %v (%#08x)", wantResult, math.Float32bits(wantResult), gotResult, math.Float32bits(gotResult))
	}
	return nil
}
