package types

import (
	"context"

	"cosmossdk.io/math"

	attestationtypes "github.com/pold-network/pold/x/attestation/types"
)

// Stakes says for which groups work was done; x/pol knows. Work for small groups earns nothing.
type Stakes interface {
	// MinGroupStake returns the stake in unrn from which on a group counts.
	MinGroupStake(ctx context.Context) (math.Int, error)
	// ArtefactStake returns the stake of the group for which validators were asked about a file; zero for none.
	ArtefactStake(ctx context.Context, artefact attestationtypes.Artefact) (math.Int, error)
}
