package trainer

import (
	"context"
	"crypto/sha256"
	"errors"
	"fmt"
	"sync/atomic"
	"time"

	"github.com/pold-network/pold/engine"
	"github.com/pold-network/pold/sidecar/training"
	"github.com/pold-network/pold/sidecar/verifier"
	poltypes "github.com/pold-network/pold/x/pol/types"
)

const (
	// spareBlocks is how many heights before the end of the commit phase training stops, so that the commitment gets into a block.
	spareBlocks = 3
	// fetchTimeout bounds the wait for a parent or a table.
	fetchTimeout = time.Minute
	// maxHalvings bounds the attempts of one round, maxRateHalvings those of all rounds together.
	maxHalvings, maxRateHalvings = 4, 20
	// progressInterval is how often progress is reported.
	progressInterval = 250 * time.Millisecond
)

// Recipe is how a trainer learns. Steps is used where the group sets no bound, and Seed, of any length, gives that of each round.
type Recipe struct {
	engine.Recipe
	Seed []byte
}

// engineRecipe fills in the group's bound and the seed of the round, and halves the rate so many times. In proof mode PROVED the beacon
// has drawn the seed.
func (r Recipe) engineRecipe(g poltypes.Group, round poltypes.Round, trainer string, halvings int) engine.Recipe {
	e := r.Recipe
	e.LearningRate /= float32(int(1) << halvings)
	if g.Settings.Proof == poltypes.PROOF_MODE_PROVED {
		e.Seed = [sha256.Size]byte(poltypes.TrainerSeed(round.OrderSeed, trainer))
		e.Steps = min(max(e.Steps, int(g.Settings.Recipe.MinSteps), int(g.Settings.Segments)), int(g.Settings.Recipe.MaxSteps))
	} else {
		e.Seed = roundSeed(r.Seed, g.Name, round.Number)
	}
	if bound := int(g.Settings.MaxSteps); bound > 0 {
		e.Steps = bound
	}
	return e
}

// train learns from the parent of a round. A reason instead of a candidate says why committing would not pay.
func (t *Trainer) train(ctx context.Context, g poltypes.Group, r poltypes.Round) (c candidate, reason string, err error) {
	in := verifier.RoundInputs(t.chain.ChainID(), g, r, t.sender.Address())
	model, before, err := t.parent(ctx, in, g, r)
	if err != nil {
		return c, "", err
	}
	rows, err := t.verifier.Rows(ctx, in, t.fetch)
	if err != nil {
		return c, "", err
	}
	if err := checkRecipe(g, t.recipe.engineRecipe(g, r, t.sender.Address(), t.halvings(r))); err != nil {
		return c, "", err
	}
	watch, stop := context.WithCancel(ctx)
	defer stop()
	var closing atomic.Bool
	go t.watchCommitPhase(watch, r, &closing)
	t.report(Event{Event: EventRound, Group: g.Name, Round: r.Number, Trainer: t.sender.Address(), ParentLossE9: &before.RankLossE9,
		Steps: t.recipe.engineRecipe(g, r, t.sender.Address(), 0).Steps})

	// A rate that brought the first rounds forward is too high near the end: halve it until the loss falls.
	for try := 0; ; try++ {
		recipe := t.recipe.engineRecipe(g, r, t.sender.Address(), t.halvings(r))
		c, reason, err = t.attempt(ctx, in, model.Clone(), rows, recipe, before, g, r, &closing)
		if reason != "" {
			t.forget(c.transcript)
		}
		if err != nil || reason == "" || closing.Load() || try == maxHalvings {
			return c, reason, err
		}
		t.halve(r)
		t.report(Event{Event: EventNote, Group: g.Name, Round: r.Number, Note: fmt.Sprintf("%s. Trying again with rate %g", reason, recipe.LearningRate/2)})
	}
}

// attempt trains once and judges the result.
func (t *Trainer) attempt(ctx context.Context, in verifier.Inputs, model *engine.Model, rows *verifier.Rows, recipe engine.Recipe, before verifier.Figures,
	g poltypes.Group, r poltypes.Round, closing *atomic.Bool) (c candidate, reason string, err error) {
	monitor, done := t.monitor(recipe, g, r)
	defer done()
	transcript, err := t.learn(ctx, model, rows, recipe, monitor, g, r, closing)
	switch {
	case errors.Is(err, engine.ErrNonFinite):
		return c, "training diverged: " + err.Error(), nil
	case errors.Is(err, engine.ErrStopped):
		return c, "the commit phase ends before the training does, and only a whole one can be proved; use fewer --steps", nil
	case err != nil:
		return c, "", err
	}
	c = candidate{file: model.Encode(), parentLossE9: before.RankLossE9, transcript: transcript}
	after, err := t.verifier.Evaluate(ctx, in, c.file, t.fetch)
	if err != nil {
		t.forget(transcript)
		return c, "", err
	}
	if after.Status != poltypes.ScoreValid {
		return c, "the trained checkpoint is invalid: " + after.Problem, nil
	}
	c.claimedLossE9, c.lossE9, c.metricE9 = t.claim(after.ClaimLossE9), after.RankLossE9, after.MetricE9
	_ = monitor.Judged(c.lossE9, c.metricE9) // done reports what went wrong with the curve
	t.report(Event{Event: EventTrained, Group: g.Name, Round: r.Number, Trainer: t.sender.Address(), LossE9: &c.lossE9, ParentLossE9: &c.parentLossE9, MetricE9: &c.metricE9})
	return c, worth(c.lossE9, before, g), nil
}

// lesson is what a round teaches, and to which model.
type lesson struct{ model, data uint64 }

