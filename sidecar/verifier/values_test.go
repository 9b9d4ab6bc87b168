package verifier

import (
	"bytes"
	"context"
	"crypto/sha256"
	"errors"
	"fmt"
	"strings"
	"testing"

	"github.com/ipfs/go-cid"
	"github.com/multiformats/go-multihash"
	"github.com/stretchr/testify/require"

	"github.com/pold-network/pold/dataset"
	poltypes "github.com/pold-network/pold/x/pol/types"
	trainingsettypes "github.com/pold-network/pold/x/trainingset/types"
)

// nameOf is the CID of bytes that fit into one block, or with another codec that of a root with these bytes.
func nameOf(b []byte, codec uint64) string {
	hash, err := multihash.Sum(b, multihash.SHA2_256, -1)
	if err != nil {
		panic(err)
	}
	return cid.NewCidV1(codec, hash).String()
}

// outside keeps values and returns the rows of a table that names them.
func outside(f files, values ...string) string {
	var rows strings.Builder
	for i, v := range values {
		name := nameOf([]byte(v), cid.Raw)
		f[name] = []byte(v)
		fmt.Fprintf(&rows, "%s,%d\n", name, i%3)
	}
	return rows.String()
}

func pinnedTable(t *testing.T, file []byte, targets uint32) trainingsettypes.Table {
	t.Helper()
	parsed, err := dataset.Parse(bytes.NewReader(file))
	require.NoError(t, err)
	sum, root := sha256.Sum256(file), parsed.Root()
	return trainingsettypes.Table{Cid: "table", Sha256: sum[:], Size_: uint64(len(file)), Root: root[:], Rows: uint64(parsed.Rows()), Columns: uint32(parsed.Columns()), Targets: targets}
}

// withValues is a score of initial weights on a table whose features are outside of it.
func withValues(t *testing.T, f files, file string) poltypes.ScoreManifest {
	t.Helper()
	f["table"] = []byte(file)
	m := digitsManifest()
	m.Model = poltypes.ModelSpec{InputShape: []uint32{2}, Layers: []*poltypes.Layer{{Name: "out", Kind: "dense", Units: 3}}}
	m.Table = pinnedTable(t, f["table"], 1)
	return m
}

func TestATableOfContentIdentifiersIsReadAsTheTableOfItsValues(t *testing.T) {
	f := files{}
	m := withValues(t, f, "image:cid,y\n"+outside(f, "1,2\n", "3,4\n", "-0.5,6\n"))
	got, err := New().Score(t.Context(), &m, f.fetch)
	require.NoError(t, err)
	require.Equal(t, poltypes.ScoreValid, got.Status)

	direct := withValues(t, f, "image.0,image.1,y\n1,2,0\n3,4,1\n-0.5,6,2\n")
	want, err := New().Score(t.Context(), &direct, f.fetch)
	require.NoError(t, err)
	require.Equal(t, want.ClaimLossE9, got.ClaimLossE9)
	require.Equal(t, want.MetricE9, got.MetricE9)
}

func TestTheSideOfARowFollowsFromItsTextInTheTable(t *testing.T) {
	f := files{}
	var values []string
	for i := range 200 {
		values = append(values, fmt.Sprintf("%d,1\n", i))
	}
	m := withValues(t, f, "image:cid,y\n"+outside(f, values...))
	m.Table.ValidationPermille = 300
	rows, err := New().Rows(t.Context(), ManifestInputs(&m), f.fetch)
	require.NoError(t, err)
	table, err := dataset.Parse(bytes.NewReader(f["table"]))
	require.NoError(t, err)
	training, validation := table.Split([]byte("digits"), 300)
	require.Equal(t, len(training), rows.Training.Rows())
	require.Equal(t, float32(training[0]), rows.Training.X[0])
	require.Equal(t, float32(validation[0]), rows.Validation.X[0])
}

