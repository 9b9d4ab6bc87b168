package engine

import "github.com/pold-network/pold/modelspec"

// passMode says what a pass is for.
type passMode uint8

const (
	evaluating passMode = iota
	training
)

// pass runs a model forward, and backward when it trains, over up to capacity rows at a time. Everything it needs is allocated when it
// is made.
type pass struct {
	m        *Model
	capacity int
	input    []float32 // normalised rows; none without a normalization
	readers  []reader  // of the model's input
	ops      []*op
	weights  []float32 // gradients of the parameters: all of them, or room for those of the largest layer
	all      bool      // weights holds all gradients side by side
	seed     [32]byte  // of dropout
	step     uint64    // of the training, from 1

	normalizing task
	raw         []float32
	tensors     [][]float32 // see tensorGradients
}

// reader is an input of a layer that is the model's.
type reader struct {
	op    *op
	which int
}

// op is one layer of a pass with its memory, all for capacity rows.
type op struct {
	layer
	io
	node    *modelspec.Node
	fullX   [][]float32
	fullY   []float32
	fullDY  []float32
	fullDX  [][]float32 // nil where no gradient is needed
	addDX   [][]float32 // where a later layer has stored a gradient already: the place to which fullDX is added
	offset  int         // of the layer's weights in the model's parameters
	params  int         // their number
	weights []float32   // their gradients
	sum     task
	sumTo   int // index into addDX of the running sum
}

// io is what a layer sees of the batch in hand. Matrices are row-major, one line per row of the batch.
type io struct {
	rows     int
	training bool
	step     uint64   // of the training, from 1
	seed     [32]byte // of the training
	x        [][]float32
	y, dy    []float32
	dx       [][]float32 // gradients to store; nil where none is needed
}

func (m *Model) newPass(capacity int, mode passMode, keepGradients bool) *pass {
	return m.newPassIn(planMemory(m.nodes, mode), capacity, keepGradients)
}

// newPassIn makes a pass whose buffers are those of a plan.
func (m *Model) newPassIn(memory *memory, capacity int, keepGradients bool) *pass {
	mode := memory.mode
	p := &pass{m: m, capacity: capacity, all: keepGradients}
	if m.spec.Normalization != nil {
		p.input = make([]float32, capacity*m.inputs())
	}
	if mode == training {
		p.weights = make([]float32, m.gradientRoom(keepGradients))
	}
	offset, buffers := 0, m.buffers
	arena := memory.allocate(capacity)
	for i := range m.nodes {
		n := &m.nodes[i]
		o := &op{node: n, offset: offset, params: int(n.Parameters())}
		o.training = mode == training
		var t layerTensors
		t.params = split(m.params[offset:], n, false)
		t.buffers = split(buffers, n, true)
		buffers = buffers[n.Buffers():]
		if mode == training {
			at := 0
			if keepGradients {
				at = offset
			}
			o.weights = p.weights[at:][:o.params]
			t.gradients = split(o.weights, n, false)
		}
		offset += o.params
		o.layer = newLayer(m.machine, n, t, capacity, mode, m.mapping)
		for j, s := range n.Sources {
			var x []float32
			if s >= 0 {
				x = arena[memory.output[s]][:capacity*sizeOf(n.In[j])]
			} else {
				p.readers = append(p.readers, reader{o, j})
			}
			o.fullX = append(o.fullX, x)
		}
		o.fullY = arena[memory.output[i]][:capacity*n.Outputs()]
		o.x = make([][]float32, len(o.fullX))
		if mode == training {
			memory.bindGradients(o, i, arena, capacity)
			o.sum.work = func(_, from, to int) {
				sum, extra := o.addDX[o.sumTo][from:to], o.dx[o.sumTo][from:to]
				m.machine.vec.Add(sum, sum, extra)
			}
		}
		p.ops = append(p.ops, o)
	}
	p.normalizing.work = p.normalizeRange
	return p
}

