package keeper

import (
	"context"
	"strings"

	"cosmossdk.io/collections"
	"cosmossdk.io/math"

	attestationtypes "github.com/pold-network/pold/x/attestation/types"
	"github.com/pold-network/pold/x/pol/types"
)

// MinGroupStake returns the stake in unrn from which on the rounds of a group count for coinbase and reputations.
func (k Keeper) MinGroupStake(ctx context.Context) (math.Int, error) {
	p, err := k.Params.Get(ctx)
	return p.MinGroupStake, err
}

// Bonded returns the bond of an account in a group, in unrn.
func (k Keeper) Bonded(ctx context.Context, group, address string) (math.Int, error) {
	b, exists, err := find(ctx, k.Bonds, collections.Join(group, address))
	if err != nil || !exists {
		return zero, err
	}
	return b.Amount, nil
}

// GroupStakes calls visit for each group that has stakeholders, in the order of names, with all its stake in unrn.
func (k Keeper) GroupStakes(ctx context.Context, visit func(group string, stake math.Int) error) error {
	return k.Groups.Walk(ctx, nil, func(name string, g types.Group) (bool, error) {
		if g.Settings.Sandbox {
			return false, nil
		}
		stake, err := k.stake(ctx, name)
		if err != nil {
			return true, err
		}
		return false, visit(name, stake)
	})
}

// ArtefactStake returns the stake in unrn of the group for which validators were asked about a file. It is zero for files
// of other modules, and for groups whose rounds never count: sandboxes and those that governance took the coinbase from.
func (k Keeper) ArtefactStake(ctx context.Context, a attestationtypes.Artefact) (math.Int, error) {
	if a.Kind != types.ScoreTaskKind && a.Kind != types.AuditTaskKind {
		return zero, nil
	}
	parts := strings.Split(string(a.Ref), "/")
	if isBatchRef(a.Ref) {
		parts = parts[1:]
	}
	g, exists, err := find(ctx, k.Groups, parts[0])
	if err != nil || !exists || !mints(g) {
		return zero, err
	}
	return k.stake(ctx, g.Name)
}
