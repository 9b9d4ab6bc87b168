package trainer

import (
	"context"
	"errors"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	sdk "github.com/cosmos/cosmos-sdk/types"

	"github.com/pold-network/pold/engine"
	"github.com/pold-network/pold/sidecar/tensorboard"
	"github.com/pold-network/pold/sidecar/training"
	poltypes "github.com/pold-network/pold/x/pol/types"
)

func TestTrainerWinsRoundAfterRound(t *testing.T) {
	store := newStore()
	chain := newChain(store, 3)
	dir := t.TempDir()
	trainer, events := newTrainer(t, chain, store, dir)
	require.NoError(t, trainer.Run(t.Context(), []string{"digits"}, 3))

	round := []string{EventRound, EventTrained, EventCommitted, EventRevealed, EventSettled}
	require.Equal(t, append(append(append([]string{}, round...), round...), round...), events.names())
	var losses []uint64
	for _, e := range events.events {
		if e.Event == EventSettled {
			require.True(t, e.Won)
			require.Equal(t, "1500000", e.RewardUnrn)
			losses = append(losses, *e.LossE9)
		}
	}
	require.Greater(t, losses[0], losses[1])
	require.Greater(t, losses[1], losses[2])
	require.Equal(t, chain.rounds[3].Checkpoint.LossE9, losses[2], "the claim is what the chain computes")
	left, err := os.ReadDir(dir)
	require.NoError(t, err)
	require.Empty(t, left, "settled rounds leave nothing in the journal")
}

func TestNothingIsAnnouncedBeforeTheReveal(t *testing.T) {
	store := newStore()
	chain := newChain(store, 1)
	chain.afterSend = func(m sdk.Msg) error {
		if _, ok := m.(*poltypes.MsgCommitCheckpoint); ok {
			require.Empty(t, store.provided)
		}
		return nil
	}
	trainer, _ := newTrainer(t, chain, store, t.TempDir())
	require.NoError(t, trainer.Run(t.Context(), []string{"digits"}, 1))
	require.Len(t, store.provided, 1)
}

func TestEveryRoundLeavesItsCurve(t *testing.T) {
	store := newStore()
	chain := newChain(store, 2)
	trainer, events := newTrainer(t, chain, store, t.TempDir())
	trainer.logdir = t.TempDir()
	require.NoError(t, trainer.Run(t.Context(), []string{"digits"}, 2))
	for round, run := range []string{"round-000001", "round-000002"} {
		files, err := filepath.Glob(filepath.Join(trainer.logdir, "digits", run, "*tfevents*"))
		require.NoError(t, err)
		require.Len(t, files, 1)
		file, err := os.Open(files[0])
		require.NoError(t, err)
		defer file.Close()
		curve, err := tensorboard.Read(file)
		require.NoError(t, err)
		steps := map[string]int64{}
		values := map[string]float32{}
		for _, e := range curve {
			for _, s := range e.Scalars {
				steps[s.Tag], values[s.Tag] = e.Step, s.Value
			}
		}
		require.Equal(t, int64(5), steps["loss/training"])
		require.InDelta(t, 0.05, values["learning_rate"], 1e-9)
		var trained []Event
		for _, e := range events.events {
			if e.Event == EventTrained {
				trained = append(trained, e)
			}
		}
		require.InDelta(t, float64(*trained[round].LossE9)/1e9, values["loss/exact"], 1e-6)
		require.InDelta(t, float64(*trained[round].MetricE9)/1e9, values["accuracy/validation"], 1e-6)
	}
}

func TestACurveThatCannotBeWrittenStopsNoRound(t *testing.T) {
	store := newStore()
	chain := newChain(store, 1)
	trainer, _ := newTrainer(t, chain, store, t.TempDir())
	trainer.logdir = filepath.Join(t.TempDir(), "file")
	require.NoError(t, os.WriteFile(trainer.logdir, nil, 0o600))
	require.NoError(t, trainer.Run(t.Context(), []string{"digits"}, 1))
	require.Equal(t, account, chain.rounds[1].Winner)
}

