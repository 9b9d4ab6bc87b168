package types_test

import (
	"math/big"
	"math/rand/v2"
	"testing"

	"github.com/stretchr/testify/require"

	"cosmossdk.io/math"

	"github.com/pold-network/pold/x/pol/types"
)

const propertyRounds = 2_000

// random returns parameters and a round over many orders of magnitude.
func random(r *rand.Rand) (types.Params, types.Coinbase) {
	amount := func() math.Int { return math.NewIntFromUint64(r.Uint64() >> r.UintN(60)) }
	p := types.DefaultParams()
	p.MinGroupStake = math.ZeroInt()
	p.GenesisUnix = genesisUnix
	p.ReferenceRoundSeconds = 1 + r.Uint64N(10_000)
	p.HalvingIntervalSeconds = 1 + r.Uint64N(types.HalvingInterval)
	p.StakeFloorNumerator = r.Uint64N(p.StakeFloorDenominator + 1)
	c := types.Coinbase{
		Supply: amount(), GroupStake: amount(), TotalStakeAtOpening: amount(), TotalStakeAtSettlement: amount(),
		OpenedUnixMs: genesisUnix*1_000 + r.Int64N(1e9), NominalSeconds: 1 + r.Uint64N(86_400),
	}
	c.SettledUnixMs = c.OpenedUnixMs + r.Int64N(1e8)
	return p, c
}

// TestAmountIsTheRoundedDownExactQuotient recomputes every amount as an exact fraction.
func TestAmountIsTheRoundedDownExactQuotient(t *testing.T) {
	r := rand.New(rand.NewPCG(1, 1))
	for range propertyRounds {
		p, c := random(r)
		rat := func(i math.Int) *big.Rat { return new(big.Rat).SetInt(i.BigInt()) }
		exact := new(big.Rat).Mul(rat(c.Supply), big.NewRat(int64(p.WinnerRateE9), 1e9))
		total := rat(math.MaxInt(math.MaxInt(c.TotalStakeAtOpening, c.TotalStakeAtSettlement), c.GroupStake))
		floor := new(big.Rat).Mul(rat(c.Supply), big.NewRat(int64(p.StakeFloorNumerator), int64(p.StakeFloorDenominator)))
		if floor.Cmp(total) > 0 {
			total = floor
		}
		if total.Sign() == 0 {
			require.True(t, p.Amount(p.WinnerRateE9, c).IsZero())
			continue
		}
		exact.Mul(exact, rat(c.GroupStake)).Quo(exact, total)
		ms := min(c.SettledUnixMs-c.OpenedUnixMs, int64(c.NominalSeconds)*1_000)
		exact.Mul(exact, big.NewRat(ms, int64(p.ReferenceRoundSeconds)*1_000))
		halvings := (c.SettledUnixMs/1_000 - genesisUnix) / int64(p.HalvingIntervalSeconds)
		for range min(halvings, 300) {
			exact.Quo(exact, big.NewRat(2, 1))
		}
		want := new(big.Int).Quo(exact.Num(), exact.Denom())
		require.Equal(t, want.String(), p.Amount(p.WinnerRateE9, c).String(), "%+v %+v", p, c)
	}
}

func TestTheAmountNeverGrowsWhenItShouldNot(t *testing.T) {
	r := rand.New(rand.NewPCG(2, 2))
	for range propertyRounds {
		p, c := random(r)
		before := p.Amount(p.WinnerRateE9, c)
		require.True(t, before.LTE(c.Supply.MulRaw(24*3_600).QuoRaw(100_000)), "a day of 1 s references is the most")
		for name, change := range map[string]func(*types.Params, *types.Coinbase){
			"less stake": func(_ *types.Params, c *types.Coinbase) { c.GroupStake = c.GroupStake.QuoRaw(2) },
			"a larger total": func(_ *types.Params, c *types.Coinbase) {
				c.TotalStakeAtSettlement = c.TotalStakeAtSettlement.MulRaw(3)
			},
			"a shorter round": func(_ *types.Params, c *types.Coinbase) {
				c.OpenedUnixMs += (c.SettledUnixMs - c.OpenedUnixMs) / 3
			},
			"a shorter nominal length": func(_ *types.Params, c *types.Coinbase) { c.NominalSeconds = (c.NominalSeconds + 1) / 2 },
			"a later time":             func(_ *types.Params, c *types.Coinbase) { shift(c, 1e10) },
			"a longer reference":       func(p *types.Params, _ *types.Coinbase) { p.ReferenceRoundSeconds *= 2 },
			"a lower rate":             func(p *types.Params, _ *types.Coinbase) { p.WinnerRateE9 /= 2 },
		} {
			q, d := p, c
			change(&q, &d)
			require.True(t, q.Amount(q.WinnerRateE9, d).LTE(before), name)
		}
	}
}

