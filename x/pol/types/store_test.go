package types_test

import (
	"bytes"
	"encoding/hex"
	"encoding/json"
	"errors"
	"math"
	"os"
	"slices"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/pold-network/pold/x/pol/types"
	trainingsettypes "github.com/pold-network/pold/x/trainingset/types"
)

// storeVector is a store task about a file whose byte i is i mod 251, and its answer. The vectors come from a program of a few lines in
// another language.
type storeVector struct {
	ChainID string   `json:"chain_id"`
	CID     string   `json:"cid"`
	Size    uint64   `json:"size"`
	Seed    string   `json:"seed"`
	Chunks  uint32   `json:"chunks"`
	Indexes []uint64 `json:"indexes"`
	Cost    uint64   `json:"cost"`
	Answer  string   `json:"answer"`
}

func (v storeVector) manifest(t *testing.T) *types.StoreManifest {
	t.Helper()
	seed, err := hex.DecodeString(v.Seed)
	require.NoError(t, err)
	return types.NewStoreManifest(v.ChainID, "digits", types.StoredFile{File: types.STORE_FILE_TABLE, Cid: v.CID, Sha256: make([]byte, 32), Size: v.Size}, seed, types.MaxStoreChunks)
}

func storeVectors(t *testing.T) []storeVector {
	t.Helper()
	b, err := os.ReadFile("testdata/store.json")
	require.NoError(t, err)
	var all []storeVector
	require.NoError(t, json.Unmarshal(b, &all))
	require.NotEmpty(t, all)
	return all
}

// patterned returns the chunks of a file whose byte i is i mod 251.
func patterned(size uint64) func(uint64) ([]byte, error) {
	return func(index uint64) ([]byte, error) {
		var b []byte
		for i := index * types.ChunkSize; i < min(size, (index+1)*types.ChunkSize); i++ {
			b = append(b, byte(i%251))
		}
		return b, nil
	}
}

func TestStoreAnswersAreTheStoredOnes(t *testing.T) {
	for _, v := range storeVectors(t) {
		m := v.manifest(t)
		require.LessOrEqual(t, v.Chunks, m.Chunks)
		m.Chunks = v.Chunks
		require.NoError(t, m.Validate())
		require.Equal(t, v.Indexes, m.Indexes())
		require.Equal(t, v.Cost, m.Cost())
		answer, err := m.Answer(patterned(v.Size))
		require.NoError(t, err)
		require.Len(t, answer, types.StoreAnswerSize)
		require.Equal(t, v.Answer, hex.EncodeToString(answer))
	}
}

func TestEachInputOfAStoreTaskChangesItsAnswer(t *testing.T) {
	v := storeVectors(t)[3] // three chunks and a bit, all asked for
	right, err := v.manifest(t).Answer(patterned(v.Size))
	require.NoError(t, err)
	for name, change := range map[string]func(m *types.StoreManifest){
		"the chain":            func(m *types.StoreManifest) { m.ChainId = "pold-test-2" },
		"the file":             func(m *types.StoreManifest) { m.Cid = "bafyother" },
		"the seed":             func(m *types.StoreManifest) { m.Seed[31] ^= 1 },
		"the number of chunks": func(m *types.StoreManifest) { m.Chunks-- },
	} {
		m := v.manifest(t)
		change(m)
		answer, err := m.Answer(patterned(v.Size))
		require.NoError(t, err, name)
		require.NotEqual(t, right, answer, name)
	}
	m := v.manifest(t)
	for _, at := range m.Indexes() { // the last byte of each chunk
		answer, err := m.Answer(func(index uint64) ([]byte, error) {
			b, err := patterned(v.Size)(index)
			if index == at {
				b[len(b)-1] ^= 1
			}
			return b, err
		})
		require.NoError(t, err)
		require.NotEqual(t, right, answer, at)
	}
}

