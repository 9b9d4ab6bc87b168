package keeper

import (
	"context"
	"fmt"

	sdk "github.com/cosmos/cosmos-sdk/types"

	attestationtypes "github.com/pold-network/pold/x/attestation/types"
	"github.com/pold-network/pold/x/slashing/types"
)

// wrong stores a wrong answer or a wrong personal value and takes the next step of the ladder.
func (k Keeper) wrong(ctx sdk.Context, params types.Params, e types.Evidence, s stake) error {
	r, err := k.record(ctx, e.Address)
	if err != nil {
		return err
	}
	n := r.AddWrong(ctx.BlockTime().Unix(), params)
	if err := k.Records.Set(ctx, e.Address, r); err != nil {
		return err
	}
	if e, err = k.addEvidence(ctx, e); err != nil {
		return err
	}
	return k.penalise(ctx, params, e, params.Ladder(n), s, fmt.Sprintf("wrong answer number %d of the current window", n))
}

// task remembers whether a validator answered a settled task. Once it has answered a whole window its record no longer
// changes, so tasks of a healthy network write nothing.
func (k Keeper) task(ctx sdk.Context, params types.Params, o attestationtypes.Outcome, operator string, power map[string]int64, missed bool) error {
	r, err := k.record(ctx, operator)
	if err != nil {
		return err
	}
	seen, told, clean := r.Seen, r.MissesTold, len(r.Tasks) == 0
	step := r.AddTask(missed, params)
	if clean && len(r.Tasks) == 0 && seen == r.Seen && told == r.MissesTold {
		return nil
	}
	if err := k.Records.Set(ctx, operator, r); err != nil || step == types.MissedNothing {
		return err
	}
	note := fmt.Sprintf("more than %d of its last %d tasks, the last one task %d (%s)", params.MissedTasks, params.MissedWindow, o.Task.Id, o.Task.Kind)
	if step == types.MissedJail {
		note += ", again after it had been told"
	}
	e, err := k.addEvidence(ctx, types.Evidence{
		Kind: types.FAULT_KIND_MISSED_TASKS, Address: operator, TaskId: o.Task.Id, TaskKind: o.Task.Kind, Note: note,
	})
	if err != nil || step != types.MissedJail {
		return err
	}
	return k.penalise(ctx, params, e, types.PENALTY_KIND_JAIL, stake{o.Snapshot.Height, power[operator]}, "missed tasks, again after it had been told")
}

// record returns what is remembered of a validator, which is nothing at first.
func (k Keeper) record(ctx context.Context, operator string) (types.Record, error) {
	r, _, err := find(ctx, k.Records, operator)
	r.Operator = operator
	return r, err
}
