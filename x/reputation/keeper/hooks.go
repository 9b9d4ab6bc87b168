package keeper

import (
	"context"
	"fmt"
	"slices"

	"cosmossdk.io/math"

	attestationtypes "github.com/pold-network/pold/x/attestation/types"
	poltypes "github.com/pold-network/pold/x/pol/types"
	"github.com/pold-network/pold/x/reputation/types"
	slashingtypes "github.com/pold-network/pold/x/slashing/types"
)

// Hooks are the only writers of reputations. Each fault is counted by exactly one of them; the README has the table.
// Their work is bounded by who calls: members of a snapshot, or commitments of a round.
type Hooks struct{ Keeper }

var (
	_ attestationtypes.Hooks   = Hooks{}
	_ attestationtypes.Weights = Hooks{}
	_ poltypes.Hooks           = Hooks{}
	_ slashingtypes.Hooks      = Hooks{}
)

// AfterTaskSettled rewards the validators that matched the answer of a task of a group that counts. Those that did not
// are left to slashing, and abstaining costs nothing, except from store tasks: there only chunks count.
func (h Hooks) AfterTaskSettled(ctx context.Context, o attestationtypes.Outcome) error {
	if counts, err := h.counts(ctx, o.Task.Priority); !counts {
		return err
	}
	if o.Task.Kind == poltypes.StoreTaskKind {
		return h.stored(ctx, o)
	}
	return h.recordAll(ctx, o.Task.Matched, taskRef(o.Task.Id), types.Matched())
}

// stored moves the storage part by a store task: no chunk, no score. Model and conduct stay as they are; a false witness costs them
// through slashing, as every wrong answer does.
func (h Hooks) stored(ctx context.Context, o attestationtypes.Outcome) error {
	ref := taskRef(o.Task.Id)
	if err := h.recordAll(ctx, o.Task.Matched, ref, types.Produced()); err != nil {
		return err
	}
	without := slices.Clone(o.Absent)
	for _, v := range o.Wrong {
		without = append(without, v.Operator)
	}
	return h.recordAll(ctx, without, ref, types.NotProduced())
}

// AfterSpotSettled rewards a validator whose personal value was right; a wrong one is left to slashing.
func (h Hooks) AfterSpotSettled(ctx context.Context, o attestationtypes.SpotOutcome) error {
	if o.Wrong {
		return nil
	}
	if counts, err := h.counts(ctx, o.Task.Priority); !counts {
		return err
	}
	return h.recordAll(ctx, []string{o.Manifest.Operator}, taskRef(o.Manifest.TaskId), types.SpotRight())
}

// AfterArtefactJudged moves the storage part of those that held a file of a group that counts, and of those that were
// live and did not. A file that was not held is nobody's fault among validators.
func (h Hooks) AfterArtefactJudged(ctx context.Context, a attestationtypes.Artefact, held, missing []string) error {
	if a.Status != attestationtypes.ARTEFACT_STATUS_HELD {
		return nil
	}
	stake, err := h.stakes.ArtefactStake(ctx, a)
	if err != nil {
		return err
	}
	if counts, err := h.counts(ctx, stake); !counts {
		return err
	}
	ref := fmt.Sprintf("artefact/%d", a.Id)
	if err := h.recordAll(ctx, held, ref, types.Held()); err != nil {
		return err
	}
	return h.recordAll(ctx, missing, ref, types.NotHeld())
}

// AfterConduct lowers the conduct part, whatever the group: an honest validator never does such a thing.
func (h Hooks) AfterConduct(ctx context.Context, c attestationtypes.Conduct) error {
	return h.recordAll(ctx, []string{c.Operator}, c.Ref, types.OfConduct(c.Kind))
}

// AfterRoundSettled moves the parts of the trainers and providers of a round that counts.
func (h Hooks) AfterRoundSettled(ctx context.Context, o poltypes.RoundOutcome) error {
	if !o.Counts {
		return nil
	}
	ref := fmt.Sprintf("round/%s/%d", o.Round.Group, o.Round.Number)
	for _, s := range o.Submissions {
		if err := h.recordAll(ctx, []string{s.Trainer}, ref, improvement(o, s)); err != nil {
			return err
		}
	}
	for _, l := range o.Losses {
		if err := h.recordAll(ctx, []string{l.Address}, ref, types.OfLoss(l.Cause)); err != nil {
			return err
		}
	}
	return nil
}

// AfterFault lowers the parts of who made a fault that no other hook has counted.
func (h Hooks) AfterFault(ctx context.Context, e slashingtypes.Evidence) error {
	return h.recordAll(ctx, []string{e.Address}, fmt.Sprintf("evidence/%d", e.Id), types.OfFault(e.Kind))
}

// improvement is what a submission earns its trainer. In proof mode PROVED, valid is not enough: only the best
// candidates are audited, and the others have shown nothing.
func improvement(o poltypes.RoundOutcome, s poltypes.Submission) []types.Change {
	winner := s.Status == poltypes.SUBMISSION_STATUS_WINNER
	valid := s.Status == poltypes.SUBMISSION_STATUS_PROVED ||
		(s.Status == poltypes.SUBMISSION_STATUS_VALID && o.Group.Settings.Proof == poltypes.PROOF_MODE_SCORED)
	parent := o.Round.ParentVerdict
	if !(winner || valid) || s.Verdict == nil || parent == nil {
		return nil
	}
	if !poltypes.Beats(s.Verdict.RankLossE9, *parent, o.Group.Settings.MinImprovementE9) {
		return nil
	}
	var gain uint64
	if parent.Problem == "" { // beating a parent that has no loss says nothing about how good the training was
		gain = types.GainE6(parent.RankLossE9, s.Verdict.RankLossE9)
	}
	return types.Improved(gain, winner)
}

// counts reports whether work for a group of a stake moves reputations. Sandbox groups, and work for no group, have no
// stake: they never count, even where every other group does.
func (h Hooks) counts(ctx context.Context, stake math.Int) (bool, error) {
	least, err := h.stakes.MinGroupStake(ctx)
	if err != nil || stake.IsNil() {
		return false, err
	}
	return stake.IsPositive() && stake.GTE(least), nil
}

func (h Hooks) recordAll(ctx context.Context, addresses []string, ref string, changes []types.Change) error {
	if len(addresses) == 0 || len(changes) == 0 {
		return nil
	}
	params, err := h.Params.Get(ctx)
	if err != nil {
		return err
	}
	for _, a := range addresses {
		if err := h.record(ctx, params, a, ref, changes); err != nil {
			return err
		}
	}
	return nil
}

func taskRef(id uint64) string { return fmt.Sprintf("task/%d", id) }
