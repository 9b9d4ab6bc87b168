package engine

import (
	"math"
	"slices"

	"github.com/pold-network/pold/modelspec"
)

// reference is a second implementation of every layer and loss, forward only: float64, plain loops, written from the usual formulas. It
// shares nothing with the code under test but the plan of the spec and the random numbers of dropout, and it is precise enough for finite
// differences.
type reference struct {
	m         *Model
	training  bool // batch statistics and dropout
	seed      [32]byte
	step      uint64
	smoothing float64

	// Running statistics after a forward pass in training, by name of the tensor.
	buffers map[string][]float64
}

// wide returns the values in float64.
func wide(x []float32) []float64 {
	y := make([]float64, len(x))
	for i, v := range x {
		y[i] = float64(v)
	}
	return y
}

// forward returns the outputs of the rows.
func (ref *reference) forward(params []float64, d *Data) []float64 {
	rows := d.Rows()
	input := wide(d.X)
	if n := ref.m.spec.Normalization; n != nil {
		for i := range input {
			input[i] = (input[i] - float64(n.OffsetE6)/1e6) / (float64(n.DivisorE6) / 1e6)
		}
	}
	ref.buffers = map[string][]float64{}
	stored := wide(ref.m.buffers)
	outputs := make([][]float64, len(ref.m.nodes))
	for i := range ref.m.nodes {
		n := &ref.m.nodes[i]
		source := func(j int) []float64 {
			if s := n.Sources[j]; s >= 0 {
				return outputs[s]
			}
			return input
		}
		tensors := map[string][]float64{}
		for j := range n.Tensors {
			t := &n.Tensors[j]
			from := &params
			if t.Buffer {
				from = &stored
			}
			tensors[t.Suffix], *from = (*from)[:t.Size()], (*from)[t.Size():]
		}
		outputs[i] = ref.layer(n, tensors, rows, source)
	}
	return outputs[len(outputs)-1]
}

// layer returns the output of one node for all rows.
func (ref *reference) layer(n *modelspec.Node, tensors map[string][]float64, rows int, source func(int) []float64) []float64 {
	x := source(0)
	w, b := tensors["weight"], tensors["bias"]
	switch n.Kind {
	case modelspec.KindDense:
		return affine(x, w, b, n.Inputs(), n.Outputs())
	case modelspec.KindLinear:
		_, length := n.Rows()
		return affine(x, w, b, length, int(n.Units))
	case modelspec.KindConv2D:
		return convolve(n, x, w, b, rows)
	case modelspec.KindMaxPool:
		return poolWindows(n, x, rows, slices.Max[[]float64])
	case modelspec.KindAveragePool:
		return poolWindows(n, x, rows, average)
	case modelspec.KindGlobalAveragePool:
		return eachVector(x, n.Inputs()/n.Outputs(), func(v []float64) []float64 { return []float64{average(v)} })
	case modelspec.KindFlatten:
		return x
	case modelspec.KindEmbedding:
		var y []float64
		for _, v := range x {
			y = append(y, w[int(v)*int(n.Units):][:n.Units]...)
		}
		return y
	case modelspec.KindPosition:
		return eachVector(x, len(w), func(v []float64) []float64 { return sumOf(v, w) })
	case modelspec.KindAdd:
		return sumOf(x, source(1))
	case modelspec.KindLayerNorm:
		return eachVector(x, len(w), func(v []float64) []float64 {
			mean, variance := moments(v)
			y := make([]float64, len(v))
			for i := range v {
				y[i] = (v[i]-mean)/math.Sqrt(variance+float64(n.EpsilonE9)/1e9)*w[i] + b[i]
			}
			return y
		})
	case modelspec.KindBatchNorm:
		return ref.batchNorm(n, x, tensors, rows)
	case modelspec.KindDropout:
		return ref.dropout(n, x)
	case modelspec.KindAttention:
		return eachVector(x, n.Inputs(), func(v []float64) []float64 { return attend(n, v, tensors) })
	case modelspec.KindSoftmax:
		_, length := n.Rows()
		return eachVector(x, length, softmax64)
	case modelspec.KindSML:
		return eachVector(x, n.Inputs(), func(v []float64) []float64 {
			y := make([]float64, len(v))
			for i, k := range ref.m.mapping.from {
				y[i] = float64(ref.m.mapping.sign[i]) * v[k]
			}
			return y
		})
	}
	f := map[string]func(x float64) float64{
		modelspec.KindReLU:    func(x float64) float64 { return max(x, 0) },
		modelspec.KindTanh:    math.Tanh,
		modelspec.KindSigmoid: sigmoid64,
		modelspec.KindSiLU:    func(x float64) float64 { return x * sigmoid64(x) },
		modelspec.KindGELU: func(x float64) float64 {
			return 0.5 * x * (1 + math.Tanh(math.Sqrt(2/math.Pi)*(x+0.044715*x*x*x)))
		},
	}[n.Kind]
	return eachVector(x, 1, func(v []float64) []float64 { return []float64{f(v[0])} })
}

