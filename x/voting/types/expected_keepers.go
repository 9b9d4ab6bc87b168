package types

import (
	"context"

	"cosmossdk.io/math"
)

// StakeKeeper knows what is bonded to groups.
type StakeKeeper interface {
	// Bonded returns the bond of an account in a group, in unrn; zero when there is none.
	Bonded(ctx context.Context, group, address string) (math.Int, error)
	// GroupStakes calls visit for each group that has stakeholders, in the order of names, with all its stake.
	GroupStakes(ctx context.Context, visit func(group string, stake math.Int) error) error
}
