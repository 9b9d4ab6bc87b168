package verifier

import (
	"context"
	"crypto/sha256"
	"errors"
	"testing"

	"github.com/stretchr/testify/require"

	poltypes "github.com/pold-network/pold/x/pol/types"
)

// stored is a file of three chunks and a bit, and a task that asks for two of them.
func stored() ([]byte, *poltypes.StoreManifest) {
	file := make([]byte, 3*poltypes.ChunkSize+77)
	for i := range file {
		file[i] = byte(i % 253)
	}
	hash := sha256.Sum256(file)
	return file, poltypes.NewStoreManifest("test-1", "digits", poltypes.StoredFile{File: poltypes.STORE_FILE_TABLE, Cid: "table", Sha256: hash[:], Size: uint64(len(file))}, make([]byte, 32), 2)
}

// held is what a validator holds of one file: some chunks.
type held map[int64][]byte

var errNotHere = errors.New("it is not here")

func (h held) Chunk(_ context.Context, _ string, _, index int64) ([]byte, error) {
	if b, ok := h[index]; ok {
		return b, nil
	}
	return nil, errNotHere
}

func TestDrawnChunksAreEnoughForAStoreTask(t *testing.T) {
	file, m := stored()
	drawn := held{}
	for _, index := range m.Indexes() {
		chunk, err := ChunkOf(file, int64(index))
		require.NoError(t, err)
		drawn[int64(index)] = chunk
	}
	require.Len(t, drawn, 2, "two of four")
	answer, err := Produce(t.Context(), m, drawn)
	require.NoError(t, err)
	require.Len(t, answer, poltypes.StoreAnswerSize)

	// Whoever checks evidence fetches the whole file and finds the same.
	manifest, err := m.Marshal()
	require.NoError(t, err)
	fetches := 0
	fetch := func(context.Context, string, uint64, []byte) ([]byte, error) { fetches++; return file, nil }
	r, err := New().Compute(t.Context(), "test-1", Task{ID: 7, Kind: poltypes.StoreTaskKind, Manifest: manifest}, "polvaloper1one", fetch)
	require.NoError(t, err)
	require.Equal(t, Result{Answer: answer}, r, "without a personal value")
	require.Equal(t, 1, fetches)

	file[0] ^= 1 // not the file that is asked about
	_, err = New().Compute(t.Context(), "test-1", Task{ID: 7, Kind: poltypes.StoreTaskKind, Manifest: manifest}, "polvaloper1one", fetch)
	require.ErrorContains(t, err, "expected SHA-256")
	_, err = New().Compute(t.Context(), "test-2", Task{ID: 7, Kind: poltypes.StoreTaskKind, Manifest: manifest}, "polvaloper1one", fetch)
	require.ErrorContains(t, err, "expected chain")
}

func TestNoAnswerToAStoreTaskWithoutItsChunks(t *testing.T) {
	file, m := stored()
	indexes := m.Indexes()
	chunk := func(index uint64) []byte {
		b, err := ChunkOf(file, int64(index))
		require.NoError(t, err)
		return b
	}
	ended, cancel := context.WithCancel(t.Context())
	cancel()
	for name, c := range map[string]struct {
		ctx  context.Context
		have held
		want string
	}{
		"nothing":                {t.Context(), held{}, errNotHere.Error()},
		"one of two":             {t.Context(), held{int64(indexes[0]): chunk(indexes[0])}, errNotHere.Error()},
		"half of one":            {t.Context(), held{int64(indexes[0]): chunk(indexes[0]), int64(indexes[1]): chunk(indexes[1])[1:]}, "bytes, got"},
		"when there is no time":  {ended, held{int64(indexes[0]): chunk(indexes[0]), int64(indexes[1]): chunk(indexes[1])}, context.Canceled.Error()},
		"chunks of another task": {t.Context(), held{int64(indexes[0]) + 10: chunk(indexes[0])}, errNotHere.Error()},
	} {
		answer, err := Produce(c.ctx, m, c.have)
		require.ErrorContains(t, err, c.want, name)
		require.Nil(t, answer, name)
	}
}

func TestChunksOfAFile(t *testing.T) {
	file, _ := stored()
	var together []byte
	for index := range int64(4) {
		b, err := ChunkOf(file, index)
		require.NoError(t, err)
		together = append(together, b...)
	}
	require.Equal(t, sha256.Sum256(file), sha256.Sum256(together))
	for _, index := range []int64{-1, 4, 1 << 62} {
		_, err := ChunkOf(file, index)
		require.ErrorContains(t, err, "expected a chunk from 0 to 3")
	}
	_, err := ChunkOf(nil, 0)
	require.Error(t, err)
}
