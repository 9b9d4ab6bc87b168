package keeper_test

import (
	"errors"
	"fmt"
	"math/rand"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"cosmossdk.io/collections"
	"cosmossdk.io/math"

	sdk "github.com/cosmos/cosmos-sdk/types"
	stakingtypes "github.com/cosmos/cosmos-sdk/x/staking/types"

	"github.com/pold-network/pold/x/slashing/keeper"
	"github.com/pold-network/pold/x/slashing/types"
)

// many is a network in which a validator has 1 % of power.
func many() []int64 {
	powers := make([]int64, 100)
	for i := range powers {
		powers[i] = 10
	}
	return powers
}

func TestTheLadder(t *testing.T) {
	const week = 7 * day
	for _, row := range []struct {
		name string
		gaps []int64 // seconds before each wrong answer
		want []types.PenaltyKind
	}{
		{"the first one costs reputation", []int64{0}, nil},
		{"the second one stake", []int64{0, 1}, []types.PenaltyKind{types.PENALTY_KIND_SLASH}},
		{"the third one jail too", []int64{0, 1, 1}, []types.PenaltyKind{types.PENALTY_KIND_SLASH, types.PENALTY_KIND_SLASH_AND_JAIL}},
		{"and so on", []int64{0, 1, 1, 1}, []types.PenaltyKind{types.PENALTY_KIND_SLASH, types.PENALTY_KIND_SLASH_AND_JAIL, types.PENALTY_KIND_SLASH_AND_JAIL}},
		{"one a week is a first one each time", []int64{0, week, week}, nil},
		{"a second before the week is over is not", []int64{0, week - 1}, []types.PenaltyKind{types.PENALTY_KIND_SLASH}},
		{"the window slides", []int64{0, week / 2, week / 2, week / 2}, []types.PenaltyKind{types.PENALTY_KIND_SLASH, types.PENALTY_KIND_SLASH, types.PENALTY_KIND_SLASH}},
		{"two at once are two", []int64{0, 0}, []types.PenaltyKind{types.PENALTY_KIND_SLASH}},
	} {
		t.Run(row.name, func(t *testing.T) {
			c := newChain(t, many()...)
			for _, gap := range row.gaps {
				c.ctx = c.ctx.WithBlockTime(c.ctx.BlockTime().Add(time.Duration(gap) * time.Second))
				c.settle([]int{3}, nil)
			}
			var kinds []types.PenaltyKind
			for _, p := range c.penalties(0) {
				require.Equal(t, types.PENALTY_STATUS_QUEUED, p.Status)
				require.Equal(t, int64(10), p.Power)
				require.Equal(t, c.ctx.BlockHeight()-5, p.InfractionHeight, "the height whose power the vote counted with")
				require.Equal(t, uint64(5_000), p.SlashE6)
				kinds = append(kinds, p.Kind)
			}
			require.Equal(t, row.want, kinds)
			require.Len(t, c.evidence(), len(row.gaps), "every one leaves evidence")
		})
	}
}

func TestAPenaltyIsCarriedOutAfterTheQueueAndNotBefore(t *testing.T) {
	c := newChain(t, many()...)
	c.staking.extra = 7 // from stake that unbonds
	for range 3 {
		c.settle([]int{3}, nil)
	}
	c.wait(3*day - 1)
	require.Empty(t, c.staking.slashed)
	c.wait(1)
	require.Equal(t, []string{operator(3), operator(3)}, c.staking.slashed, "in the order of the queue")
	require.Equal(t, []int64{95, 95}, c.staking.heights)
	require.Equal(t, []string{operator(3)}, c.staking.jailed)
	require.Equal(t, c.ctx.BlockTime().Add(day*time.Second), c.staking.info[string(c.staking.consensus(3))].JailedUntil)
	require.Equal(t, 2, c.events(&types.EventPenalty{}))
	for _, p := range c.penalties(0) {
		require.Equal(t, types.PENALTY_STATUS_EXECUTED, p.Status)
		require.Equal(t, c.ctx.BlockTime().Unix(), p.FinishedUnix)
		require.Equal(t, int64(57), p.Burned.Int64(), "0.5 %% of 10,000 and what unbonds, as the supply says")
	}
	require.Equal(t, int64(114), c.staking.counted.Int64())
	today, err := c.Today.Get(c.ctx)
	require.NoError(t, err)
	require.Equal(t, int64(10), today.Power, "a validator counts once a day")
}

