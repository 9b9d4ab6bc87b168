package keeper

import (
	"context"
	"errors"

	"cosmossdk.io/collections"
	"cosmossdk.io/math"

	sdk "github.com/cosmos/cosmos-sdk/types"

	"github.com/pold-network/pold/x/pol/types"
)

// InitGenesis writes a genesis state. In the first genesis of a chain the supply, the start of the halvings and
// what was computed from bonds and groups are filled in; an exported state is taken as it is.
func (k Keeper) InitGenesis(goCtx context.Context, g types.GenesisState) error {
	ctx := sdk.UnwrapSDKContext(goCtx)
	fresh := g.Totals.GenesisSupply.IsZero()
	if g.Params.GenesisUnix == 0 {
		g.Params.GenesisUnix = ctx.BlockTime().Unix()
	}
	if fresh {
		g.Totals = types.ZeroTotals()
		g.Totals.GenesisSupply = k.bank.GetSupply(ctx, types.BaseDenom).Amount
		for _, b := range g.Bonds {
			g.Totals.Bonded = g.Totals.Bonded.Add(b.Amount)
		}
	}
	if err := errors.Join(k.Params.Set(ctx, g.Params), k.Totals.Set(ctx, g.Totals), k.NextUnbonding.Set(ctx, g.NextUnbondingId)); err != nil {
		return err
	}
	for _, x := range g.Groups {
		if fresh {
			if err := prepare(&x); err != nil {
				return err
			}
			if !x.Settings.Sandbox {
				if err := k.trainingSets.Adopt(ctx, x.Settings.TrainingSet, x.Name, x.Creator); err != nil {
					return err
				}
			}
			g.Due = append(g.Due, types.DueEntry{Group: x.Name, Height: ctx.BlockHeight()})
		}
		if err := k.Groups.Set(ctx, x.Name, x); err != nil {
			return err
		}
	}
	if err := k.restoreRounds(ctx, g); err != nil {
		return err
	}
	if err := k.restoreStake(ctx, g); err != nil {
		return err
	}
	if err := k.restoreEscrows(ctx, g); err != nil {
		return err
	}
	if err := k.restoreVotes(ctx, g); err != nil {
		return err
	}
	if err := k.restoreTurns(ctx, g); err != nil {
		return err
	}
	return k.CheckEscrow(ctx)
}

func (k Keeper) restoreEscrows(ctx context.Context, g types.GenesisState) error {
	for _, b := range g.Batches {
		if err := k.Batches.Set(ctx, collections.Join3(b.Group, b.Round, b.Provider), b); err != nil {
			return err
		}
	}
	for _, b := range g.ProviderBonds {
		if err := k.ProviderBonds.Set(ctx, collections.Join(b.Group, b.Provider), b); err != nil {
			return err
		}
	}
	for _, c := range g.Canaries {
		if err := k.setCanary(ctx, c); err != nil {
			return err
		}
		// The next look finds out whether it is due.
		if err := k.Lapses.Set(ctx, collections.Join(c.Height, lapseRef(canaryLapse, c.Group, c.Round, c.Planter))); err != nil {
			return err
		}
	}
	for _, h := range g.HeldLosses {
		if err := k.HeldLosses.Set(ctx, collections.Join3(h.Group, h.Round, h.Trainer), h); err != nil {
			return err
		}
		if err := k.Lapses.Set(ctx, collections.Join(h.Until, lapseRef(lossLapse, h.Group, h.Round, h.Trainer))); err != nil {
			return err
		}
	}
	return nil
}

func (k Keeper) restoreVotes(ctx context.Context, g types.GenesisState) error {
	if err := k.NextChange.Set(ctx, max(g.NextChange, 1)); err != nil {
		return err
	}
	for _, c := range g.Changes {
		if err := errors.Join(k.Changes.Set(ctx, c.Id, c), k.ChangesByGroup.Set(ctx, collections.Join(c.Group, c.Id))); err != nil {
			return err
		}
		if c.Status == types.GROUP_CHANGE_STATUS_OPEN {
			if err := k.OpenChanges.Set(ctx, collections.Join(c.Group, c.Id)); err != nil {
				return err
			}
		}
	}
	for _, o := range g.OldChanges {
		if err := k.OldChanges.Set(ctx, collections.Join3(o.Group, o.Period, o.Change)); err != nil {
			return err
		}
	}
	for _, p := range g.PeriodStakes {
		if err := k.PeriodStakes.Set(ctx, p.Group, p); err != nil {
			return err
		}
	}
	return nil
}

// restoreTurns schedules store tasks; a group for which nothing is written is due after one interval.
func (k Keeper) restoreTurns(ctx sdk.Context, g types.GenesisState) error {
	for _, t := range g.StoreTurns {
		if err := k.setTurn(ctx, t); err != nil {
			return err
		}
	}
	for _, x := range g.Groups {
		known, err := k.StoreTurns.Has(ctx, x.Name)
		if err != nil {
			return err
		}
		if known || x.Settings.Sandbox {
			continue
		}
		if err := k.nextTurn(ctx, g.Params, types.StoreTurn{Group: x.Name}); err != nil {
			return err
		}
	}
	if g.StoreDraw == 0 {
		return nil
	}
	return k.StoreDraw.Set(ctx, g.StoreDraw)
}

// prepare fills in what a person need not write into a genesis file.
func prepare(g *types.Group) error {
	hash, err := g.Settings.Model.Hash()
	if err != nil {
		return err
	}
	g.ModelHash, g.ModelVersion = hash, 1
	if g.BountyPool.IsNil() {
		g.BountyPool = math.ZeroInt()
	}
	return nil
}