// TestGroupsShareOneCap splits the stake among any number of groups and the time into rounds of any length: they
// never mint more than one group with all stake in one long round.
func TestGroupsShareOneCap(t *testing.T) {
	r := rand.New(rand.NewPCG(3, 3))
	for range 300 {
		p, whole := random(r)
		p.HalvingIntervalSeconds = types.HalvingInterval
		p.UnbondingSeconds = 1e8
		whole.NominalSeconds = 1e8
		whole.TotalStakeAtOpening, whole.TotalStakeAtSettlement = whole.GroupStake, whole.GroupStake
		most := p.Amount(p.WinnerRateE9, whole)

		minted, rest := math.ZeroInt(), whole.GroupStake
		for groups := 1 + r.IntN(20); groups > 0; groups-- {
			part := whole
			part.GroupStake = rest
			if groups > 1 {
				part.GroupStake = rest.MulRaw(r.Int64N(1_000)).QuoRaw(1_000)
			}
			rest = rest.Sub(part.GroupStake)
			part.NominalSeconds = 1 + r.Uint64N(86_400)
			for at := whole.OpenedUnixMs; at < whole.SettledUnixMs; {
				part.OpenedUnixMs = at
				part.SettledUnixMs = min(whole.SettledUnixMs, at+1+r.Int64N(3e7))
				at = part.SettledUnixMs
				minted = minted.Add(p.Amount(p.WinnerRateE9, part))
			}
		}
		require.True(t, minted.LTE(most), "%s minted, %s is the most", minted, most)
	}
}

// TestMovingCoinsMintsNothing lets one owner bond, unbond and open rounds as it likes over simulated time, with the
// rules of the keeper: unbonding takes effect on the group's stake at once, the coins come back after the delay and
// stay in the total until then, and a round keeps the least stake that its group had. Whatever it does, all rounds
// together mint no more than the rate allows for the time that has passed.
func TestMovingCoinsMintsNothing(t *testing.T) {
	for seed := range uint64(60) {
		r := rand.New(rand.NewPCG(4, seed))
		p, c := hourly()
		p.MinGroupStake = math.OneInt()
		p.StakeFloorNumerator = 0 // the most generous
		p.UnbondingSeconds = 1 + r.Uint64N(100)
		type group struct {
			stake, least, total int64
			opened              int64
		}
		type payout struct{ at, amount int64 }
		groups := make([]group, 1+r.IntN(4))
		free, bonded, leaving := int64(1_000_000), int64(0), int64(0)
		var queue []payout
		minted := math.ZeroInt()
		const end = 2_000
		for now := int64(1); now <= end; now++ {
			for len(queue) > 0 && queue[0].at <= now {
				free, leaving, queue = free+queue[0].amount, leaving-queue[0].amount, queue[1:]
			}
			for range 3 {
				g := &groups[r.IntN(len(groups))]
				switch r.IntN(5) {
				case 0, 1:
					amount := r.Int64N(free + 1)
					free, g.stake, bonded = free-amount, g.stake+amount, bonded+amount
				case 2:
					amount := r.Int64N(g.stake + 1)
					g.stake, bonded, leaving = g.stake-amount, bonded-amount, leaving+amount
					g.least = min(g.least, g.stake)
					queue = append(queue, payout{now + int64(p.UnbondingSeconds), amount})
				case 3:
					if g.opened == 0 {
						g.opened, g.least, g.total = now, g.stake, bonded+leaving
					}
				case 4:
					if g.opened == 0 {
						continue
					}
					c.GroupStake, c.TotalStakeAtOpening = math.NewInt(g.least), math.NewInt(g.total)
					c.TotalStakeAtSettlement = math.NewInt(bonded + leaving)
					c.OpenedUnixMs, c.SettledUnixMs = (genesisUnix+g.opened)*1_000, (genesisUnix+now)*1_000
					c.NominalSeconds = 1 + r.Uint64N(300)
					minted = minted.Add(p.Amount(p.WinnerRateE9, c))
					g.opened = 0
				}
			}
		}
		most := c.Supply.MulRaw(end).QuoRaw(100_000 * 3_600)
		require.True(t, minted.LTE(most), "seed %d: %s minted, %s is the most", seed, minted, most)
	}
}
