package types

import (
	"math/big"

	"cosmossdk.io/math"
)

// Coinbase holds what the amount minted for one round depends on. Stakes and supply are in unrn, times in milliseconds
// of block time.
type Coinbase struct {
	// Supply is the issued NRN, read once when the round opened.
	Supply math.Int
	// GroupStake is the least that stood behind the group from opening to settlement, so late bonding, early unbonding
	// and coins that leave for another group in between mint nothing.
	GroupStake math.Int
	// TotalStakeAtOpening and TotalStakeAtSettlement are over all groups, with the stake on its way back; the larger
	// one counts.
	TotalStakeAtOpening, TotalStakeAtSettlement math.Int
	OpenedUnixMs, SettledUnixMs                 int64
	NominalSeconds                              uint64
}

// Halvings returns how many whole halving intervals have passed since genesis.
func (p Params) Halvings(unix int64) uint64 {
	if unix <= p.GenesisUnix {
		return 0
	}
	return uint64(unix-p.GenesisUnix) / p.HalvingIntervalSeconds
}

// Amount returns what a rate (in billionths of the supply per reference round) mints for a round, in unrn:
// floor(supply * rate * share * min(elapsed, nominal) / reference / 2^halvings). All factors are multiplied before
// the one division, and the division rounds down: rounding never mints. The products are formed without a bound, so
// that no supply makes them overflow.
//
// At any moment the shares of all groups add up to at most 1. Proof: a round is paid for the last moments before its
// settlement, no more than the unbonding delay. Whatever was bonded anywhere in that time is still bonded or on its way
// back at settlement, so the total counts it; and the group's own stake was never less than the one that counts.
func (p Params) Amount(rateE9 uint64, c Coinbase) math.Int {
	elapsed := c.SettledUnixMs - c.OpenedUnixMs
	if paid := int64(min(c.NominalSeconds, p.UnbondingSeconds)) * 1_000; elapsed > paid {
		elapsed = paid
	}
	if elapsed <= 0 || !c.GroupStake.IsPositive() || c.GroupStake.LT(p.MinGroupStake) || !c.Supply.IsPositive() {
		return math.ZeroInt()
	}
	halvings := p.Halvings(c.SettledUnixMs / 1_000)
	if halvings >= math.MaxBitLen { // no supply is left after so many
		return math.ZeroInt()
	}
	// share = stake / max(total stake, floor * supply), both sides scaled by the floor's denominator
	scale := new(big.Int).SetUint64(p.StakeFloorDenominator)
	stake := product(c.GroupStake.BigInt(), scale)
	total := product(math.MaxInt(c.TotalStakeAtOpening, c.TotalStakeAtSettlement).BigInt(), scale)
	floor := product(c.Supply.BigInt(), new(big.Int).SetUint64(p.StakeFloorNumerator))
	for _, least := range []*big.Int{floor, stake} {
		if total.Cmp(least) < 0 {
			total = least
		}
	}
	numerator := product(c.Supply.BigInt(), new(big.Int).SetUint64(rateE9), big.NewInt(elapsed), stake)
	denominator := product(big.NewInt(billion), new(big.Int).SetUint64(p.ReferenceRoundSeconds), big.NewInt(1_000), total)
	denominator.Lsh(denominator, uint(halvings))
	return math.NewIntFromBigInt(numerator.Quo(numerator, denominator))
}

// ProposerAmount returns what an applied change of training data mints: Amount with the rate of proposers and a voting period
// instead of a round, so that short periods and many groups mint nothing extra.
func (p Params) ProposerAmount(c Coinbase) math.Int {
	p.ReferenceRoundSeconds = p.ReferencePeriodSeconds
	return p.Amount(p.ProposerRateE9, c)
}

// MaxAmount returns the most that Amount can give for a round that has just opened, whenever it settles and whatever is
// bonded meanwhile: its own stake can only fall, all stake only dilutes it, and halvings only come. SettledUnixMs is not read.
func (p Params) MaxAmount(rateE9 uint64, c Coinbase) math.Int {
	c.TotalStakeAtSettlement = c.TotalStakeAtOpening
	c.SettledUnixMs = c.OpenedUnixMs
	c.OpenedUnixMs -= int64(min(c.NominalSeconds, p.UnbondingSeconds)) * 1_000
	return p.Amount(rateE9, c)
}
