package keeper_test

import (
	"fmt"
	"math/rand/v2"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/pold-network/pold/x/voting/types"
)

// TestTalliesNeverDrift plays votes, votes taken back, bonds, closings, periods, sweeps and exports in all orders, and compares
// each tally with a model of its own that remembers the least bond of everybody.
func TestTalliesNeverDrift(t *testing.T) {
	for seed := range uint64(12) {
		t.Run(fmt.Sprint(seed), func(t *testing.T) {
			r := rand.New(rand.NewPCG(seed, 9))
			e := newEnv(t, "aa", "bb")
			groups := []string{"aa", "bb"}
			least := map[string]map[int]int64{"aa": {1: 100, 2: 60, 3: 40}, "bb": {1: 100, 2: 60, 3: 40}}
			number := map[string]uint64{"aa": 1, "bb": 1}
			votes := map[uint64]map[int]bool{}
			of := map[uint64]string{}
			roll := func() {
				for _, g := range groups {
					if n := e.period(g).Number; n != number[g] {
						number[g] = n
						for i := range 8 {
							least[g][i] = e.bonds[g][account(i)]
						}
					}
				}
			}
			for range 250 {
				g := groups[r.IntN(2)]
				who := r.IntN(8)
				switch r.IntN(9) {
				case 0:
					id := e.open(g)
					of[id], votes[id] = g, map[int]bool{}
				case 1, 2:
					for id := range of {
						if _, err := e.k.Vote(e.ctx, account(who), id, ""); err == nil {
							votes[id][who] = true
						}
						break
					}
				case 3:
					for id := range of {
						if err := e.k.Unvote(e.ctx, account(who), id); err == nil {
							require.True(t, votes[id][who])
							delete(votes[id], who)
						}
						break
					}
				case 4, 5:
					amount := int64(r.IntN(300))
					e.bond(g, who, amount)
					least[g][who] = min(least[g][who], amount)
				case 6:
					for id := range of {
						require.NoError(t, e.k.CloseBallot(e.ctx, id))
						delete(of, id)
						break
					}
				case 7:
					e.wait(10 * r.IntN(60))
					roll()
				case 8:
					state, err := e.k.ExportGenesis(e.ctx)
					require.NoError(t, err)
					require.NoError(t, state.Validate())
					fresh := newEnv(t)
					fresh.bonds = e.bonds
					fresh.ctx = e.ctx.WithMultiStore(fresh.ctx.MultiStore())
					require.NoError(t, fresh.k.InitGenesis(fresh.ctx, *state))
					e = fresh
				}
				for id, g := range of {
					want := int64(0)
					for who := range votes[id] {
						want += least[g][who]
					}
					got, all, err := e.k.Standing(e.ctx, id)
					require.NoError(t, err)
					require.Equal(t, want, got.Int64())
					sum := int64(0)
					for _, v := range least[g] {
						sum += v
					}
					require.Equal(t, sum, all.Int64())
				}
			}
		})
	}
}

// A genesis file that names a group nobody knows is refused, and stops nothing.
func TestAGenesisWithAnUnknownGroupDueIsRefused(t *testing.T) {
	e := newEnv(t)
	g := types.DefaultGenesis()
	g.Params = params()
	g.Due = []types.DueGroup{{Group: "nobody", Unix: 1}}
	require.ErrorContains(t, g.Validate(), `due entry of group "nobody"`)
	require.NoError(t, e.k.InitGenesis(e.ctx, *g))
	require.NoError(t, e.k.EndBlock(e.ctx), "and if it were there, it would stop nothing")
}

// A period without anything to be done is one that never ends.
func TestAGenesisWhosePeriodIsNeverDueIsRefused(t *testing.T) {
	g := types.DefaultGenesis()
	g.Params = params()
	g.Periods = []types.Period{{Group: "digits", Number: 1, Tally: types.NewTally(1)}}
	require.Error(t, g.Validate())
}
