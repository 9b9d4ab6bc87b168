package keeper

import (
	"context"
	"crypto/sha256"
	"fmt"

	"cosmossdk.io/collections"
	"cosmossdk.io/math"

	"github.com/cosmos/gogoproto/proto"

	sdk "github.com/cosmos/cosmos-sdk/types"

	"github.com/pold-network/pold/x/attestation/types"
)

// OpenTask queues a task with pinned inputs and returns its id. It opens as soon as the budget of its kind
// allows, highest priority first. A cost that no window could hold is refused.
func (k Keeper) OpenTask(ctx context.Context, kind string, ref, manifest []byte, cost uint64, priority math.Int) (uint64, error) {
	if _, ok := k.kinds.kinds[kind]; !ok {
		return 0, types.ErrUnknownKind.Wrapf("%q is registered by no module", kind)
	}
	if len(manifest) == 0 || len(manifest) > types.MaxManifestSize {
		return 0, types.ErrInvalidManifest.Wrapf("expected 1 to %d bytes, got %d", types.MaxManifestSize, len(manifest))
	}
	if priority.IsNil() || priority.IsNegative() {
		return 0, fmt.Errorf("priority of a task of kind %s: expected zero or more, got %s", kind, priority)
	}
	params, err := k.Params.Get(ctx)
	if err != nil {
		return 0, err
	}
	budget, err := params.Budget(kind)
	if err != nil {
		return 0, err
	}
	if cost > budget {
		return 0, types.ErrTaskTooCostly.Wrapf("kind %s: expected at most %d, got %d", kind, budget, cost)
	}
	id, err := k.NextTask.Next(ctx)
	if err != nil {
		return 0, err
	}
	hash := sha256.Sum256(manifest)
	t := types.Task{
		Id: id, Kind: kind, Manifest: manifest, ManifestHash: hash[:], Ref: ref, Cost: cost, Priority: priority,
		Status: types.TASK_STATUS_QUEUED, CreatedHeight: sdk.UnwrapSDKContext(ctx).BlockHeight(),
	}
	if err := k.Tasks.Set(ctx, id, t); err != nil {
		return 0, err
	}
	return id, k.TasksQueue.Set(ctx, queueKey(t))
}

// MaxCost returns the largest cost that a task of a kind may have.
func (k Keeper) MaxCost(ctx context.Context, kind string) (uint64, error) {
	params, err := k.Params.Get(ctx)
	if err != nil {
		return 0, err
	}
	return params.Budget(kind)
}

// TaskPending reports whether the outcome of a task is still to come.
func (k Keeper) TaskPending(ctx context.Context, id uint64) (bool, error) {
	t, ok, err := find(ctx, k.Tasks, id)
	return ok && t.Status < types.TASK_STATUS_SETTLED, err
}

// Mismatched returns the operators that had committed to another answer than the settled one, in address order.
func (k Keeper) Mismatched(ctx context.Context, taskID uint64) ([]string, error) {
	t, err := k.Tasks.Get(ctx, taskID)
	return t.Mismatched, err
}

// Matched returns the snapshot members whose witness matched the settled answer, in address order.
func (k Keeper) Matched(ctx context.Context, taskID uint64) ([]types.Member, error) {
	t, err := k.Tasks.Get(ctx, taskID)
	if err != nil {
		return nil, err
	}
	s, err := k.Snapshots.Get(ctx, t.Snapshot)
	if err != nil {
		return nil, err
	}
	matched := make(map[string]bool, len(t.Matched))
	for _, o := range t.Matched {
		matched[o] = true
	}
	var shares []types.Member
	for _, m := range s.Members {
		if matched[m.Operator] {
			shares = append(shares, m)
		}
	}
	return shares, nil
}

