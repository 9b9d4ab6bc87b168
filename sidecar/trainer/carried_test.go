package trainer

import (
	"crypto/sha256"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/pold-network/pold/engine"
	"github.com/pold-network/pold/sidecar/verifier"
	poltypes "github.com/pold-network/pold/x/pol/types"
)

// carry opens the round with weights of an earlier lineage, which has learned for some steps.
func carry(t *testing.T, chain *fakeChain, store *fakeStore) {
	t.Helper()
	was := verifier.ParentInputs(testChain, chain.group, *chain.rounds[1])
	file, err := was.InitialWeights(t.Context(), store.Fetch)
	require.NoError(t, err)
	model, err := was.Decode(file)
	require.NoError(t, err)
	rows, err := verifier.New().Rows(t.Context(), was, store.Fetch)
	require.NoError(t, err)
	require.NoError(t, model.Train(rows.Training, engine.CrossEntropy, engine.Recipe{Optimizer: engine.OptimizerSGD, LearningRate: 0.05, BatchSize: 32, Steps: 30}, nil))
	file = model.Encode()
	sum := sha256.Sum256(file)
	store.files["old"] = file
	chain.group.Carried = &poltypes.CarriedWeights{Checkpoint: poltypes.Checkpoint{Cid: "old", Sha256: sum[:], Size_: uint64(len(file))}, Model: chain.group.Settings.Model}
	chain.rounds[1].Carried = chain.group.Carried
}

func TestTheFirstRoundOfALineageIsTrainedFromWhatItCarries(t *testing.T) {
	store := newStore()
	chain := provedChain(store)
	carry(t, chain, store)
	score, err := verifier.New().Score(t.Context(), poltypes.NewScoreManifest(testChain, chain.group, *chain.rounds[1], "", poltypes.Checkpoint{}), store.Fetch)
	require.NoError(t, err)
	trainer, events := newTrainer(t, chain, store, t.TempDir())
	var found verifier.Audit
	trainer.report = func(e Event) {
		events.report(e)
		if e.Event == EventRevealed {
			found = audit(t, chain, store, chain.submissions[1][0])
		}
	}
	require.NoError(t, trainer.Run(t.Context(), []string{"digits"}, 1))
	require.Equal(t, EventRound, events.events[0].Event)
	require.Equal(t, score.RankLossE9, *events.events[0].ParentLossE9, "the loss that validators find for the parent")
	require.Equal(t, poltypes.AuditPassed, found.Answer.Status, found.Problem)
}

func TestARoundWhoseCarriedCheckpointIsMissingIsMissed(t *testing.T) {
	store := newStore()
	chain := provedChain(store)
	carry(t, chain, store)
	delete(store.files, "old")
	chain.rounds[1].Phase = poltypes.ROUND_PHASE_COMMIT
	trainer, events := newTrainer(t, chain, store, t.TempDir())
	trainer.report = func(e Event) {
		events.report(e)
		if e.Event == EventMissed {
			chain.mu.Lock()
			chain.rounds[1].Phase = poltypes.ROUND_PHASE_SETTLED
			chain.mu.Unlock()
		}
	}
	require.NoError(t, trainer.Run(t.Context(), []string{"digits"}, 1))
	require.Equal(t, []string{EventMissed}, events.names())
	require.Contains(t, events.events[0].Note, "carried weights")
	require.Empty(t, chain.sends, "no bond is risked")
}
