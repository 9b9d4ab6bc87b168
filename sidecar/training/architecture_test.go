package training

import (
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/pold-network/pold/engine"
	"github.com/pold-network/pold/modelspec"
)

func imageExamples(t *testing.T) *Examples {
	t.Helper()
	return &Examples{Name: "images", Objective: engine.CrossEntropy, InputShape: []uint32{5, 7}, Outputs: 4,
		Training: &engine.Data{Features: 35, X: make([]float32, 35), Labels: []uint32{0}}}
}

func textExamples(t *testing.T) *Examples {
	t.Helper()
	e, err := FromText("text", strings.Repeat("hello, world. ", 20), TextOptions{Context: 8, Stride: 4})
	require.NoError(t, err)
	return e
}

func TestEveryArchitectureSuitsTheDataItIsFor(t *testing.T) {
	for _, c := range []struct {
		name       string
		a          Architecture
		e          *Examples
		layers     int
		parameters int64
	}{
		{"a usual mlp", Architecture{Name: "mlp"}, imageExamples(t), 5, 36*128 + 129*128 + 129*4},
		{"a small mlp", Architecture{Name: "mlp", Width: 3, Depth: 1}, imageExamples(t), 3, 36*3 + 4*4},
		{"a usual conv net", Architecture{Name: "conv"}, imageExamples(t), 7, 16*10 + 32*(16*9+1) + (32+1)*4},
		{"a conv net deeper than the image", Architecture{Name: "conv", Width: 2, Depth: 4}, imageExamples(t), 11, 2*10 + 4*19 + 8*37 + 16*73 + 17*4},
		{"an mlp with dropout", Architecture{Name: "mlp", Width: 3, Depth: 2, Dropout: 0.5}, imageExamples(t), 7, 36*3 + 4*3 + 4*4},
		{"a conv net with dropout", Architecture{Name: "conv", Width: 2, Depth: 1, Dropout: 0.1}, imageExamples(t), 5, 2*10 + (12+1)*4},
		{"a transformer with dropout", Architecture{Name: "transformer", Width: 32, Depth: 2, Dropout: 0.1}, textExamples(t), 25,
			10*32 + 8*32 + 2*(2*32+(4*32*32+4*32)+2*32+33*128+129*32) + 2*32 + 33*10},
		{"a small transformer", Architecture{Name: "transformer", Width: 32, Depth: 1}, textExamples(t), 12,
			10*32 + 8*32 + 2*32 + (4*32*32 + 4*32) + 2*32 + (33 * 128) + (129 * 32) + 2*32 + 33*10},
	} {
		t.Run(c.name, func(t *testing.T) {
			spec, err := c.a.Spec(c.e)
			require.NoError(t, err)
			require.Len(t, spec.Layers, c.layers, spec.Summary())
			require.Equal(t, c.parameters, spec.Parameters(), spec.Summary())
			require.NoError(t, c.e.Check(spec))
			require.NoError(t, spec.CheckForChain(false))
		})
	}
}

func TestTheUsualArchitectureFollowsTheData(t *testing.T) {
	require.Equal(t, ArchitectureMLP, Usual(imageExamples(t)))
	require.Equal(t, ArchitectureConv, Usual(&Examples{InputShape: []uint32{28, 28}}))
	require.Equal(t, ArchitectureTransformer, Usual(textExamples(t)))
}

func TestArchitecturesThatDoNotSuitAreRefused(t *testing.T) {
	flat := imageExamples(t)
	flat.InputShape = []uint32{35}
	for _, c := range []struct {
		a    Architecture
		e    *Examples
		says string
	}{
		{Architecture{Name: "mlp"}, textExamples(t), "expected transformer"},
		{Architecture{Name: "conv"}, textExamples(t), "expected transformer"},
		{Architecture{Name: "transformer"}, imageExamples(t), "expected mlp or conv"},
		{Architecture{Name: "conv"}, flat, "[height, width]"},
		{Architecture{Name: "resnet"}, flat, `got "resnet"`},
		{Architecture{Name: "mlp", Width: -1}, flat, "at least 1"},
		{Architecture{Name: "transformer", Width: 100}, textExamples(t), "multiple of 32"},
		{Architecture{Name: "mlp", Dropout: 1}, flat, "dropout"},
		{Architecture{Name: "mlp", Depth: 1 << 40}, flat, "64 layers"},
		{Architecture{Name: "mlp", Depth: 60}, flat, "layers"},
	} {
		_, err := c.a.Spec(c.e)
		require.ErrorContains(t, err, c.says)
	}
}

func TestInputsAreNormalisedByNumbersThatPeopleCanRead(t *testing.T) {
	for _, c := range []struct {
		x    []float32
		want *modelspec.Normalization
	}{
		{[]float32{0, 16}, &modelspec.Normalization{OffsetE6: 8_000_000, DivisorE6: 8_000_000}},
		{[]float32{-0.012345, 0.0145}, &modelspec.Normalization{OffsetE6: 1_100, DivisorE6: 13_000}},
		{[]float32{-300, -100, -200}, &modelspec.Normalization{OffsetE6: -200_000_000, DivisorE6: 82_000_000}},
		{[]float32{5, 5, 5}, nil},
		{[]float32{1e30, -1e30}, nil},
	} {
		require.Equal(t, c.want, normalization(&engine.Data{X: c.x}), "%v", c.x)
	}
}

func TestAModelSurvivesItsJSON(t *testing.T) {
	for _, a := range []Architecture{{Name: "mlp"}, {Name: "conv"}} {
		spec, err := a.Spec(imageExamples(t))
		require.NoError(t, err)
		b, err := MarshalSpec(spec)
		require.NoError(t, err)
		again, err := ParseSpec(b)
		require.NoError(t, err)
		require.Equal(t, spec.Marshal(), again.Marshal())
	}
	spec, err := ParseSpec([]byte(`{"input_shape": [8, 8], "layers": [{"name": "out", "kind": "dense", "units": 10}]}`))
	require.NoError(t, err)
	require.Equal(t, uint64(10), spec.Layers[0].Units, "numbers need no quotes")
}

func TestBrokenModelFilesAreRefused(t *testing.T) {
	for text, says := range map[string]string{
		"":                     "JSON of pold.pol.v1.ModelSpec",
		`{"layer": []}`:        "layer",
		`{"input_shape": [8]}`: "layers",
		`{"input_shape": [8], "layers": [{"name": "a", "kind": "magic"}]}`: `unknown kind "magic"`,
	} {
		_, err := ParseSpec([]byte(text))
		require.ErrorContains(t, err, says)
	}
}
