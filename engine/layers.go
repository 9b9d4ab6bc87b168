package engine

// layer is one step of the network over a batch of rows. Matrices are row-major: x is rows×inputs, y rows×outputs.
type layer interface {
	// forward computes y from x.
	forward(be backend, x, y []float32, rows int)
	// backward computes the gradients of the weights and, unless dx is nil, of x from the gradient dy of y.
	backward(be backend, x, y, dy, dx []float32, rows int)
}

// dense is y = x·Wᵀ + b with W outputs×inputs. Each y is one chain that starts at the bias.
type dense struct {
	inputs, outputs int
	w, b            []float32
	dw, db          []float32 // gradients; nil when the pass does not train
}

func (l *dense) forward(be backend, x, y []float32, rows int) {
	for r := range rows {
		copy(y[r*l.outputs:][:l.outputs], l.b)
	}
	be.gemm(product{transB: true, m: rows, n: l.outputs, k: l.inputs,
		a: x, lda: l.inputs, b: l.w, ldb: l.inputs, accumulate: true, c: y, ldc: l.outputs})
}

func (l *dense) backward(be backend, x, _, dy, dx []float32, rows int) {
	be.gemm(product{transA: true, m: l.outputs, n: l.inputs, k: rows,
		a: dy, lda: l.outputs, b: x, ldb: l.inputs, c: l.dw, ldc: l.inputs})
	be.sumColumns(l.db, dy, rows, l.outputs)
	if dx != nil {
		be.gemm(product{m: rows, n: l.inputs, k: l.outputs,
			a: dy, lda: l.outputs, b: l.w, ldb: l.inputs, c: dx, ldc: l.inputs})
	}
}

// relu is y = x where x > 0, else +0 (also for NaN and -0).
type relu struct{}

func (relu) forward(_ backend, x, y []float32, _ int) {
	for i, v := range x {
		if !(v > 0) {
			v = 0
		}
		y[i] = v
	}
}

func (relu) backward(_ backend, _, y, dy, dx []float32, _ int) {
	if dx == nil {
		return
	}
	for i, g := range dy {
		if !(y[i] > 0) {
			g = 0
		}
		dx[i] = g
	}
}

// tanh is y = tanh(x); its derivative is 1 - y².
type tanh struct{}

func (tanh) forward(be backend, x, y []float32, _ int) { be.tanh(y, x) }

func (tanh) backward(_ backend, _, y, dy, dx []float32, _ int) {
	if dx == nil {
		return
	}
	for i, g := range dy {
		dx[i] = g * fma32(-y[i], y[i], 1)
	}
}

// pass runs a model forward, and backward when it trains, over up to capacity rows at a time.
type pass struct {
	m         *Model
	layers    []layer
	input     []float32   // normalised rows
	outputs   [][]float32 // per layer
	gradients [][]float32 // per layer, of its output; only when training
	weights   []float32   // gradient of the model's parameters, in their order; only when training
}

func (m *Model) newPass(capacity int, train bool) *pass {
	p := &pass{m: m, input: make([]float32, capacity*m.nodes[0].inputs)}
	if train {
		p.weights = make([]float32, len(m.params))
	}
	var denses []layer
	offset := 0
	m.eachDense(func(n node, weight, bias []float32) {
		l := &dense{inputs: n.inputs, outputs: n.outputs, w: weight, b: bias}
		if train {
			l.dw = p.weights[offset:][:len(weight)]
			l.db = p.weights[offset+len(weight):][:len(bias)]
		}
		offset += len(weight) + len(bias)
		denses = append(denses, l)
	})
	for _, n := range m.nodes {
		switch n.Kind {
		case KindDense:
			p.layers = append(p.layers, denses[0])
			denses = denses[1:]
		case KindReLU:
			p.layers = append(p.layers, relu{})
		case KindTanh:
			p.layers = append(p.layers, tanh{})
		}
		p.outputs = append(p.outputs, make([]float32, capacity*n.outputs))
		if train {
			p.gradients = append(p.gradients, make([]float32, capacity*n.outputs))
		}
	}
	return p
}

// forward normalises the rows of x (rows × inputs) and returns the last layer's output, valid until the next call.
func (p *pass) forward(x []float32, rows int) []float32 {
	p.normalize(x)
	for i, n := range p.m.nodes {
		p.layers[i].forward(p.m.be, p.read(n.source, rows), p.outputs[i][:rows*n.outputs], rows)
	}
	last := len(p.m.nodes) - 1
	return p.outputs[last][:rows*p.m.nodes[last].outputs]
}

// read returns the rows that a layer with this source sees.
func (p *pass) read(source, rows int) []float32 {
	if source < 0 {
		return p.input[:rows*p.m.nodes[0].inputs]
	}
	return p.outputs[source][:rows*p.m.nodes[source].outputs]
}

// backward fills p.weights from the gradient of the output, which the caller has put into p.gradients of the last layer. Every layer
// is read exactly once (Spec.Validate sees to it), so gradients are stored, never added.
func (p *pass) backward(rows int) {
	for i := len(p.m.nodes) - 1; i >= 0; i-- {
		n := p.m.nodes[i]
		var dx []float32
		if n.source >= 0 {
			dx = p.gradients[n.source][:rows*n.inputs]
		}
		y, dy := p.outputs[i][:rows*n.outputs], p.gradients[i][:rows*n.outputs]
		p.layers[i].backward(p.m.be, p.read(n.source, rows), y, dy, dx, rows)
	}
}

// normalize copies x into p.input as (x - offset) / divisor, each operation rounded.
func (p *pass) normalize(x []float32) {
	n := p.m.spec.Normalization
	if n == nil {
		copy(p.input, x)
		return
	}
	offset, divisor := millionths(float64(n.OffsetE6)), millionths(float64(n.DivisorE6))
	for i, v := range x {
		p.input[i] = (v - offset) / divisor
	}
}

// millionths converts an integer number of millionths (exact in float64 within the limits of a spec) to float32.
func millionths(e6 float64) float32 { return float32(e6 / 1e6) }
