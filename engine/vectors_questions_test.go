package engine

import (
	"encoding/hex"
	"fmt"
	"math"

	"github.com/pold-network/pold/modelspec"
)

// Seeds of the questions.
const (
	seedA = "000102030405060708090a0b0c0d0e0f101112131415161718191a1b1c1d1e1f"
	seedB = "ff00000000000000000000000000000000000000000000000000000000000001"
)

// vectorInputs are the questions; the answers are in testdata.
func vectorInputs() *vectors {
	s := newStream([32]byte{}, "vector inputs", 0)
	v := new(vectors)
	for i := range 120 {
		x, y, z := floatNear(s, 0, 4), floatNear(s, 0, 4), floatNear(s, 0, 6)
		switch i % 4 {
		case 1: // a product that misses half a unit of the sum
			x, y, z = 1+0x1p-23, 0.5-float32(int(s.below(3))-1)*0x1p-24, float32(1<<23|s.below(1<<23))
		case 2: // subnormal results
			x, y, z = floatNear(s, -70, 6), floatNear(s, -60, 6), floatNear(s, -127, 8)
		case 3:
			x, y, z = math.Float32frombits(s.uint32()), math.Float32frombits(s.uint32()), math.Float32frombits(s.uint32())
		}
		v.FMA = append(v.FMA, hexBits{x, y, z})
	}
	for i := range 128 {
		x := math.Float32frombits(s.uint32())
		if i%2 == 0 {
			x = s.symmetric() * 20
		}
		v.Exp = append(v.Exp, hexBits{x})
		v.Log = append(v.Log, hexBits{float32(math.Abs(float64(x)))})
		v.Tanh = append(v.Tanh, hexBits{x})
	}
	numbers := func(n int) hexBits {
		x := make(hexBits, n)
		for i := range x {
			x[i] = floatNear(s, 0, 3)
		}
		return x
	}
	for _, n := range []int{0, 1, 5, 16, 17, 40} {
		v.Sum = append(v.Sum, append(numbers(n), 0))
	}
	for i := range 8 {
		const m, n, k = 3, 2, 5
		v.Gemm = append(v.Gemm, gemmVector{M: m, N: n, K: k, TransA: i&1 != 0, TransB: i&2 != 0, Accumulate: i&4 != 0,
			A: numbers(m * k), B: numbers(k * n), C: numbers(m * n)})
	}
	v.Stream = streamVector{Seed: seedA, Label: "order", Index: 7}
	for _, x := range []float32{0, 1, 0.5, 2.3025851, 0x1p-10, 3 * 0x1p-10, 1e-9, 5e-10, 1e-12, 123456.79, 9.2e9, 9.3e9, math.MaxFloat32} {
		v.LossE9 = append(v.LossE9, lossVector{Loss: hexBits{x}})
	}
	for _, kind := range []string{modelspec.KindReLU, modelspec.KindTanh} {
		for _, o := range []Objective{CrossEntropy, MeanSquaredError} {
			for _, r := range []recipeVector{
				{Optimizer: OptimizerSGD, Rates: hexBits{0.05, 0.9, 0, 0}, BatchSize: 7, Steps: 12, Seed: seedB},
				{Optimizer: OptimizerAdam, Rates: hexBits{0.01, 0.9, 0.999, 1e-8}, BatchSize: 20, Steps: 12, Seed: seedB},
			} {
				spec := &Spec{InputShape: []uint32{2, 2}, Normalization: &Normalization{OffsetE6: 125_000, DivisorE6: 3_000_000},
					Layers: layers(denseLayer("hidden", 6), Layer{Name: "bend", Kind: kind}, denseLayer("out", 3))}
				d := smallData(25, 4, 3)
				v.Training = append(v.Training, trainingVector{
					Name: fmt.Sprintf("%s, %v, %s", kind, o, r.Optimizer), Spec: hex.EncodeToString(spec.Marshal()), ModelSeed: seedA,
					Objective: o, Features: 4, Targets: 3, X: d.X, Labels: d.Labels, Y: d.Y, Recipe: r,
				})
			}
		}
	}
	v.addFunctions()
	v.addLayers()
	v.addLosses()
	v.addUpdates()
	v.addTrainings()
	v.addSpecs()
	return v
}

