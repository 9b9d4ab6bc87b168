package vector

import (
	"math"
	"math/rand/v2"
	"slices"
	"testing"
)

func TestSumColumnsIsTheSumOfEachColumn(t *testing.T) {
	r := rand.New(rand.NewPCG(1, 3))
	for _, size := range [][2]int{{0, 3}, {1, 1}, {1, 40}, {5, 7}, {15, 3}, {16, 3}, {17, 3}, {33, 1}, {64, 10}, {100, 65}, {7, 0}} {
		rows, columns := size[0], size[1]
		x := make([]float32, rows*columns)
		for i := range x {
			x[i] = float32(r.NormFloat64())
		}
		want := make([]float32, columns)
		for j := range want {
			var column []float32
			for i := range rows {
				column = append(column, x[i*columns+j])
			}
			want[j] = reference.Sum(column)
		}
		for _, k := range levels() {
			got, lanes := make([]float32, columns), make([]float32, Lanes*columns)
			for i := range lanes {
				lanes[i] = float32(math.NaN()) // what the scratch space holds must not matter
			}
			k.SumColumns(got, x, rows, columns, lanes)
			if !slices.Equal(got, want) {
				t.Errorf("%d×%d on %v: expected %v, got %v", rows, columns, k.Level, want, got)
			}
		}
	}
}

func TestCopyBlockCopiesTheBlockOnly(t *testing.T) {
	for _, c := range []struct {
		name                             string
		dstStride, srcStride, rows, cols int
	}{
		{"a block of a wider matrix", 7, 11, 5, 3},
		{"whole rows", 4, 4, 6, 4},
		{"one column", 3, 5, 4, 1},
		{"wide rows", 130, 140, 3, 129},
		{"no rows", 3, 3, 0, 2},
		{"no columns", 3, 3, 4, 0},
		{"one row many times", 5, 0, 3, 5},
	} {
		src := make([]float32, c.srcStride*c.rows+c.cols)
		for i := range src {
			src[i] = float32(i + 1)
		}
		size := c.dstStride*c.rows + 2
		want := make([]float32, size)
		reference.CopyBlock(want, c.dstStride, src, c.srcStride, c.rows, c.cols)
		for _, k := range levels() {
			got := make([]float32, size)
			k.CopyBlock(got, c.dstStride, src, c.srcStride, c.rows, c.cols)
			if !slices.Equal(got, want) {
				t.Errorf("%s on %v: expected %v, got %v", c.name, k.Level, want, got)
			}
		}
	}
}

// TestShortSlicesPanic makes each slice but the one that gives the length one element too short: the kernels in assembly must not read
// or write behind it.
func TestShortSlicesPanic(t *testing.T) {
	for i := range subjects {
		s := &subjects[i]
		length := 0
		for s.widths[length] != 1 {
			length++
		}
		for _, k := range levels() {
			try := func(what string, shorten func(c *call)) {
				defer func() {
					if recover() == nil {
						t.Errorf("%s on %v: expected a panic for a short %s", s.name, k.Level, what)
					}
				}()
				c := newCall(s, 20, rand.New(rand.NewPCG(1, 1)), &generators[0])
				shorten(c)
				s.run(k, c)
			}
			for j, w := range s.widths {
				if j != length && w > 0 {
					try("slice", func(c *call) { c.slices[j] = slices.Clip(c.slices[j][:len(c.slices[j])-1]) })
					// Go lets a slice grow into its capacity; a kernel must not.
					try("slice with capacity", func(c *call) { c.slices[j] = c.slices[j][:len(c.slices[j])-1] })
				}
			}
			if s.index {
				try("index", func(c *call) { c.index = slices.Clip(c.index[:len(c.index)-1]) })
			}
		}
	}
	for _, k := range levels() {
		func() {
			defer func() {
				if recover() == nil {
					t.Errorf("Max on %v: expected a panic without elements", k.Level)
				}
			}()
			k.Max(nil)
		}()
	}
}
