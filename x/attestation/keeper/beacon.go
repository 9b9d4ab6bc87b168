package keeper

import (
	"bytes"
	"context"
	"errors"
	"fmt"

	"cosmossdk.io/collections"

	sdk "github.com/cosmos/cosmos-sdk/types"

	"github.com/pold-network/pold/x/attestation/types"
)

// maxDraws bounds how many draws one seed of the beacon serves; the others wait for the next.
const maxDraws = 256

// RequestDraw asks for a seed that nobody can know yet and returns the id of the request. The owner of the kind, which must
// be a types.DrawOwner, gets the seed together with ref.
func (k Keeper) RequestDraw(ctx context.Context, kind string, ref []byte) (uint64, error) {
	if _, ok := k.kinds.owners[kind].(types.DrawOwner); !ok {
		return 0, types.ErrUnknownKind.Wrapf("%q is registered by no module that takes draws", kind)
	}
	id, err := k.NextDraw.Next(ctx)
	if err != nil {
		return 0, err
	}
	d := types.Draw{Id: id, Kind: kind, Ref: ref, RequestedHeight: sdk.UnwrapSDKContext(ctx).BlockHeight()}
	return id, k.Draws.Set(ctx, id, d)
}

// DrawPending reports whether the seed of a draw is still to come.
func (k Keeper) DrawPending(ctx context.Context, id uint64) (bool, error) {
	return k.Draws.Has(ctx, id)
}

// beacon reads the state of the beacon.
func (k Keeper) beacon(ctx context.Context) (types.Beacon, error) {
	b, err := k.Beacon.Get(ctx)
	if errors.Is(err, collections.ErrNotFound) {
		return types.FirstBeacon(), nil
	}
	return b, err
}

// recordShare takes an operator's commit or secret for the current number. The first commit is final; a secret counts only
// in the reveal window and only if it is the one behind the commit.
func (k Keeper) recordShare(ctx sdk.Context, snapshots *snapshotCache, signed int64, operator string, b types.Beacon, e *types.VoteExtension) error {
	switch {
	case b.Phase == types.BEACON_PHASE_COMMIT && e.BeaconCommit != nil && e.BeaconCommit.Number == b.Number:
		if has, err := k.BeaconShares.Has(ctx, operator); err != nil || has {
			return err
		}
		return k.BeaconShares.Set(ctx, operator, types.BeaconShare{Commit: e.BeaconCommit.Commit, SignedHeight: signed})
	case b.Phase == types.BEACON_PHASE_REVEAL && e.BeaconReveal != nil && e.BeaconReveal.Number == b.Number && signed > b.OpenedHeight && signed <= b.Until:
		share, exists, err := find(ctx, k.BeaconShares, operator)
		if err != nil || !exists || len(share.Secret) != 0 {
			return err
		}
		member, err := snapshots.has(ctx, b.Snapshot, operator)
		if err != nil || !member {
			return err
		}
		if !bytes.Equal(share.Commit, types.BeaconCommitOf(ctx.ChainID(), b.Number, operator, e.BeaconReveal.Secret)) {
			return nil // another secret than the committed one is no secret
		}
		share.Secret = e.BeaconReveal.Secret
		return k.BeaconShares.Set(ctx, operator, share)
	}
	return nil
}

// stepBeacon opens a reveal window when somebody waits for a draw and enough validators have committed, and closes it.
func (k Keeper) stepBeacon(ctx sdk.Context, params types.Params) error {
	b, err := k.beacon(ctx)
	if err != nil {
		return err
	}
	if b.Phase == types.BEACON_PHASE_REVEAL {
		return k.closeReveal(ctx, params, b)
	}
	waiting, err := k.waitingDraws(ctx)
	if err != nil || len(waiting) == 0 {
		return err
	}
	s, err := k.currentPower(ctx)
	if errors.Is(err, types.ErrNoPower) {
		return nil
	}
	if err != nil {
		return err
	}
	ready, err := k.committed(ctx, params, b, s)
	if err != nil || !ready {
		return err
	}
	if b.Snapshot, err = k.takeSnapshot(ctx); err != nil {
		return err
	}
	b.Phase, b.OpenedHeight, b.Extended = types.BEACON_PHASE_REVEAL, ctx.BlockHeight(), false
	b.Until = ctx.BlockHeight() + params.BeaconWindow
	for _, d := range waiting {
		d.Beacon = b.Number
		if err := k.Draws.Set(ctx, d.Id, d); err != nil {
			return err
		}
	}
	return k.Beacon.Set(ctx, b)
}

