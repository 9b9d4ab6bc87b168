package types

import "cosmossdk.io/math"

// Coinbase holds what the amount minted for one round depends on. Stakes and supply are in unrn, times in milliseconds
// of block time.
type Coinbase struct {
	// Supply is the issued NRN, read once when the round opened.
	Supply math.Int
	// GroupStakeAtOpening and GroupStakeAtSettlement: the smaller one counts, so late bonding mints nothing.
	GroupStakeAtOpening, GroupStakeAtSettlement math.Int
	// TotalStakeAtOpening and TotalStakeAtSettlement are over all groups; the larger one counts.
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
// the one division, and the division rounds down: rounding never mints.
func (p Params) Amount(rateE9 uint64, c Coinbase) math.Int {
	stake := math.MinInt(c.GroupStakeAtOpening, c.GroupStakeAtSettlement)
	elapsed := c.SettledUnixMs - c.OpenedUnixMs
	if nominal := int64(c.NominalSeconds) * 1_000; elapsed > nominal {
		elapsed = nominal
	}
	if elapsed <= 0 || !stake.IsPositive() || stake.LT(p.MinGroupStake) || !c.Supply.IsPositive() {
		return math.ZeroInt()
	}
	halvings := p.Halvings(c.SettledUnixMs / 1_000)
	if halvings >= 128 { // more than any supply that fits into 128 bits
		return math.ZeroInt()
	}
	numerator := c.Supply.Mul(math.NewIntFromUint64(rateE9)).MulRaw(elapsed)
	denominator := math.NewInt(billion).Mul(math.NewIntFromUint64(p.ReferenceRoundSeconds).MulRaw(1_000))
	if halvings > 0 {
		denominator = denominator.Mul(powerOfTwo(halvings))
	}
	// share = stake / max(total stake, floor * supply), both sides scaled by the floor's denominator
	scale := math.NewIntFromUint64(p.StakeFloorDenominator)
	total := math.MaxInt(c.TotalStakeAtOpening, c.TotalStakeAtSettlement).Mul(scale)
	floor := c.Supply.Mul(math.NewIntFromUint64(p.StakeFloorNumerator))
	return bigQuo(numerator, stake.Mul(scale), denominator, math.MaxInt(math.MaxInt(total, floor), stake.Mul(scale)))
}