func TestWhatAPenaltyFinds(t *testing.T) {
	longer := start.Add(99 * day * time.Second)
	for _, row := range []struct {
		name    string
		before  func(s *staking)
		status  types.PenaltyStatus
		note    string
		slashes int
		jails   int
		until   time.Time
	}{
		{
			"a tombstoned validator is out already", func(s *staking) {
				info := s.info[string(s.consensus(3))]
				info.Tombstoned = true
				s.info[string(s.consensus(3))] = info
			}, types.PENALTY_STATUS_VOID, "the validator is tombstoned: it was punished for double signing and is out for ever", 0, 0, time.Unix(0, 0).UTC(),
		},
		{
			"an unbonded validator has left", func(s *staking) { s.validators[3].Status = stakingtypes.Unbonded },
			types.PENALTY_STATUS_VOID, "the validator has unbonded", 0, 0, time.Unix(0, 0).UTC(),
		},
		{
			"an unbonding validator has not", func(s *staking) { s.validators[3].Status = stakingtypes.Unbonding },
			types.PENALTY_STATUS_EXECUTED, "", 2, 1, start.Add(4 * day * time.Second),
		},
		{
			"of a jailed validator the time is prolonged", func(s *staking) { s.validators[3].Jailed = true },
			types.PENALTY_STATUS_EXECUTED, "", 2, 0, start.Add(4 * day * time.Second),
		},
		{
			"and never shortened", func(s *staking) {
				s.validators[3].Jailed = true
				info := s.info[string(s.consensus(3))]
				info.JailedUntil = longer
				s.info[string(s.consensus(3))] = info
			}, types.PENALTY_STATUS_EXECUTED, "", 2, 0, longer,
		},
		{
			"a validator that never signed is jailed without a time", func(s *staking) { delete(s.info, string(s.consensus(3))) },
			types.PENALTY_STATUS_EXECUTED, "", 2, 1, time.Time{},
		},
		{
			"a validator that was removed is gone", func(s *staking) {
				s.validators[3].OperatorAddress = operator(999)
			}, types.PENALTY_STATUS_VOID, "the validator is gone", 0, 0, time.Unix(0, 0).UTC(),
		},
	} {
		t.Run(row.name, func(t *testing.T) {
			c := newChain(t, many()...)
			for range 3 {
				c.settle([]int{3}, nil)
			}
			row.before(c.staking)
			c.wait(3 * day)
			for _, p := range c.penalties(0) {
				require.Equal(t, row.status, p.Status)
				if row.note != "" {
					require.Equal(t, row.note, p.Note)
				}
			}
			require.Len(t, c.staking.slashed, row.slashes)
			require.Len(t, c.staking.jailed, row.jails)
			require.Equal(t, row.until, c.staking.info[string(c.staking.consensus(3))].JailedUntil)
			today, err := c.Today.Get(c.ctx)
			require.NoError(t, err)
			require.Equal(t, row.slashes > 0, today.Power > 0, "what is void takes nothing of the day's bound")
		})
	}
}

// dayPower sums, from the penalties themselves, the power that was punished on each day, every validator once.
func (c *chain) dayPower() map[int64]int64 {
	sums, seen := map[int64]int64{}, map[string]bool{}
	for _, p := range c.penalties(types.PENALTY_STATUS_EXECUTED) {
		key := fmt.Sprintf("%d/%s", types.DayOf(p.FinishedUnix), p.Operator)
		if !seen[key] {
			seen[key] = true
			sums[types.DayOf(p.FinishedUnix)] += p.Power
		}
	}
	return sums
}

func TestABadReleaseJailsNoMoreThanATenthADay(t *testing.T) {
	c := newChain(t, many()...)
	bad := make([]int, 30) // a third or more would have settled nothing; the rest comes in a second wave
	for i := range bad {
		bad[i] = i
	}
	c.wrong(3, bad...)
	c.wrong(3, 30, 31, 32, 33, 34, 35, 36, 37, 38, 39)
	require.Len(t, c.penalties(types.PENALTY_STATUS_QUEUED), 80)
	c.wait(3 * day)
	for hour := range 24 * 8 {
		c.wait(3600)
		jailed := len(c.staking.jailed)
		require.LessOrEqual(t, jailed, 10*(hour/24+2))
	}
	require.Len(t, c.staking.jailed, 40, "all of them in the end")
	require.Len(t, c.staking.slashed, 80)
	days := c.dayPower()
	for d, power := range days {
		require.LessOrEqual(t, power, int64(100), "day %d", d)
	}
	require.GreaterOrEqual(t, len(days), 4)
}

