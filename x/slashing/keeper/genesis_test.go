package keeper_test

import (
	"testing"

	"github.com/stretchr/testify/require"

	attestationtypes "github.com/pold-network/pold/x/attestation/types"
	poltypes "github.com/pold-network/pold/x/pol/types"
	"github.com/pold-network/pold/x/slashing/types"

	stakingtypes "github.com/cosmos/cosmos-sdk/x/staking/types"
)

// busy brings a chain into a state with penalties of every status.
func busy(t *testing.T) *chain {
	c := newChain(t, many()...)
	c.wrong(3, 1, 2, 3)
	c.conduct(4, attestationtypes.ConductMissingReveal, "beacon/1")
	c.lose(poltypes.LossUnproved)
	require.NoError(t, c.Cancel(c.ctx, 1, "because"))
	c.staking.validators[2].Status = stakingtypes.Unbonded
	c.wait(3 * day)
	for range 60 {
		c.settle(nil, []int{5, 6})
	}
	c.wrong(2, 7)
	seen := map[types.PenaltyStatus]bool{}
	for _, p := range c.penalties(0) {
		seen[p.Status] = true
	}
	require.Len(t, seen, 4)
	return c
}

func TestGenesisRoundTrip(t *testing.T) {
	c := busy(t)
	exported, err := c.ExportGenesis(c.ctx)
	require.NoError(t, err)
	require.NoError(t, exported.Validate())
	fresh := emptyChain(t, many()...)
	require.NoError(t, fresh.InitGenesis(fresh.ctx, *exported))
	again, err := fresh.ExportGenesis(fresh.ctx)
	require.NoError(t, err)
	require.Equal(t, exported, again)
	require.Equal(t, c.prefixes(), fresh.prefixes(), "indexes are rebuilt")

	fresh.ctx, fresh.staking, fresh.tasks = fresh.ctx.WithBlockHeight(c.ctx.BlockHeight()).WithBlockTime(c.ctx.BlockTime()), c.staking, c.tasks
	fresh.Neighbours = c.Neighbours
	for _, x := range []*chain{c, fresh} {
		x.settle([]int{8}, nil)
		x.wait(1)
	}
	a, err := c.ExportGenesis(c.ctx)
	require.NoError(t, err)
	b, err := fresh.ExportGenesis(fresh.ctx)
	require.NoError(t, err)
	require.Equal(t, a, b, "and it goes on as the old one would")
}

func TestExportOfAnEmptyStateIsItsGenesis(t *testing.T) {
	c := newChain(t, 10)
	g, err := c.ExportGenesis(c.ctx)
	require.NoError(t, err)
	require.Equal(t, types.DefaultGenesis(), g)
}

// What may stay for ever: parameters, two counters, the day, and records of validators that are there.
func TestAfterItsRetentionNothingIsLeft(t *testing.T) {
	c := busy(t)
	c.wait(4 * day)
	require.Empty(t, c.penalties(types.PENALTY_STATUS_QUEUED))
	require.NotEmpty(t, c.evidence())
	c.wait(61 * day)
	for range 5 {
		c.wait(1)
	}
	for i := range c.staking.validators {
		c.staking.validators[i].Status = stakingtypes.Unbonded
	}
	c.ctx = c.ctx.WithBlockHeight(1_999)
	for range 1_001 {
		c.wait(0)
	}
	kept := c.prefixes()
	delete(kept, types.PenalisedKey.Bytes()[0]) // of the last day on which something was carried out; the next one clears it
	require.Equal(t, map[byte]int{
		types.ParamsKey.Bytes()[0]: 1, types.NextEvidenceKey.Bytes()[0]: 1, types.NextPenaltyKey.Bytes()[0]: 1, types.TodayKey.Bytes()[0]: 1,
	}, kept)
}

func TestEvidenceLivesAsLongAsItsPenalty(t *testing.T) {
	c := newChain(t, many()...)
	c.wrong(2, 3)
	c.wait(3 * day)
	require.Equal(t, types.PENALTY_STATUS_EXECUTED, c.penalty(1).Status)
	c.wait(58 * day) // past the retention of the evidence, not of the penalty
	left := c.evidence()
	require.Len(t, left, 1)
	require.Equal(t, c.penalty(1).EvidenceId, left[0].Id)
	c.wait(3 * day)
	require.Empty(t, c.evidence())
	require.Empty(t, c.penalties(0))
}

func TestPruningOfABlockIsBounded(t *testing.T) {
	c := newChain(t, many()...)
	for range 100 {
		c.conduct(3, attestationtypes.ConductEarlyOpening, "task/1")
	}
	c.wait(60*day + 1)
	require.Len(t, c.evidence(), 36)
	c.wait(1)
	require.Empty(t, c.evidence())
}

func TestEvidenceAgainstOneAddressIsBounded(t *testing.T) {
	c := newChain(t, many()...)
	c.settle([]int{3}, nil)
	c.settle([]int{3}, nil) // a penalty waits for the second one
	for range types.MaxEvidence + 10 {
		c.conduct(3, attestationtypes.ConductEarlyOpening, "task/1")
	}
	c.conduct(4, attestationtypes.ConductEarlyOpening, "task/1")
	all := c.evidence()
	require.Len(t, all, types.MaxEvidence+1)
	require.Equal(t, uint64(2), all[0].Id, "the oldest go, but not what can still be appealed")
	require.Equal(t, uint64(14), all[1].Id)
	c.wait(3 * day)
	c.conduct(3, attestationtypes.ConductEarlyOpening, "task/1")
	require.Equal(t, uint64(14), c.evidence()[0].Id, "after that it goes too")
	g, err := c.ExportGenesis(c.ctx)
	require.NoError(t, err)
	require.NoError(t, g.Validate())
}

func TestARecordIsKeptWhileItCounts(t *testing.T) {
	c := newChain(t, many()...)
	c.settle([]int{3}, nil)
	c.staking.validators[3].Status = stakingtypes.Unbonded
	has := func() bool {
		ok, err := c.Records.Has(c.ctx, operator(3))
		require.NoError(t, err)
		return ok
	}
	c.ctx = c.ctx.WithBlockHeight(999)
	c.wait(1)
	require.True(t, has(), "a validator does not shed its record by leaving and coming back")
	c.ctx = c.ctx.WithBlockHeight(1_999)
	c.wait(7 * day)
	require.False(t, has())
}
