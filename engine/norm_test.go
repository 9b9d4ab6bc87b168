package engine

import (
	"bytes"
	"slices"
	"testing"

	"github.com/pold-network/pold/engine/internal/exact"
)

// featuresByDefinition is batch norm of rows of single features, forward and backward, the way SPEC.md states it for any number of
// pixels: reductions over the one pixel of a row first, then over the rows.
type featuresByDefinition struct {
	y, dx, dw, db, runMean, runVariance []float32
}

func (f *featuresByDefinition) compute(on *machine, x, dy, w, b []float32, epsilon, momentum float32) {
	vec, channels := on.vec, len(w)
	rows := len(x) / channels
	column := func(of func(i int) float32) float32 { // i: row
		values := make([]float32, rows)
		for r := range values {
			values[r] = of(r)
		}
		return vec.Sum(values)
	}
	f.y, f.dx, f.dw, f.db = make([]float32, len(x)), make([]float32, len(x)), make([]float32, channels), make([]float32, channels)
	for c := range channels {
		at := func(of []float32, r int) []float32 { return of[r*channels+c:][:1] }
		mean := column(func(r int) float32 { return vec.Sum(at(x, r)) }) / float32(rows)
		total := column(func(r int) float32 { return vec.SumSquaredDiff(at(x, r), mean) })
		variance := total / float32(rows)
		rstd := reciprocalRoot(variance, epsilon)
		if rows > 1 {
			variance = total / float32(rows-1)
		}
		f.runMean[c] = exact.FMA(momentum, mean-f.runMean[c], f.runMean[c])
		f.runVariance[c] = exact.FMA(momentum, variance-f.runVariance[c], f.runVariance[c])
		normal := func(r int) []float32 { return []float32{float32((at(x, r)[0] - mean) * rstd)} }
		f.db[c] = column(func(r int) float32 { return vec.Sum(at(dy, r)) })
		f.dw[c] = column(func(r int) float32 { return vec.Dot(at(dy, r), normal(r)) })
		for r := range rows {
			vec.Affine(at(f.y, r), normal(r), w[c], b[c])
			vec.LayerNormGrad(at(f.dx, r), at(dy, r), normal(r), f.db[c]/float32(rows), f.dw[c]/float32(rows), float32(w[c]*rstd))
		}
	}
}

func TestBatchNormOfFeaturesFollowsItsDefinition(t *testing.T) {
	const channels, capacity = 21, 37
	m := newTestModel(t, network([]uint32{channels}, batchNormOf()), 1)
	unsettle(m)
	x, dy := selfTestNumbers("features", capacity*channels), selfTestNumbers("gradients", capacity*channels)
	for i := range x {
		switch i % channels {
		case 3: // squares are subnormal or vanish
			x[i] *= 0x1p-70
		case 4: // a feature that never changes, products that vanish
			x[i], dy[i] = 0.3, dy[i]*0x1p-140
		case 5: // zeros of both signs
			x[i] *= 0
			dy[i] *= 0
		}
	}
	want := featuresByDefinition{runMean: slices.Clone(m.buffers[:channels]), runVariance: slices.Clone(m.buffers[channels:])}
	p := m.newPass(capacity, training, true)
	o := p.ops[0]
	o.fullDX = [][]float32{make([]float32, capacity*channels)} // as if a layer with weights stood in front
	for _, rows := range []int{capacity, 1, 5, 16} {
		n := rows * channels
		y := p.forward(x[:n], rows)
		copy(p.outputGradient(rows), dy)
		p.backward(rows, nil)
		want.compute(m.machine, x[:n], dy[:n], m.params[:channels], m.params[channels:], nanos(10_000), millionths(100_000))
		for _, c := range []struct {
			name      string
			got, want []float32
		}{
			{"outputs", y, want.y}, {"gradients of the weights", p.weights[:channels], want.dw}, {"gradients of the biases", p.weights[channels:], want.db},
			{"gradients of the inputs", o.dx[0], want.dx}, {"running means", m.buffers[:channels], want.runMean},
			{"running variances", m.buffers[channels:], want.runVariance},
		} {
			if !bytes.Equal(appendBits(nil, c.got...), appendBits(nil, c.want...)) {
				t.Errorf("%d rows: %s: expected %v, got %v", rows, c.name, c.want, c.got)
			}
		}
	}
}
