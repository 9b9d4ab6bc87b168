package engine

import (
	"encoding/binary"
	"fmt"
	"slices"
	"testing"

	"github.com/pold-network/pold/engine/internal/exact"
	"github.com/pold-network/pold/modelspec"
)

// separateBuffers is a plan in which every output, every gradient and every contribution to one has a buffer of its own.
func separateBuffers(nodes []modelspec.Node, mode passMode) *memory {
	p := planMemory(nodes, mode)
	p.sizes = nil
	own := func(size int) int {
		p.sizes = append(p.sizes, size)
		return len(p.sizes) - 1
	}
	for i := range nodes {
		p.output[i] = own(nodes[i].Outputs())
		if p.gradient[i] != none {
			p.gradient[i] = own(nodes[i].Outputs())
		}
		for j, s := range nodes[i].Sources {
			if _, ok := p.addends[[2]int{i, j}]; ok {
				p.addends[[2]int{i, j}] = own(nodes[s].Outputs())
			}
		}
	}
	return p
}

// poison fills the buffers of a pass with NaN, so that whatever is read before it is written shows.
func (p *pass) poison() {
	for _, o := range p.ops {
		fill(o.fullY, exact.NaN())
		fill(o.fullDY, exact.NaN())
		for _, dx := range o.fullDX {
			fill(dx, exact.NaN())
		}
	}
	fill(p.weights, exact.NaN())
}

// results runs evaluation and training batches of several sizes through passes with a plan, and returns all that comes out as text.
func results(t testing.TB, spec *Spec, plan func([]modelspec.Node, passMode) *memory) []string {
	m := newTestModel(t, spec, 3)
	unsettle(m)
	var texts []string
	note := func(what string, rows int, x []float32) {
		b := make([]byte, 0, 4*len(x))
		for _, v := range x {
			b = binary.LittleEndian.AppendUint32(b, exact.CanonicalBits(v))
		}
		texts = append(texts, fmt.Sprintf("%s of %d rows: %x", what, rows, b))
		if slices.ContainsFunc(x, func(v float32) bool { return v != v }) {
			t.Fatalf("%s of %d rows: NaN in %v", what, rows, x)
		}
	}
	const capacity = 5
	d := testData(t, spec, capacity)
	evaluation := m.newPassIn(plan(m.nodes, evaluating), capacity, false)
	evaluation.poison()
	for _, rows := range []int{capacity, 2, 3} {
		note("evaluation", rows, evaluation.forward(d.slice(capacity-rows, capacity).X, rows))
	}
	steps := m.newPassIn(plan(m.nodes, training), capacity, true)
	shared := m.newPassIn(plan(m.nodes, training), capacity, false) // gradients of one layer at a time
	steps.poison()
	shared.poison()
	loss := newLoss(m.machine, CrossEntropy, capacity, m.positions(), m.classes())
	for i, rows := range []int{capacity, 3, capacity} {
		batch := d.slice(0, rows)
		buffers := slices.Clone(m.buffers)
		for _, p := range []*pass{steps, shared} {
			copy(m.buffers, buffers)
			p.step, p.seed = uint64(i+1), [32]byte{7}
			out := p.forward(batch.X, rows)
			note("outputs", rows, out)
			note("losses", rows, loss.rows(out, batch, p.outputGradient(rows)))
			p.backward(rows, func(_, g []float32, offset int) { note(fmt.Sprintf("gradients at %d", offset), rows, g) })
			note("statistics", rows, m.buffers)
		}
	}
	return texts
}

// checkPlan compares the plan of a network with one that shares nothing.
func checkPlan(t testing.TB, spec *Spec) {
	t.Helper()
	got, want := results(t, spec, planMemory), results(t, spec, separateBuffers)
	for i := range want {
		if got[i] != want[i] {
			t.Fatalf("with separate buffers: %s\nwith the plan: %s\n%s", want[i], got[i], spec.Summary())
		}
	}
}

func TestSharedMemoryChangesNoResult(t *testing.T) {
	for _, c := range gradientCases {
		if c.spec.Inputs() < 1000 {
			checkPlan(t, c.spec)
		}
	}
	n := 300
	if long() {
		n = 5000
	}
	for _, spec := range randomNetworks(t, n) {
		checkPlan(t, spec)
	}
}

func FuzzSharedMemory(f *testing.F) {
	s := newStream([32]byte{}, "fuzz seeds", 0)
	for range 8 {
		seed := make([]byte, 40)
		for i := range seed {
			seed[i] = byte(s.uint32())
		}
		f.Add(seed)
	}
	f.Fuzz(func(t *testing.T, b []byte) {
		spec := randomNetwork((*byteChoices)(&b))
		if err := spec.Validate(); err != nil {
			t.Fatalf("%v\n%+v", err, spec)
		}
		checkPlan(t, spec)
	})
}

// TestMemoryIsShared counts the values per row that the plan saves.
func TestMemoryIsShared(t *testing.T) {
	total := func(spec *Spec, mode passMode) (values int) {
		nodes, err := spec.Plan()
		if err != nil {
			t.Fatal(err)
		}
		for _, size := range planMemory(nodes, mode).sizes {
			values += size
		}
		return values
	}
	deep := network([]uint32{10}, denseOf(10), plain(modelspec.KindReLU), denseOf(10), plain(modelspec.KindReLU), denseOf(10), plain(modelspec.KindReLU), denseOf(4))
	for _, c := range []struct {
		name string
		spec *Spec
		mode passMode
		want int
	}{
		{"evaluation of a deep network needs two buffers", deep, evaluating, 20},
		{"training keeps the output of every dense layer, and two gradients", deep, training, 34 + 20},
		{"elementwise layers work in place", network([]uint32{10}, denseOf(10), dropoutOf(1), plain(modelspec.KindPosition), plain(modelspec.KindTanh)), training, 10 + 10},
		{"gelu keeps its input", network([]uint32{10}, denseOf(10), plain(modelspec.KindGELU)), training, 20 + 10},
		{"a fork keeps its input until both branches have read it", network([]uint32{10}, named("a", denseOf(10)), plain(modelspec.KindReLU), addOf("a", "l1")), evaluating, 30},
	} {
		if got := total(c.spec, c.mode); got != c.want {
			t.Errorf("%s: expected %d values per row, got %d", c.name, c.want, got)
		}
	}
}