func TestNoAnswerWithoutEveryChunk(t *testing.T) {
	v := storeVectors(t)[3]
	m := v.manifest(t)
	last := m.Indexes()[len(m.Indexes())-1]
	for says, chunk := range map[string][]byte{"expected": make([]byte, 7), "gone": nil} {
		answer, err := m.Answer(func(index uint64) ([]byte, error) {
			if index == last {
				if chunk == nil {
					return nil, errors.New("gone")
				}
				return chunk, nil
			}
			return patterned(v.Size)(index)
		})
		require.ErrorContains(t, err, says)
		require.Nil(t, answer)
	}
}

func TestEveryChunkIsDrawnEquallyOften(t *testing.T) {
	const chunks, draws = 7, 7_000
	count := map[uint64]int{}
	for i := range uint32(draws) {
		seed := make([]byte, 32)
		seed[0], seed[1] = byte(i), byte(i>>8)
		drawn := types.StoreChunks(seed, chunks*types.ChunkSize, 2)
		require.Len(t, drawn, 2)
		require.Less(t, drawn[0], drawn[1])
		count[drawn[0]]++
		count[drawn[1]]++
	}
	for index := range uint64(chunks) {
		require.InDelta(t, 2*draws/chunks, count[index], 150, "chunk %d", index) // about four deviations
	}
	require.Len(t, count, chunks)
}

func TestChunksOfAFile(t *testing.T) {
	for _, c := range []struct{ size, count, last uint64 }{
		{1, 1, 1}, {types.ChunkSize - 1, 1, types.ChunkSize - 1}, {types.ChunkSize, 1, types.ChunkSize}, {types.ChunkSize + 1, 2, 1},
		{5*types.ChunkSize + 9, 6, 9}, {math.MaxInt64, 1 << 43, types.ChunkSize - 1},
	} {
		require.Equal(t, c.count, types.ChunkCount(c.size))
		m := &types.StoreManifest{Size_: c.size}
		require.Equal(t, c.last, m.ChunkLength(c.count-1))
		require.Zero(t, m.ChunkLength(c.count))
	}
	require.Zero(t, types.ChunkCount(0))
	require.Empty(t, types.StoreChunks(make([]byte, 32), 0, 4))
}

func TestStoreManifestsThatAreRefused(t *testing.T) {
	for says, change := range map[string]func(m *types.StoreManifest){
		"expected a content identifier":          func(m *types.StoreManifest) { m.Cid = "" },
		"and 0 bytes":                            func(m *types.StoreManifest) { m.Size_ = 0 },
		"and 9223372036854775808 bytes":          func(m *types.StoreManifest) { m.Size_ = math.MaxInt64 + 1 },
		"got 1048575 and 32":                     func(m *types.StoreManifest) { m.ChunkSize-- },
		"got 1048576 and 31":                     func(m *types.StoreManifest) { m.Seed = m.Seed[1:] },
		"expected 1 to 4 chunks, got 0":          func(m *types.StoreManifest) { m.Chunks = 0 },
		"expected 1 to 4 chunks, got 5":          func(m *types.StoreManifest) { m.Chunks = 5 },
		"expected 1 to 16 chunks, got 17":        func(m *types.StoreManifest) { m.Size_, m.Chunks = 1<<40, 17 },
		"expected 1 to 1 chunks, got 4":          func(m *types.StoreManifest) { m.Size_ = 1 },
		"expected 1 to 4 chunks, got 4294967295": func(m *types.StoreManifest) { m.Chunks = math.MaxUint32 },
	} {
		m := storeVectors(t)[3].manifest(t)
		change(m)
		_, err := m.Answer(patterned(m.Size_))
		require.ErrorContains(t, err, says)
	}
}