// advance moves one open task on, judging windows by the height at which the newest recorded extensions were signed.
func (k Keeper) advance(ctx sdk.Context, params types.Params, id uint64) error {
	t, err := k.Tasks.Get(ctx, id)
	if err != nil {
		return err
	}
	s, err := k.Snapshots.Get(ctx, t.Snapshot)
	if err != nil {
		return err
	}
	signed := ctx.BlockHeight() - 1
	votes, err := k.votes(ctx, id)
	if err != nil {
		return err
	}
	switch t.Status {
	case types.TASK_STATUS_COMMIT:
		return k.advanceCommit(ctx, params, t, s, votes, signed)
	case types.TASK_STATUS_OPEN:
		return k.advanceOpen(ctx, params, t, s, votes, signed)
	}
	return fmt.Errorf("task %d: expected an open task, got %s", id, t.Status)
}

func (k Keeper) advanceCommit(ctx sdk.Context, params types.Params, t types.Task, s types.Snapshot, votes []types.Vote, signed int64) error {
	complete := s.Complete(votes) // nobody is left who could copy, so the window may close early
	if signed < t.CommitUntil && !complete {
		return nil
	}
	commitWindow, openWindow := k.kinds.windows(params, t.Kind)
	if committed := s.Committed(votes); !types.TwoThirds(committed, s.TotalPower) {
		if t.CommitExtended {
			return k.expire(ctx, t, fmt.Sprintf("only %d of %d power committed, more than two thirds are needed", committed, s.TotalPower))
		}
		t.CommitExtended = true
		t.CommitUntil = signed + commitWindow
		t.Note = fmt.Sprintf("commit window extended: %d of %d power had committed", committed, s.TotalPower)
		emit(ctx, &types.EventTaskExtended{TaskId: t.Id, Kind: t.Kind, Reason: t.Note})
		return k.Tasks.Set(ctx, t.Id, t)
	}
	t.Status = types.TASK_STATUS_OPEN
	t.CommitUntil = min(t.CommitUntil, signed)
	t.OpenUntil = signed + openWindow
	return k.Tasks.Set(ctx, t.Id, t)
}

func (k Keeper) advanceOpen(ctx sdk.Context, params types.Params, t types.Task, s types.Snapshot, votes []types.Vote, signed int64) error {
	openings, err := k.openings(ctx, t.Id)
	if err != nil {
		return err
	}
	live, _, err := k.liveMembers(ctx, s, ctx.BlockHeight()-params.LiveWindow)
	if err != nil {
		return err
	}
	required := params.RequiredLive(len(s.Members))
	reason := fmt.Sprintf("no answer of %d opened has more than two thirds of power", len(openings))
	for _, o := range openings {
		r := s.Tally(ctx.ChainID(), t.Id, votes, o.Answer)
		if !s.Decides(r) {
			continue
		}
		if live >= required {
			return k.settle(ctx, t, s, r)
		}
		reason = fmt.Sprintf("%d of %d validators are live, %d are needed", live, len(s.Members), required)
	}
	if signed < t.OpenUntil {
		return nil
	}
	if t.OpenExtended {
		return k.expire(ctx, t, reason)
	}
	t.OpenExtended = true
	_, openWindow := k.kinds.windows(params, t.Kind)
	t.OpenUntil = signed + openWindow
	t.Note = "open window extended: " + reason
	emit(ctx, &types.EventTaskExtended{TaskId: t.Id, Kind: t.Kind, Reason: t.Note})
	return k.Tasks.Set(ctx, t.Id, t)
}

