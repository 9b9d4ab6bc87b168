package types

import (
	"context"

	"cosmossdk.io/math"

	sdk "github.com/cosmos/cosmos-sdk/types"

	attestationtypes "github.com/pold-network/pold/x/attestation/types"
	trainingsettypes "github.com/pold-network/pold/x/trainingset/types"
)

// BankKeeper moves, mints and burns NRN.
type BankKeeper interface {
	GetSupply(ctx context.Context, denom string) sdk.Coin
	GetBalance(ctx context.Context, addr sdk.AccAddress, denom string) sdk.Coin
	MintCoins(ctx context.Context, module string, amt sdk.Coins) error
	BurnCoins(ctx context.Context, module string, amt sdk.Coins) error
	SendCoinsFromModuleToAccount(ctx context.Context, sender string, recipient sdk.AccAddress, amt sdk.Coins) error
	SendCoinsFromAccountToModule(ctx context.Context, sender sdk.AccAddress, recipient string, amt sdk.Coins) error
}

// AttestationKeeper opens score tasks and asks validators for checkpoints.
type AttestationKeeper interface {
	OpenTask(ctx context.Context, kind string, ref, manifest []byte, cost uint64, priority math.Int) (uint64, error)
	AskArtefact(ctx context.Context, kind, cid string, sha256 []byte, size uint64, ref []byte) (uint64, error)
	// Matched returns the snapshot members whose witness matched the settled answer of a task, in address order.
	Matched(ctx context.Context, taskID uint64) ([]attestationtypes.Member, error)
	MaxCost(ctx context.Context, kind string) (uint64, error)
	// TaskPending and ArtefactPending report whether an outcome is still to come.
	TaskPending(ctx context.Context, id uint64) (bool, error)
	ArtefactPending(ctx context.Context, id uint64) (bool, error)
}

// TrainingSetKeeper resolves training sets that validators have checked.
type TrainingSetKeeper interface {
	Verified(ctx context.Context, name string) (trainingsettypes.TrainingSet, error)
}

// Hooks are told what happened in rounds; later modules (reputation, slashing) listen.
type Hooks interface {
	AfterRoundSettled(ctx context.Context, round Round, submissions []Submission) error
}