// crash is a context that ends when a message is on chain, before its answer comes back.
func crash(chain *fakeChain, after sdk.Msg) (context.Context, func()) {
	ctx, cancel := context.WithCancel(context.Background())
	name := sdk.MsgTypeURL(after)
	chain.afterSend = func(m sdk.Msg) error {
		if sdk.MsgTypeURL(m) == name {
			cancel()
			return context.Canceled
		}
		return nil
	}
	return ctx, cancel
}

func TestARestartedTrainerRevealsWhatItHasCommitted(t *testing.T) {
	for _, c := range []struct {
		name  string
		after sdk.Msg
		train bool
	}{
		{"crashed after the commitment", &poltypes.MsgCommitCheckpoint{}, false},
		{"crashed after the reveal", &poltypes.MsgSubmitCheckpoint{}, false},
		{"crashed after the commitment and trains on", &poltypes.MsgCommitCheckpoint{}, true},
		{"crashed after the reveal and trains on", &poltypes.MsgSubmitCheckpoint{}, true},
	} {
		t.Run(c.name, func(t *testing.T) {
			after, train := c.after, c.train
			store := newStore()
			chain := newChain(store, 1)
			dir := t.TempDir()
			ctx, cancel := crash(chain, after)
			defer cancel()
			trainer, _ := newTrainer(t, chain, store, dir)
			require.ErrorIs(t, trainer.Run(ctx, []string{"digits"}, 1), context.Canceled)
			require.Len(t, chain.commitments[1], 1)

			// The journal alone is enough: the swarm store is gone.
			table := store.files["table"]
			store.files = map[string][]byte{"table": table}
			chain.afterSend = nil
			again, events := newTrainer(t, chain, store, dir)
			if _, ok := after.(*poltypes.MsgSubmitCheckpoint); ok {
				store.provided = map[string]bool{}
			}
			// The commitment is honoured whether the group is trained in this run or not.
			var groups []string
			if train {
				chain.last = 2
				groups = []string{"digits"}
			}
			require.NoError(t, again.Run(t.Context(), groups, 1))
			require.Equal(t, account, chain.rounds[1].Winner)
			if train {
				require.Equal(t, account, chain.rounds[2].Winner)
			} else {
				require.Len(t, chain.sends, 2, "one commitment and one reveal in all")
			}
			require.Contains(t, events.names(), EventSettled)
			require.NotEmpty(t, store.provided, "validators can fetch it")
		})
	}
}

func TestARestartBeforeTheCommitmentReachedTheChainCommitsAgain(t *testing.T) {
	store := newStore()
	chain := newChain(store, 1)
	dir := t.TempDir()
	ctx, cancel := context.WithCancel(t.Context())
	chain.beforeSend = func(sdk.Msg) error { cancel(); return context.Canceled }
	trainer, _ := newTrainer(t, chain, store, dir)
	require.ErrorIs(t, trainer.Run(ctx, []string{"digits"}, 1), context.Canceled)
	require.Empty(t, chain.commitments[1])

	chain.beforeSend = nil
	again, _ := newTrainer(t, chain, store, dir)
	require.NoError(t, again.Run(t.Context(), nil, 0))
	require.Equal(t, account, chain.rounds[1].Winner)
}

func TestJournalFilesArePrivate(t *testing.T) {
	store := newStore()
	chain := newChain(store, 1)
	dir := filepath.Join(t.TempDir(), "commitments")
	ctx, cancel := crash(chain, &poltypes.MsgCommitCheckpoint{})
	defer cancel()
	trainer, _ := newTrainer(t, chain, store, dir)
	require.Error(t, trainer.Run(ctx, []string{"digits"}, 1))
	files, err := os.ReadDir(dir)
	require.NoError(t, err)
	require.Len(t, files, 2)
	for _, f := range files {
		info, err := f.Info()
		require.NoError(t, err)
		require.Equal(t, os.FileMode(0o600), info.Mode().Perm(), f.Name())
	}
}

