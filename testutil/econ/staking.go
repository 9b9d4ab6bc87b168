package econ

import (
	"context"
	"fmt"
	"time"

	"cosmossdk.io/math"

	"github.com/cosmos/cosmos-sdk/crypto/keys/ed25519"
	sdk "github.com/cosmos/cosmos-sdk/types"
	authtypes "github.com/cosmos/cosmos-sdk/x/auth/types"
	slashingtypes "github.com/cosmos/cosmos-sdk/x/slashing/types"
	stakingtypes "github.com/cosmos/cosmos-sdk/x/staking/types"
)

// powerReduction is how many unrn are one unit of voting power: 1 NRN.
const powerReduction = 1_000_000

// staking holds the bonded validators. It stands for the SDK's staking and slashing modules, whose own rewards, delegations and
// penalties the simulation leaves out.
type staking struct {
	bank       *bank
	validators []stakingtypes.Validator
	consensus  []sdk.ConsAddress
	jailed     []time.Time // until when, by validator
	burned     []math.Int  // stake that penalties took, by validator
}

func (s *staking) bondedPool() sdk.AccAddress {
	return authtypes.NewModuleAddress(stakingtypes.BondedPoolName)
}

// bond adds a validator with a stake that is created for it.
func (s *staking) bond(ctx context.Context, operator string, stake math.Int) error {
	key := ed25519.GenPrivKeyFromSecret([]byte(operator)).PubKey()
	v, err := stakingtypes.NewValidator(operator, key, stakingtypes.Description{})
	if err != nil {
		return err
	}
	v.Status, v.Tokens = stakingtypes.Bonded, stake
	s.validators = append(s.validators, v)
	s.consensus = append(s.consensus, sdk.ConsAddress(key.Address()))
	s.jailed = append(s.jailed, time.Unix(0, 0).UTC())
	s.burned = append(s.burned, math.ZeroInt())
	return s.bank.change(ctx, s.bondedPool(), stake)
}

// release ends the jail of those whose time is over; in a real network they send a message for it.
func (s *staking) release(now time.Time) {
	for i := range s.validators {
		if s.validators[i].Jailed && now.After(s.jailed[i]) {
			s.validators[i].Jailed = false
		}
	}
}

func (s *staking) at(a sdk.ConsAddress) (int, error) {
	for i := range s.consensus {
		if s.consensus[i].Equals(a) {
			return i, nil
		}
	}
	return 0, stakingtypes.ErrNoValidatorFound
}

func (s *staking) GetValidator(_ context.Context, a sdk.ValAddress) (stakingtypes.Validator, error) {
	for _, v := range s.validators {
		if v.OperatorAddress == a.String() {
			return v, nil
		}
	}
	return stakingtypes.Validator{}, stakingtypes.ErrNoValidatorFound
}

func (s *staking) GetValidatorByConsAddr(_ context.Context, a sdk.ConsAddress) (stakingtypes.Validator, error) {
	i, err := s.at(a)
	if err != nil {
		return stakingtypes.Validator{}, err
	}
	return s.validators[i], nil
}

func (s *staking) IterateBondedValidatorsByPower(_ context.Context, fn func(int64, stakingtypes.ValidatorI) bool) error {
	for i, v := range s.validators {
		if !v.Jailed && fn(int64(i), v) {
			break
		}
	}
	return nil
}

func (s *staking) GetLastTotalPower(context.Context) (math.Int, error) {
	sum := int64(0)
	for _, v := range s.validators {
		if !v.Jailed {
			sum += v.GetConsensusPower(math.NewInt(powerReduction))
		}
	}
	return math.NewInt(sum), nil
}

func (s *staking) PowerReduction(context.Context) math.Int { return math.NewInt(powerReduction) }

func (s *staking) Slash(ctx context.Context, a sdk.ConsAddress, height, power int64, fraction math.LegacyDec) (math.Int, error) {
	if now := sdk.UnwrapSDKContext(ctx).BlockHeight(); height > now {
		return math.Int{}, fmt.Errorf("slash at height %d: expected at most %d", height, now)
	}
	i, err := s.at(a)
	if err != nil {
		return math.Int{}, err
	}
	burn := math.MinInt(fraction.MulInt64(power).MulInt64(powerReduction).TruncateInt(), s.validators[i].Tokens)
	if err := s.bank.change(ctx, s.bondedPool(), burn.Neg()); err != nil {
		return math.Int{}, err
	}
	s.validators[i].Tokens = s.validators[i].Tokens.Sub(burn)
	s.burned[i] = s.burned[i].Add(burn)
	return burn, nil
}

func (s *staking) GetValidatorSigningInfo(_ context.Context, a sdk.ConsAddress) (slashingtypes.ValidatorSigningInfo, error) {
	i, err := s.at(a)
	if err != nil {
		return slashingtypes.ValidatorSigningInfo{}, slashingtypes.ErrNoSigningInfoFound
	}
	return slashingtypes.ValidatorSigningInfo{JailedUntil: s.jailed[i]}, nil
}

func (s *staking) Jail(_ context.Context, a sdk.ConsAddress) error {
	i, err := s.at(a)
	if err == nil {
		s.validators[i].Jailed = true
	}
	return err
}

func (s *staking) JailUntil(_ context.Context, a sdk.ConsAddress, until time.Time) error {
	i, err := s.at(a)
	if err == nil {
		s.jailed[i] = until
	}
	return err
}