// questioner draws the numbers of questions.
type questioner struct{ *stream }

func askAbout(topic string) questioner {
	return questioner{newStream([32]byte{}, "vector inputs/"+topic, 0)}
}

// numbers are mostly between -2 and 2, some equal and some zeros of either sign.
func (q questioner) numbers(n int) hexBits {
	x := make(hexBits, n)
	for i := range x {
		switch kind := q.below(16); {
		case kind == 0:
			x[i] = math.Float32frombits(q.below(2) << 31)
		case kind < 3 && i > 0:
			x[i] = x[q.below(uint32(i))]
		default:
			x[i] = q.symmetric() * 2
		}
	}
	return x
}

// plain are numbers between -1 and 1.
func (q questioner) plain(n int) hexBits {
	x := make(hexBits, n)
	for i := range x {
		x[i] = q.symmetric()
	}
	return x
}

// between are numbers between low and high.
func (q questioner) between(low, high float32, n int) hexBits {
	x := q.plain(n)
	for i := range x {
		x[i] = low + float32((high-low)*float32((x[i]+1)/2))
	}
	return x
}

func (q questioner) integers(below uint32, n int) []uint32 {
	x := make([]uint32, n)
	for i := range x {
		x[i] = q.below(below)
	}
	return x
}

func asNumbers(x []uint32) hexBits {
	f := make(hexBits, len(x))
	for i, v := range x {
		f[i] = float32(v)
	}
	return f
}

// specials are numbers at the edges of the format.
func specials() hexBits {
	var x hexBits
	for _, b := range []uint32{0, 1, 0x7fffff, 0x800000, 0x33800000, 0x3f800000, 0x7f7fffff, 0x7f800000} {
		x = append(x, math.Float32frombits(b), math.Float32frombits(b|1<<31))
	}
	return append(x, math.Float32frombits(0x7fc00000))
}

func (v *vectors) addFunctions() {
	q := askAbout("functions")
	v.Functions = map[string][]hexBits{}
	arguments := specials()
	// On both sides of the limits of silu (112) and gelu (11) and where their results leave the normal range.
	for _, limit := range []float32{112, 11, 88, 103, 9.3, 87.33, 0.7978846} {
		for _, x := range []float32{math.Float32frombits(math.Float32bits(limit) - 1), limit, math.Float32frombits(math.Float32bits(limit) + 1)} {
			arguments = append(arguments, x, -x)
		}
	}
	for i := range 60 {
		switch i % 3 {
		case 0:
			arguments = append(arguments, q.symmetric()*4)
		case 1:
			arguments = append(arguments, q.symmetric()*20)
		case 2:
			arguments = append(arguments, floatNear(q.stream, 0, 8))
		}
	}
	for name := range vectorFunctions {
		for _, x := range arguments {
			v.Functions[name] = append(v.Functions[name], hexBits{x})
		}
	}
	nan := float32(math.NaN())
	for _, n := range []int{1, 2, 15, 16, 17, 33, 40} {
		v.Max = append(v.Max, append(q.numbers(n), 0))
		v.Dot = append(v.Dot, pairVector{A: q.numbers(n), B: q.numbers(n)})
		v.Squares = append(v.Squares, pairVector{A: q.numbers(n), B: q.plain(1)})
	}
	v.Max = append(v.Max, hexBits{nan, 3, 2, 0}, hexBits{1, nan, 3, nan, 0})
	for _, n := range []int{0, 100} {
		v.Dot = append(v.Dot, pairVector{A: q.plain(n), B: q.plain(n)})
		v.Squares = append(v.Squares, pairVector{A: q.plain(n), B: q.plain(1)})
	}
}