func (k Keeper) settle(ctx sdk.Context, t types.Task, s types.Snapshot, r types.Result) error {
	t.Status = types.TASK_STATUS_SETTLED
	t.Answer, t.Matched, t.Mismatched = r.Answer, r.Matched, r.Missed
	t.MatchedPower, t.TotalPower = r.Power, s.TotalPower
	if err := k.finish(ctx, &t); err != nil {
		return err
	}
	emit(ctx, &types.EventTaskSettled{
		TaskId: t.Id, Kind: t.Kind, Answer: t.Answer, MatchedPower: r.Power, TotalPower: s.TotalPower, Mismatched: r.Missed,
	})
	k.tell(ctx, t.Kind, t.Id, func(ctx sdk.Context, o types.Owner) error { return o.TaskSettled(ctx, t) })
	k.hook(ctx, "hooks of task", t.Id, func(ctx sdk.Context, h types.Hooks) error {
		outcome, err := k.outcome(ctx, t, s)
		if err != nil {
			return err
		}
		return h.AfterTaskSettled(ctx, outcome)
	})
	if k.kinds.kinds[t.Kind].Personal {
		k.try(ctx, "spot of task", t.Id, func(ctx sdk.Context) error { return k.considerSpot(ctx, t) })
	}
	return nil
}

// outcome says how a settled task divided the members of its snapshot. Somebody is absent only if its sidecar was seen
// while the task was open.
func (k Keeper) outcome(ctx sdk.Context, t types.Task, s types.Snapshot) (types.Outcome, error) {
	o := types.Outcome{Task: t, Snapshot: s}
	votes, err := k.votes(ctx, t.Id)
	if err != nil {
		return o, err
	}
	wrong := make(map[string]bool, len(t.Mismatched))
	for _, operator := range t.Mismatched {
		wrong[operator] = true
	}
	voted := make(map[string]bool, len(votes))
	for _, v := range votes {
		voted[v.Operator] = true
		if wrong[v.Operator] {
			o.Wrong = append(o.Wrong, v)
		}
	}
	for _, m := range s.Members {
		if voted[m.Operator] {
			continue
		}
		seen, known, err := find(ctx, k.Seen, m.Operator)
		if err != nil {
			return o, err
		}
		if known && seen >= t.OpenedHeight {
			o.Absent = append(o.Absent, m.Operator)
		}
	}
	return o, nil
}

// Stake returns the height of a task's snapshot and the power of an operator in it.
func (k Keeper) Stake(ctx context.Context, taskID uint64, operator string) (height, power int64, err error) {
	t, err := k.Tasks.Get(ctx, taskID)
	if err != nil {
		return 0, 0, err
	}
	s, err := k.Snapshots.Get(ctx, t.Snapshot)
	if err != nil {
		return 0, 0, err
	}
	for _, m := range s.Members {
		if m.Operator == operator {
			return s.Height, m.Power, nil
		}
	}
	return 0, 0, fmt.Errorf("%w: %s was no member of the snapshot of task %d", collections.ErrNotFound, operator, taskID)
}

func (k Keeper) expire(ctx sdk.Context, t types.Task, reason string) error {
	t.Status, t.Note = types.TASK_STATUS_EXPIRED, reason
	if err := k.finish(ctx, &t); err != nil {
		return err
	}
	emit(ctx, &types.EventTaskExpired{TaskId: t.Id, Kind: t.Kind, Reason: reason})
	k.tell(ctx, t.Kind, t.Id, func(ctx sdk.Context, o types.Owner) error { return o.TaskExpired(ctx, t) })
	return nil
}

// finish stamps and stores the outcome and leaves the task readable until its retention has passed.
func (k Keeper) finish(ctx sdk.Context, t *types.Task) error {
	t.FinishedHeight = ctx.BlockHeight()
	if err := k.TasksActive.Remove(ctx, t.Id); err != nil {
		return err
	}
	if err := k.TasksFinished.Set(ctx, collections.Join(t.FinishedHeight, t.Id)); err != nil {
		return err
	}
	return k.Tasks.Set(ctx, t.Id, *t)
}

// emit publishes a typed event; an event that can't be encoded is a programming error that tests find.
func emit(ctx sdk.Context, event proto.Message) {
	if err := ctx.EventManager().EmitTypedEvent(event); err != nil {
		ctx.Logger().Error("event could not be encoded", "error", err)
	}
}
