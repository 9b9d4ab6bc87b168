package engine

import (
	"errors"
	"math"
	"reflect"
	"slices"
	"strings"
	"testing"

	"github.com/pold-network/pold/engine/internal/exact"
	"github.com/pold-network/pold/engine/internal/gemm"
	"github.com/pold-network/pold/engine/internal/isa"
	"github.com/pold-network/pold/engine/internal/vector"
)

func TestSelfTestPassesHere(t *testing.T) {
	if err := SelfTest(); err != nil {
		t.Error(err)
	}
}

// faultyProduct is a matrix product with one plausible mistake.
type faultyProduct struct {
	multiplier
	twice bool // rounds twice; otherwise adds blocks of k
}

func (f faultyProduct) Multiply(p *gemm.Product) {
	if f.twice {
		for i := range p.M {
			for j := range p.N {
				acc := float32(0)
				if p.Accumulate {
					acc = p.C[i*p.LDC+j]
				}
				for k := range p.K {
					a, b := i*p.LDA+k, k*p.LDB+j
					if p.TransA {
						a = k*p.LDA + i
					}
					if p.TransB {
						b = j*p.LDB + k
					}
					acc = float32(math.FMA(float64(p.A[a]), float64(p.B[b]), float64(acc)))
				}
				p.C[i*p.LDC+j] = acc
			}
		}
		return
	}
	// Products of two blocks of k added afterwards, as many libraries do.
	half := *p
	half.K = p.K / 2
	f.multiplier.Multiply(&half)
	rest := *p
	rest.K -= half.K
	step := func(x []float32, ld int, trans bool, byRow bool) []float32 {
		if trans != byRow {
			return x[half.K*ld:]
		}
		return x[half.K:]
	}
	rest.A, rest.B = step(p.A, p.LDA, p.TransA, false), step(p.B, p.LDB, p.TransB, true)
	rest.Accumulate, rest.C, rest.LDC = false, make([]float32, p.M*p.N), p.N
	f.multiplier.Multiply(&rest)
	for i := range p.M {
		for j := range p.N {
			p.C[i*p.LDC+j] += rest.C[i*p.N+j]
		}
	}
}

// withProduct returns a machine with another matrix product.
func withProduct(p faultyProduct) *machine {
	m := *defaultMachine()
	p.multiplier = m.mul
	m.mul = p
	return &m
}

// Serial makes the same mistakes.
func (f faultyProduct) Serial(p *gemm.Product, _ *gemm.Scratch) { f.Multiply(p) }

// withKernels returns a machine with changed kernels.
func withKernels(change func(right, wrong *vector.Kernels)) *machine {
	m := *defaultMachine()
	wrong := *m.vec
	change(m.vec, &wrong)
	m.vec = &wrong
	return &m
}

