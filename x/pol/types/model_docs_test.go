package types_test

import (
	"fmt"
	"os"
	"regexp"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/cosmos/cosmos-sdk/codec"
	codectypes "github.com/cosmos/cosmos-sdk/codec/types"

	"github.com/pold-network/pold/modelspec"
	"github.com/pold-network/pold/x/pol/types"
)

const layersPage = "../../../docs/reference/layers.md"

// The page promises that every example can be pinned by a group, and shows what each of them infers to.
func TestExamplesOfTheLayersPageAreModels(t *testing.T) {
	page, err := os.ReadFile(layersPage)
	require.NoError(t, err)
	examples := regexp.MustCompile("(?s)```json\n(.*?)```\n```text\n(.*?)```\n").FindAllSubmatch(page, -1)
	require.Len(t, examples, strings.Count(string(page), "```json"), "every example is followed by its summary")
	require.GreaterOrEqual(t, len(examples), 4)
	cdc := codec.NewProtoCodec(codectypes.NewInterfaceRegistry())
	used := map[string]bool{}
	for i, e := range examples {
		var m types.ModelSpec
		require.NoError(t, cdc.UnmarshalJSON(e[1], &m), "example %d: %s", i, e[1])
		_, err := m.Shape()
		require.NoError(t, err, "example %d", i)
		require.Equal(t, m.Spec().Summary(), string(e[2]), "example %d", i)
		for _, l := range m.Layers {
			used[l.Kind] = true
		}
	}
	for _, kind := range modelspec.Kinds() {
		require.True(t, used[kind] || kind == modelspec.KindSML, "no example uses %s", kind)
	}
}

func TestTheLayersPageListsEveryKindSettingAndLimit(t *testing.T) {
	b, err := os.ReadFile(layersPage)
	require.NoError(t, err)
	page := string(b)
	rows := regexp.MustCompile("(?m)^\\| `([a-z0-9_]+)` \\| ([^|]*)\\|").FindAllStringSubmatch(page, -1)
	var kinds []string
	for _, row := range rows {
		kinds = append(kinds, row[1])
		needed, optional := modelspec.Settings(row[1])
		for i, s := range optional {
			optional[i] = "*" + s + "*"
		}
		require.Equal(t, strings.Join(append(needed, optional...), ", "), strings.TrimSpace(row[2]), row[1])
	}
	require.Equal(t, modelspec.Kinds(), kinds)
	for _, limit := range []struct {
		what  string
		value int64
	}{
		{"encoded spec", modelspec.MaxSpecBytes}, {"layers", modelspec.MaxLayers}, {"values in a row of input", modelspec.MaxInputs},
		{"units, groups, heads, sizes of kernels and strides", modelspec.MaxUnits}, {"vocabulary", modelspec.MaxVocabulary},
		{"positions T of embedding, position, attention", modelspec.MaxPositions}, {"parameters and running statistics together", modelspec.MaxParameters},
		{"values of one row in all layers, with what training keeps for the way back", modelspec.MaxActivations}, {"cost of one row", modelspec.MaxCost},
	} {
		require.Regexp(t, regexp.MustCompile(fmt.Sprintf(`(?m)^\| %s \| %s( bytes)? \|$`, limit.what, commas(limit.value))), page)
	}
}

func commas(n int64) string {
	if n < 1000 {
		return fmt.Sprint(n)
	}
	return fmt.Sprintf("%s,%03d", commas(n/1000), n%1000)
}
