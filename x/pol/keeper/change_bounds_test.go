package keeper_test

import (
	"context"
	"fmt"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"cosmossdk.io/math"

	"github.com/cosmos/cosmos-sdk/codec"
	"github.com/cosmos/cosmos-sdk/codec/address"
	codectypes "github.com/cosmos/cosmos-sdk/codec/types"
	sdk "github.com/cosmos/cosmos-sdk/types"

	"github.com/pold-network/pold/x/pol/keeper"
	"github.com/pold-network/pold/x/pol/types"
	votingtypes "github.com/pold-network/pold/x/voting/types"
)

// adopt lets a model change take effect after the round that is open.
func (e *env) adopt(model *types.ModelSpec) {
	e.t.Helper()
	e.votes.standing[account(1)] = 600
	c, err := e.propose(1, nil, model)
	require.NoError(e.t, err)
	e.votes.support(c.Ballot, 1_000)
	e.periodEnds()
	require.Equal(e.t, types.GROUP_CHANGE_STATUS_ADOPTED, e.change(c.Id).Status)
	e.ctx = e.ctx.WithBlockTime(e.ctx.BlockTime().Add(25 * time.Hour))
}

// A provider hands in batches for a model. Another model must neither judge nor be stopped by batches that were made for the old one:
// the provider can neither replace them nor take the bond back.
func TestBatchesOfAnotherModelDoNotStopAGroup(t *testing.T) {
	e := staked(t, func(s *types.GroupSettings) {
		s.Evaluation, s.Providers = types.EVALUATION_MODE_SEALED, []string{account(4), account(5)}
	})
	shape, err := settings().Shape()
	require.NoError(t, err)
	large := func(round uint64, p int) types.SealedBatchInfo {
		b := batchOf(round, p)
		b.Rows = 200_000
		return b
	}
	e.att.maxCost = 4*shape.ScoreCost(200_000, 1_000) + 4 // each batch is just within a provider's part
	for _, p := range []int{4, 5} {
		e.must(&types.MsgProvideBatches{Sender: account(p), Group: "digits", Bond: math.NewInt(providerBond),
			Batches: []types.SealedBatchInfo{large(1, p), large(2, p), large(3, p)}})
	}
	e.until("digits", types.ROUND_PHASE_COMMIT)
	e.adopt(bigger())
	e.until("digits", types.ROUND_PHASE_SETTLED)
	e.advance(100)
	require.Contains(t, e.group("digits").Note, "has no sealed batch that validators hold for round 2")
	for _, p := range []int{4, 5} {
		e.must(&types.MsgProvideBatches{Sender: account(p), Group: "digits", Bond: math.ZeroInt(), Batches: []types.SealedBatchInfo{batchOf(2, p)}})
	}
	e.until("digits", types.ROUND_PHASE_COMMIT)
	require.Equal(t, uint64(2), e.group("digits").Round)
}

func TestAProviderMayLeaveWhenTheModelIsAnotherOne(t *testing.T) {
	e := sealed(t)
	e.until("digits", types.ROUND_PHASE_COMMIT)
	_, err := e.k.WithdrawProviderBond(e.ctx, account(4), "digits")
	require.ErrorContains(t, err, "will use, or uses")
	e.adopt(bigger())
	e.until("digits", types.ROUND_PHASE_SETTLED)
	e.advance(3)
	require.Equal(t, uint64(2), e.group("digits").ModelVersion)
	_, err = e.k.WithdrawProviderBond(e.ctx, account(4), "digits")
	require.NoError(t, err, "nobody is judged by rows that were made for another model")
}

// The proposer of each change needs a hundredth of what stands at that moment, and stake that leaves lowers the sum: without a bound a
// group of one's own could hold very many.
func TestAGroupHasABoundedNumberOfOpenChanges(t *testing.T) {
	e := withGroup(t)
	for n := range 65 {
		who := sdk.AccAddress(fmt.Appendf(nil, "attacker %010d", n)).String()
		e.votes.standing[who] = 1_000
		_, err := e.k.ProposeGroupChange(e.ctx, &types.MsgProposeGroupChange{Sender: who, Group: "digits", Times: &types.GroupTimes{CommitBlocks: 20}, Summary: "more"})
		if n < 64 {
			require.NoError(t, err)
		} else {
			require.ErrorContains(t, err, "has 64 open changes")
		}
	}
	for range 4 {
		e.periodEnds()
	}
	_, err := e.propose(1, &types.GroupTimes{CommitBlocks: 20}, nil)
	require.NoError(t, err)
}

// The first to bond to a group would decide for all who come.
func TestTooLittleStakeChangesNoGroup(t *testing.T) {
	e := withGroup(t)
	p := params()
	p.MinGroupStake = math.NewInt(1_001)
	require.NoError(t, e.k.Params.Set(e.ctx, p))
	c, err := e.propose(1, &types.GroupTimes{CommitBlocks: 20}, nil)
	require.NoError(t, err)
	e.votes.support(c.Ballot, 1_000)
	e.periodEnds()
	require.Equal(t, types.GROUP_CHANGE_STATUS_OPEN, e.change(c.Id).Status)
}

// A change of the voting period that the bounds no longer allow must be decided all the same.
func TestAChangeThatBoundsNoLongerAllowFails(t *testing.T) {
	e := withGroup(t)
	c, err := e.propose(1, &types.GroupTimes{PeriodSeconds: 86_400}, nil)
	require.NoError(t, err)
	e.votes.support(c.Ballot, 900)
	k := keeper.NewKeeper(codec.NewProtoCodec(codectypes.NewInterfaceRegistry()), e.service, account(0), e.bank, e.att, e.sets, refusing{e.votes}, e.rep,
		address.NewBech32Codec("polvaloper"), e.told)
	for n := range 12 {
		require.NoError(t, keeper.Periods{Keeper: k}.PeriodEnded(e.ctx, votingtypes.Period{Group: "digits", Number: uint64(n + 1)}))
	}
	require.False(t, func() bool { has, _ := e.k.Changes.Has(e.ctx, c.Id); return has }(), "it has failed and is forgotten")
	require.True(t, e.votes.ballots[0].Closed)
}

// refusing is a voting module whose bounds governance has narrowed since.
type refusing struct{ *votes }

func (refusing) SetPeriod(context.Context, string, uint64) error {
	return votingtypes.ErrInvalidPeriod.Wrap("expected 172800 to 1209600 seconds, got 86400")
}
