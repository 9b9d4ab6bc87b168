package types_test

import (
	"math/big"
	"testing"

	"github.com/stretchr/testify/require"

	"cosmossdk.io/math"

	"github.com/pold-network/pold/x/pol/types"
)

const genesisUnix = 1_767_225_600

// hourly is a round of the reference length in a network where one group holds all stake and all supply is staked.
// The supply is a billion NRN, so the winner's 0.001 % are 10,000 NRN.
func hourly() (types.Params, types.Coinbase) {
	p := types.DefaultParams()
	p.GenesisUnix = genesisUnix
	supply := math.NewInt(1_000_000_000_000_000)
	return p, types.Coinbase{
		Supply: supply, GroupStake: supply, TotalStakeAtOpening: supply, TotalStakeAtSettlement: supply,
		OpenedUnixMs: genesisUnix * 1_000, SettledUnixMs: (genesisUnix + 3_600) * 1_000, NominalSeconds: 3_600,
	}
}

// shift moves a round in time.
func shift(c *types.Coinbase, ms int64) { c.OpenedUnixMs += ms; c.SettledUnixMs += ms }

func TestCoinbaseTable(t *testing.T) {
	const interval = types.HalvingInterval
	for name, c := range map[string]struct {
		change func(*types.Params, *types.Coinbase)
		want   string // computed by hand
	}{
		"0.001 % of the supply for a reference round of the only group": {func(*types.Params, *types.Coinbase) {}, "10000000000"},
		"half of all stake, half of it": {func(_ *types.Params, c *types.Coinbase) {
			c.GroupStake = math.NewInt(500_000_000_000_000)
		}, "5000000000"},
		"a tenth of the supply staked, alone: a third counts as all": {func(_ *types.Params, c *types.Coinbase) {
			c.GroupStake = math.NewInt(100_000_000_000_000)
			c.TotalStakeAtOpening, c.TotalStakeAtSettlement = c.GroupStake, c.GroupStake
		}, "3000000000"},
		"one unrn below a third of the supply: rounded down": {func(_ *types.Params, c *types.Coinbase) {
			c.GroupStake = math.NewInt(333_333_333_333_333)
			c.TotalStakeAtOpening, c.TotalStakeAtSettlement = c.GroupStake, c.GroupStake
		}, "9999999999"},
		"a tenth of the supply staked on a devnet without floor": {func(p *types.Params, c *types.Coinbase) {
			p.StakeFloorNumerator = 0
			c.GroupStake = math.NewInt(100_000_000_000_000)
			c.TotalStakeAtOpening, c.TotalStakeAtSettlement = c.GroupStake, c.GroupStake
		}, "10000000000"},
		"others bonded since the opening: the larger total counts": {func(_ *types.Params, c *types.Coinbase) {
			c.GroupStake = math.NewInt(250_000_000_000_000)
			c.TotalStakeAtOpening = math.NewInt(500_000_000_000_000)
		}, "2500000000"},
		"others left since the opening: the larger total counts": {func(_ *types.Params, c *types.Coinbase) {
			c.GroupStake = math.NewInt(250_000_000_000_000)
			c.TotalStakeAtSettlement = math.NewInt(250_000_000_000_000)
		}, "2500000000"},
		"totals that miss the group's own stake never make a share above 1": {func(p *types.Params, c *types.Coinbase) {
			p.StakeFloorNumerator = 0
			c.TotalStakeAtOpening, c.TotalStakeAtSettlement = math.OneInt(), math.OneInt()
		}, "10000000000"},
		"half the time, half the amount":          {func(_ *types.Params, c *types.Coinbase) { c.SettledUnixMs -= 1_800_000 }, "5000000000"},
		"a millisecond":                           {func(_ *types.Params, c *types.Coinbase) { c.SettledUnixMs = c.OpenedUnixMs + 1 }, "2777"},
		"twice the nominal time, no more":         {func(_ *types.Params, c *types.Coinbase) { c.SettledUnixMs += 3_600_000 }, "10000000000"},
		"a nominal minute of an hourly reference": {func(_ *types.Params, c *types.Coinbase) { c.NominalSeconds = 60 }, "166666666"},
		"a minute that is the reference":          {func(p *types.Params, c *types.Coinbase) { p.ReferenceRoundSeconds, c.NominalSeconds = 60, 60 }, "10000000000"},
		"an unbonding delay shorter than nominal": {func(p *types.Params, _ *types.Coinbase) { p.UnbondingSeconds = 360 }, "1000000000"},
		"the last millisecond before the halving": {func(_ *types.Params, c *types.Coinbase) { shift(c, (interval-3_600)*1_000-1) }, "10000000000"},
		"the second of the halving":               {func(_ *types.Params, c *types.Coinbase) { shift(c, (interval-3_600)*1_000) }, "5000000000"},
		"the last second before the next halving": {func(_ *types.Params, c *types.Coinbase) { shift(c, (2*interval-3_601)*1_000) }, "5000000000"},
		"the second of the next halving":          {func(_ *types.Params, c *types.Coinbase) { shift(c, (2*interval-3_600)*1_000) }, "2500000000"},
		"after 33 halvings one unrn":              {func(_ *types.Params, c *types.Coinbase) { shift(c, 33*interval*1_000) }, "1"},
		"after 34 halvings nothing":               {func(_ *types.Params, c *types.Coinbase) { shift(c, 34*interval*1_000) }, "0"},
		"after more halvings than a number holds": {func(p *types.Params, c *types.Coinbase) { p.HalvingIntervalSeconds = 1 }, "0"},
		"the verifiers' rate":                     {func(p *types.Params, _ *types.Coinbase) { p.WinnerRateE9 = p.VerifierRateE9 }, "2000000000"},
		"a rate of zero":                          {func(p *types.Params, _ *types.Coinbase) { p.WinnerRateE9 = 0 }, "0"},
		"no stake": {func(p *types.Params, c *types.Coinbase) {
			p.MinGroupStake, c.GroupStake = math.ZeroInt(), math.ZeroInt()
		}, "0"},
		"one unrn below the least stake":         {func(p *types.Params, c *types.Coinbase) { p.MinGroupStake = c.GroupStake.AddRaw(1) }, "0"},
		"the least stake":                        {func(p *types.Params, c *types.Coinbase) { p.MinGroupStake = c.GroupStake }, "10000000000"},
		"no supply":                              {func(_ *types.Params, c *types.Coinbase) { c.Supply = math.ZeroInt() }, "0"},
		"no time":                                {func(_ *types.Params, c *types.Coinbase) { c.SettledUnixMs = c.OpenedUnixMs }, "0"},
		"a clock that went back":                 {func(_ *types.Params, c *types.Coinbase) { c.SettledUnixMs = c.OpenedUnixMs - 1 }, "0"},
		"a supply too small for a whole unrn":    {func(_ *types.Params, c *types.Coinbase) { c.Supply = math.NewInt(99_999) }, "0"},
		"a round that opened before the genesis": {func(_ *types.Params, c *types.Coinbase) { shift(c, -7_200_000) }, "10000000000"},
		"a supply whose products exceed 256 bits": {func(_ *types.Params, c *types.Coinbase) {
			c.Supply = math.NewIntFromBigInt(new(big.Int).Lsh(big.NewInt(100_000), 230))
			c.GroupStake, c.TotalStakeAtOpening, c.TotalStakeAtSettlement = c.Supply, c.Supply, c.Supply
		}, new(big.Int).Lsh(big.NewInt(1), 230).String()},
	} {
		p, round := hourly()
		c.change(&p, &round)
		require.Equal(t, c.want, p.Amount(p.WinnerRateE9, round).String(), name)
	}
}

func TestHalvingsCountFromGenesis(t *testing.T) {
	p, _ := hourly()
	for unix, want := range map[int64]uint64{
		0: 0, genesisUnix: 0, genesisUnix + types.HalvingInterval - 1: 0, genesisUnix + types.HalvingInterval: 1,
		genesisUnix + 10*types.HalvingInterval: 10,
	} {
		require.Equal(t, want, p.Halvings(unix))
	}
}

func TestAYearOfHourlyRoundsMintsAsStated(t *testing.T) {
	// The protocol page says: 8.8 % a year to trainers and 1.8 % to verifiers before the first halving.
	p, c := hourly()
	for rate, want := range map[uint64]int64{p.WinnerRateE9: 8766, p.VerifierRateE9: 1753} {
		year := p.Amount(rate, c).MulRaw(8_766) // hours of 365.25 days
		require.Equal(t, want, year.MulRaw(100_000).Quo(c.Supply).Int64(), "thousandths of a percent")
	}
}