func TestALargeValidatorIsPunishedAlone(t *testing.T) {
	c := newChain(t, 300, 300, 300, 100)
	c.wrong(2, 0)
	c.wrong(2, 3)
	c.wrong(2, 1)
	c.wait(3 * day)
	require.Equal(t, []string{operator(0)}, c.staking.slashed, "30 % alone; nobody else that day")
	c.wait(3600)
	require.Len(t, c.staking.slashed, 1)
	c.wait(day)
	require.Equal(t, []string{operator(0), operator(3)}, c.staking.slashed, "10 % fits; 30 % on top does not, and has to wait")
	c.wait(day)
	require.Equal(t, []string{operator(0), operator(3), operator(1)}, c.staking.slashed)
}

func TestNobodyIsOvertakenInTheQueue(t *testing.T) {
	c := newChain(t, 60, 60, 10, 870)
	c.wrong(2, 0)
	c.wrong(2, 1)
	c.wrong(2, 2)
	c.wait(3 * day)
	require.Equal(t, []string{operator(0)}, c.staking.slashed, "6 % and 6 % are too much; the 1 % behind them would fit, and waits")
	c.wait(day)
	require.Equal(t, []string{operator(0), operator(1), operator(2)}, c.staking.slashed)
}

func TestTheLastValidatorIsNotJailed(t *testing.T) {
	c := newChain(t, 10, 10)
	for range 3 {
		c.settle([]int{0}, nil)
	}
	c.staking.validators[1].Jailed = true
	c.wait(3 * day)
	require.Empty(t, c.staking.jailed)
	require.Len(t, c.staking.slashed, 1, "it is slashed")
	require.Equal(t, 1, c.events(&types.EventItemFailed{}))
	c.staking.validators[1].Jailed = false
	c.wait(3599)
	require.Empty(t, c.staking.jailed, "tried again after an hour")
	c.wait(1)
	require.Equal(t, []string{operator(0)}, c.staking.jailed)
}

func TestAPenaltyThatFailsDoesNotHoldUpOthers(t *testing.T) {
	c := newChain(t, many()...)
	c.wrong(2, 3)
	c.staking.broken = errors.New("staking broke")
	c.wait(3 * day)
	require.Equal(t, 1, c.events(&types.EventItemFailed{}))
	require.Zero(t, c.prefixes()[types.PenalisedKey.Bytes()[0]], "its writes are dropped")
	c.staking.broken = nil
	c.wrong(2, 4)
	c.wait(3 * day)
	require.ElementsMatch(t, []string{operator(3), operator(4)}, c.staking.slashed)
}

func TestAtMostTenPenaltiesOfAValidatorWait(t *testing.T) {
	c := newChain(t, many()...)
	for range 40 {
		c.settle([]int{3}, nil)
	}
	require.Len(t, c.evidence(), 40)
	require.Len(t, c.penalties(0), types.MaxQueued)
	c.wait(3 * day)
	require.Equal(t, int64(500), c.staking.counted.Int64(), "5 %% of its stake")
	c.settle([]int{3}, nil)
	require.Len(t, c.penalties(types.PENALTY_STATUS_QUEUED), 1, "then there is room again")
}

func TestAnAppeal(t *testing.T) {
	c := newChain(t, many()...)
	for range 3 {
		c.settle([]int{3}, nil)
	}
	server := keeper.NewMsgServer(c.Keeper)
	for _, row := range []struct {
		name string
		msg  types.MsgCancelPenalty
		want error
	}{
		{"only governance cancels", types.MsgCancelPenalty{Authority: operator(3), PenaltyId: 1, Reason: "because"}, nil},
		{"with a reason", types.MsgCancelPenalty{Authority: authority, PenaltyId: 1}, types.ErrInvalidReason},
		{"that is no novel", types.MsgCancelPenalty{Authority: authority, PenaltyId: 1, Reason: string(make([]byte, 513))}, types.ErrInvalidReason},
		{"a penalty that exists", types.MsgCancelPenalty{Authority: authority, PenaltyId: 9, Reason: "because"}, collections.ErrNotFound},
	} {
		_, err := server.CancelPenalty(c.ctx, &row.msg)
		require.Error(t, err, row.name)
		if row.want != nil {
			require.ErrorIs(t, err, row.want, row.name)
		}
	}
	supply := c.staking.supply
	_, err := server.CancelPenalty(c.ctx, &types.MsgCancelPenalty{Authority: authority, PenaltyId: 1, Reason: "the release was bad"})
	require.NoError(t, err)
	require.Equal(t, 1, c.events(&types.EventPenalty{})-2, "beside those of the two that were queued")
	p := c.penalty(1)
	require.Equal(t, []any{types.PENALTY_STATUS_CANCELLED, "the release was bad", start.Unix()}, []any{p.Status, p.Note, p.FinishedUnix})
	_, err = server.CancelPenalty(c.ctx, &types.MsgCancelPenalty{Authority: authority, PenaltyId: 1, Reason: "again"})
	require.ErrorIs(t, err, types.ErrNotQueued)
	r, err := c.Records.Get(c.ctx, operator(3))
	require.NoError(t, err)
	require.Len(t, r.WrongUnix, 2, "the fault no longer counts")
	require.True(t, supply.Equal(c.staking.supply), "nothing is minted back")
	c.wait(3 * day)
	require.Equal(t, []string{operator(3)}, c.staking.slashed, "the other one is carried out")
	_, err = server.CancelPenalty(c.ctx, &types.MsgCancelPenalty{Authority: authority, PenaltyId: 2, Reason: "too late"})
	require.ErrorIs(t, err, types.ErrNotQueued)
}

