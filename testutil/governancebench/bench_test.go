// Package governancebench measures what votes cost a block: many groups whose periods end at the same time, and a group with many
// stakeholders and proposals. Peers are coin transfers of the SDK's bank over the same store, in the same run.
//
//	make bench-governance
//
// Without it, a small world shows that the program works.
package governancebench_test

import (
	"fmt"
	"os"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"cosmossdk.io/math"

	sdk "github.com/cosmos/cosmos-sdk/types"

	"github.com/pold-network/pold/testutil/bench"
	"github.com/pold-network/pold/testutil/network"
	poltypes "github.com/pold-network/pold/x/pol/types"
	trainingsettypes "github.com/pold-network/pold/x/trainingset/types"
	votingtypes "github.com/pold-network/pold/x/voting/types"
)

// sizes are those of the benchmark: the large ones, or small ones in the ordinary tests.
type sizes struct {
	many, few               int // groups
	proposals, stakeholders int
	plan                    bench.Plan
}

func TestWhatVotesCostABlock(t *testing.T) {
	path := os.Getenv("POLD_GOVERNANCE_JSON")
	small := bench.Plan{Slot: bench.Slot{Calls: 1}, Rounds: 1, Limit: 1}
	size := sizes{many: 30, few: 10, proposals: 40, stakeholders: 300, plan: small}
	if path != "" {
		size = sizes{many: 1_000, few: 10, proposals: 1_000, stakeholders: 10_000, plan: bench.DefaultPlan}
		fmt.Printf("%s\n\n", bench.Machine())
	}
	var report bench.Report
	for _, phase := range []votingtypes.PeriodPhase{votingtypes.PERIOD_PHASE_OPEN, votingtypes.PERIOD_PHASE_CHECK} {
		report.Add(dueGroups(t, size, phase))
	}
	report.Add(leaders(t, size))
	report.Add(oneGroup(t, size)...)
	require.NoError(t, bench.Print(os.Stdout, report.Rows))
	if path != "" {
		require.NoError(t, report.WriteJSON(path))
	}
}

// newChain starts a chain and returns a state that a measurement may change.
func newChain(t *testing.T, crowds ...crowd) (*network.Network, sdk.Context) {
	n := network.New(t, network.Config{Genesis: world(crowds...)})
	n.Advance(1)
	require.NoError(t, n.App.CheckInvariants(n.Ctx()))
	ctx, _ := n.Ctx().CacheContext()
	return n, ctx
}

// endBlock is what the modules of votes do at the end of a block.
func endBlock(n *network.Network, ctx sdk.Context) error {
	if err := n.App.TrainingSetKeeper.EndBlock(ctx); err != nil {
		return err
	}
	return n.App.VotingKeeper.EndBlock(ctx)
}

// dueGroups compares a block at whose time many groups are due with one at whose time few are.
func dueGroups(t *testing.T, size sizes, phase votingtypes.PeriodPhase) bench.Row {
	n, ctx := newChain(t,
		crowd{groups: size.few, proposals: 4, stakeholders: 5, votes: 3, due: 1_000, phase: phase},
		crowd{groups: size.many, proposals: 4, stakeholders: 5, votes: 3, due: 2_000, phase: phase})
	block := func(seconds int64) bench.Func {
		return func() error {
			cached, _ := ctx.WithBlockTime(start.Add(time.Duration(seconds) * time.Second)).WithEventManager(sdk.NewEventManager()).CacheContext()
			return endBlock(n, cached)
		}
	}
	samples, err := bench.Measure(size.plan, block(2_000), block(1_000))
	require.NoError(t, err)
	what := "to be checked"
	if phase == votingtypes.PERIOD_PHASE_CHECK {
		what = "to be decided"
	}
	row := bench.Compare(fmt.Sprintf("block with %d due groups, %s", size.many+size.few, what), ms(samples[0].Median), ms(samples[1].Median),
		fmt.Sprintf("block with %d due groups", size.few), "ms", bench.LessIsBetter, 0.5)
	row.Spread = bench.Spread(samples...)
	return row
}

// leaders looks for the most voted among many open proposals of one group.
func leaders(t *testing.T, size sizes) bench.Row {
	n, ctx := newChain(t, crowd{groups: 1, proposals: size.proposals, stakeholders: 10, votes: 5, due: 1_000, phase: votingtypes.PERIOD_PHASE_OPEN})
	check := func() error {
		cached, _ := ctx.WithBlockTime(start.Add(1_000 * time.Second)).WithEventManager(sdk.NewEventManager()).CacheContext()
		return endBlock(n, cached)
	}
	send := func() error {
		cached, _ := ctx.CacheContext()
		return sends(n, cached, size.proposals)
	}
	samples, err := bench.Measure(size.plan, bench.Func(check), bench.Func(send))
	require.NoError(t, err)
	row := bench.Compare(fmt.Sprintf("finding the leaders among %d open proposals", size.proposals), ms(samples[0].Median), ms(samples[1].Median),
		fmt.Sprintf("%d bank sends", size.proposals), "ms", bench.LessIsBetter, 1)
	row.Spread = bench.Spread(samples...)
	return row
}