// split cuts values, which begin with those of node n, into its tensors: the parameters or the buffers.
func split(values []float32, n *modelspec.Node, buffers bool) [][]float32 {
	var ts [][]float32
	for i := range n.Tensors {
		if t := &n.Tensors[i]; t.Buffer == buffers {
			ts = append(ts, values[:t.Size():t.Size()])
			values = values[t.Size():]
		}
	}
	return ts
}

// gradientRoom is how many gradients a pass holds: all, or those of the largest layer.
func (m *Model) gradientRoom(all bool) int {
	if all {
		return len(m.params)
	}
	largest := 0
	for i := range m.nodes {
		largest = max(largest, int(m.nodes[i].Parameters()))
	}
	return largest
}

// forward normalises the rows of x (rows × inputs) and returns the last layer's output, valid until the next call.
func (p *pass) forward(x []float32, rows int) []float32 {
	x = p.normalize(x)
	for _, r := range p.readers {
		r.op.x[r.which] = x
	}
	for _, o := range p.ops {
		o.prepare(p, rows)
		o.forward(&o.io)
	}
	return p.ops[len(p.ops)-1].y
}

// prepare points the layer's view at the rows of the batch.
func (o *op) prepare(p *pass, rows int) {
	o.step, o.seed = p.step, p.seed
	if rows == o.rows {
		return
	}
	o.rows = rows
	for j, x := range o.fullX {
		if x != nil {
			o.x[j] = x[:rows*sizeOf(o.node.In[j])]
		}
	}
	o.y = o.fullY[:rows*o.node.Outputs()]
	if o.fullDY == nil {
		return
	}
	o.dy = o.fullDY[:rows*o.node.Outputs()]
	for j, dx := range o.fullDX {
		if dx != nil {
			o.dx[j] = dx[:rows*sizeOf(o.node.In[j])]
		}
	}
}

// outputGradient is where the gradient of the outputs goes before backward.
func (p *pass) outputGradient(rows int) []float32 {
	last := p.ops[len(p.ops)-1]
	return last.fullDY[:rows*last.node.Outputs()]
}

// backward computes all gradients from that of the outputs, the last layer first. After each layer with weights it calls use, unless
// nil, with the weights, their gradients and their place in the parameters.
//
// The gradient of an output that several layers read is the sum of their contributions, the last layer's first.
func (p *pass) backward(rows int, use func(w, g []float32, offset int)) {
	for i := len(p.ops) - 1; i >= 0; i-- {
		o := p.ops[i]
		if o.fullDY == nil {
			continue // nothing in front of it has weights
		}
		o.backward(&o.io)
		for j, sum := range o.addDX {
			if sum != nil {
				o.sumTo = j
				p.m.machine.run(&o.sum, len(o.dx[j]), elementPiece)
			}
		}
		if use != nil && o.params > 0 {
			use(p.m.params[o.offset:][:o.params], o.weights, o.offset)
		}
	}
}

// tensorGradients returns the gradients tensor by tensor, in the order of the parameters. The pass must keep them.
func (p *pass) tensorGradients() [][]float32 {
	if !p.all {
		panic("engine: the gradients of this pass are not kept")
	}
	if p.tensors == nil {
		for _, o := range p.ops {
			p.tensors = append(p.tensors, split(o.weights, o.node, false)...)
		}
	}
	return p.tensors
}

// normalize returns (x - offset) / divisor, each operation rounded, or x itself without a normalization.
func (p *pass) normalize(x []float32) []float32 {
	if p.input == nil {
		return x
	}
	p.raw = x
	p.m.machine.run(&p.normalizing, len(x), elementPiece)
	return p.input[:len(x)]
}

func (p *pass) normalizeRange(_, from, to int) {
	n := p.m.spec.Normalization
	offset, divisor := millionths(float64(n.OffsetE6)), millionths(float64(n.DivisorE6))
	p.m.machine.vec.Normalize(p.input[from:to], p.raw[from:to], offset, divisor)
}

// millionths converts an integer number of millionths (exact in float64 within the limits of a spec) to float32.
func millionths(e6 float64) float32 { return float32(e6 / 1e6) }
