package vector

import (
	"math"
	"slices"
	"testing"

	"github.com/pold-network/pold/engine/internal/isa"
)

// TestMaxPool2RowsIsMaxPool2RowByRow compares all levels on every width up to 40 outputs, with ties, NaN and infinities.
func TestMaxPool2RowsIsMaxPool2RowByRow(t *testing.T) {
	values := []float32{0, float32(math.Copysign(0, -1)), 1, 1, -1, float32(math.NaN()), float32(math.Inf(1)), float32(math.Inf(-1)), 2, 0.5, 1e-42}
	next := uint32(1)
	draw := func() float32 {
		next = next*1664525 + 1013904223
		return values[next>>16%uint32(len(values))]
	}
	for _, level := range isa.Supported() {
		k := For(level)
		for cols := 1; cols <= 40; cols++ {
			for _, extra := range []int{0, 1, 3} {
				const rows = 3
				width := 2*cols + extra
				src, dy := make([]float32, 2*rows*width), make([]float32, rows*cols)
				for i := range src {
					src[i] = draw()
				}
				for i := range dy {
					dy[i] = draw()
				}
				got, want := make([]float32, rows*cols), make([]float32, rows*cols)
				index, wantIndex := make([]uint32, rows*cols), make([]uint32, rows*cols)
				k.MaxPool2Rows(got, index, src, width, rows, cols)
				dx, wantDX := slices.Repeat([]float32{7}, len(src)), slices.Repeat([]float32{7}, len(src))
				k.MaxPool2RowsGrad(dx, dy, index, width, rows, cols)
				for r := range rows {
					top, bottom := src[2*r*width:][:2*cols], src[(2*r+1)*width:][:2*cols]
					portable.MaxPool2(want[r*cols:][:cols], wantIndex[r*cols:][:cols], top, bottom)
					portable.MaxPool2Grad(wantDX[2*r*width:][:2*cols], wantDX[(2*r+1)*width:][:2*cols], dy[r*cols:][:cols], wantIndex[r*cols:][:cols])
				}
				if !slices.Equal(index, wantIndex) || !equalBits(got, want) || !equalBits(dx, wantDX) {
					t.Fatalf("%v, %d outputs a row, lines of %d: differs from row by row", level, cols, width)
				}
			}
		}
	}
}

func equalBits(a, b []float32) bool {
	return slices.EqualFunc(a, b, func(x, y float32) bool {
		return math.Float32bits(x) == math.Float32bits(y) || x != x && y != y
	})
}
