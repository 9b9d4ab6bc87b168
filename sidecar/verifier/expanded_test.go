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
	"github.com/stretchr/testify/require"

	"github.com/pold-network/pold/dataset"
	attestationtypes "github.com/pold-network/pold/x/attestation/types"
	poltypes "github.com/pold-network/pold/x/pol/types"
	trainingsettypes "github.com/pold-network/pold/x/trainingset/types"
)

// value keeps a value and returns its name.
func (f files) value(text string) string {
	name := nameOf([]byte(text), cid.Raw)
	f[name] = []byte(text)
	return name
}

// images is a table of two values of two numbers, between two plain columns of which the last is the target.
func images(f files) string {
	return "x,pixels:cid,label\n7," + f.value("1,2\n") + ",0\n8," + f.value("3,4\n") + ",1\n"
}

func TestATableOfValuesIsCheckedLoadedScoredAndChanged(t *testing.T) {
	f := files{}
	file := []byte(images(f))
	table := pinnedTable(t, file, 1)
	register := manifestOf(file)
	register.Table = table
	a, err := CheckData(t.Context(), register, file, []byte("manifest"), f.fetch)
	require.NoError(t, err)
	require.Equal(t, trainingsettypes.DataValid, a.Status)
	require.Equal(t, []uint64{2, 3, 4}, []uint64{a.Rows, uint64(a.Columns), uint64(a.Expanded)})
	require.Equal(t, table.Root, a.Root[:], "rows and root are those of the identifiers")

	table.ExpandedColumns = a.Expanded
	score := func(table trainingsettypes.Table, file []byte) ([]float32, poltypes.ScoreAnswer) {
		f["table"] = file
		m := digitsManifest()
		m.Model = poltypes.ModelSpec{InputShape: []uint32{table.Width() - table.Targets}, Layers: []*poltypes.Layer{{Name: "out", Kind: "dense", Units: 3}}}
		m.Table = table
		v := New()
		rows, err := v.Rows(t.Context(), ManifestInputs(&m), f.fetch)
		require.NoError(t, err)
		a, err := v.Score(t.Context(), &m, f.fetch)
		require.NoError(t, err)
		return rows.Training.X, a
	}
	x, before := score(table, file)
	require.Equal(t, []float32{7, 1, 2, 8, 3, 4}, x)
	require.Equal(t, poltypes.ScoreValid, before.Status)

	// A delta adds a row with a value that no row had before.
	added := f.value("-0.5,6\n")
	p := propose(string(file), "--- a/t\n+++ b/t\n@@ -3 +3,2 @@\n 8,"+nameOf([]byte("3,4\n"), cid.Raw)+",1\n+9,"+added+",2\n")
	p.m.Table.Columns, p.m.Table.ExpandedColumns = table.Columns, table.ExpandedColumns
	for name, b := range f {
		p.files[name] = b
	}
	after, r, err := p.compute(t)
	require.NoError(t, err)
	require.Empty(t, r.Problem)
	require.Equal(t, []uint64{3, 3, 4}, []uint64{after.Rows, uint64(after.Columns), uint64(after.Expanded)})
	name, err := after.CID()
	require.NoError(t, err)
	changed := pinnedTable(t, p.added[name], 1)
	changed.ExpandedColumns = after.Expanded
	x, scored := score(changed, p.added[name])
	require.Equal(t, []float32{7, 1, 2, 8, 3, 4, 9, -0.5, 6}, x)
	require.Equal(t, poltypes.ScoreValid, scored.Status)

	// Without the new value nobody can say where the delta leads.
	delete(p.files, added)
	p.added = map[string][]byte{}
	_, _, err = p.compute(t)
	require.ErrorContains(t, err, "nobody holds it")
	require.Empty(t, p.added, "and no table is kept")
}

func TestTablesWithoutIdentifiersExpandToNothing(t *testing.T) {
	a, err := CheckData(t.Context(), manifestOf([]byte(flowers)), []byte(flowers), nil, nil) // nothing is fetched
	require.NoError(t, err)
	require.Zero(t, a.Expanded)
}