func TestAnAppealForMissedTasksBeginsANewCount(t *testing.T) {
	c := newChain(t, many()...)
	for range 110 {
		c.settle(nil, []int{3})
	}
	require.NoError(t, c.Cancel(c.ctx, 1, "the network was split"))
	r, err := c.Records.Get(c.ctx, operator(3))
	require.NoError(t, err)
	require.Zero(t, r.Missed())
	require.False(t, r.MissesTold)
}

// Whatever is reported whenever: on no day is more than the bound of the power that was bonded at the time punished,
// but for a single validator that is alone on its day.
func TestThePowerPunishedInADayIsBoundedUnderRandomSchedules(t *testing.T) {
	for seed := range int64(8) {
		random := rand.New(rand.NewSource(seed))
		powers := make([]int64, 5+random.Intn(40))
		for i := range powers {
			powers[i] = 1 + random.Int63n(100)
		}
		c := newChain(t, powers...)
		c.setParams(func(p *types.Params) { p.QueueSeconds = 1 + uint64(random.Intn(3*day)) })
		sums, parties := map[int64]int64{}, map[int64]map[string]bool{}
		done := map[uint64]bool{}
		for range 150 {
			var wrong, absent []int
			for i := range powers {
				switch random.Intn(12) {
				case 0:
					wrong = append(wrong, i)
				case 1, 2, 3:
					absent = append(absent, i)
				}
			}
			c.settle(wrong, absent)
			if random.Intn(10) == 0 {
				i := random.Intn(len(powers))
				c.staking.validators[i].Jailed = false
				c.staking.validators[i].Tokens = math.NewInt(random.Int63n(100_000))
			}
			total, err := c.staking.GetLastTotalPower(c.ctx)
			require.NoError(t, err)
			c.wait(random.Int63n(day / 2))
			d, more := types.DayOf(c.ctx.BlockTime().Unix()), false
			for _, p := range c.penalties(types.PENALTY_STATUS_EXECUTED) {
				if done[p.Id] {
					continue
				}
				done[p.Id] = true
				if parties[d] == nil {
					parties[d] = map[string]bool{}
				}
				if !parties[d][p.Operator] {
					parties[d][p.Operator] = true
					sums[d] += p.Power
					more = true
				}
			}
			if more && len(parties[d]) > 1 {
				require.LessOrEqual(t, sums[d]*1_000_000, total.Int64()*int64(c.params().DailyPowerE6), "seed %d, day %d", seed, d)
			}
		}
		require.NotEmpty(t, done, "seed %d", seed)
		require.Equal(t, c.staking.counted.Int64(), 1_000_000_000-c.staking.supply.Int64(), "every burn is counted")
	}
}

func TestASlashIsNeverDatedInTheFuture(t *testing.T) {
	c := newChain(t, many()...)
	c.wrong(2, 3)
	g, err := c.ExportGenesis(c.ctx)
	require.NoError(t, err)
	fresh := emptyChain(t, many()...)
	require.NoError(t, fresh.InitGenesis(fresh.ctx, *g))
	fresh.ctx = fresh.ctx.WithBlockHeight(0) // the new chain counts from the beginning
	fresh.wait(4 * day)
	require.Equal(t, []int64{1}, fresh.staking.heights)
	require.Equal(t, sdk.ConsAddress(c.staking.consensus(3)), fresh.staking.consensus(3))
}
