package verifier

import (
	"bytes"
	"context"
	"crypto/sha256"
	"errors"
	"testing"

	"github.com/ipfs/go-cid"
	"github.com/stretchr/testify/require"

	"github.com/pold-network/pold/dataset"
	attestationtypes "github.com/pold-network/pold/x/attestation/types"
	trainingsettypes "github.com/pold-network/pold/x/trainingset/types"
)

const flowers = "x,y\n1,0\n2,1\n3,0\n"

// proposed is a delta to the flowers, with a store for what it leads to.
type proposed struct {
	files files
	m     trainingsettypes.DataManifest
	added map[string][]byte
	v     *Verifier
}

func propose(base, body string) *proposed {
	x := &proposed{files: files{"base": []byte(base), "body": []byte(body)}, added: map[string][]byte{}, v: New()}
	table, delta := sha256.Sum256([]byte(base)), sha256.Sum256([]byte(body))
	x.m = trainingsettypes.DataManifest{ChainId: "test-1", Name: "flowers", Version: 4, Proposal: 9,
		Table: trainingsettypes.Table{Cid: "base", Sha256: table[:], Size_: uint64(len(base)), Rows: 3, Columns: 2, Targets: 1},
		Delta: &trainingsettypes.Delta{Cid: "body", Sha256: delta[:], Size_: uint64(len(body))}}
	x.v.Add = func(_ context.Context, m *trainingsettypes.DataManifest, file []byte) (string, error) {
		if m.Name != "flowers" || m.Version != 4 {
			return "", errors.New("of another set")
		}
		name := nameOf(file, cid.Raw)
		x.added[name] = bytes.Clone(file)
		return name, nil
	}
	return x
}

func (x *proposed) compute(t *testing.T) (trainingsettypes.DataAnswer, Result, error) {
	t.Helper()
	manifest, err := x.m.Marshal()
	require.NoError(t, err)
	r, err := x.v.Compute(t.Context(), "test-1", Task{ID: 3, Kind: trainingsettypes.DataTaskKind, Manifest: manifest}, keeper, x.files.fetch)
	if err != nil {
		return trainingsettypes.DataAnswer{}, r, err
	}
	a, err := trainingsettypes.DecodeDataAnswer(r.Answer)
	require.NoError(t, err)
	return a, r, nil
}

func TestADeltaThatAppliesGivesTheFiguresOfTheTableItLeadsTo(t *testing.T) {
	x := propose(flowers, "--- a/flowers\n+++ b/flowers\n@@ -2,3 +2,4 @@\n 1,0\n-2,1\n+2.5,1\n+4,1\n 3,0\n")
	a, r, err := x.compute(t)
	require.NoError(t, err)
	require.Empty(t, r.Problem)
	result := []byte("x,y\n1,0\n2.5,1\n4,1\n3,0\n")
	root, err := rootOf(result)
	require.NoError(t, err)
	name, err := a.CID()
	require.NoError(t, err)
	require.Equal(t, nameOf(result, cid.Raw), name)
	require.Equal(t, map[string][]byte{name: result}, x.added, "it is stored under the CID of the answer")

	manifest, err := x.m.Marshal()
	require.NoError(t, err)
	hash := sha256.Sum256(manifest)
	table, err := dataset.Parse(bytes.NewReader(result))
	require.NoError(t, err)
	require.Equal(t, trainingsettypes.DataAnswer{Status: trainingsettypes.DataValid, Rows: 4, Columns: 2, Root: [32]byte(root), Digest: digestRows(table, hash[:]),
		Added: 2, Removed: 1, Size: uint64(len(result)), SHA256: sha256.Sum256(result), CIDCodec: a.CIDCodec, CIDDigest: a.CIDDigest}, a)
}

