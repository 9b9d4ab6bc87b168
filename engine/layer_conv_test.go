package engine

import (
	"math"
	"slices"
	"testing"
)

// TestBandsOfAConvolutionDoNotChangeBits cuts the pixels of convolutions in all ways, from single pixels to whole rows, and compares the
// outputs and gradients.
func TestBandsOfAConvolutionDoNotChangeBits(t *testing.T) {
	const rows = 18 // more than one chain of the gradient of the weights
	for _, test := range []struct {
		height uint32
		layer  Layer
	}{
		{5, conv2(4, [2]uint64{3, 2}, [2]uint64{1, 1}, [2]uint64{2, 1}, 1)},
		{5, conv2(4, [2]uint64{2, 3}, [2]uint64{2, 3}, [2]uint64{1, 2}, 2)},
		{5, conv2(2, [2]uint64{1, 5}, [2]uint64{3, 1}, [2]uint64{0, 4}, 2)},
		{1, conv2(2, [2]uint64{3, 3}, [2]uint64{1, 1}, [2]uint64{1, 2}, 1)}, // a band may have all rows, but not all columns
	} {
		c := test.layer
		first := conv2(2, [2]uint64{1, 1}, [2]uint64{1, 1}, [2]uint64{}, 1) // so that the second needs the gradient of its input
		first.Name, c.Name = "first", "second"
		m, err := NewModel(&Spec{InputShape: []uint32{1, test.height, 7}, Layers: []Layer{first, c}}, [32]byte{1})
		if err != nil {
			t.Fatal(err)
		}
		x, dy := make([]float32, rows*m.inputs()), make([]float32, rows*m.outputs())
		newStream([32]byte{2}, "x", 0).glorotUniform(x, 1, 1)
		newStream([32]byte{2}, "dy", 0).glorotUniform(dy, 1, 1)
		run := func(cut func(w *window)) []float32 {
			p := m.newPass(rows, training, true)
			for i := range p.ops {
				for j := range p.ops[i].layer.(*conv2d).workers {
					s := &p.ops[i].layer.(*conv2d).workers[j]
					cut(&s.seen)
					cut(&s.spread)
				}
			}
			values := slices.Clone(p.forward(x, rows))
			copy(p.outputGradient(rows), dy)
			p.backward(rows, nil)
			return append(values, p.weights...)
		}
		want := run(func(*window) {})
		for height := 1; height <= 3; height++ {
			for width := 1; width <= 6; width++ {
				got := run(func(w *window) {
					w.rows, w.cols = min(height, w.height), w.width
					if height == 1 {
						w.cols = min(width, w.width)
					}
				})
				for i := range want {
					if math.Float32bits(got[i]) != math.Float32bits(want[i]) {
						t.Fatalf("kernel %d×%d in bands of %d×%d, value %d: expected %x, got %x", c.KernelHeight, c.KernelWidth, height, width, i, want[i], got[i])
					}
				}
			}
		}
	}
}

// TestAWideImageTakesLittleMemory makes the pass of a valid spec whose long kernel sees a wide image: one row of pixels would be 2^32
// values if it weren't cut.
func TestAWideImageTakesLittleMemory(t *testing.T) {
	c := conv2(1, [2]uint64{65535, 1}, [2]uint64{1, 1}, [2]uint64{32767, 0}, 1)
	c.Name = "c"
	m, err := NewModel(&Spec{InputShape: []uint32{1, 1, 65536}, Layers: []Layer{c}}, [32]byte{})
	if err != nil {
		t.Fatal(err)
	}
	l := m.newPass(1, training, true).ops[0].layer.(*conv2d)
	for _, w := range []window{l.workers[0].seen, l.workers[0].spread} {
		if len(w.values) > rowValues {
			t.Errorf("expected a window of at most %d values, got %d", rowValues, len(w.values))
		}
	}
}