func TestADamagedJournalSaysSo(t *testing.T) {
	dir := t.TempDir()
	require.NoError(t, os.WriteFile(filepath.Join(dir, "x.json"), []byte("{"), 0o600))
	store := newStore()
	trainer, _ := newTrainer(t, newChain(store, 1), store, dir)
	err := trainer.Run(t.Context(), []string{"digits"}, 1)
	require.ErrorContains(t, err, "x.json is damaged")
}

func TestNoBondIsRiskedForALossThatCannotWin(t *testing.T) {
	store := newStore()
	chain := newChain(store, 1)
	chain.group.Settings.MinImprovementE9 = 1_000_000_000_000
	trainer, events := newTrainer(t, chain, store, t.TempDir())
	ctx, cancel := context.WithCancel(t.Context())
	report := trainer.report
	trainer.report = func(e Event) {
		report(e)
		if e.Event == EventSkipped {
			cancel() // nobody else commits: the round would stay open
		}
	}
	require.ErrorIs(t, trainer.Run(ctx, []string{"digits"}, 1), context.Canceled)
	names := events.names()
	require.Equal(t, EventSkipped, names[len(names)-1])
	require.NotContains(t, names, EventCommitted)
	require.Empty(t, chain.sends)
}

func TestADivergedTrainingIsSkipped(t *testing.T) {
	store := newStore()
	chain := newChain(store, 1)
	trainer, events := newTrainer(t, chain, store, t.TempDir())
	trainer.recipe.LearningRate = 1024
	trainer.recipe.Momentum = 0.99
	chain.group.Settings.MaxSteps = 500
	chain.group.Settings.Model.Layers = []*poltypes.Layer{{Name: "a", Kind: "dense", Units: 8}, {Name: "b", Kind: "dense", Units: 8}, {Name: "out", Kind: "dense", Units: 10}}
	ctx, cancel := context.WithCancel(t.Context())
	report := trainer.report
	trainer.report = func(e Event) {
		report(e)
		if e.Event == EventSkipped {
			cancel()
		}
	}
	require.ErrorIs(t, trainer.Run(ctx, []string{"digits"}, 1), context.Canceled)
	require.Contains(t, events.names(), EventSkipped)
}

func TestARateThatIsTooHighIsHalvedAndStaysSo(t *testing.T) {
	store := newStore()
	chain := newChain(store, 2)
	trainer, events := newTrainer(t, chain, store, t.TempDir())
	trainer.recipe.LearningRate = 30 // the first attempt makes it worse
	chain.group.Settings.MaxSteps = 30
	require.NoError(t, trainer.Run(t.Context(), []string{"digits"}, 2))
	require.Equal(t, account, chain.rounds[2].Winner)
	require.Contains(t, events.names(), EventNote)
	r := *chain.rounds[2]
	require.Positive(t, trainer.halvings(r))
	r.TrainingSetVersion++
	require.Zero(t, trainer.halvings(r), "other data deserve the full rate")
}

func TestANodeThatGoesAwayIsWaitedFor(t *testing.T) {
	store := newStore()
	chain := newChain(store, 1)
	chain.away = 7
	trainer, _ := newTrainer(t, chain, store, t.TempDir())
	require.NoError(t, trainer.Run(t.Context(), []string{"digits"}, 1))
	require.Equal(t, account, chain.rounds[1].Winner)
}

func TestACommitmentWhoseAnswerWasLostIsNotSentForNothing(t *testing.T) {
	store := newStore()
	chain := newChain(store, 1)
	lost := false
	chain.beforeSend = func(m sdk.Msg) error {
		if c, ok := m.(*poltypes.MsgCommitCheckpoint); ok && !lost {
			lost = true
			require.NoError(t, chain.apply(c)) // it gets into a block, but the sender sends it again
		}
		return nil
	}
	trainer, _ := newTrainer(t, chain, store, t.TempDir())
	require.NoError(t, trainer.Run(t.Context(), []string{"digits"}, 1))
	require.Equal(t, account, chain.rounds[1].Winner)
}