func TestValuesThatSuitNoModelAreAFinding(t *testing.T) {
	large := nameOf([]byte("a root"), cid.DagProtobuf)
	for _, c := range []struct {
		name string
		file func(f files) string
	}{
		{"a value of another length", func(f files) string { return "image:cid,y\n" + outside(f, "1,2\n", "3\n") }},
		{"a value without its last line end", func(f files) string { return "image:cid,y\n" + outside(f, "1,2") }},
		{"a value that is no number", func(f files) string { return "image:cid,y\n" + outside(f, "1,cat\n") }},
		{"more numbers than the model has inputs", func(f files) string { return "image:cid,y\n" + outside(f, "1,2,3\n") }},
		{"a value of more than one block", func(files) string { return "image:cid,y\n" + large + ",1\n" }},
		{"a target that is a content identifier", func(f files) string {
			return "x,image:cid\n1," + strings.Split(outside(f, "1,2\n"), ",")[0] + "\n"
		}},
	} {
		t.Run(c.name, func(t *testing.T) {
			f := files{}
			m := withValues(t, f, c.file(f))
			a, err := New().Score(t.Context(), &m, f.fetch)
			require.NoError(t, err)
			require.Equal(t, poltypes.ScoreUnfitData, a.Status)
		})
	}
}

func TestAMissingOrWrongValueMeansAbstaining(t *testing.T) {
	f := files{}
	m := withValues(t, f, "image:cid,y\n"+outside(f, "1,2\n", "3,4\n"))
	name := nameOf([]byte("3,4\n"), cid.Raw)
	f[name] = []byte("3,5\n")
	_, err := New().Score(t.Context(), &m, f.fetch)
	require.ErrorContains(t, err, "SHA-256")
	delete(f, name)
	_, err = New().Score(t.Context(), &m, f.fetch)
	require.ErrorContains(t, err, "nobody holds it")
}

func TestAValueIsAskedForByItsCIDAlone(t *testing.T) {
	f := files{}
	m := withValues(t, f, "image:cid,y\n"+outside(f, "1,2\n"))
	asked := 0
	_, err := New().Score(t.Context(), &m, func(ctx context.Context, id string, size uint64, hash []byte) ([]byte, error) {
		switch {
		case id == "table" && hash == nil, id != "table" && (hash != nil || size != MaxValue):
			return nil, errors.New("asked for in another way")
		case id != "table":
			asked++
		}
		return f.fetch(ctx, id, size, hash)
	})
	require.NoError(t, err)
	require.Equal(t, 1, asked)
}

func TestTooManyValuesAreRefusedBeforeAnyIsFetched(t *testing.T) {
	var rows strings.Builder
	for i := range MaxValues + 1 {
		fmt.Fprintf(&rows, "%s,0\n", nameOf(fmt.Appendf(nil, "%d\n", i), cid.Raw))
	}
	f := files{}
	m := withValues(t, f, "image:cid,y\n"+rows.String())
	a, err := New().Score(t.Context(), &m, f.fetch)
	require.NoError(t, err)
	require.Equal(t, poltypes.ScoreUnfitData, a.Status)
}

func TestAForkKeepsTheSideOfEveryRow(t *testing.T) {
	f := files{}
	var rows strings.Builder
	for i := range 300 {
		fmt.Fprintf(&rows, "%d,1,%d\n", i, i%3)
	}
	m := withValues(t, f, "a,b,y\n"+rows.String())
	m.Table.ValidationPermille = 200
	fork := m
	fork.TrainingSet, fork.Table.SplitKey = "digits-fork", "digits"
	another := m
	another.TrainingSet = "digits-fork"
	sides := func(m poltypes.ScoreManifest) []float32 {
		r, err := New().Rows(t.Context(), ManifestInputs(&m), f.fetch)
		require.NoError(t, err)
		return r.Training.X
	}
	require.Equal(t, sides(m), sides(fork))
	require.NotEqual(t, sides(m), sides(another))

	a, b, c := ManifestInputs(&m), ManifestInputs(&fork), ManifestInputs(&another)
	require.Equal(t, a.dataKey(), b.dataKey(), "they share the rows in memory")
	require.NotEqual(t, a.dataKey(), c.dataKey())
}