func sigmoid64(x float64) float64 { return 1 / (1 + math.Exp(-x)) }

// eachVector applies f to the vectors of a length and puts the results one after the other.
func eachVector(x []float64, length int, f func(v []float64) []float64) []float64 {
	var y []float64
	for v := range slices.Chunk(x, length) {
		y = append(y, f(v)...)
	}
	return y
}

func sumOf(a, b []float64) []float64 {
	y := make([]float64, len(a))
	for i := range a {
		y[i] = a[i] + b[i]
	}
	return y
}

func average(x []float64) float64 {
	total := 0.0
	for _, v := range x {
		total += v
	}
	return total / float64(len(x))
}

// moments returns mean and biased variance.
func moments(x []float64) (mean, variance float64) {
	mean = average(x)
	for _, v := range x {
		variance += (v - mean) * (v - mean) / float64(len(x))
	}
	return mean, variance
}

func softmax64(x []float64) []float64 {
	top, total := slices.Max(x), 0.0
	y := make([]float64, len(x))
	for i, v := range x {
		y[i] = math.Exp(v - top)
		total += y[i]
	}
	for i := range y {
		y[i] /= total
	}
	return y
}

func affine(x, w, b []float64, inputs, outputs int) []float64 {
	return eachVector(x, inputs, func(v []float64) []float64 {
		y := make([]float64, outputs)
		for o := range y {
			y[o] = b[o]
			for i, xi := range v {
				y[o] += w[o*inputs+i] * xi
			}
		}
		return y
	})
}

func convolve(n *modelspec.Node, x, w, b []float64, rows int) []float64 {
	channels, height, width := n.Image()
	units, groups := int(n.Units), int(n.Groups)
	perGroup, kh, kw := channels/groups, int(n.KernelHeight), int(n.KernelWidth)
	var y []float64
	for r := range rows {
		for u := range units {
			for p := range n.Out[1] {
				for q := range n.Out[2] {
					total := b[u]
					for c := range perGroup {
						plane := x[(r*channels+u/(units/groups)*perGroup+c)*height*width:]
						for i := range kh {
							for j := range kw {
								row, column := p*int(n.StrideHeight)+i-int(n.PaddingHeight), q*int(n.StrideWidth)+j-int(n.PaddingWidth)
								if row >= 0 && row < height && column >= 0 && column < width {
									total += w[((u*perGroup+c)*kh+i)*kw+j] * plane[row*width+column]
								}
							}
						}
					}
					y = append(y, total)
				}
			}
		}
	}
	return y
}

func poolWindows(n *modelspec.Node, x []float64, rows int, of func([]float64) float64) []float64 {
	channels, height, width := n.Image()
	var y []float64
	for plane := range slices.Chunk(x[:rows*channels*height*width], height*width) {
		for p := range n.Out[1] {
			for q := range n.Out[2] {
				var seen []float64
				for i := range int(n.KernelHeight) {
					for j := range int(n.KernelWidth) {
						seen = append(seen, plane[(p*int(n.StrideHeight)+i)*width+q*int(n.StrideWidth)+j])
					}
				}
				y = append(y, of(seen))
			}
		}
	}
	return y
}

