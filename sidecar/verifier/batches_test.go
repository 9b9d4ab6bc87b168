package verifier

import (
	"bytes"
	"crypto/sha256"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/pold-network/pold/dataset/digits"
	"github.com/pold-network/pold/sidecar/sealed"
	poltypes "github.com/pold-network/pold/x/pol/types"
)

// batchOf encrypts the header of the digits and some of their rows.
func batchOf(t *testing.T, f files, name string, from, to int) poltypes.SealedBatch {
	t.Helper()
	lines := strings.SplitAfter(string(digits.CSV()), "\n")
	plain := []byte(lines[0] + strings.Join(lines[1+from:1+to], ""))
	key := bytes.Repeat([]byte{byte(from + 1)}, sealed.KeySize)
	file, err := sealed.Seal(plain, key)
	require.NoError(t, err)
	f[name] = file
	sum, table, hash := sha256.Sum256(file), sha256.Sum256(plain), sha256.Sum256(key)
	return poltypes.SealedBatch{Group: "digits", Provider: "pol1" + name, Round: 1, Cid: name, Sha256: sum[:], Size_: uint64(len(file)), TableSha256: table[:],
		Rows: uint64(to - from), KeyHash: hash[:], Key: key, Status: poltypes.SEALED_BATCH_STATUS_REVEALED}
}

func sealedManifest(t *testing.T) (poltypes.ScoreManifest, files) {
	f := files{"table": digits.CSV()}
	m := digitsManifest()
	m = withCheckpoint(m, f, trained(t, m, f).Encode())
	m.Evaluation = poltypes.EVALUATION_MODE_SEALED
	m.Batches = []poltypes.SealedBatch{batchOf(t, f, "one", 0, 60), batchOf(t, f, "two", 60, 100)}
	return m, f
}

func TestSealedRowsOfAllProvidersDecideTheRank(t *testing.T) {
	m, f := sealedManifest(t)
	both, err := New().Score(t.Context(), &m, f.fetch)
	require.NoError(t, err)
	require.Equal(t, poltypes.ScoreValid, both.Status)
	plain := m
	plain.Evaluation, plain.Batches = poltypes.EVALUATION_MODE_TRAINING_SET, nil
	public, err := New().Score(t.Context(), &plain, f.fetch)
	require.NoError(t, err)
	require.Equal(t, public.ClaimLossE9, both.ClaimLossE9, "the claim is on public rows")
	require.NotEqual(t, both.ClaimLossE9, both.RankLossE9)

	// 100 rows of the same table in one batch are the same rows.
	one := m
	one.Batches = []poltypes.SealedBatch{batchOf(t, f, "all", 0, 100)}
	all, err := New().Score(t.Context(), &one, f.fetch)
	require.NoError(t, err)
	require.Equal(t, all.RankLossE9, both.RankLossE9)
	require.Equal(t, all.MetricE9, both.MetricE9)

	// Without the keys nothing but the claim can rank.
	m.Batches = nil
	none, err := New().Score(t.Context(), &m, f.fetch)
	require.NoError(t, err)
	require.Equal(t, none.ClaimLossE9, none.RankLossE9)
}

func TestAFalseBatchIsAFindingThatNamesIt(t *testing.T) {
	for name, change := range map[string]func(b *poltypes.SealedBatch, f files){
		"another key":       func(b *poltypes.SealedBatch, _ files) { b.Key = bytes.Repeat([]byte{99}, 32) },
		"another table":     func(b *poltypes.SealedBatch, _ files) { b.TableSha256 = make([]byte, 32) },
		"fewer rows":        func(b *poltypes.SealedBatch, _ files) { b.Rows++ },
		"no table":          func(b *poltypes.SealedBatch, f files) { swap(b, f, []byte("hello")) },
		"other columns":     func(b *poltypes.SealedBatch, f files) { swap(b, f, []byte("a,b\n1,2\n")) },
		"a class too large": func(b *poltypes.SealedBatch, f files) { swap(b, f, changedLabel()) },
	} {
		t.Run(name, func(t *testing.T) {
			m, f := sealedManifest(t)
			change(&m.Batches[1], f)
			a, err := New().Score(t.Context(), &m, f.fetch)
			require.NoError(t, err)
			require.Equal(t, poltypes.ScoreBadBatch, a.Status)
			require.Equal(t, uint64(1), a.MetricE9)
			require.NotZero(t, a.ClaimLossE9)
			require.Zero(t, a.RankLossE9)
			again, err := New().Score(t.Context(), &m, f.fetch)
			require.NoError(t, err)
			require.Equal(t, a, again)
		})
	}
}

// swap puts another table behind an honest key.
func swap(b *poltypes.SealedBatch, f files, table []byte) {
	file, err := sealed.Seal(table, b.Key)
	if err != nil {
		panic(err)
	}
	f[b.Cid] = file
	sum, plain := sha256.Sum256(file), sha256.Sum256(table)
	b.Sha256, b.Size_, b.TableSha256, b.Rows = sum[:], uint64(len(file)), plain[:], 1
}

func changedLabel() []byte {
	lines := strings.SplitAfter(string(digits.CSV()), "\n")
	row := strings.TrimSuffix(lines[1], "\n")
	return []byte(lines[0] + row[:strings.LastIndexByte(row, ',')] + ",77\n")
}

func TestABatchThatNobodyHoldsMeansAbstaining(t *testing.T) {
	m, f := sealedManifest(t)
	delete(f, "two")
	_, err := New().Score(t.Context(), &m, f.fetch)
	require.ErrorContains(t, err, "two")
}

func TestHoldoutRanksByTheRowsThatNobodyTrainsOn(t *testing.T) {
	f := files{"table": digits.CSV()}
	m := digitsManifest()
	m = withCheckpoint(m, f, trained(t, m, f).Encode())
	public, err := New().Score(t.Context(), &m, f.fetch)
	require.NoError(t, err)
	m.Evaluation = poltypes.EVALUATION_MODE_HOLDOUT
	held, err := New().Score(t.Context(), &m, f.fetch)
	require.NoError(t, err)
	require.Equal(t, public.ClaimLossE9, held.ClaimLossE9)
	require.Equal(t, public.MetricE9, held.MetricE9)
	require.NotEqual(t, public.RankLossE9, held.RankLossE9)
}
