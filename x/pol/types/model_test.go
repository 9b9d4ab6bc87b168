package types_test

import (
	"encoding/hex"
	"fmt"
	"math"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/pold-network/pold/x/pol/types"
)

func TestShapeOfAModel(t *testing.T) {
	s, err := digitsModel().Shape()
	require.NoError(t, err)
	require.Equal(t, types.ModelShape{Inputs: 64, Outputs: 10, Parameters: 64*32 + 32 + 32*10 + 10, MultiplyAdds: 64*32 + 32*10}, s)
	require.Equal(t, int64(4*2410+65536), s.MaxCheckpointSize())
	require.Equal(t, uint64(2368*1797+274_000+4*2410+65536), s.ScoreCost(1797, 274_000))
}

func TestACostBeyond64BitsIsTheLargest(t *testing.T) {
	s, err := digitsModel().Shape()
	require.NoError(t, err)
	require.Equal(t, uint64(math.MaxUint64), s.ScoreCost(math.MaxUint64/2, 0), "the product overflows")
	require.Equal(t, uint64(math.MaxUint64), s.ScoreCost(1, math.MaxUint64), "the sum overflows")
}

func TestModelsThatAreRefused(t *testing.T) {
	layers := func(n int) []*types.Layer {
		l := []*types.Layer{{Name: "l0", Kind: "dense", Units: 1}}
		for i := 1; i < n; i++ {
			l = append(l, &types.Layer{Name: fmt.Sprintf("l%d", i), Kind: "tanh"})
		}
		return l
	}
	for name, c := range map[string]struct {
		change func(*types.ModelSpec)
		says   string // empty: accepted
	}{
		"no input shape":                  {func(m *types.ModelSpec) { m.InputShape = nil }, "1 to 4 dimensions, got 0"},
		"four dimensions":                 {func(m *types.ModelSpec) { m.InputShape = []uint32{2, 2, 4, 4} }, ""},
		"five dimensions":                 {func(m *types.ModelSpec) { m.InputShape = []uint32{1, 1, 1, 1, 1} }, "1 to 4 dimensions, got 5"},
		"a dimension of zero":             {func(m *types.ModelSpec) { m.InputShape = []uint32{8, 0} }, "positive sizes"},
		"the most inputs":                 {func(m *types.ModelSpec) { m.InputShape = []uint32{256, 256} }, ""},
		"one input too many":              {func(m *types.ModelSpec) { m.InputShape = []uint32{65537} }, "product of at most 65536"},
		"sizes whose product overflows":   {func(m *types.ModelSpec) { m.InputShape = []uint32{1 << 31, 1 << 31, 4} }, "product of at most 65536"},
		"no normalization":                {func(m *types.ModelSpec) { m.Normalization = nil }, ""},
		"a divisor of zero":               {func(m *types.ModelSpec) { m.Normalization.DivisorE6 = 0 }, "divisor_e6 from 1"},
		"the largest divisor":             {func(m *types.ModelSpec) { m.Normalization.DivisorE6 = 1e15 }, ""},
		"a divisor too large":             {func(m *types.ModelSpec) { m.Normalization.DivisorE6 = 1e15 + 1 }, "divisor_e6 from 1"},
		"an offset too small":             {func(m *types.ModelSpec) { m.Normalization.OffsetE6 = -1e15 - 1 }, "within the same bound"},
		"no layers":                       {func(m *types.ModelSpec) { m.Layers = nil }, "layers: expected 1 to 64, got 0"},
		"the most layers":                 {func(m *types.ModelSpec) { m.Layers = layers(64) }, ""},
		"one layer too many":              {func(m *types.ModelSpec) { m.Layers = layers(65) }, "layers: expected 1 to 64, got 65"},
		"a layer that is missing":         {func(m *types.ModelSpec) { m.Layers[1] = nil }, "layer 1: expected a name"},
		"no name":                         {func(m *types.ModelSpec) { m.Layers[0].Name = "" }, "layer 0: expected a name"},
		"the longest name":                {func(m *types.ModelSpec) { m.Layers[0].Name = strings.Repeat("A", 64) }, ""},
		"a name too long":                 {func(m *types.ModelSpec) { m.Layers[0].Name = strings.Repeat("a", 65) }, "layer 0: expected a name"},
		"a name that starts with a digit": {func(m *types.ModelSpec) { m.Layers[0].Name = "1a" }, "layer 0: expected a name"},
		"a name with a dot":               {func(m *types.ModelSpec) { m.Layers[0].Name = "a.b" }, "layer 0: expected a name"},
		"a name with a newline":           {func(m *types.ModelSpec) { m.Layers[0].Name = "a\n" }, "layer 0: expected a name"},
		"a name twice":                    {func(m *types.ModelSpec) { m.Layers[2].Name = "hidden" }, `"hidden": the name is taken`},
		"the name of the input":           {func(m *types.ModelSpec) { m.Layers[0].Name = "input" }, `"input": the name is taken`},
		"an unknown layer":                {func(m *types.ModelSpec) { m.Layers[1].Kind = "conv2d" }, `kind "conv2d" is not one of dense, relu, tanh`},
		"a named input":                   {func(m *types.ModelSpec) { m.Layers[2].Inputs = []string{"act"} }, ""},
		"a wrong input name":              {func(m *types.ModelSpec) { m.Layers[2].Inputs = []string{"nothing"} }, `input "nothing" is not an earlier layer`},
		"a later layer as input":          {func(m *types.ModelSpec) { m.Layers[0].Inputs = []string{"out"} }, `input "out" is not an earlier layer`},
		"two inputs":                      {func(m *types.ModelSpec) { m.Layers[2].Inputs = []string{"act", "hidden"} }, "takes one input, got 2"},
		"a layer that nobody reads":       {func(m *types.ModelSpec) { m.Layers[2].Inputs = []string{"hidden"} }, `"act" is never read`},
		"zero units":                      {func(m *types.ModelSpec) { m.Layers[0].Units = 0 }, "expected 1 to 65536 units, got 0"},
		"too many units":                  {func(m *types.ModelSpec) { m.Layers[2].Units = 65537 }, "expected 1 to 65536 units, got 65537"},
		"units of a ReLU":                 {func(m *types.ModelSpec) { m.Layers[1].Units = 32 }, "kind relu has no units"},
		"only a ReLU":                     {func(m *types.ModelSpec) { m.Layers = m.Layers[1:2] }, "at least one dense layer"},
		"too many parameters": {func(m *types.ModelSpec) { m.Layers[0].Units, m.Layers[2].Units = 65536, 300 },
			"at most 16777216 parameters in all"},
	} {
		m := digitsModel()
		c.change(&m)
		_, err := m.Shape()
		if c.says == "" {
			require.NoError(t, err, name)
			continue
		}
		require.ErrorIs(t, err, types.ErrInvalidModel, name)
		require.ErrorContains(t, err, c.says, name)
	}
}

func TestHashOfAModelIsPinned(t *testing.T) {
	h, err := digitsModel().Hash()
	require.NoError(t, err)
	require.Equal(t, "01648c3919d28a943db36543af7e50747462dcb6a363d06526a80869c41a36f9", hex.EncodeToString(h))
	other := digitsModel()
	other.Layers[0].Units++
	changed, err := other.Hash()
	require.NoError(t, err)
	require.NotEqual(t, h, changed)
}

func FuzzShape(f *testing.F) {
	b, err := (&types.ModelSpec{InputShape: []uint32{2}, Layers: []*types.Layer{{Name: "a", Kind: "dense", Units: 2}}}).Marshal()
	require.NoError(f, err)
	f.Add(b)
	f.Fuzz(func(t *testing.T, b []byte) {
		var m types.ModelSpec
		if m.Unmarshal(b) != nil {
			return
		}
		s, err := m.Shape()
		if err != nil {
			return
		}
		require.Positive(t, s.Inputs)
		require.Positive(t, s.Outputs)
		require.True(t, s.Parameters > s.MultiplyAdds && s.MultiplyAdds > 0 && s.Parameters <= 16<<20)
	})
}
