package keeper

import (
	"context"
	"fmt"
	"slices"

	sdk "github.com/cosmos/cosmos-sdk/types"

	"github.com/pold-network/pold/x/attestation/types"
)

// maxChallenges bounds the challenges that one task records.
const maxChallenges = 64

func taskRef(id uint64) string { return fmt.Sprintf("task/%d", id) }

// conduct publishes an act that costs conduct; task is 0 when it was not about one.
func (k Keeper) conduct(ctx sdk.Context, c types.Conduct, task uint64) {
	emit(ctx, &types.EventConduct{Operator: c.Operator, TaskId: task, What: string(c.Kind)})
	k.hook(ctx, "hooks of conduct", task, func(ctx sdk.Context, h types.Hooks) error { return h.AfterConduct(ctx, c) })
}

// ReportConduct lets an owner report what only it can see, such as a false challenge.
func (k Keeper) ReportConduct(ctx context.Context, c types.Conduct) error {
	k.conduct(sdk.UnwrapSDKContext(ctx), c, 0)
	return nil
}

// recordChallenge notes that a member's own replay of a segment differs, once for each operator and segment, and tells the
// owner of the kind. It returns the task as it is then.
func (k Keeper) recordChallenge(ctx sdk.Context, snapshots *snapshotCache, signed int64, operator string, t types.Task, segment uint32) (types.Task, error) {
	owner, ok := k.kinds.owners[t.Kind].(types.ChallengeOwner)
	if !ok || signed <= t.OpenedHeight || len(t.Challenges) >= maxChallenges {
		return t, nil
	}
	member, err := snapshots.has(ctx, t.Snapshot, operator)
	if err != nil || !member {
		return t, err
	}
	if slices.ContainsFunc(t.Challenges, func(c types.Challenge) bool { return c.Operator == operator && c.Segment == segment }) {
		return t, nil
	}
	c := types.Challenge{Segment: segment, Operator: operator, Height: signed}
	t.Challenges = append(slices.Clone(t.Challenges), c)
	if err := k.Tasks.Set(ctx, t.Id, t); err != nil {
		return t, err
	}
	emit(ctx, &types.EventChallenged{TaskId: t.Id, Operator: operator, Segment: segment})
	k.try(ctx, t.Kind, t.Id, func(ctx sdk.Context) error { return owner.Challenged(ctx, t, c) })
	return t, nil
}
