package engine

import "github.com/pold-network/pold/modelspec"

// memory says which buffer each output and each gradient of a pass lives in. Buffers are shared where the values of one are no longer
// needed when those of the other are made; elementwise layers work in place where nobody needs what they overwrite.
type memory struct {
	nodes []modelspec.Node
	mode  passMode
	sizes []int // of each buffer, in values per row
	free  []int // buffers whose values are no longer needed

	output    []int          // buffer of each node's output
	gradient  []int          // buffer of the gradient of each node's output; none
	addends   map[[2]int]int // (node, input): buffer of a contribution that is added to the gradient of that input
	readers   []int          // how many layers read each node
	lastRead  []int          // the last of them
	trainable []bool         // gradients of the node's output are needed
}

const none = -1

// planMemory works out the buffers of a pass.
func planMemory(nodes []modelspec.Node, mode passMode) *memory {
	m := &memory{nodes: nodes, mode: mode, addends: map[[2]int]int{},
		output: make([]int, len(nodes)), gradient: make([]int, len(nodes)),
		readers: make([]int, len(nodes)), lastRead: make([]int, len(nodes)), trainable: make([]bool, len(nodes))}
	for i := range nodes {
		m.gradient[i] = none
		m.lastRead[i] = i
		m.trainable[i] = nodes[i].Parameters() > 0
		for _, s := range nodes[i].Sources {
			if s >= 0 {
				m.readers[s]++
				m.lastRead[s] = i
				m.trainable[i] = m.trainable[i] || m.trainable[s]
			}
		}
	}
	m.planOutputs()
	if mode == training {
		m.free = nil // outputs stay until the way back is over
		m.planGradients()
	}
	return m
}

func (m *memory) planOutputs() {
	owners := map[int]int{} // buffer: number of nodes whose output lives there and is still to be read
	for i := range m.nodes {
		n := &m.nodes[i]
		if s := n.Sources[0]; s >= 0 && m.inPlace(n.Kind, s) {
			m.output[i] = m.output[s]
		} else {
			m.output[i] = m.take(n.Outputs())
		}
		owners[m.output[i]]++
		if m.mode == training {
			continue
		}
		for s := range i {
			if m.lastRead[s] == i && m.readers[s] > 0 {
				if b := m.output[s]; owners[b] == 1 && b != m.output[i] {
					m.free = append(m.free, b)
				}
				owners[m.output[s]]--
			}
		}
	}
}

// inPlace says whether a layer of this kind may write its output over that of node s, which it reads.
func (m *memory) inPlace(kind string, s int) bool {
	t := traitsOf(kind)
	return t.view || t.elementwise && (m.mode == evaluating || !t.needsInput) && m.writable(s)
}

// writable says whether the only reader of node s may overwrite its output.
func (m *memory) writable(s int) bool {
	if s < 0 || m.readers[s] != 1 {
		return false
	}
	t := traitsOf(m.nodes[s].Kind)
	if m.mode == training && t.needsOutput {
		return false
	}
	return !t.view || m.writable(m.nodes[s].Sources[0])
}

func (m *memory) planGradients() {
	last := len(m.nodes) - 1
	m.gradient[last] = m.take(m.nodes[last].Outputs())
	for i := last; i >= 0; i-- {
		if m.gradient[i] == none {
			continue // nothing in front of it has weights
		}
		n := &m.nodes[i]
		handedOn := false
		var temporary []int
		for j, s := range n.Sources {
			switch {
			case s < 0 || !m.trainable[s]:
			case m.gradient[s] != none:
				t := m.take(m.nodes[s].Outputs())
				m.addends[[2]int{i, j}] = t
				temporary = append(temporary, t)
			case j == 0 && !handedOn && (traitsOf(n.Kind).elementwise || traitsOf(n.Kind).view):
				m.gradient[s] = m.gradient[i]
				handedOn = true
			default:
				m.gradient[s] = m.take(m.nodes[s].Outputs())
			}
		}
		m.free = append(m.free, temporary...)
		if !handedOn {
			m.free = append(m.free, m.gradient[i])
		}
	}
}

// take returns a free buffer of at least the given size per row: the smallest that fits, else the largest made larger, else a new one.
func (m *memory) take(size int) int {
	best := none
	for at, b := range m.free {
		if best == none {
			best = at
			continue
		}
		a, c := m.sizes[m.free[best]], m.sizes[b]
		if a < size && c > a || c >= size && (a < size || c < a) {
			best = at
		}
	}
	if best == none {
		m.sizes = append(m.sizes, size)
		return len(m.sizes) - 1
	}
	b := m.free[best]
	m.free = append(m.free[:best], m.free[best+1:]...)
	m.sizes[b] = max(m.sizes[b], size)
	return b
}

// allocate makes the buffers for so many rows.
func (m *memory) allocate(capacity int) [][]float32 {
	arena := make([][]float32, len(m.sizes))
	for i, size := range m.sizes {
		arena[i] = make([]float32, capacity*size)
	}
	return arena
}

// bindGradients gives layer i its places for gradients.
func (m *memory) bindGradients(o *op, i int, arena [][]float32, capacity int) {
	n := o.node
	if m.gradient[i] == none {
		return
	}
	o.fullDY = arena[m.gradient[i]][:capacity*n.Outputs()]
	o.fullDX = make([][]float32, len(n.Sources))
	o.addDX = make([][]float32, len(n.Sources))
	o.dx = make([][]float32, len(n.Sources))
	for j, s := range n.Sources {
		if s < 0 || !m.trainable[s] {
			continue
		}
		size := capacity * m.nodes[s].Outputs()
		o.fullDX[j] = arena[m.gradient[s]][:size]
		if t, ok := m.addends[[2]int{i, j}]; ok {
			o.addDX[j] = o.fullDX[j]
			o.fullDX[j] = arena[t][:size]
		}
	}
}