// plausibleMistakes are what somebody who writes a kernel, or a processor, may get wrong, with the items that must notice.
var plausibleMistakes = []struct {
	name  string
	items []string
	on    func() *machine
}{
	{"a product of blocks of k that are added afterwards", []string{"matrix product", "matrix product in tiles", "training steps of a transformer"},
		func() *machine { return withProduct(faultyProduct{}) }},
	{"a product that rounds twice", []string{"matrix product"}, func() *machine { return withProduct(faultyProduct{twice: true}) }},
	{"an exponential that flushes subnormal results", []string{"exponential", "kernel Exp"}, func() *machine {
		return withKernels(func(right, wrong *vector.Kernels) {
			wrong.Exp = func(dst, src []float32) {
				right.Exp(dst, src)
				flush(dst)
			}
		})
	}},
	{"a logarithm with an error in the last place", []string{"logarithm", "kernel Log", "training steps of a transformer"}, func() *machine {
		return withKernels(func(right, wrong *vector.Kernels) {
			wrong.Log = func(dst, src []float32) {
				right.Log(dst, src)
				for i, v := range dst {
					if v > 2 {
						dst[i] = math.Nextafter32(v, 0)
					}
				}
			}
		})
	}},
	{"a tangent that loses the sign of minus zero", []string{"hyperbolic tangent", "kernel Tanh"}, func() *machine {
		return withKernels(func(right, wrong *vector.Kernels) {
			wrong.Tanh = func(dst, src []float32) {
				right.Tanh(dst, src)
				for i, v := range dst {
					dst[i] = v + 0
				}
			}
		})
	}},
	{"a sum from the first to the last", []string{"reductions", "kernel Sum", "training steps of a conv net"}, func() *machine {
		return withKernels(func(_, wrong *vector.Kernels) {
			wrong.Sum = func(x []float32) float32 {
				var total float32
				for _, v := range x {
					total += v
				}
				return total
			}
		})
	}},
	{"a maximum of a NaN", []string{"kernel Max"}, func() *machine {
		return withKernels(func(right, wrong *vector.Kernels) {
			wrong.Max = func(x []float32) float32 {
				for _, v := range x {
					if v != v {
						return v
					}
				}
				return right.Max(x)
			}
		})
	}},
	{"a maximum of equals that is the last", []string{"kernel MaxPool2"}, func() *machine {
		return withKernels(func(right, wrong *vector.Kernels) {
			wrong.MaxPool2 = func(dst []float32, index []uint32, top, bottom []float32) {
				right.MaxPool2(dst, index, top, bottom)
				for i, v := range dst {
					if bottom[2*i+1] == v {
						index[i] = 3
					}
				}
			}
		})
	}},
	{"momentum with two roundings", []string{"training steps (sgd)", "kernel SGD"}, func() *machine {
		return withKernels(func(_, wrong *vector.Kernels) {
			wrong.SGD = func(w, velocity, g []float32, rate, momentum float32) float32 {
				for i := range w {
					velocity[i] = float32(momentum*velocity[i]) + g[i]
					w[i] -= float32(rate * velocity[i])
				}
				return 0
			}
		})
	}},
	{"adam with another epsilon", []string{"training steps (adam)", "kernel Adam", "training steps of a transformer"}, func() *machine {
		return withKernels(func(right, wrong *vector.Kernels) {
			wrong.Adam = func(w, m, v, g []float32, c *vector.AdamCoefficients) float32 {
				other := *c
				other.Epsilon *= 2
				return right.Adam(w, m, v, g, &other)
			}
		})
	}},
}

func flush(x []float32) {
	for i, v := range x {
		if exact.IsSubnormal(v) {
			x[i] = float32(math.Copysign(0, float64(v)))
		}
	}
}

func TestSelfTestFindsPlausibleMistakes(t *testing.T) {
	right := func() error { return nil }
	for _, c := range plausibleMistakes {
		on := c.on()
		if err := selfTest(on, right); !errors.Is(err, ErrSelfTest) {
			t.Errorf("%s: expected the self-test to fail, got %v", c.name, err)
		}
		found := 0
		for _, item := range selfTestItems() {
			if slices.Contains(c.items, item.name) {
				found++
				if err := item.check(on); !errors.Is(err, ErrSelfTest) {
					t.Errorf("%s: expected %q to notice, got %v", c.name, item.name, err)
				}
			}
		}
		if found != len(c.items) {
			t.Errorf("%s: expected items %q, found %d of them", c.name, c.items, found)
		}
	}
}

// eachKernel calls f with the name and index of every kernel in the table.
func eachKernel(f func(name string, field int)) {
	table := reflect.TypeFor[vector.Kernels]()
	for i := range table.NumField() {
		if table.Field(i).Type.Kind() == reflect.Func {
			f(table.Field(i).Name, i)
		}
	}
}

