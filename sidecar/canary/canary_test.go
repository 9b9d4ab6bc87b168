package canary

import (
	"bytes"
	"context"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"os"
	"path/filepath"
	"testing"

	"github.com/stretchr/testify/require"

	sdk "github.com/cosmos/cosmos-sdk/types"

	"github.com/pold-network/pold/dataset/digits"
	"github.com/pold-network/pold/engine"
	"github.com/pold-network/pold/sidecar/verifier"
	poltypes "github.com/pold-network/pold/x/pol/types"
	trainingsettypes "github.com/pold-network/pold/x/trainingset/types"
)

// fakeChain is a round that settles when it is looked at for the fifth time.
type fakeChain struct {
	group    poltypes.Group
	round    poltypes.Round
	canaries []poltypes.Canary
	looks    int
	fail     error
}

func (c *fakeChain) ChainID() string { return "test-1" }
func (c *fakeChain) Address() string { return "pol1planter" }
func (c *fakeChain) Group(context.Context, string) (poltypes.Group, error) {
	return c.group, nil
}

func (c *fakeChain) Round(context.Context, string, uint64) (poltypes.Round, error) {
	if c.looks++; c.looks == 5 {
		c.round.Phase = poltypes.ROUND_PHASE_SETTLED
	}
	return c.round, nil
}

func (c *fakeChain) Canaries(context.Context, string, uint64) ([]poltypes.Canary, error) {
	return c.canaries, nil
}

func (c *fakeChain) Send(_ context.Context, msgs ...sdk.Msg) (string, int64, error) {
	switch m := msgs[0].(type) {
	case *poltypes.MsgPlantCanary:
		c.canaries = append(c.canaries, poltypes.Canary{Planter: m.Sender, Commitment: m.Commitment, Status: poltypes.CANARY_STATUS_PLANTED})
	case *poltypes.MsgOpenCanary:
		x := &c.canaries[0]
		if !bytes.Equal(x.Commitment, poltypes.CanaryCommitmentOf("test-1", m.Group, m.Round, m.Sender, m.Trainer, m.Finding, m.ClaimLossE9, m.Salt)) {
			return "", 0, poltypes.ErrMismatch
		}
		x.Status, x.Trainer, x.Exposed = poltypes.CANARY_STATUS_CONFIRMED, m.Trainer, []string{"polvaloper1lazy"}
	}
	return "HASH", 7, c.fail
}

func newPlanter(t *testing.T) (*Planter, *fakeChain, []byte) {
	t.Helper()
	root, err := hex.DecodeString(digits.Root)
	require.NoError(t, err)
	sum := sha256.Sum256(digits.CSV())
	c := &fakeChain{group: poltypes.Group{Name: "g", Round: 4, Settings: poltypes.GroupSettings{Proof: poltypes.PROOF_MODE_SCORED, TrainingSet: "digits",
		Objective: poltypes.OBJECTIVE_CROSS_ENTROPY, Evaluation: poltypes.EVALUATION_MODE_TRAINING_SET, InitSeed: make([]byte, 32),
		Model: poltypes.ModelSpec{InputShape: []uint32{8, 8}, Layers: []*poltypes.Layer{{Name: "out", Kind: "dense", Units: 10}}}}},
		round: poltypes.Round{Group: "g", Number: 4, Phase: poltypes.ROUND_PHASE_COMMIT, TrainingSet: "digits", EngineVersion: engine.Version,
			Table: trainingsettypes.Table{Cid: "table", Sha256: sum[:], Size_: uint64(len(digits.CSV())), Rows: digits.Rows, Columns: 65, Targets: 1, Root: root, ValidationPermille: 200}}}
	in := verifier.RoundInputs("test-1", c.group, c.round, "pol1trainer")
	in.InitSeed = make([]byte, 32)
	file, err := in.InitialWeights(t.Context(), nil)
	require.NoError(t, err)
	fetch := func(context.Context, string, uint64, []byte) ([]byte, error) { return digits.CSV(), nil }
	return &Planter{Chain: c, Sender: c, Fetch: fetch, Verifier: verifier.New(), Dir: filepath.Join(t.TempDir(), "canaries"), Poll: 1}, c, file
}

func TestACanaryIsPlantedAndOpened(t *testing.T) {
	p, c, file := newPlanter(t)
	e, err := p.Plant(t.Context(), "g", "pol1trainer", file)
	require.NoError(t, err)
	require.Equal(t, uint32(poltypes.ScoreValid), e.Finding)
	require.Greater(t, e.ClaimLossE9, uint64(1_000_000_000))
	require.Len(t, c.canaries, 1)
	info, err := os.Stat(p.path("g", 4))
	require.NoError(t, err)
	require.Equal(t, os.FileMode(0o600), info.Mode().Perm())

	opened, err := p.Open(t.Context(), "g", 4)
	require.NoError(t, err)
	require.Equal(t, poltypes.CANARY_STATUS_CONFIRMED, opened.Status)
	require.Equal(t, "pol1trainer", opened.Trainer)
	require.Equal(t, []string{"polvaloper1lazy"}, opened.Exposed)
	again, err := p.Open(t.Context(), "g", 4)
	require.NoError(t, err, "opening twice does no harm")
	require.Equal(t, opened, again)
}

func TestAnInvalidFileIsACanaryToo(t *testing.T) {
	p, _, _ := newPlanter(t)
	e, err := p.Plant(t.Context(), "g", "pol1trainer", []byte("no checkpoint"))
	require.NoError(t, err)
	require.Equal(t, uint32(poltypes.ScoreNotCanonical), e.Finding)
	require.Zero(t, e.ClaimLossE9)
}

func TestALostAnswerDoesNotLoseTheSalt(t *testing.T) {
	p, c, file := newPlanter(t)
	c.fail = errors.New("the answer is lost")
	_, err := p.Plant(t.Context(), "g", "pol1trainer", file)
	require.Error(t, err)
	c.fail = nil
	_, err = p.Plant(t.Context(), "g", "pol1trainer", file)
	require.NoError(t, err)
	require.Len(t, c.canaries, 1, "it is not planted twice")
	_, err = p.Plant(t.Context(), "g", "pol1other", file)
	require.ErrorContains(t, err, "has another one of this account")
	_, err = p.Open(t.Context(), "g", 4)
	require.NoError(t, err)
}

func TestWhatCouldNotBeHandedInIsNotPlanted(t *testing.T) {
	for name, c := range map[string]struct {
		change func(c *fakeChain)
		want   string
	}{
		"a group that asks for proof":     {func(c *fakeChain) { c.group.Settings.Proof = poltypes.PROOF_MODE_PROVED }, "SCORED"},
		"a trainer who may not take part": {func(c *fakeChain) { c.group.Settings.AllowList = []string{"pol1other"} }, "would not take"},
		"a round past its commit phase":   {func(c *fakeChain) { c.round.Phase = poltypes.ROUND_PHASE_REVEAL }, "phase COMMIT"},
	} {
		p, chain, file := newPlanter(t)
		c.change(chain)
		_, err := p.Plant(t.Context(), "g", "pol1trainer", file)
		require.ErrorContains(t, err, c.want, name)
		require.Empty(t, chain.canaries)
	}
	p, _, _ := newPlanter(t)
	_, err := p.Open(t.Context(), "g", 9)
	require.ErrorIs(t, err, os.ErrNotExist)
}
