package types_test

import (
	"bytes"
	"encoding/hex"
	"math/rand/v2"
	"reflect"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/pold-network/pold/modelspec"
	"github.com/pold-network/pold/x/pol/types"
)

// Chain and sidecars read the same bytes with two decoders; the hash of a model is over these bytes.
func TestGeneratedCodeAndModelspecWriteTheSameBytes(t *testing.T) {
	r := rand.New(rand.NewPCG(7, 7))
	some := func() uint64 { return r.Uint64() >> r.IntN(64) * uint64(r.IntN(2)) }
	for range 2_000 {
		s := &modelspec.Spec{}
		for range r.IntN(5) {
			s.InputShape = append(s.InputShape, uint32(some()))
		}
		if r.IntN(2) == 0 {
			s.Normalization = &modelspec.Normalization{OffsetE6: int64(some()), DivisorE6: some()}
		}
		for range r.IntN(4) {
			l := modelspec.Layer{Name: "layer", Kind: modelspec.Kinds()[r.IntN(len(modelspec.Kinds()))], Causal: r.IntN(2) == 0}
			for range r.IntN(3) {
				l.Inputs = append(l.Inputs, "other")
			}
			// Every setting, also one that is added later.
			v := reflect.ValueOf(&l).Elem()
			for i := range v.NumField() {
				if v.Field(i).Kind() == reflect.Uint64 {
					v.Field(i).SetUint(some())
				}
			}
			s.Layers = append(s.Layers, l)
		}
		var m types.ModelSpec
		require.NoError(t, m.Unmarshal(s.Marshal()))
		require.Equal(t, s, m.Spec())
		b, err := m.Marshal()
		require.NoError(t, err)
		require.True(t, bytes.Equal(s.Marshal(), b), "expected %x, got %x", s.Marshal(), b)
	}
}

func TestAModelWithEverySettingIsPinned(t *testing.T) {
	m := types.ModelSpec{InputShape: []uint32{4, 9, 9}, Layers: []*types.Layer{
		{Name: "c", Kind: "conv2d", Units: 8, KernelHeight: 3, KernelWidth: 2, StrideHeight: 2, StrideWidth: 1, PaddingHeight: 2, PaddingWidth: 1, Groups: 4},
		{Name: "n", Kind: "batch_norm", EpsilonE9: 10_000, MomentumE6: 100_000}, {Name: "d", Kind: "dropout", RateE6: 100_000},
		{Name: "out", Kind: "dense", Units: 3},
	}}
	s, err := m.Shape()
	require.NoError(t, err)
	require.Equal(t, types.ModelShape{Inputs: 324, Outputs: 3, Labels: 1, Parameters: 8*6 + 8 + 2*8 + 3*8*6*10 + 3, Buffers: 16,
		MultiplyAdds: 8*6*10*6 + 3*480, Cost: 8*6*10*6 + 3*480 + (4*4096 + 4*480 + 4*6*6*(128+4*10)) + (8*512 + 4*480) + 4*480}, s)
	h, err := m.Hash()
	require.NoError(t, err)
	require.Equal(t, "09114f2837967aa2bed5155717cdd202b2bc19ebac68025ea8bbb23774ac0959", hex.EncodeToString(h))
}
