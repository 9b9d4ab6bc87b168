package types

import (
	"context"
	"time"

	"cosmossdk.io/math"

	sdk "github.com/cosmos/cosmos-sdk/types"
	slashingtypes "github.com/cosmos/cosmos-sdk/x/slashing/types"
	stakingtypes "github.com/cosmos/cosmos-sdk/x/staking/types"
)

// StakingKeeper finds validators and takes stake; the SDK's staking keeper is one.
type StakingKeeper interface {
	GetValidator(ctx context.Context, operator sdk.ValAddress) (stakingtypes.Validator, error)
	// GetLastTotalPower returns the bonded power that the block is signed with.
	GetLastTotalPower(ctx context.Context) (math.Int, error)
	PowerReduction(ctx context.Context) math.Int
	// Slash burns the fraction of the stake that stood behind power at the infraction height, also of what has begun to
	// unbond or to redelegate since.
	Slash(ctx context.Context, address sdk.ConsAddress, infractionHeight, power int64, fraction math.LegacyDec) (math.Int, error)
}

// SlashingKeeper jails; the SDK's slashing keeper is one.
type SlashingKeeper interface {
	// GetValidatorSigningInfo fails with slashingtypes.ErrNoSigningInfoFound for a validator that was never bonded.
	GetValidatorSigningInfo(ctx context.Context, address sdk.ConsAddress) (slashingtypes.ValidatorSigningInfo, error)
	Jail(ctx context.Context, address sdk.ConsAddress) error
	JailUntil(ctx context.Context, address sdk.ConsAddress, until time.Time) error
}

// BankKeeper knows the supply.
type BankKeeper interface {
	GetSupply(ctx context.Context, denom string) sdk.Coin
}

// PolKeeper accounts for every burn.
type PolKeeper interface {
	CountBurned(ctx context.Context, amount math.Int) error
}

// AttestationKeeper remembers what stood behind a vote.
type AttestationKeeper interface {
	// Stake returns the height of a task's snapshot and the power of the operator in it; collections.ErrNotFound when the
	// task has been forgotten or the operator was no member.
	Stake(ctx context.Context, taskID uint64, operator string) (height, power int64, err error)
}
