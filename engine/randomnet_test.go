package engine

import (
	"fmt"
	"slices"
	"testing"

	"github.com/pold-network/pold/modelspec"
)

// choices draws small numbers: from a stream for tests of a seed, from bytes for fuzzing.
type choices interface{ below(n uint32) uint32 }

// byteChoices takes one byte a choice, and 0 when none is left.
type byteChoices []byte

func (b *byteChoices) below(n uint32) uint32 {
	if len(*b) == 0 {
		return 0
	}
	v := uint32((*b)[0])
	*b = (*b)[1:]
	return v % n
}

// growing is a random network under construction.
type growing struct {
	choices
	spec   *Spec
	shapes map[string][]int
	reads  map[string]int // how many layers read each
}

// randomNetwork draws a valid spec of up to 12 layers of all kinds, wired at random: any layer may read any earlier one. What nobody
// reads is brought to one size and added up at the end.
func randomNetwork(from choices) *Spec {
	g := &growing{choices: from, spec: &Spec{}, shapes: map[string][]int{}, reads: map[string]int{}}
	shapes := [][]uint32{{6}, {5, 4}, {2, 6, 5}, {7}, {1, 4, 4}, {3, 2, 2, 2}}
	g.spec.InputShape = shapes[g.below(uint32(len(shapes)))]
	for _, d := range g.spec.InputShape {
		g.shapes["input"] = append(g.shapes["input"], int(d))
	}
	switch g.below(6) {
	case 0:
		g.try(plain(modelspec.KindSML), "input")
	case 1:
		g.try(embeddingOf(9, 4), "input")
	case 2:
		g.spec.Normalization = &Normalization{OffsetE6: 100_000, DivisorE6: 700_000}
	}
	for range 3 + g.below(6) {
		g.extend()
	}
	g.finish()
	return g.spec
}

// source draws a layer to read, mostly the last one.
func (g *growing) source() string {
	if n := len(g.spec.Layers); n > 0 && g.below(3) > 0 {
		return g.spec.Layers[n-1].Name
	}
	return g.any()
}

func (g *growing) any() string {
	i := int(g.below(uint32(len(g.spec.Layers) + 1)))
	if i == len(g.spec.Layers) {
		return "input"
	}
	return g.spec.Layers[i].Name
}

// extend adds a layer that fits, or none if a few draws do not.
func (g *growing) extend() {
	small := func() uint64 { return uint64(1 + g.below(3)) }
	pair := func() [2]uint64 { return [2]uint64{small(), small()} }
	for range 6 {
		kinds := modelspec.Kinds()
		kind := kinds[g.below(uint32(len(kinds)))]
		l := plain(kind)
		switch kind {
		case modelspec.KindAdd:
			a := g.source()
			for _, b := range []string{g.any(), g.any(), g.any(), g.any()} {
				if g.try(l, a, b) {
					return
				}
			}
			continue
		case modelspec.KindDense, modelspec.KindLinear:
			l.Units = 2 + uint64(g.below(6))
		case modelspec.KindConv2D:
			l = conv2(uint64(2+2*g.below(3)), pair(), pair(), [2]uint64{uint64(g.below(2)), uint64(g.below(2))}, 1+uint64(g.below(2)))
		case modelspec.KindMaxPool, modelspec.KindAveragePool:
			l = pooling(kind, pair(), pair())
		case modelspec.KindEmbedding, modelspec.KindSML:
			continue // only at the beginning
		case modelspec.KindLayerNorm:
			l = layerNormOf(10_000)
		case modelspec.KindBatchNorm:
			l = batchNormOf()
		case modelspec.KindDropout:
			l = dropoutOf(300_000)
		case modelspec.KindAttention:
			l = attend2(1+uint64(g.below(2)), g.below(2) == 1)
		}
		if g.try(l, g.source()) {
			return
		}
	}
}

// try adds the layer if the layers that lead to it and itself make a valid spec.
func (g *growing) try(l Layer, inputs ...string) bool {
	l.Name, l.Inputs = fmt.Sprintf("l%d", len(g.spec.Layers)), inputs
	needed := map[string]bool{}
	for _, name := range inputs {
		needed[name] = true
	}
	for i := len(g.spec.Layers) - 1; i >= 0; i-- {
		if before := g.spec.Layers[i]; needed[before.Name] {
			for _, name := range before.Inputs {
				needed[name] = true
			}
		}
	}
	path := &Spec{InputShape: g.spec.InputShape, Normalization: g.spec.Normalization}
	for _, before := range g.spec.Layers {
		if needed[before.Name] {
			path.Layers = append(path.Layers, before)
		}
	}
	path.Layers = append(path.Layers, l)
	mapped := len(g.spec.Layers) > 0 && g.spec.Layers[0].Kind == modelspec.KindSML
	nodes, err := path.Plan()
	if err != nil || mapped && slices.Contains(inputs, "input") {
		return false // with a mapping, nothing else may read the input
	}
	g.spec.Layers = append(g.spec.Layers, l)
	g.shapes[l.Name] = nodes[len(nodes)-1].Out
	for _, name := range inputs {
		g.reads[name]++
	}
	return true
}

// finish brings together everything that nobody reads.
func (g *growing) finish() {
	var ends []string
	for _, l := range g.spec.Layers {
		if g.reads[l.Name] == 0 {
			ends = append(ends, l.Name)
		}
	}
	if len(ends) == 1 && len(g.shapes[ends[0]]) < 3 && g.below(2) == 1 && g.try(Layer{Kind: modelspec.KindLinear, Units: 3}, ends[0]) {
		return
	}
	var sum string
	for _, end := range ends {
		g.try(Layer{Kind: modelspec.KindDense, Units: 3}, end)
		last := g.spec.Layers[len(g.spec.Layers)-1].Name
		if sum != "" {
			g.try(plain(modelspec.KindAdd), sum, last)
			last = g.spec.Layers[len(g.spec.Layers)-1].Name
		}
		sum = last
	}
	if len(ends) == 0 {
		g.try(Layer{Kind: modelspec.KindDense, Units: 3}, "input")
	}
}

// randomNetworks returns a number of different networks from fixed seeds.
func randomNetworks(t testing.TB, n int) []*Spec {
	t.Helper()
	var specs []*Spec
	for i := range n {
		spec := randomNetwork(newStream([32]byte{}, "network", uint64(i)))
		if err := spec.Validate(); err != nil {
			t.Fatalf("random network %d: %v\n%+v", i, err, spec)
		}
		specs = append(specs, spec)
	}
	return specs
}

func TestRandomNetworksAreOfEveryKind(t *testing.T) {
	kinds := map[string]int{}
	forks := 0
	for _, spec := range randomNetworks(t, 400) {
		readers := map[string]int{}
		for _, l := range spec.Layers {
			kinds[l.Kind]++
			for _, name := range l.Inputs {
				if readers[name]++; readers[name] == 2 && name != "input" {
					forks++
				}
			}
		}
	}
	for _, kind := range modelspec.Kinds() {
		if kinds[kind] < 5 {
			t.Errorf("expected kind %q in several networks, got %d", kind, kinds[kind])
		}
	}
	if forks < 100 {
		t.Errorf("expected outputs that two layers read in many networks, got %d", forks)
	}
}