// oneGroup decides the votes of a large group, block by block.
func oneGroup(t *testing.T, size sizes) []bench.Row {
	n, ctx := newChain(t, crowd{groups: 1, proposals: size.proposals, stakeholders: size.stakeholders, votes: 3, due: 1_000, phase: votingtypes.PERIOD_PHASE_CHECK})
	name := groupName(0, 0)

	// Single acts, undone each time.
	voter, extra := stakeholder(1).String(), uint64(size.proposals)
	voted := func() error {
		cached, write := ctx.CacheContext()
		if _, err := n.App.VotingKeeper.Vote(cached, voter, extra, ""); err != nil {
			return err
		}
		write()
		return n.App.VotingKeeper.Unvote(ctx, voter, extra)
	}
	unbond := func() error {
		cached, _ := ctx.CacheContext()
		_, err := n.App.PolKeeper.UnbondGroup(cached, voter, name, math.NewInt(10))
		return err
	}
	send := func(count int) bench.Func {
		return func() error {
			cached, _ := ctx.CacheContext()
			return sends(n, cached, count)
		}
	}
	samples, err := bench.Measure(size.plan, bench.Func(voted), send(2), bench.Func(unbond), send(1))
	require.NoError(t, err)
	rows := []bench.Row{
		bench.Compare("a vote and taking it back", ms(samples[0].Median), ms(samples[1].Median), "2 bank sends", "ms", bench.LessIsBetter, 0),
		bench.Compare("unbonding by an account with 3 votes", ms(samples[2].Median), ms(samples[3].Median), "a bank send", "ms", bench.LessIsBetter, 0),
	}
	rows[0].Spread, rows[1].Spread = bench.Spread(samples[:2]...), bench.Spread(samples[2:]...)

	// The decision, and the clearing away of votes after it.
	blocks, total, costliest := 0, time.Duration(0), time.Duration(0)
	for now := start.Add(1_000 * time.Second); ; now = now.Add(5 * time.Second) {
		before := time.Now()
		require.NoError(t, endBlock(n, ctx.WithBlockTime(now).WithEventManager(sdk.NewEventManager())))
		took := time.Since(before)
		blocks, total, costliest = blocks+1, total+took, max(costliest, took)
		left := false
		require.NoError(t, n.App.VotingKeeper.Closed.Walk(ctx, nil, func(uint64) (bool, error) { left = true; return true, nil }))
		if !left {
			break
		}
	}
	set, err := n.App.TrainingSetKeeper.TrainingSets.Get(ctx, name)
	require.NoError(t, err)
	require.Equal(t, uint64(2), set.Version, "the winner is applied")
	require.NoError(t, n.App.VotingKeeper.CheckTallies(ctx))
	require.NoError(t, n.App.TrainingSetKeeper.CheckHistory(ctx))
	p, err := n.App.TrainingSetKeeper.Proposals.Get(ctx, 1)
	require.NoError(t, err)
	require.Equal(t, trainingsettypes.PROPOSAL_STATUS_APPLIED, p.Status)

	paid := func(count int) float64 {
		cached, _ := ctx.CacheContext()
		before := time.Now()
		require.NoError(t, sends(n, cached, count))
		return ms(time.Since(before))
	}
	return append(rows,
		bench.Compare(fmt.Sprintf("deciding for %d stakeholders, %d proposals: all %d blocks", size.stakeholders, size.proposals, blocks), ms(total), paid(size.stakeholders),
			fmt.Sprintf("%d bank sends", size.stakeholders), "ms", bench.LessIsBetter, 1),
		bench.Compare("the costliest of these blocks", ms(costliest), paid(size.proposals), fmt.Sprintf("%d bank sends", size.proposals), "ms", bench.LessIsBetter, 1),
	)
}

// sends makes so many coin transfers to different accounts.
func sends(n *network.Network, ctx sdk.Context, count int) error {
	one := sdk.NewCoins(sdk.NewInt64Coin(poltypes.BaseDenom, 1))
	for i := range count {
		if err := n.App.BankKeeper.SendCoins(ctx, stakeholder(0), stakeholder(i+1), one); err != nil {
			return err
		}
	}
	return nil
}

func ms(d time.Duration) float64 { return float64(d.Microseconds()) / 1_000 }
