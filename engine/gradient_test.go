package engine

import (
	"fmt"
	"math"
	"testing"
)

// reference64 computes the mean loss of a model in float64 with plain loops: independent of the code under test and precise enough
// for finite differences.
func reference64(m *Model, params []float64, d *Data, o Objective) float64 {
	total := 0.0
	for r := range d.Rows() {
		x := make([]float64, d.Features)
		for i := range x {
			x[i] = float64(d.X[r*d.Features+i])
			if n := m.spec.Normalization; n != nil {
				x[i] = (x[i] - float64(n.OffsetE6)/1e6) / (float64(n.DivisorE6) / 1e6)
			}
		}
		rest := params
		for _, n := range m.nodes {
			y := make([]float64, n.outputs)
			for j := range y {
				switch n.Kind {
				case KindDense:
					y[j] = rest[n.inputs*n.outputs+j]
					for i, v := range x {
						y[j] += v * rest[j*n.inputs+i]
					}
				case KindReLU:
					y[j] = math.Max(x[j], 0)
				case KindTanh:
					y[j] = math.Tanh(x[j])
				}
			}
			rest, x = rest[n.params:], y
		}
		if o == CrossEntropy {
			sum := 0.0
			for _, z := range x {
				sum += math.Exp(z)
			}
			total += math.Log(sum) - x[d.Labels[r]]
			continue
		}
		for j, y := range x {
			total += (y - float64(d.Y[r*d.Targets+j])) * (y - float64(d.Y[r*d.Targets+j])) / float64(len(x))
		}
	}
	return total / float64(d.Rows())
}

// smallData returns rows for a model with the given sizes, fit for both objectives.
func smallData(rows, features, outputs int) *Data {
	d := &Data{Features: features, Targets: outputs, X: selfTestNumbers("small data", rows*features), Y: selfTestNumbers("small targets", rows*outputs)}
	for i := range rows {
		d.Labels = append(d.Labels, uint32(i*7%outputs))
	}
	return d
}

func TestGradientsMatchFiniteDifferences(t *testing.T) {
	dense := func(units uint64) Layer { return Layer{Kind: KindDense, Units: units} }
	for _, c := range []struct {
		name   string
		layers []Layer
		norm   *Normalization
	}{
		{"one dense layer", layers(dense(3)), nil},
		{"dense behind dense", layers(dense(5), dense(3)), nil},
		{"tanh", layers(dense(6), Layer{Kind: KindTanh}, dense(3)), nil},
		{"relu", layers(dense(9), Layer{Kind: KindReLU}, dense(3)), nil},
		{"tanh as output", layers(dense(3), Layer{Kind: KindTanh}), nil},
		{"relu first, before any weights", layers(Layer{Kind: KindReLU}, dense(3)), nil},
		{"deep and normalised", layers(dense(7), Layer{Kind: KindTanh}, dense(6), Layer{Kind: KindReLU}, dense(5), Layer{Kind: KindTanh}, dense(3)),
			&Normalization{OffsetE6: 300_000, DivisorE6: 1_700_000}},
	} {
		for i := range c.layers {
			c.layers[i].Name = fmt.Sprintf("l%d", i)
		}
		for _, o := range []Objective{CrossEntropy, MeanSquaredError} {
			t.Run(fmt.Sprintf("%s, %v", c.name, o), func(t *testing.T) {
				const rows, features, outputs = 21, 4, 3
				m := newTestModel(t, &Spec{InputShape: []uint32{features}, Layers: c.layers, Normalization: c.norm}, 5)
				m.eachDense(func(n node, _, bias []float32) { copy(bias, selfTestNumbers("bias "+n.Name, len(bias))) })
				d := smallData(rows, features, outputs)
				tr := m.newTrainer(d, o, Recipe{Optimizer: OptimizerSGD, LearningRate: 1, BatchSize: rows, Steps: 1})
				mean := tr.gradient(d)

				params := make([]float64, len(m.params))
				for i, v := range m.params {
					params[i] = float64(v)
				}
				if want := reference64(m, params, d, o); math.Abs(float64(mean)-want) > 1e-6*(1+want) {
					t.Errorf("loss: expected %v, got %v", want, mean)
				}
				for i := range params {
					const step = 1e-6
					at := params[i]
					params[i] = at + step
					up := reference64(m, params, d, o)
					params[i] = at - step
					down := reference64(m, params, d, o)
					params[i] = at
					want := (up - down) / (2 * step)
					if got := float64(tr.pass.weights[i]); math.Abs(got-want) > 1e-6+1e-5*math.Abs(want) {
						t.Errorf("parameter %d of %d: expected gradient %v, got %v", i, len(params), want, got)
					}
				}
			})
		}
	}
}
