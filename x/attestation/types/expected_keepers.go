package types

import (
	"context"

	"cosmossdk.io/math"
	sdk "github.com/cosmos/cosmos-sdk/types"
	stakingtypes "github.com/cosmos/cosmos-sdk/x/staking/types"
)

// StakingKeeper is what the module needs to know of validators.
type StakingKeeper interface {
	IterateBondedValidatorsByPower(ctx context.Context, fn func(index int64, validator stakingtypes.ValidatorI) (stop bool)) error
	GetValidatorByConsAddr(ctx context.Context, consAddr sdk.ConsAddress) (stakingtypes.Validator, error)
	PowerReduction(ctx context.Context) math.Int
}

// Weights gives the vote factor of an operator in millionths. It can delay a decision, never make one.
type Weights interface {
	FactorE6(ctx context.Context, operator string) (uint64, error)
}

// Kind is a sort of task that an owner module registers at wiring.
type Kind struct {
	Name string
	// MaxAnswer bounds an answer in bytes, at most MaxAnswerSize.
	MaxAnswer int
	// Personal says that a witness must carry a personal value, which a spot task may ask for.
	Personal bool
	// Window is the length of the commit and of the open window in heights, at least MinWindow; 0 means what the parameters say.
	Window int64
}

// Owner is told the outcome of the tasks and artefacts of its kind. Writes of a call that returns an error are dropped.
type Owner interface {
	TaskSettled(ctx context.Context, task Task) error
	TaskExpired(ctx context.Context, task Task) error
	ArtefactJudged(ctx context.Context, artefact Artefact) error
}