// halvings returns how often the rate has been halved for the model and the data of a round: after a change of either there is
// something new to learn, at the full rate.
func (t *Trainer) halvings(r poltypes.Round) int {
	t.mu.Lock()
	defer t.mu.Unlock()
	if l := (lesson{r.ModelVersion, r.TrainingSetVersion}); t.halvedFor[r.Group] != l {
		t.halvedFor[r.Group], t.rateHalvings[r.Group] = l, 0
	}
	return t.rateHalvings[r.Group]
}

func (t *Trainer) halve(r poltypes.Round) {
	t.mu.Lock()
	defer t.mu.Unlock()
	t.rateHalvings[r.Group] = min(t.rateHalvings[r.Group]+1, maxRateHalvings)
}

// worth says why a loss could not win, or nothing.
func worth(lossE9 uint64, parent verifier.Figures, g poltypes.Group) string {
	verdict := poltypes.Verdict{Problem: parent.Problem, RankLossE9: parent.RankLossE9}
	if poltypes.Beats(lossE9, verdict, g.Settings.MinImprovementE9) {
		return ""
	}
	return fmt.Sprintf("loss %s does not beat the parent's %s by the %s that the group asks for",
		e9(&lossE9), e9(&parent.RankLossE9), e9(&g.Settings.MinImprovementE9))
}

// parent returns the weights that a round starts from, moved to our mapping, and the figures that validators find for them.
func (t *Trainer) parent(ctx context.Context, in verifier.Inputs, g poltypes.Group, r poltypes.Round) (*engine.Model, verifier.Figures, error) {
	was := verifier.ParentInputs(t.chain.ChainID(), g, r)
	var file []byte
	var err error
	if r.Parent.Cid == "" {
		file, err = was.InitialWeights(ctx, t.fetch)
	} else {
		file, err = t.fetch(ctx, r.Parent.Cid, r.Parent.Size_, r.Parent.Sha256)
	}
	if err != nil {
		return nil, verifier.Figures{}, err
	}
	before, err := t.verifier.Evaluate(ctx, was, file, t.fetch)
	if err != nil {
		return nil, before, err
	}
	model, err := was.Decode(file)
	if err == nil {
		err = in.Rebase(model)
	}
	if err != nil {
		return nil, before, fmt.Errorf("the parent %s is not usable: %w", r.Parent.Cid, err)
	}
	return model, before, nil
}

// checkRecipe refuses settings that the group's audits would find outside its bounds.
func checkRecipe(g poltypes.Group, r engine.Recipe) error {
	if g.Settings.Proof != poltypes.PROOF_MODE_PROVED {
		return nil
	}
	if err := verifier.CheckRecipe(g.Settings.Recipe, r); err != nil {
		return fmt.Errorf("the recipe is outside the bounds of group %q: %w; see pold q pol group %s", g.Name, err, g.Name)
	}
	return nil
}

// errMissing says that a file of the round can't be had now; the next round may be luckier.
var errMissing = errors.New("a file of the round can't be fetched")

// fetch gets a file within fetchTimeout.
func (t *Trainer) fetch(ctx context.Context, cid string, size uint64, sha256 []byte) ([]byte, error) {
	limited, cancel := context.WithTimeout(ctx, fetchTimeout)
	defer cancel()
	file, err := t.store.Fetch(limited, cid, size, sha256)
	if err != nil && ctx.Err() == nil {
		return nil, fmt.Errorf("%w: %s: %w; is a peer that holds it announced and online? pold q attestation peers", errMissing, cid, err)
	}
	return file, err
}

// learn runs the steps of the recipe, or as many as fit into the commit phase. In proof mode PROVED it keeps a transcript, which has to
// be whole: engine.ErrStopped says that it did not fit.
func (t *Trainer) learn(ctx context.Context, model *engine.Model, rows *verifier.Rows, recipe engine.Recipe, monitor *training.Monitor,
	g poltypes.Group, r poltypes.Round, closing *atomic.Bool) (*engine.Transcript, error) {
	t.training.Lock()
	defer t.training.Unlock()
	shown := time.Now()
	proved := g.Settings.Proof == poltypes.PROOF_MODE_PROVED
	progress := func(step int, loss float32) bool {
		_ = monitor.Step(step, loss) // a curve that can't be written is no reason to stop
		if now := time.Now(); now.Sub(shown) >= progressInterval {
			shown = now
			progress := monitor.Progress()
			t.report(Event{Event: EventProgress, Group: g.Name, Round: r.Number, Progress: &progress})
		}
		if closing.Load() && step < recipe.Steps {
			t.report(Event{Event: EventNote, Group: g.Name, Round: r.Number, Note: fmt.Sprintf("stopped after %d of %d steps: the commit phase ends", step, recipe.Steps)})
			return false
		}
		return ctx.Err() == nil
	}
	if proved {
		transcript, err := t.prove(ctx, model, rows, recipe, g, r, progress)
		if err != nil && ctx.Err() != nil {
			err = ctx.Err()
		}
		return transcript, err
	}
	err := model.Train(rows.Training, engine.Objective(g.Settings.Objective), recipe, progress)
	return nil, errors.Join(err, ctx.Err())
}

// watchCommitPhase sets closing shortly before the commit phase of a round ends.
func (t *Trainer) watchCommitPhase(ctx context.Context, r poltypes.Round, closing *atomic.Bool) {
	for t.pause(ctx) == nil {
		height, err := t.chain.Height(ctx)
		if err == nil && height >= r.CommitUntil-spareBlocks {
			closing.Store(true)
			return
		}
	}
}
