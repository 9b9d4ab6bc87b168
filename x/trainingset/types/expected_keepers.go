package types

import (
	"context"

	"cosmossdk.io/math"

	sdk "github.com/cosmos/cosmos-sdk/types"

	votingtypes "github.com/pold-network/pold/x/voting/types"
)

// AttestationKeeper opens tasks and asks validators for artefacts.
type AttestationKeeper interface {
	OpenTask(ctx context.Context, kind string, ref, manifest []byte, cost uint64, priority math.Int) (uint64, error)
	AskArtefact(ctx context.Context, kind, cid string, sha256 []byte, size uint64, ref []byte) (uint64, error)
}

// VotingKeeper counts the stake behind proposals.
type VotingKeeper interface {
	OpenBallot(ctx context.Context, group, owner string, ref uint64, subject string) (uint64, error)
	CloseBallot(ctx context.Context, id uint64) error
	// Open returns the open ballots of a group that a module owns, with their tallies as they are now.
	Open(ctx context.Context, group, owner string) ([]votingtypes.Ballot, error)
	// Standing returns the stake behind a ballot that counts now, and that of the whole group, in unrn.
	Standing(ctx context.Context, id uint64) (ballot, group math.Int, err error)
	Period(ctx context.Context, group string) (votingtypes.Period, error)
}

// PolKeeper burns fees and mints the pay of proposers; nothing else does either.
type PolKeeper interface {
	BurnFee(ctx context.Context, payer string, amount math.Int, reason string) error
	// PayProposer mints what an applied change of training data earns in the current period of a group, at most once a period.
	PayProposer(ctx context.Context, group, proposer string) (math.Int, error)
	// MinGroupStake is the stake, in unrn, from which on what happens in a group counts.
	MinGroupStake(ctx context.Context) (math.Int, error)
}

// BankKeeper moves deposits.
type BankKeeper interface {
	GetBalance(ctx context.Context, addr sdk.AccAddress, denom string) sdk.Coin
	SendCoinsFromModuleToAccount(ctx context.Context, sender string, recipient sdk.AccAddress, amt sdk.Coins) error
	SendCoinsFromAccountToModule(ctx context.Context, sender sdk.AccAddress, recipient string, amt sdk.Coins) error
}

// Hooks are told when a training set has another table.
type Hooks interface {
	AfterTableChanged(ctx context.Context, set TrainingSet) error
}