func TestWhatAGroupUses(t *testing.T) {
	table := &trainingsettypes.Table{Cid: "table", Size_: 3}
	parent := types.Checkpoint{Cid: "parent", Sha256: []byte{1}, Size_: 4}
	winner := func(change func(s *types.Submission)) *types.Submission {
		s := &types.Submission{Status: types.SUBMISSION_STATUS_WINNER, CheckpointHash: []byte{1}, TranscriptCid: "transcript", TranscriptSize: 5}
		if change != nil {
			change(s)
		}
		return s
	}
	carried := &types.CarriedWeights{Checkpoint: types.Checkpoint{Cid: "carried", Size_: 6}}
	for name, c := range map[string]struct {
		group  types.Group
		table  *trainingsettypes.Table
		winner *types.Submission
		want   []string
	}{
		"everything":                           {types.Group{Parent: parent}, table, winner(nil), []string{"table", "parent", "transcript"}},
		"nothing":                              {types.Group{}, nil, nil, nil},
		"before the first win":                 {types.Group{}, table, nil, []string{"table"}},
		"a table that is checked again":        {types.Group{Parent: parent}, nil, nil, []string{"parent"}},
		"a training that is not proved":        {types.Group{Parent: parent}, nil, winner(func(s *types.Submission) { s.TranscriptCid = "" }), []string{"parent"}},
		"a fork, where another won that round": {types.Group{Parent: parent}, nil, winner(func(s *types.Submission) { s.CheckpointHash = []byte{2} }), []string{"parent"}},
		"a fork, where it did not win": {types.Group{Parent: parent}, nil,
			winner(func(s *types.Submission) { s.Status = types.SUBMISSION_STATUS_PROVED }), []string{"parent"}},
		"a new lineage": {types.Group{Carried: carried}, nil, winner(nil), []string{"carried"}},
	} {
		var got []string
		for _, f := range types.StoredFiles(c.group, c.table, c.winner) {
			got = append(got, f.Cid)
		}
		require.Equal(t, c.want, got, name)
	}
	require.Equal(t, "transcript", types.STORE_FILE_TRANSCRIPT.Word())
	require.Equal(t, "unknown", types.StoreFile(9).Word())
	require.Equal(t, "unknown", types.StoreFile(-1).Word())
}

func TestWhoWaitsForWholeIntervalsComesFirst(t *testing.T) {
	seeds := [][]byte{bytes.Repeat([]byte{1}, 32), bytes.Repeat([]byte{2}, 32), bytes.Repeat([]byte{3}, 32)}
	firsts := map[string]bool{}
	for _, seed := range seeds {
		turns := []types.StoreTurn{{Group: "a", Due: 99}, {Group: "b", Due: 95}, {Group: "c", Due: 91}, {Group: "d", Due: 90}, {Group: "old", Due: 79}, {Group: "older", Due: 70}}
		backwards := slices.Clone(turns)
		slices.Reverse(backwards)
		types.SortStoreTurns(turns, seed, 100, 10)
		types.SortStoreTurns(backwards, seed, 100, 10)
		require.Equal(t, turns, backwards, "the order before does not matter")
		require.Equal(t, []string{"older", "old", "d"}, []string{turns[0].Group, turns[1].Group, turns[2].Group})
		firsts[turns[3].Group] = true
	}
	require.Greater(t, len(firsts), 1, "the seed draws among the others")
}

func TestTheFileIsDrawn(t *testing.T) {
	files := []types.StoredFile{{Cid: "a"}, {Cid: "b"}, {Cid: "c"}}
	count := map[string]int{}
	for i := range 300 {
		count[types.DrawFile(types.StoreSeed([]byte{byte(i), byte(i >> 8)}, "digits"), files).Cid]++
	}
	for _, f := range files {
		require.InDelta(t, 100, count[f.Cid], 35, f.Cid)
	}
}

func FuzzStoreManifest(f *testing.F) {
	f.Add([]byte{})
	b, err := types.NewStoreManifest("pold-1", "digits", types.StoredFile{File: types.STORE_FILE_TABLE, Cid: "bafy", Size: 5 * types.ChunkSize}, make([]byte, 32), 4).Marshal()
	require.NoError(f, err)
	f.Add(b)
	f.Fuzz(func(t *testing.T, b []byte) {
		var m types.StoreManifest
		if m.Unmarshal(b) != nil || m.Validate() != nil {
			return
		}
		indexes := m.Indexes()
		require.Len(t, indexes, int(m.Chunks))
		for i, index := range indexes {
			require.Less(t, index, types.ChunkCount(m.Size_))
			require.Positive(t, m.ChunkLength(index))
			require.True(t, i == 0 || indexes[i-1] < index)
		}
		require.LessOrEqual(t, m.Cost(), uint64(types.MaxStoreChunks*types.ChunkSize))
	})
}