// unfit are tables whose values, or what they make of the table, no model could read.
var unfit = []struct {
	name string
	file func(f files) string
}{
	{"a value of another length", func(f files) string {
		return "p:cid,y\n" + f.value("1,2\n") + ",0\n" + f.value("3\n") + ",1\n"
	}},
	{"a value without its last line end", func(f files) string { return "p:cid,y\n" + f.value("1,2") + ",0\n" }},
	{"a value that is no number", func(f files) string { return "p:cid,y\n" + f.value("1,cat\n") + ",0\n" }},
	{"a number in another spelling", func(f files) string { return "p:cid,y\n" + f.value("1.0\n") + ",0\n" }},
	{"an empty value", func(f files) string { return "p:cid,y\n" + f.value("") + ",0\n" }},
	{"a value of more than one block", func(files) string { return "p:cid,y\n" + nameOf([]byte("a root"), cid.DagProtobuf) + ",0\n" }},
	{"a target that is an identifier", func(f files) string { return "x,p:cid\n1," + f.value("1\n") + "\n" }},
	{"a name that is taken", func(f files) string { return "p.0,p:cid,y\n1," + f.value("1\n") + ",0\n" }},
	{"more columns than a table may have", func(f files) string {
		return "p:cid,y\n" + f.value(strings.Repeat("1,", dataset.MaxColumns)+"1\n") + ",0\n"
	}},
	{"more bytes in a line than a table may have", func(f files) string {
		long := strings.Repeat("1", dataset.MaxIntegerDigits)
		return "p:cid,q:cid,y\n" + f.value(strings.Repeat(long+",", 20_000)+"1\n") + "," + f.value(strings.Repeat(long+",", 20_000)+"2\n") + ",0\n"
	}},
}

func TestTablesThatTheirValuesSpoilAreFindings(t *testing.T) {
	for _, c := range unfit {
		t.Run(c.name, func(t *testing.T) {
			f := files{}
			file := []byte(c.file(f))
			m := manifestOf(file)
			m.Table.Targets = 1
			a, err := CheckData(t.Context(), m, file, []byte("manifest"), f.fetch)
			require.NoError(t, err)
			digest := attestationtypes.HashFields([]byte("pold/data/v1"), []byte("manifest"), m.Table.Sha256)
			require.Equal(t, trainingsettypes.DataAnswer{Status: a.Status, Digest: [32]byte(digest)}, a, "all but the digest is zero")
			require.Equal(t, trainingsettypes.DataNotCanonical, a.Status)
		})
	}
}

func TestDeltasThatSpoilATableOfValuesAreFindings(t *testing.T) {
	for _, c := range []struct {
		name, value string
		codec       uint64
	}{
		{"a longer value", "3,4,5\n", cid.Raw},
		{"a value that is no number", "3,cat\n", cid.Raw},
		{"a value of more than one block", "3,5\n", cid.DagProtobuf},
	} {
		t.Run(c.name, func(t *testing.T) {
			f := files{}
			base := images(f)
			name := nameOf([]byte(c.value), c.codec)
			body := "--- a/t\n+++ b/t\n@@ -3,0 +4 @@\n+9," + name + ",2\n"
			p := propose(base, body)
			for name, b := range f {
				p.files[name] = b
			}
			p.files[name] = []byte(c.value)
			a, r, err := p.compute(t)
			require.NoError(t, err)
			require.Equal(t, "not a canonical table", r.Problem)
			require.Empty(t, p.added)
			manifest, err := p.m.Marshal()
			require.NoError(t, err)
			hash, table, delta := sha256.Sum256(manifest), sha256.Sum256([]byte(base)), sha256.Sum256([]byte(body))
			digest := attestationtypes.HashFields([]byte("pold/data/v1"), hash[:], table[:], delta[:])
			require.Equal(t, trainingsettypes.DataAnswer{Status: trainingsettypes.DataNotCanonical, Digest: [32]byte(digest)}, a)
		})
	}
}

func TestAValueThatCannotBeHadMeansAbstainingFromTheTable(t *testing.T) {
	f := files{}
	file := []byte(images(f))
	name := nameOf([]byte("3,4\n"), cid.Raw)
	f[name] = []byte("3,5\n")
	_, err := CheckData(t.Context(), manifestOf(file), file, nil, f.fetch)
	require.ErrorContains(t, err, "SHA-256")
	delete(f, name)
	_, err = CheckData(t.Context(), manifestOf(file), file, nil, f.fetch)
	require.ErrorContains(t, err, "nobody holds it")
}

func TestTooManyValuesAreAFindingBeforeAnyIsFetched(t *testing.T) {
	file := bytes.NewBufferString("p:cid,y\n")
	for i := range MaxValues + 1 {
		fmt.Fprintf(file, "%s,0\n", nameOf(fmt.Appendf(nil, "%d\n", i), cid.Raw))
	}
	a, err := CheckData(t.Context(), manifestOf(file.Bytes()), file.Bytes(), nil, func(context.Context, string, uint64, []byte) ([]byte, error) {
		return nil, errors.New("asked for a value")
	})
	require.NoError(t, err)
	require.Equal(t, trainingsettypes.DataNotCanonical, a.Status)
}