// TestSelfTestFindsEveryFaultyKernel breaks the kernels one by one, in the results where mistakes are usual: the last element, which is
// the tail behind the full registers, and subnormal numbers.
func TestSelfTestFindsEveryFaultyKernel(t *testing.T) {
	items := map[string]selfTestItem{}
	for _, item := range selfTestKernels() {
		items[item.name] = item
	}
	readers := []string{"Sum", "Dot", "SumSquaredDiff", "Max", "NonFinite"} // their first argument is no result
	wrongBy := func(field int, change func(stored, returned []float32)) *machine {
		return withKernels(func(right, wrong *vector.Kernels) {
			f := reflect.ValueOf(right).Elem().Field(field)
			name := reflect.TypeFor[vector.Kernels]().Field(field).Name
			reflect.ValueOf(wrong).Elem().Field(field).Set(reflect.MakeFunc(f.Type(), func(arguments []reflect.Value) []reflect.Value {
				results := f.Call(arguments)
				var stored, returned []float32
				if !slices.Contains(readers, name) {
					stored = arguments[0].Interface().([]float32)
				}
				if len(results) > 0 {
					returned = []float32{float32(results[0].Float())}
				}
				change(stored, returned)
				if len(results) > 0 {
					results[0] = reflect.ValueOf(returned[0])
				}
				return results
			}))
		})
	}
	change := func(x []float32, at int) {
		if at >= 0 && at < len(x) {
			x[at] = math.Float32frombits(math.Float32bits(x[at]) ^ 1)
		}
	}
	count := 0
	eachKernel(func(name string, field int) {
		count++
		item, ok := items["kernel "+name]
		if !ok {
			t.Errorf("the self-test has no item for kernel %s", name)
			return
		}
		if err := item.check(wrongBy(field, func(_, _ []float32) {})); err != nil {
			t.Errorf("%s called through reflection: %v", name, err)
		}
		for mistake, wrong := range map[string]struct {
			change func(stored, returned []float32)
			not    []string // kernels that can't make this mistake
		}{
			"a wrong last bit at the end":   {func(stored, _ []float32) { change(stored, len(stored)-1) }, append([]string{"CopyBlock"}, readers...)},
			"a wrong last bit at the start": {func(stored, _ []float32) { change(stored, 0) }, readers},
			"subnormal results flushed":     {func(stored, _ []float32) { flush(stored) }, append([]string{"Log"}, readers...)},
			"a wrong last bit returned":     {func(_, returned []float32) { change(returned, 0) }, nil},
			"a subnormal number flushed":    {func(_, returned []float32) { flush(returned) }, []string{"NonFinite", "SGDPlain", "SGD", "Nesterov", "Adam"}},
			"NaN not returned": {func(_, returned []float32) {
				if len(returned) > 0 && returned[0] != returned[0] {
					returned[0] = 0
				}
			}, nil},
		} {
			returns := reflect.TypeFor[vector.Kernels]().Field(field).Type.NumOut() > 0
			if slices.Contains(wrong.not, name) || !returns && (strings.HasSuffix(mistake, "returned") || mistake == "a subnormal number flushed") {
				continue
			}
			if err := item.check(wrongBy(field, wrong.change)); !errors.Is(err, ErrSelfTest) {
				t.Errorf("%s with %s: expected the self-test to notice, got %v", name, mistake, err)
			}
		}
	})
	if count < 30 || len(items) != count {
		t.Errorf("expected an item for each of the %d kernels, got %d", count, len(items))
	}
}

func TestSelfTestPassesOnEveryMachine(t *testing.T) {
	onEveryMachine(t, func(name string, on *machine) {
		if err := selfTest(on, on.pool.CheckWorkers); err != nil {
			t.Errorf("%s: %v", name, err)
		}
	})
}

func TestSelfTestChecksTheModesOfWorkers(t *testing.T) {
	on, wrong := defaultMachine(), errors.New("worker thread 1: flush to zero is set")
	if err := selfTest(on, func() error { return wrong }); !errors.Is(err, ErrSelfTest) || !errors.Is(err, wrong) {
		t.Errorf("a worker with a wrong mode: expected ErrSelfTest with the reason, got %v", err)
	}
	calls := 0
	err := selfTest(on, func() error {
		if calls++; calls > 1 {
			return wrong
		}
		return nil
	})
	if !errors.Is(err, wrong) {
		t.Errorf("a worker that notices during the test: expected the reason, got %v", err)
	}
}

// BenchmarkSelfTest shows what a start costs; goal: below 50 ms on a backend with vectors.
func BenchmarkSelfTest(b *testing.B) {
	for _, name := range Backends() {
		level, err := isa.Parse(name)
		if err != nil {
			b.Fatal(err)
		}
		on := newMachine(level, 0)
		b.Run(name, func(b *testing.B) {
			for b.Loop() {
				if err := selfTest(on, on.pool.CheckWorkers); err != nil {
					b.Fatal(err)
				}
			}
		})
		on.pool.Close()
	}
}
