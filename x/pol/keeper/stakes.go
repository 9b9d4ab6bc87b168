package keeper

import (
	"context"
	"strings"

	"cosmossdk.io/math"

	attestationtypes "github.com/pold-network/pold/x/attestation/types"
	"github.com/pold-network/pold/x/pol/types"
)

// MinGroupStake returns the stake in unrn from which on the rounds of a group count for coinbase and reputations.
func (k Keeper) MinGroupStake(ctx context.Context) (math.Int, error) {
	p, err := k.Params.Get(ctx)
	return p.MinGroupStake, err
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
