package vector

import (
	"fmt"
	"math"
	"math/rand/v2"
	"os"
	"testing"
	"unsafe"
)

// withMargin is x together with the margin on both sides that newCall gave it.
func withMargin[T float32 | uint32](x []T) []T {
	p := unsafe.Pointer(unsafe.SliceData(x))
	return unsafe.Slice((*T)(unsafe.Add(p, -4*margin)), len(x)+2*margin)
}

// check runs one call on the tables and compares with the reference.
func check(t *testing.T, s *subject, c *call, tables []*Kernels, what string) {
	t.Helper()
	want := clone(c)
	wantResult := s.run(&reference, want)
	for _, k := range tables {
		got := clone(c)
		gotResult := s.run(k, got)
		if err := compare(s, got, want, gotResult, wantResult); err != nil {
			t.Fatalf("%s on %v, %s: %v", s.name, k.Level, what, err)
		}
	}
}

// TestAllLevelsGiveTheSameBits runs every kernel over all lengths up to a few registers and some long ones, with all kinds of numbers.
func TestAllLevelsGiveTheSameBits(t *testing.T) {
	var lengths []int
	for n := range 201 {
		lengths = append(lengths, n)
	}
	lengths = append(lengths, 511, 1024, 4099)
	for i := range subjects {
		s := &subjects[i]
		t.Run(s.name, func(t *testing.T) {
			r := rand.New(rand.NewPCG(uint64(i), 1))
			for j, n := range lengths {
				if n == 0 && s.nonzero {
					continue
				}
				for l := range generators {
					if n > 70 && n <= 200 && (j+l)%len(generators) > 1 {
						continue // two kinds of numbers for each of these lengths
					}
					check(t, s, newCall(s, n, r, &generators[l]), levels(), fmt.Sprintf("%d elements, %s", n, generators[l].name))
				}
			}
		})
	}
}

// TestKernelsWorkInPlace gives each destination the memory of an input.
func TestKernelsWorkInPlace(t *testing.T) {
	for i := range subjects {
		s := &subjects[i]
		if s.index || s.state || s.widths[1] == 0 {
			continue
		}
		for other := 1; other < 4 && s.widths[other] > 0; other++ {
			for _, n := range []int{1, 5, 8, 15, 16, 17, 31, 64, 100, 300} {
				r := rand.New(rand.NewPCG(uint64(n), 2))
				c := newCall(s, n, r, &generators[0])
				share := func(c *call) *call {
					d := clone(c)
					d.slices[0] = d.slices[other]
					return d
				}
				want := share(c)
				wantResult := s.run(&reference, want)
				for _, k := range levels() {
					got := share(c)
					if err := compare(s, got, want, s.run(k, got), wantResult); err != nil {
						t.Fatalf("%s on %v, slice 0 is slice %d, %d elements: %v", s.name, k.Level, other, n, err)
					}
				}
			}
		}
	}
}

// functions are the kernels of one number, for sweeps over all of them.
func functions(yield func(s *subject)) {
	for i := range subjects {
		if s := &subjects[i]; s.widths == [4]int{1, 1} && i < 7 {
			yield(s)
		}
	}
}

// TestFunctionsOverAllExponents compares the functions at bit patterns from the whole range. POLD_LONG=1 takes one in 257, which is
// seconds; POLD_SWEEP=1 takes all 2^32 for the levels in assembly, which is about an hour (and needs -timeout).
func TestFunctionsOverAllExponents(t *testing.T) {
	const block = 1 << 12
	step, tested := uint64(20_011), levels()
	switch {
	case os.Getenv("POLD_SWEEP") == "1":
		step, tested = 1, levels()[1:]
	case os.Getenv("POLD_LONG") == "1":
		step = 257
	}
	functions(func(s *subject) {
		t.Run(s.name, func(t *testing.T) {
			t.Parallel()
			next := uint64(0)
			g := generator{"", func(*rand.Rand) float32 {
				x := math.Float32frombits(uint32(next))
				next += step
				return x
			}}
			r := rand.New(rand.NewPCG(0, 0))
			for next < 1<<32 {
				start := next
				check(t, s, newCall(s, block, r, &g), tested, fmt.Sprintf("bit patterns from %#08x", start))
			}
		})
	})
}

func TestKernelsAllocateNothing(t *testing.T) {
	for i := range subjects {
		s := &subjects[i]
		c := newCall(s, 100, rand.New(rand.NewPCG(1, 1)), &generators[0])
		for _, k := range levels() {
			if n := testing.AllocsPerRun(10, func() { s.run(k, c) }); n != 0 {
				t.Errorf("%s on %v: expected no allocation, got %v", s.name, k.Level, n)
			}
		}
	}
}