func (ref *reference) batchNorm(n *modelspec.Node, x []float64, tensors map[string][]float64, rows int) []float64 {
	channels := n.Out[0]
	pixels := n.Outputs() / channels
	momentum := float64(n.MomentumE6) / 1e6
	y := make([]float64, len(x))
	for c := range channels {
		var values []float64
		for r := range rows {
			values = append(values, x[(r*channels+c)*pixels:][:pixels]...)
		}
		mean, variance := tensors["running_mean"][c], tensors["running_var"][c]
		if ref.training {
			mean, variance = moments(values)
			unbiased := variance
			if count := float64(len(values)); count > 1 {
				unbiased *= count / (count - 1)
			}
			ref.buffers[n.Name+".running_mean"] = append(ref.buffers[n.Name+".running_mean"], (1-momentum)*tensors["running_mean"][c]+momentum*mean)
			ref.buffers[n.Name+".running_var"] = append(ref.buffers[n.Name+".running_var"], (1-momentum)*tensors["running_var"][c]+momentum*unbiased)
		}
		for r := range rows {
			for p := range pixels {
				i := (r*channels+c)*pixels + p
				y[i] = (x[i]-mean)/math.Sqrt(variance+float64(n.EpsilonE9)/1e9)*tensors["weight"][c] + tensors["bias"][c]
			}
		}
	}
	return y
}

func (ref *reference) dropout(n *modelspec.Node, x []float64) []float64 {
	if !ref.training {
		return x
	}
	s := newStream(ref.seed, "dropout/"+n.Name, ref.step)
	rate := float64(n.RateE6) / 1e6
	y := make([]float64, len(x))
	for i, v := range x {
		if float64(s.uint32())/(1<<32) >= rate {
			y[i] = v / (1 - rate)
		}
	}
	return y
}

// attend is multi-head self-attention over one row.
func attend(n *modelspec.Node, x []float64, tensors map[string][]float64) []float64 {
	positions, width := n.Rows()
	projected := affine(x, tensors["in_proj_weight"], tensors["in_proj_bias"], width, 3*width)
	head := width / int(n.Heads)
	mixed := make([]float64, positions*width)
	for h := range int(n.Heads) {
		at := func(t, which, i int) float64 { return projected[t*3*width+which*width+h*head+i] }
		for t := range positions {
			seen := positions
			if n.Causal {
				seen = t + 1
			}
			scores := make([]float64, seen)
			for u := range seen {
				for i := range head {
					scores[u] += at(t, 0, i) * at(u, 1, i) / math.Sqrt(float64(head))
				}
			}
			for u, weight := range softmax64(scores) {
				for i := range head {
					mixed[t*width+h*head+i] += weight * at(u, 2, i)
				}
			}
		}
	}
	return affine(mixed, tensors["out_proj.weight"], tensors["out_proj.bias"], width, width)
}

// loss returns the mean loss of the rows.
func (ref *reference) loss(params []float64, d *Data, o Objective) float64 {
	out := ref.forward(params, d)
	total := 0.0
	switch o {
	case CrossEntropy:
		n := len(out) / len(d.Labels)
		for i, label := range d.Labels {
			p := softmax64(out[i*n:][:n])
			loss := -(1 - ref.smoothing) * math.Log(p[label])
			for _, v := range p {
				loss -= ref.smoothing / float64(n) * math.Log(v)
			}
			total += loss
		}
		return total / float64(len(d.Labels))
	case MeanSquaredError:
		for i, y := range out {
			total += (y - float64(d.Y[i])) * (y - float64(d.Y[i]))
		}
	case BinaryCrossEntropy:
		for i, y := range out {
			t := float64(d.Y[i])
			total -= t*math.Log(sigmoid64(y)) + (1-t)*math.Log(sigmoid64(-y))
		}
	}
	return total / float64(len(out))
}