func (k Keeper) restoreRounds(ctx context.Context, g types.GenesisState) error {
	for _, r := range g.Rounds {
		if err := k.setRound(ctx, r); err != nil {
			return err
		}
	}
	for _, c := range g.Commitments {
		if err := k.Commitments.Set(ctx, collections.Join3(c.Group, c.Round, c.Trainer), c); err != nil {
			return err
		}
	}
	for _, s := range g.Submissions {
		if err := k.setSubmission(ctx, s); err != nil {
			return err
		}
	}
	for _, u := range g.UsedHashes {
		if err := k.UsedHashes.Set(ctx, collections.Join(u.Group, u.Sha256), u.Round); err != nil {
			return err
		}
	}
	for _, d := range g.Due {
		if err := k.schedule(ctx, d.Group, d.Height); err != nil {
			return err
		}
	}
	return nil
}

func (k Keeper) restoreStake(ctx context.Context, g types.GenesisState) error {
	for _, b := range g.Bonds {
		if err := k.Bonds.Set(ctx, collections.Join(b.Group, b.Address), b); err != nil {
			return err
		}
		stake, err := k.stake(ctx, b.Group)
		if err != nil {
			return err
		}
		if err := k.Stakes.Set(ctx, b.Group, stake.Add(b.Amount)); err != nil {
			return err
		}
	}
	leaving := math.ZeroInt()
	for _, u := range g.Unbondings {
		if err := k.setUnbonding(ctx, u); err != nil {
			return err
		}
		leaving = leaving.Add(u.Amount)
	}
	return k.Leaving.Set(ctx, leaving)
}

// ExportGenesis reads the whole state.
func (k Keeper) ExportGenesis(ctx context.Context) (*types.GenesisState, error) {
	var g types.GenesisState
	var err error
	if g.Params, err = k.Params.Get(ctx); err != nil {
		return nil, err
	}
	if g.Totals, err = k.Totals.Get(ctx); err != nil {
		return nil, err
	}
	if g.NextUnbondingId, err = k.NextUnbonding.Peek(ctx); err != nil {
		return nil, err
	}
	if g.NextChange, err = k.NextChange.Peek(ctx); err != nil {
		return nil, err
	}
	if g.StoreDraw, err = k.storeDraw(ctx); err != nil {
		return nil, err
	}
	err = errors.Join(
		k.Groups.Walk(ctx, nil, func(_ string, x types.Group) (bool, error) {
			g.Groups = append(g.Groups, x)
			return false, nil
		}),
		k.Rounds.Walk(ctx, nil, func(_ collections.Pair[string, uint64], x types.Round) (bool, error) {
			g.Rounds = append(g.Rounds, x)
			return false, nil
		}),
		k.Commitments.Walk(ctx, nil, func(_ collections.Triple[string, uint64, string], x types.Commitment) (bool, error) {
			g.Commitments = append(g.Commitments, x)
			return false, nil
		}),
		k.Submissions.Walk(ctx, nil, func(_ collections.Triple[string, uint64, string], x types.Submission) (bool, error) {
			g.Submissions = append(g.Submissions, x)
			return false, nil
		}),
		k.Bonds.Walk(ctx, nil, func(_ collections.Pair[string, string], x types.GroupBond) (bool, error) {
			g.Bonds = append(g.Bonds, x)
			return false, nil
		}),
		k.Unbondings.Walk(ctx, nil, func(_ uint64, x types.Unbonding) (bool, error) {
			g.Unbondings = append(g.Unbondings, x)
			return false, nil
		}),
		k.DueByGroup.Walk(ctx, nil, func(group string, height int64) (bool, error) {
			g.Due = append(g.Due, types.DueEntry{Group: group, Height: height})
			return false, nil
		}),
		k.UsedHashes.Walk(ctx, nil, func(key collections.Pair[string, []byte], round uint64) (bool, error) {
			g.UsedHashes = append(g.UsedHashes, types.UsedHash{Group: key.K1(), Sha256: key.K2(), Round: round})
			return false, nil
		}),
		k.Batches.Walk(ctx, nil, func(_ collections.Triple[string, uint64, string], x types.SealedBatch) (bool, error) {
			g.Batches = append(g.Batches, x)
			return false, nil
		}),
		k.ProviderBonds.Walk(ctx, nil, func(_ collections.Pair[string, string], x types.ProviderBond) (bool, error) {
			g.ProviderBonds = append(g.ProviderBonds, x)
			return false, nil
		}),
		k.Canaries.Walk(ctx, nil, func(_ collections.Triple[string, uint64, string], x types.Canary) (bool, error) {
			g.Canaries = append(g.Canaries, x)
			return false, nil
		}),
		k.HeldLosses.Walk(ctx, nil, func(_ collections.Triple[string, uint64, string], x types.HeldLoss) (bool, error) {
			g.HeldLosses = append(g.HeldLosses, x)
			return false, nil
		}),
		k.Changes.Walk(ctx, nil, func(_ uint64, x types.GroupChange) (bool, error) {
			g.Changes = append(g.Changes, x)
			return false, nil
		}),
		k.OldChanges.Walk(ctx, nil, func(key collections.Triple[string, uint64, uint64]) (bool, error) {
			g.OldChanges = append(g.OldChanges, types.OldChange{Group: key.K1(), Period: key.K2(), Change: key.K3()})
			return false, nil
		}),
		k.PeriodStakes.Walk(ctx, nil, func(_ string, x types.PeriodStake) (bool, error) {
			g.PeriodStakes = append(g.PeriodStakes, x)
			return false, nil
		}),
		k.StoreTurns.Walk(ctx, nil, func(_ string, x types.StoreTurn) (bool, error) {
			g.StoreTurns = append(g.StoreTurns, x)
			return false, nil
		}),
	)
	return &g, err
}
