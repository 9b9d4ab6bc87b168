package trainer

import (
	"bytes"
	"context"
	"os"
	"testing"

	"github.com/stretchr/testify/require"

	sdk "github.com/cosmos/cosmos-sdk/types"

	"github.com/pold-network/pold/engine"
	"github.com/pold-network/pold/sidecar/verifier"
	poltypes "github.com/pold-network/pold/x/pol/types"
)

// provedChain asks for a proof of training, for one round.
func provedChain(store *fakeStore) *fakeChain {
	chain := newChain(store, 1)
	s := &chain.group.Settings
	s.Proof, s.Evaluation, s.Segments, s.MaxSteps = poltypes.PROOF_MODE_PROVED, poltypes.EVALUATION_MODE_HOLDOUT, 4, 0
	s.Recipe = poltypes.RecipeBounds{MinSteps: 8, MaxSteps: 12}
	chain.rounds[1].OrderSeed = bytes.Repeat([]byte{3}, 32)
	return chain
}

// audit does what a validator does with a submission.
func audit(t *testing.T, chain *fakeChain, store *fakeStore, s poltypes.Submission) verifier.Audit {
	t.Helper()
	r := *chain.rounds[1]
	r.AuditSeed, r.Parent = bytes.Repeat([]byte{4}, 32), poltypes.Checkpoint{}
	s.Group, s.Round = "digits", 1
	m := poltypes.NewAuditManifest(testChain, chain.group, r, s)
	m.Common, m.Own = []uint32{0, 2, 3}, true
	a, err := verifier.New().Audit(t.Context(), m, "polvaloper1one", store.Fetch)
	require.NoError(t, err)
	return a
}

func TestAProvedRoundIsWonWithATranscriptThatPassesTheAudit(t *testing.T) {
	store := newStore()
	chain := provedChain(store)
	var first verifier.Audit
	chain.afterSend = func(m sdk.Msg) error {
		if _, ok := m.(*poltypes.MsgCommitCheckpoint); ok {
			require.Empty(t, store.provided, "nothing can be found before the reveal")
		}
		return nil
	}
	dir := t.TempDir()
	trainer, _ := newTrainer(t, chain, store, dir)
	trainer.report = func(e Event) {
		if e.Event == EventRevealed { // the states are there until the round is settled
			first = audit(t, chain, store, chain.submissions[1][0])
		}
	}
	require.NoError(t, trainer.Run(t.Context(), []string{"digits"}, 1))
	require.Equal(t, account, chain.rounds[1].Winner)
	require.Equal(t, poltypes.AuditPassed, first.Answer.Status, first.Problem)
	require.Empty(t, first.Challenges)

	s := chain.submissions[1][0]
	require.True(t, store.provided[s.TranscriptCid])
	transcript, err := engine.ParseTranscript(store.files[s.TranscriptCid])
	require.NoError(t, err)
	require.Equal(t, 8, transcript.Header.Recipe.Steps, "5 steps were asked for, the group wants 8 at least")
	for _, l := range transcript.Leaves {
		require.Nil(t, store.files[l.StateCID], "states are kept until settlement only")
	}
	left, err := os.ReadDir(dir)
	require.NoError(t, err)
	require.Empty(t, left)
}

// open are the entries of a trainer's journal.
func open(t *testing.T, trainer *Trainer) []Entry {
	t.Helper()
	entries, err := trainer.journal.entries(testChain, account)
	require.NoError(t, err)
	require.Len(t, entries, 1)
	return entries
}

func TestARestartedTrainerRevealsItsTranscript(t *testing.T) {
	store := newStore()
	chain := provedChain(store)
	dir := t.TempDir()
	ctx, done := crash(chain, &poltypes.MsgCommitCheckpoint{})
	defer done()
	trainer, _ := newTrainer(t, chain, store, dir)
	require.ErrorIs(t, trainer.Run(ctx, []string{"digits"}, 1), context.Canceled)

	// The store lost what was not announced, but for the states.
	for cid, file := range store.files {
		if bytes.HasPrefix(file, []byte(engine.Version)) {
			delete(store.files, cid)
		}
	}
	chain.afterSend = nil
	again, _ := newTrainer(t, chain, store, dir)
	var found verifier.Audit
	again.report = func(e Event) {
		if e.Event == EventRevealed {
			found = audit(t, chain, store, chain.submissions[1][0])
		}
	}
	require.NoError(t, again.resume(t.Context(), open(t, again)))
	require.Equal(t, poltypes.AuditPassed, found.Answer.Status, found.Problem)
	require.Equal(t, account, chain.rounds[1].Winner)
}

func TestATrainingThatDoesNotFitIntoTheCommitPhaseIsNotCommitted(t *testing.T) {
	store := newStore()
	chain := provedChain(store)
	chain.rounds[1].CommitUntil = spareBlocks // the phase is about to end
	before := len(store.files)
	ctx, cancel := context.WithCancel(t.Context())
	defer cancel()
	trainer, events := newTrainer(t, chain, store, t.TempDir())
	record := trainer.record
	trainer.record = func(m *engine.Model, d *engine.Data, o engine.Objective, h engine.TranscriptHeader, keep engine.Keep, progress func(int, float32) bool) (*engine.Transcript, error) {
		return record(m, d, o, h, keep, func(step int, loss float32) bool {
			for step == 2 && progress(step, loss) { // until the phase is seen to end
				_ = trainer.pause(ctx)
			}
			return step < 2
		})
	}
	trainer.report = func(e Event) {
		events.report(e)
		if e.Event == EventSkipped {
			require.Contains(t, e.Note, "use fewer --steps")
			cancel()
		}
	}
	require.ErrorIs(t, trainer.Run(ctx, []string{"digits"}, 1), context.Canceled)
	require.Contains(t, events.names(), EventSkipped)
	require.Empty(t, chain.sends)
	require.Len(t, store.files, before, "what was kept of it is gone")
}

func TestARecipeOutsideTheBoundsIsRefusedBeforeAnythingIsCommitted(t *testing.T) {
	store := newStore()
	chain := provedChain(store)
	chain.group.Settings.Recipe.MaxLearningRateE9 = 49_000_000
	trainer, _ := newTrainer(t, chain, store, t.TempDir())
	require.ErrorContains(t, trainer.Run(t.Context(), []string{"digits"}, 1), "learning rate")
	require.Empty(t, chain.sends)
}

func TestAFinishedFileCannotBeProved(t *testing.T) {
	store := newStore()
	chain := provedChain(store)
	trainer, _ := newTrainer(t, chain, store, t.TempDir())
	_, err := trainer.Submit(t.Context(), Submission{Group: "digits", File: []byte("any")})
	require.ErrorContains(t, err, "trainerd train --group digits")
}
