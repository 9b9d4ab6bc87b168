package types_test

import (
	"encoding/hex"
	"encoding/json"
	"os"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/pold-network/pold/x/pol/types"
)

// opened is everything that a commitment covers.
type opened struct {
	ChainID        string `json:"chain_id"`
	Group          string `json:"group"`
	Round          uint64 `json:"round"`
	Trainer        string `json:"trainer"`
	CheckpointHash string `json:"checkpoint_hash"`
	TranscriptRoot string `json:"transcript_root"`
	ClaimedLossE9  uint64 `json:"claimed_loss_e9"`
	Salt           string `json:"salt"`
	Commitment     string `json:"commitment"`
}

func (o opened) commit(t *testing.T) string {
	t.Helper()
	raw := func(s string) []byte {
		b, err := hex.DecodeString(s)
		require.NoError(t, err)
		return b
	}
	return hex.EncodeToString(types.CommitmentOf(o.ChainID, o.Group, o.Round, o.Trainer,
		raw(o.CheckpointHash), raw(o.TranscriptRoot), o.ClaimedLossE9, raw(o.Salt)))
}

// The vectors were computed by client/python/pold.py, which a test of its own compares with this package.
func commitmentVectors(t *testing.T) []opened {
	t.Helper()
	b, err := os.ReadFile("testdata/commitments.json")
	require.NoError(t, err)
	var vectors []opened
	require.NoError(t, json.Unmarshal(b, &vectors))
	require.NotEmpty(t, vectors)
	return vectors
}

func TestCommitmentsAreTheStoredOnes(t *testing.T) {
	for _, v := range commitmentVectors(t) {
		require.Equal(t, v.Commitment, v.commit(t))
	}
}

func TestEveryFieldChangesACommitment(t *testing.T) {
	v := commitmentVectors(t)[0]
	for name, change := range map[string]func(*opened){
		"chain": func(o *opened) { o.ChainID += "x" }, "group": func(o *opened) { o.Group = "digit" },
		"round": func(o *opened) { o.Round++ }, "trainer": func(o *opened) { o.Trainer += "x" },
		"hash":       func(o *opened) { o.CheckpointHash = "ff" + o.CheckpointHash[2:] },
		"transcript": func(o *opened) { o.TranscriptRoot = o.CheckpointHash },
		"loss":       func(o *opened) { o.ClaimedLossE9-- }, "salt": func(o *opened) { o.Salt += "00" },
		"a byte moved from one field to the next": func(o *opened) { o.ChainID, o.Group = o.ChainID+o.Group[:1], o.Group[1:] },
	} {
		o := v
		change(&o)
		require.NotEqual(t, v.Commitment, o.commit(t), name)
	}
}
