package verifier_test

import (
	"fmt"
	"math/rand/v2"
	"slices"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/pold-network/pold/engine"
	"github.com/pold-network/pold/modelspec"
	poltypes "github.com/pold-network/pold/x/pol/types"
)

// agree fails unless the chain and the engine both take a model, with the same shape, or both refuse it: otherwise a
// group could open that no sidecar can score. Only a model without weights, of which there is nothing to learn, and one
// with a secure mapping layer are refused by the chain alone. It reports whether the chain took it.
func agree(t *testing.T, m poltypes.ModelSpec) bool {
	t.Helper()
	encoded, err := m.Marshal()
	require.NoError(t, err)
	shape, chain := m.Shape()
	spec, sidecar := engine.ParseSpec(encoded)
	mapped := slices.ContainsFunc(m.Layers, func(l *poltypes.Layer) bool { return l.Kind == modelspec.KindSML })
	require.Equal(t, chain == nil, sidecar == nil && spec.Parameters() > 0 && !mapped, "the chain says %v, the engine says %v, of %s", chain, sidecar, m.String())
	if chain != nil {
		return false
	}
	require.Equal(t, shape.Inputs, int64(spec.Inputs()))
	require.Equal(t, shape.Outputs, int64(spec.Outputs()))
	require.Equal(t, shape.Parameters, spec.Parameters())
	require.Equal(t, shape.MultiplyAdds, spec.MultiplyAdds())
	return true
}

func TestChainAndEngineHaveTheSameLimits(t *testing.T) {
	dense := func(name string, units uint64) *poltypes.Layer {
		return &poltypes.Layer{Name: name, Kind: "dense", Units: units}
	}
	model := func(inputs []uint32, layers ...*poltypes.Layer) poltypes.ModelSpec {
		return poltypes.ModelSpec{InputShape: inputs, Layers: layers}
	}
	deep := func(n int) poltypes.ModelSpec {
		m := model([]uint32{2}, dense("l0", 2))
		for i := 1; i < n; i++ {
			m.Layers = append(m.Layers, &poltypes.Layer{Name: fmt.Sprintf("l%d", i), Kind: "tanh"})
		}
		return m
	}
	scaled := func(offset int64, divisor uint64) poltypes.ModelSpec {
		m := model([]uint32{2}, dense("out", 2))
		m.Normalization = &poltypes.Normalization{OffsetE6: offset, DivisorE6: divisor}
		return m
	}
	tokens := &poltypes.Layer{Name: "tokens", Kind: "embedding", Units: 2, Vocabulary: 9}
	// Each pair is the last model within a limit and the first one beyond it.
	for name, pair := range map[string][2]poltypes.ModelSpec{
		"layers":         {deep(modelspec.MaxLayers), deep(modelspec.MaxLayers + 1)},
		"inputs":         {model([]uint32{256, 256}, dense("out", 2)), model([]uint32{modelspec.MaxInputs + 1}, dense("out", 2))},
		"dimensions":     {model([]uint32{1, 1, 1, 2}, dense("out", 2)), model([]uint32{1, 1, 1, 1, 2}, dense("out", 2))},
		"units":          {model([]uint32{2}, dense("out", modelspec.MaxUnits)), model([]uint32{2}, dense("out", modelspec.MaxUnits+1))},
		"no units":       {model([]uint32{2}, dense("out", 1)), model([]uint32{2}, dense("out", 0))},
		"parameters":     {model([]uint32{255}, dense("out", modelspec.MaxParameters/256)), model([]uint32{256}, dense("out", modelspec.MaxParameters/256))},
		"name":           {model([]uint32{2}, dense(strings.Repeat("a", modelspec.MaxNameBytes), 2)), model([]uint32{2}, dense(strings.Repeat("a", modelspec.MaxNameBytes+1), 2))},
		"divisor":        {scaled(0, modelspec.MaxDivisorE6), scaled(0, modelspec.MaxDivisorE6+1)},
		"offset":         {scaled(modelspec.MaxOffsetE6, 1), scaled(modelspec.MaxOffsetE6+1, 1)},
		"smallest":       {scaled(-modelspec.MaxOffsetE6, 1), scaled(-modelspec.MaxOffsetE6-1, 1)},
		"divisor of 0":   {scaled(0, 1), scaled(0, 0)},
		"name of input":  {model([]uint32{2}, dense("inputs", 2)), model([]uint32{2}, dense("input", 2))},
		"a dense layer":  {model([]uint32{2}, dense("out", 2)), model([]uint32{2}, &poltypes.Layer{Name: "out", Kind: "relu"})},
		"no map":         {model([]uint32{2}, dense("out", 2)), model([]uint32{2}, &poltypes.Layer{Name: "map", Kind: "sml"}, dense("out", 2))},
		"positions":      {model([]uint32{modelspec.MaxPositions}, tokens), model([]uint32{modelspec.MaxPositions + 1}, tokens)},
		"some layer":     {model([]uint32{2}, dense("out", 2)), model([]uint32{2})},
		"some dimension": {model([]uint32{2}, dense("out", 2)), model(nil, dense("out", 2))},
	} {
		require.True(t, agree(t, pair[0]), name)
		require.False(t, agree(t, pair[1]), name)
	}
}

func TestChainAndEngineAgreeOnRandomModels(t *testing.T) {
	r := rand.New(rand.NewPCG(1, 1))
	pick := func(from ...string) string { return from[r.IntN(len(from))] }
	taken := 0
	for range 20_000 {
		m := poltypes.ModelSpec{}
		for range 1 + r.IntN(2) {
			m.InputShape = append(m.InputShape, uint32(r.IntN(20)))
		}
		if r.IntN(2) == 0 {
			m.Normalization = &poltypes.Normalization{OffsetE6: r.Int64() >> r.IntN(60), DivisorE6: r.Uint64() >> r.IntN(60)}
		}
		for i := range 1 + r.IntN(4) {
			l := &poltypes.Layer{Name: pick(fmt.Sprintf("l%d", i), fmt.Sprintf("l%d", i), "l0", "a b", "input"), Kind: pick("dense", "relu", "tanh", "dense", "gelu", "conv3d")}
			if l.Kind == "dense" || r.IntN(20) == 0 {
				l.Units = uint64(r.IntN(5))
			}
			for range []int{0, 0, 0, 1, 2}[r.IntN(5)] {
				l.Inputs = append(l.Inputs, pick("input", "l0", "l1", "l2"))
			}
			m.Layers = append(m.Layers, l)
		}
		if agree(t, m) {
			taken++
		}
	}
	require.Greater(t, taken, 500)
	require.Less(t, taken, 15_000)
}