func TestADeltaThatLeadsToNoTableIsAFinding(t *testing.T) {
	hunk := func(body string) string { return "--- a/flowers\n+++ b/flowers\n" + body }
	for _, c := range []struct {
		name, body string
		status     trainingsettypes.DataStatus
	}{
		{"no diff at all", "hello\n", trainingsettypes.DataDeltaMalformed},
		{"a hunk that is cut off", hunk("@@ -2,2 +2,2 @@\n 1,0\n"), trainingsettypes.DataDeltaMalformed},
		{"two files", hunk("@@ -2 +2 @@\n-1,0\n+5,0\n") + hunk("@@ -2 +2 @@\n-1,0\n+5,0\n"), trainingsettypes.DataDeltaMalformed},
		{"another context", hunk("@@ -2,2 +2,2 @@\n 1,1\n-2,1\n+5,1\n"), trainingsettypes.DataDeltaDoesNotApply},
		{"a line elsewhere", hunk("@@ -3 +3 @@\n-1,0\n+5,0\n"), trainingsettypes.DataDeltaDoesNotApply},
		{"beyond the end", hunk("@@ -9 +9 @@\n-1,0\n+5,0\n"), trainingsettypes.DataDeltaDoesNotApply},
		{"another header", hunk("@@ -1 +1 @@\n-x,y\n+x,z\n"), trainingsettypes.DataDeltaHeader},
		{"rows in another order", hunk("@@ -2,2 +2,2 @@\n-1,0\n 2,1\n+1,0\n"), trainingsettypes.DataDeltaNoChange},
		{"a row that is there already", hunk("@@ -4 +4,2 @@\n 3,0\n+1,0\n"), trainingsettypes.DataDuplicateRow},
		{"a text in a cell", hunk("@@ -4 +4,2 @@\n 3,0\n+cat,0\n"), trainingsettypes.DataNotNumeric},
		{"an empty cell", hunk("@@ -4 +4,2 @@\n 3,0\n+,0\n"), trainingsettypes.DataNotNumeric},
		{"a number in another spelling", hunk("@@ -4 +4,2 @@\n 3,0\n+4.0,0\n"), trainingsettypes.DataNotCanonical},
		{"a plus sign", hunk("@@ -4 +4,2 @@\n 3,0\n++4,0\n"), trainingsettypes.DataNotCanonical},
		{"a missing cell", hunk("@@ -4 +4,2 @@\n 3,0\n+4\n"), trainingsettypes.DataNotCanonical},
		{"a surplus cell", hunk("@@ -4 +4,2 @@\n 3,0\n+4,0,0\n"), trainingsettypes.DataNotCanonical},
		{"an empty line", hunk("@@ -4 +4,2 @@\n 3,0\n+\n"), trainingsettypes.DataNotCanonical},
		{"no rows left", hunk("@@ -2,3 +1,0 @@\n-1,0\n-2,1\n-3,0\n"), trainingsettypes.DataNotCanonical},
	} {
		t.Run(c.name, func(t *testing.T) {
			x := propose(flowers, c.body)
			a, r, err := x.compute(t)
			require.NoError(t, err)
			require.Equal(t, c.status, a.Status, a.Status.String())
			require.Equal(t, a.Status.String(), r.Problem)
			manifest, err := x.m.Marshal()
			require.NoError(t, err)
			hash, base, body := sha256.Sum256(manifest), sha256.Sum256([]byte(flowers)), sha256.Sum256([]byte(c.body))
			digest := attestationtypes.HashFields([]byte("pold/data/v1"), hash[:], base[:], body[:])
			require.Equal(t, trainingsettypes.DataAnswer{Status: c.status, Digest: [32]byte(digest)}, a, "all but the digest is zero")
			require.Empty(t, x.added)
		})
	}
}

func TestADeltaThatCannotBeCheckedMeansAbstaining(t *testing.T) {
	for _, c := range []struct {
		name   string
		change func(x *proposed)
		want   string
	}{
		{"a missing body", func(x *proposed) { delete(x.files, "body") }, "delta body"},
		{"another body", func(x *proposed) { x.files["body"][5] ^= 1 }, "SHA-256"},
		{"a longer body", func(x *proposed) { x.files["body"] = append(x.files["body"], '\n') }, "bytes"},
		{"a missing table", func(x *proposed) { delete(x.files, "base") }, "table base"},
		{"another table", func(x *proposed) { x.files["base"][5] ^= 1 }, "SHA-256"},
		{"a full disk", func(x *proposed) {
			x.v.Add = func(context.Context, *trainingsettypes.DataManifest, []byte) (string, error) {
				return "", errors.New("no space")
			}
		}, "no space"},
		{"no place for the result", func(x *proposed) { x.v.Add = nil }, "no place"},
	} {
		t.Run(c.name, func(t *testing.T) {
			x := propose(flowers, "--- a/flowers\n+++ b/flowers\n@@ -4 +4,2 @@\n 3,0\n+4,0\n")
			_, _, err := x.compute(t)
			require.NoError(t, err, "unchanged it is fine")
			c.change(x)
			_, _, err = x.compute(t)
			require.ErrorContains(t, err, c.want)
		})
	}
}

func FuzzADeltaHasOneAnswer(f *testing.F) {
	f.Add([]byte("--- a\n+++ b\n@@ -4 +4,2 @@\n 3,0\n+4,0\n"))
	f.Add([]byte("--- a\n+++ b\n@@ -1 +1 @@\n-x,y\n+x,z\n"))
	f.Add([]byte("--- a\n+++ b\n@@ -2 +2 @@\n-1,0\n+cat,0\n"))
	f.Fuzz(func(t *testing.T, body []byte) {
		x, y := propose(flowers, string(body)), propose(flowers, string(body))
		a, _, err := x.compute(t)
		if err != nil {
			t.Fatalf("the pinned bytes always have a finding: %v", err)
		}
		b, _, _ := y.compute(t)
		if a != b {
			t.Fatalf("two findings for one delta: %+v and %+v", a, b)
		}
	})
}
