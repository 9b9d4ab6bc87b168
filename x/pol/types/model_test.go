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
	require.Equal(t, types.ModelShape{Inputs: 64, Outputs: 10, Labels: 1, Parameters: 64*32 + 32 + 32*10 + 10,
		MultiplyAdds: 64*32 + 32*10, Cost: 64*32 + 32*10 + 4*32}, s)
	require.Equal(t, int64(4*2410+65536), s.MaxCheckpointSize())
	require.Equal(t, uint64((2368+4*32)*1797+274_000+4*2410+65536), s.ScoreCost(1797, 274_000))
}

func TestACostHoldsTheWorkOfEveryKind(t *testing.T) {
	m := types.ModelSpec{InputShape: []uint32{8, 8}, Layers: []*types.Layer{{Name: "out", Kind: "dense", Units: 10}}}
	s, err := m.Shape()
	require.NoError(t, err)
	require.Equal(t, uint64(640*1797+274_000+4*650+65536), s.ScoreCost(1797, 274_000), "dense layers cost their multiply-adds")
	// 63 layers of tanh before one small dense layer are work that no multiply-add shows.
	wide := types.ModelSpec{InputShape: []uint32{65536}}
	for i := range 63 {
		wide.Layers = append(wide.Layers, &types.Layer{Name: fmt.Sprintf("l%d", i), Kind: "tanh"})
	}
	wide.Layers = append(wide.Layers, &types.Layer{Name: "out", Kind: "dense", Units: 1})
	s, err = wide.Shape()
	require.NoError(t, err)
	require.Equal(t, int64(65536), s.MultiplyAdds)
	require.Greater(t, s.Cost, 1000*s.MultiplyAdds)
}