func TestARefusalEndsTheRoundAndNotTheWork(t *testing.T) {
	for _, c := range []struct {
		name   string
		refuse sdk.Msg
		want   string
	}{
		{"of the commitment", &poltypes.MsgCommitCheckpoint{}, EventMissed},
		{"of the reveal", &poltypes.MsgSubmitCheckpoint{}, EventNote},
	} {
		t.Run(c.name, func(t *testing.T) {
			store := newStore()
			chain := newChain(store, 1)
			dir := t.TempDir()
			chain.beforeSend = func(m sdk.Msg) error {
				if sdk.MsgTypeURL(m) == sdk.MsgTypeURL(c.refuse) {
					chain.rounds[1].Phase = poltypes.ROUND_PHASE_SCORE // the round goes on without us
					return errRefused
				}
				return nil
			}
			trainer, events := newTrainer(t, chain, store, dir)
			require.NoError(t, trainer.Run(t.Context(), []string{"digits"}, 1))
			require.Contains(t, events.names(), c.want)
			files, err := os.ReadDir(dir)
			require.NoError(t, err)
			require.Empty(t, files)
		})
	}
}

func TestAnAccountThatCannotPayStopsTheTrainerAndKeepsTheJournal(t *testing.T) {
	store := newStore()
	chain := newChain(store, 1)
	dir := t.TempDir()
	chain.beforeSend = func(sdk.Msg) error { return errors.New("account not funded") }
	trainer, _ := newTrainer(t, chain, store, dir)
	require.ErrorContains(t, trainer.Run(t.Context(), []string{"digits"}, 1), "account not funded")
	files, err := os.ReadDir(dir)
	require.NoError(t, err)
	require.Len(t, files, 2)
}

func TestACommitPhaseThatEndsFirstIsReportedAsMissed(t *testing.T) {
	store := newStore()
	chain := newChain(store, 1)
	chain.beforeSend = func(sdk.Msg) error {
		chain.rounds[1].Phase = poltypes.ROUND_PHASE_REVEAL
		return poltypes.ErrWrongPhase
	}
	trainer, events := newTrainer(t, chain, store, t.TempDir())
	require.NoError(t, trainer.Run(t.Context(), []string{"digits"}, 1))
	require.Contains(t, events.names(), EventMissed)
	require.NotContains(t, events.names(), EventCommitted)
}

func TestAccountsOutsideTheAllowListAreToldSo(t *testing.T) {
	store := newStore()
	chain := newChain(store, 1)
	chain.group.Settings.AllowList = []string{"pol1other"}
	trainer, _ := newTrainer(t, chain, store, t.TempDir())
	require.ErrorIs(t, trainer.Run(t.Context(), []string{"digits"}, 1), poltypes.ErrNotAllowed)
}

func initialFile(t *testing.T, chain *fakeChain) []byte {
	t.Helper()
	b, err := chain.group.Settings.Model.Marshal()
	require.NoError(t, err)
	spec, err := engine.ParseSpec(b)
	require.NoError(t, err)
	m, err := engine.NewModel(spec, [32]byte{})
	require.NoError(t, err)
	return m.Encode()
}

func TestSubmitRefusesWhatWouldLoseItsBond(t *testing.T) {
	for _, c := range []struct {
		name string
		file func(*testing.T, *fakeChain) []byte
		want string
	}{
		{"no better than the parent", initialFile, "does not beat the parent"},
		{"not canonical", func(*testing.T, *fakeChain) []byte { return []byte("hello") }, "invalid"},
	} {
		t.Run(c.name, func(t *testing.T) {
			store := newStore()
			chain := newChain(store, 1)
			trainer, _ := newTrainer(t, chain, store, t.TempDir())
			_, err := trainer.Submit(t.Context(), Submission{Group: "digits", File: c.file(t, chain)})
			require.ErrorContains(t, err, c.want)
			require.Empty(t, chain.sends)
		})
	}
}