// waitingDraws returns the oldest draws that no number is assigned to, at most maxDraws.
func (k Keeper) waitingDraws(ctx context.Context) ([]types.Draw, error) {
	var draws []types.Draw
	err := k.Draws.Walk(ctx, nil, func(_ uint64, d types.Draw) (bool, error) {
		draws = append(draws, d)
		return len(draws) >= maxDraws, nil
	})
	return draws, err
}

// committed reports whether a reveal window may open: more than two thirds of power have committed, and either everybody
// who is live has or the others have had a whole window of time.
func (k Keeper) committed(ctx sdk.Context, params types.Params, b types.Beacon, s types.Snapshot) (bool, error) {
	var power int64
	all := true
	for _, m := range s.Members {
		has, err := k.BeaconShares.Has(ctx, m.Operator)
		if err != nil {
			return false, err
		}
		if has {
			power += m.Power
			continue
		}
		seen, known, err := find(ctx, k.Seen, m.Operator)
		if err != nil {
			return false, err
		}
		if known && seen >= ctx.BlockHeight()-params.LiveWindow {
			all = false
		}
	}
	return types.TwoThirds(power, s.TotalPower) && (all || ctx.BlockHeight()-1 >= b.OpenedHeight+params.BeaconWindow), nil
}

// closeReveal draws the seed once everybody who committed has revealed or the window has passed. With a third of power or
// less revealed the window is extended once; then the number is given up and its draws wait for the next.
func (k Keeper) closeReveal(ctx sdk.Context, params types.Params, b types.Beacon) error {
	s, err := k.Snapshots.Get(ctx, b.Snapshot)
	if err != nil {
		return err
	}
	var secrets []types.OperatorSecret
	var missing []string
	var power int64
	for _, m := range s.Members {
		share, exists, err := find(ctx, k.BeaconShares, m.Operator)
		if err != nil {
			return err
		}
		switch {
		case exists && len(share.Secret) != 0:
			secrets = append(secrets, types.OperatorSecret{Operator: m.Operator, Secret: share.Secret})
			power += m.Power
		case exists:
			missing = append(missing, m.Operator)
		}
	}
	enough := power > s.TotalPower/3
	signed := ctx.BlockHeight() - 1
	if signed < b.Until && (len(missing) > 0 || !enough) {
		return nil
	}
	if !enough && !b.Extended {
		b.Extended, b.Until = true, signed+params.BeaconWindow
		return k.Beacon.Set(ctx, b)
	}
	for _, operator := range missing {
		k.conduct(ctx, types.Conduct{Operator: operator, Kind: types.ConductMissingReveal, Ref: fmt.Sprintf("beacon/%d", b.Number)}, 0)
	}
	var seed []byte
	if enough {
		seed = types.BeaconSeed(ctx.ChainID(), b.Number, secrets)
	}
	emit(ctx, &types.EventBeacon{Number: b.Number, Seed: seed, Reveals: uint32(len(secrets)), Missing: missing})
	if err := k.nextBeacon(ctx, b, seed); err != nil {
		return err
	}
	return k.serveDraws(ctx, b.Number, seed)
}

// nextBeacon starts the next number.
func (k Keeper) nextBeacon(ctx sdk.Context, b types.Beacon, seed []byte) error {
	if err := k.releaseSnapshot(ctx, b.Snapshot); err != nil {
		return err
	}
	if err := k.BeaconShares.Clear(ctx, nil); err != nil {
		return err
	}
	next := types.Beacon{Number: b.Number + 1, Phase: types.BEACON_PHASE_COMMIT, OpenedHeight: ctx.BlockHeight(), Seed: b.Seed, SeedHeight: b.SeedHeight}
	if seed != nil {
		next.Seed, next.SeedHeight = seed, ctx.BlockHeight()
	}
	return k.Beacon.Set(ctx, next)
}

// serveDraws gives each draw of a number its own seed; without one they wait for the next number.
func (k Keeper) serveDraws(ctx sdk.Context, number uint64, seed []byte) error {
	draws, err := k.waitingDraws(ctx) // those of this number are the oldest
	if err != nil {
		return err
	}
	for _, d := range draws {
		if d.Beacon != number {
			continue
		}
		if seed == nil {
			d.Beacon = 0
			if err := k.Draws.Set(ctx, d.Id, d); err != nil {
				return err
			}
			continue
		}
		if err := k.Draws.Remove(ctx, d.Id); err != nil {
			return err
		}
		k.tell(ctx, d.Kind, d.Id, func(ctx sdk.Context, o types.Owner) error {
			owner, ok := o.(types.DrawOwner)
			if !ok {
				return fmt.Errorf("the owner of kind %q takes no draws", d.Kind)
			}
			return owner.DrawDone(ctx, d, types.DrawSeed(ctx.ChainID(), seed, d.Id))
		})
	}
	return nil
}