func TestBuffersAreStoredInACheckpointButNotTrained(t *testing.T) {
	m := digitsModel()
	m.Layers[1] = &types.Layer{Name: "norm", Kind: "batch_norm", EpsilonE9: 10_000, MomentumE6: 100_000}
	s, err := m.Shape()
	require.NoError(t, err)
	require.Equal(t, int64(2410+64), s.Parameters)
	require.Equal(t, int64(64), s.Buffers)
	require.Equal(t, int64(4*(2410+128)+65536), s.MaxCheckpointSize())
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
		"no input shape":                  {func(m *types.ModelSpec) { m.InputShape = nil }, "input_shape of 1 to 4 sizes, got 0"},
		"four dimensions":                 {func(m *types.ModelSpec) { m.InputShape = []uint32{2, 2, 4, 4} }, ""},
		"five dimensions":                 {func(m *types.ModelSpec) { m.InputShape = []uint32{1, 1, 1, 1, 1} }, "input_shape of 1 to 4 sizes, got 5"},
		"a dimension of zero":             {func(m *types.ModelSpec) { m.InputShape = []uint32{8, 0} }, "1 to 65536 values in all, got [8 0]"},
		"the most inputs":                 {func(m *types.ModelSpec) { m.InputShape = []uint32{256, 256} }, ""},
		"one input too many":              {func(m *types.ModelSpec) { m.InputShape = []uint32{65537} }, "1 to 65536 values in all"},
		"sizes whose product overflows":   {func(m *types.ModelSpec) { m.InputShape = []uint32{1 << 31, 1 << 31, 4} }, "1 to 65536 values in all"},
		"no normalization":                {func(m *types.ModelSpec) { m.Normalization = nil }, ""},
		"a divisor of zero":               {func(m *types.ModelSpec) { m.Normalization.DivisorE6 = 0 }, "divisor_e6 between 1"},
		"the largest divisor":             {func(m *types.ModelSpec) { m.Normalization.DivisorE6 = 1e15 }, ""},
		"a divisor too large":             {func(m *types.ModelSpec) { m.Normalization.DivisorE6 = 1e15 + 1 }, "divisor_e6 between 1"},
		"an offset too small":             {func(m *types.ModelSpec) { m.Normalization.OffsetE6 = -1e15 - 1 }, "offset_e6 between"},
		"no layers":                       {func(m *types.ModelSpec) { m.Layers = nil }, "expected 1 to 64 layers, got 0"},
		"the most layers":                 {func(m *types.ModelSpec) { m.Layers = layers(64) }, ""},
		"one layer too many":              {func(m *types.ModelSpec) { m.Layers = layers(65) }, "expected 1 to 64 layers, got 65"},
		"a layer that is missing":         {func(m *types.ModelSpec) { m.Layers[1] = nil }, "layer 1: expected a name"},
		"no name":                         {func(m *types.ModelSpec) { m.Layers[0].Name = "" }, "layer 0: expected a name"},
		"the longest name":                {func(m *types.ModelSpec) { m.Layers[0].Name = strings.Repeat("A", 64) }, ""},
		"a name too long":                 {func(m *types.ModelSpec) { m.Layers[0].Name = strings.Repeat("a", 65) }, "layer 0: expected a name"},
		"a name that starts with a digit": {func(m *types.ModelSpec) { m.Layers[0].Name = "1a" }, "layer 0: expected a name"},
		"a name with a dot":               {func(m *types.ModelSpec) { m.Layers[0].Name = "a.b" }, "layer 0: expected a name"},
		"a name with a newline":           {func(m *types.ModelSpec) { m.Layers[0].Name = "a\n" }, "layer 0: expected a name"},
		"a name twice":                    {func(m *types.ModelSpec) { m.Layers[2].Name = "hidden" }, `same name "hidden" as layer 0`},
		"the name of the input":           {func(m *types.ModelSpec) { m.Layers[0].Name = "input" }, `the name "input" is taken`},
		"an unknown layer":                {func(m *types.ModelSpec) { m.Layers[1].Kind = "conv3d" }, `unknown kind "conv3d"; expected one of dense, linear, conv2d`},
		"a named input":                   {func(m *types.ModelSpec) { m.Layers[2].Inputs = []string{"act"} }, ""},
		"a wrong input name":              {func(m *types.ModelSpec) { m.Layers[2].Inputs = []string{"nothing"} }, `reads "nothing", which is no earlier layer`},
		"a later layer as input":          {func(m *types.ModelSpec) { m.Layers[0].Inputs = []string{"out"} }, `reads "out", which is no earlier layer`},
		"two inputs":                      {func(m *types.ModelSpec) { m.Layers[2].Inputs = []string{"act", "hidden"} }, "at most one input for kind \"dense\", got 2"},
		"a layer that nobody reads":       {func(m *types.ModelSpec) { m.Layers[2].Inputs = []string{"hidden"} }, `"act" is never read`},
		"zero units":                      {func(m *types.ModelSpec) { m.Layers[0].Units = 0 }, "expected 1 to 65536 units, got 0"},
		"too many units":                  {func(m *types.ModelSpec) { m.Layers[2].Units = 65537 }, "expected 1 to 65536 units, got 65537"},
		"units of a ReLU":                 {func(m *types.ModelSpec) { m.Layers[1].Units = 32 }, "leave units at 0, got 32"},
		"only a ReLU":                     {func(m *types.ModelSpec) { m.Layers = m.Layers[1:2] }, "at least one layer with weights"},
		"a secure mapping layer": {func(m *types.ModelSpec) { m.Layers = append([]*types.Layer{{Name: "map", Kind: "sml"}}, m.Layers...) },
			`only groups with the option mapping can use kind "sml"`},
		"a setting of another kind": {func(m *types.ModelSpec) { m.Layers[0].Heads = 2 }, "does not use heads; leave heads at 0, got 2"},
		"the largest settings": {func(m *types.ModelSpec) {
			*m.Layers[0] = types.Layer{Name: "hidden", Kind: "conv2d", Units: math.MaxUint64, KernelHeight: math.MaxUint64, KernelWidth: math.MaxUint64,
				StrideHeight: math.MaxUint64, StrideWidth: math.MaxUint64, PaddingHeight: math.MaxUint64, PaddingWidth: math.MaxUint64, Groups: math.MaxUint64}
		}, "expected 1 to 65536 units, got 18446744073709551615"},
		"too many parameters": {func(m *types.ModelSpec) { m.Layers[0].Units, m.Layers[2].Units = 65536, 300 },
			"more than the 16777216 allowed"},
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
	b, err = (&types.ModelSpec{InputShape: []uint32{3, 8, 8}, Layers: []*types.Layer{
		{Name: "c", Kind: "conv2d", Units: 6, KernelHeight: 3, KernelWidth: 3, StrideHeight: 1, StrideWidth: 2, PaddingHeight: 1, Groups: 3},
		{Name: "n", Kind: "batch_norm", EpsilonE9: 1, MomentumE6: 1}, {Name: "sum", Kind: "add", Inputs: []string{"c", "n"}}}}).Marshal()
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
		require.True(t, s.Parameters > 0 && s.Buffers >= 0 && s.Parameters+s.Buffers <= 16<<20)
		require.True(t, s.MultiplyAdds >= 0 && s.Cost >= s.MultiplyAdds && s.Cost > 0 && s.Labels >= 0)
	})
}