func TestAForcedFalseClaimIsFoundOut(t *testing.T) {
	store := newStore()
	chain := newChain(store, 1)
	trainer, _ := newTrainer(t, chain, store, t.TempDir())
	lie := uint64(1)
	o, err := trainer.Submit(t.Context(), Submission{Group: "digits", File: initialFile(t, chain), ClaimedLossE9: &lie, Force: true})
	require.NoError(t, err)
	require.True(t, o.Revealed)
	require.False(t, o.Won)
	require.Equal(t, poltypes.SUBMISSION_STATUS_FALSE_CLAIM, o.Status)
}

func TestASubmitThatIsRunAgainRevealsWhatItHasCommitted(t *testing.T) {
	store := newStore()
	chain := newChain(store, 1)
	dir := t.TempDir()
	ctx, cancel := crash(chain, &poltypes.MsgCommitCheckpoint{})
	defer cancel()
	first, _ := newTrainer(t, chain, store, dir)
	s := Submission{Group: "digits", File: initialFile(t, chain), Force: true}
	_, err := first.Submit(ctx, s)
	require.ErrorIs(t, err, context.Canceled)
	chain.afterSend = nil
	again, _ := newTrainer(t, chain, store, dir)
	o, err := again.Submit(t.Context(), s)
	require.NoError(t, err)
	require.True(t, o.Revealed)
	require.Len(t, chain.commitments[1], 1)
	require.Len(t, chain.submissions[1], 1)
}

func TestSubmitToAnUnknownGroup(t *testing.T) {
	store := newStore()
	trainer, _ := newTrainer(t, newChain(store, 1), store, t.TempDir())
	_, err := trainer.Submit(t.Context(), Submission{Group: "nope", File: []byte("x")})
	require.ErrorContains(t, err, "not found")
}

func TestSeedsDifferBySeedGroupAndRound(t *testing.T) {
	seen := map[[32]byte]bool{}
	for _, seed := range []string{"a", "b", ""} {
		for _, group := range []string{"g", "h", "ag"} {
			for round := range uint64(3) {
				s := roundSeed([]byte(seed), group, round)
				require.False(t, seen[s])
				require.Equal(t, s, roundSeed([]byte(seed), group, round))
				seen[s] = true
			}
		}
	}
}

func TestEventsReadAsSentencesAndAsJSON(t *testing.T) {
	loss, parent := uint64(1_234_567_890), uint64(2_000_000_000)
	var text, lines strings.Builder
	for _, report := range []func(Event){Text(&text, false), JSON(&lines)} {
		report(Event{Event: EventProgress, Group: "digits", Round: 3, Progress: &training.Progress{Step: 1, Steps: 2}})
		report(Event{Event: EventTrained, Group: "digits", Round: 3, LossE9: &loss, ParentLossE9: &parent, MetricE9: &loss})
		report(Event{Event: EventSettled, Group: "digits", Round: 3, LossE9: &loss, ParentLossE9: &parent, Won: true, Winner: account, RewardUnrn: "42"})
	}
	require.Equal(t, `digits round 3: trained to loss 1.234567890 (parent 2.000000000), metric 1.234567890
digits round 3: won with loss 1.234567890 (parent 2.000000000): 0.000042 NRN
`, text.String())
	require.Equal(t, `{"event":"trained","group":"digits","round":3,"loss_e9":1234567890,"parent_loss_e9":2000000000,"metric_e9":1234567890}
{"event":"settled","group":"digits","round":3,"loss_e9":1234567890,"parent_loss_e9":2000000000,"winner":"pol1trainer","won":true,"reward_unrn":"42"}
`, lines.String())
}

func TestAmountsArePrintedExactly(t *testing.T) {
	for unrn, want := range map[string]string{"0": "0.000000", "1": "0.000001", "1000000": "1.000000", "123456789": "123.456789"} {
		require.Equal(t, want, NRN(unrn))
	}
}
