package main

import (
	"bytes"
	"context"
	"crypto/sha256"
	"encoding/hex"
	"os"
	"strings"
	"testing"

	"github.com/ipfs/go-cid"
	"github.com/multiformats/go-multihash"
	"github.com/stretchr/testify/require"

	"cosmossdk.io/math"

	"github.com/pold-network/pold/dataset"
	trainingsettypes "github.com/pold-network/pold/x/trainingset/types"
)

// golden compares what a view prints with a text; the first line break of the text is for the reader.
func golden(t *testing.T, want string, v view) {
	t.Helper()
	var out bytes.Buffer
	v.print(&printer{out: &out, err: &out})
	require.Equal(t, strings.TrimPrefix(want, "\n"), out.String())
}

// csvTable parses a small table.
func csvTable(t *testing.T, text string) *dataset.Table {
	t.Helper()
	table, err := dataset.Parse(strings.NewReader(text))
	require.NoError(t, err)
	return table
}

// cidOf is the identifier of a small file.
func cidOf(t testing.TB, b []byte) string {
	hash, err := multihash.Sum(b, multihash.SHA2_256, -1)
	require.NoError(t, err)
	return cid.NewCidV1(cid.Raw, hash).String()
}

// described is what the chain says of a table with one target and a fifth of the rows held back.
func described(t *testing.T, table *dataset.Table) trainingsettypes.Table {
	t.Helper()
	hash, root := table.SHA256(), table.Root()
	return trainingsettypes.Table{
		Cid: cidOf(t, table.Bytes()), Sha256: hash[:], Size_: uint64(len(table.Bytes())), Rows: uint64(table.Rows()), Columns: uint32(table.Columns()),
		Targets: 1, Root: root[:], ValidationPermille: 200,
	}
}

// deltaOf makes the delta between two tables.
func deltaOf(t *testing.T, old, next *dataset.Table) ([]byte, trainingsettypes.Delta) {
	t.Helper()
	body := dataset.Diff(old, next, "t.csv")
	parsed, err := dataset.ParseDelta(body)
	require.NoError(t, err)
	hash, base, root := sha256.Sum256(body), old.Root(), next.Root()
	return body, trainingsettypes.Delta{
		Cid: cidOf(t, body), Sha256: hash[:], Size_: uint64(len(body)), BaseRoot: base[:], Root: root[:],
		RowsAdded: uint64(parsed.Added()), RowsRemoved: uint64(parsed.Removed()),
	}
}

// shelf is files in memory, by SHA-256.
type shelf map[string][]byte

func (s shelf) put(b []byte) {
	hash := sha256.Sum256(b)
	s[string(hash[:])] = b
}

func (s shelf) get(_ context.Context, f file) ([]byte, error) {
	b, ok := s[string(f.sha256)]
	if !ok {
		return nil, fail(exitNotFound, "%s: nobody has it", f.what)
	}
	return b, f.check(b)
}

// fakeArchive is histories in memory.
type fakeArchive struct {
	sets    map[string]trainingsettypes.TrainingSet
	history map[string][]trainingsettypes.Revision
}

func (a *fakeArchive) set(_ context.Context, name string) (trainingsettypes.TrainingSet, error) {
	s, ok := a.sets[name]
	if !ok {
		return s, fail(exitNotFound, "training set %q: not found", name)
	}
	return s, nil
}

func (a *fakeArchive) revisions(_ context.Context, name string) ([]trainingsettypes.Revision, error) {
	return a.history[name], nil
}

// world is an archive with its files.
type world struct {
	*fakeArchive
	shelf
	tables map[string]*dataset.Table // the current one of each set
}

func newWorld() *world {
	return &world{&fakeArchive{map[string]trainingsettypes.TrainingSet{}, map[string][]trainingsettypes.Revision{}}, shelf{}, map[string]*dataset.Table{}}
}

// register begins a set.
func (w *world) register(t *testing.T, name, text string) {
	t.Helper()
	w.begin(t, name, csvTable(t, text), trainingsettypes.TrainingSet{Name: name, Version: 1, Status: trainingsettypes.STATUS_VERIFIED})
}

func (w *world) begin(t *testing.T, name string, table *dataset.Table, set trainingsettypes.TrainingSet) {
	t.Helper()
	w.put(table.Bytes())
	key := set.Table.SplitKey
	set.Table = described(t, table)
	set.Table.SplitKey = key
	zero := math.ZeroInt()
	w.sets[name], w.tables[name] = set, table
	w.history[name] = []trainingsettypes.Revision{{TrainingSet: name, Version: 1, Table: set.Table, UnixMs: 1_767_225_600_000, Support: zero, OfStake: zero, Reward: zero}}
}

// change applies a patch to a set.
func (w *world) change(t *testing.T, name, text string, takedown bool) {
	t.Helper()
	next := csvTable(t, text)
	body, delta := deltaOf(t, w.tables[name], next)
	w.put(body)
	w.put(next.Bytes())
	set := w.sets[name]
	key := set.Table.SplitKey
	set.Table = described(t, next)
	set.Table.SplitKey = key
	set.Version++
	w.sets[name], w.tables[name] = set, next
	w.history[name] = append(w.history[name], trainingsettypes.Revision{
		TrainingSet: name, Version: set.Version, Table: set.Table, Delta: &delta, Proposal: set.Version + 10, Proposer: buyer(byte(set.Version)), Takedown: takedown,
		UnixMs: 1_767_225_600_000 + int64(set.Version)*604_800_000, Summary: "change to version " + string('0'+rune(set.Version)),
		Support: math.NewInt(300_000_000), OfStake: math.NewInt(1_000_000_000), Reward: math.NewInt(1_500_000),
	})
}

// fork copies the current table of a set under another name.
func (w *world) fork(t *testing.T, source, name string) {
	t.Helper()
	from := w.sets[source]
	w.begin(t, name, w.tables[source], trainingsettypes.TrainingSet{
		Name: name, Version: 1, Status: trainingsettypes.STATUS_VERIFIED, ForkedFrom: source, ForkedVersion: from.Version,
		Table: trainingsettypes.Table{SplitKey: string(from.Table.Key(source))},
	})
}

// forget drops a file.
func (w *world) forget(hash []byte) { delete(w.shelf, string(hash)) }

func TestMain(m *testing.M) {
	if dir := os.Getenv("POLD_TEST_TRAINERD"); dir != "" {
		os.Exit(fakeTrainerd(dir, os.Args[1:]))
	}
	os.Exit(m.Run())
}

func hexOf(b []byte) string { return hex.EncodeToString(b) }

func mustDelta(t *testing.T, body []byte) *dataset.Delta {
	t.Helper()
	d, err := dataset.ParseDelta(body)
	require.NoError(t, err)
	return d
}
