package keeper_test

import (
	"bytes"
	"errors"
	"fmt"
	"slices"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"cosmossdk.io/collections"
	"cosmossdk.io/math"

	authtypes "github.com/cosmos/cosmos-sdk/x/auth/types"

	attestationtypes "github.com/pold-network/pold/x/attestation/types"
	"github.com/pold-network/pold/x/trainingset/keeper"
	"github.com/pold-network/pold/x/trainingset/types"
	votingtypes "github.com/pold-network/pold/x/voting/types"
)

const (
	group    = "digits"
	proposer = 3
)

// governed is a chain with a verified set of 10 rows that group digits governs.
func governed(t *testing.T) *env {
	t.Helper()
	e := newEnv(t)
	require.NoError(t, e.register(1, "digits"))
	e.endBlock()
	e.judged(true)
	e.settled(found().Encode())
	require.NoError(t, e.k.Adopt(e.ctx, "digits", group, account(1)))
	e.ctx = e.ctx.WithBlockTime(time.Unix(1_000_000, 0))
	return e
}

// delta is a change that adds two rows and removes one; n tells such changes apart.
func (e *env) delta(n int) types.Delta {
	return types.Delta{
		Cid: tableCID, Sha256: bytes.Repeat([]byte{byte(n)}, 32), Size_: 300, BaseRoot: e.set("digits").Table.Root,
		RowsAdded: 2, RowsRemoved: 1, Root: bytes.Repeat([]byte{byte(100 + n)}, 32),
	}
}

// applied is what validators find when they apply delta n to a table of so many rows.
func applied(n int, rows uint64) types.DataAnswer {
	a := types.DataAnswer{
		Rows: rows + 1, Columns: 5, Root: [32]byte(bytes.Repeat([]byte{byte(100 + n)}, 32)), Digest: [32]byte{9},
		Added: 2, Removed: 1, Size: 1_010, SHA256: [32]byte{byte(n)},
	}
	if err := a.SetCID(tableCID); err != nil {
		panic(err)
	}
	return a
}

func (e *env) propose(n int) types.Proposal {
	e.t.Helper()
	p, err := e.k.ProposeDelta(e.ctx, &types.MsgProposeDelta{Sender: account(proposer), TrainingSet: "digits", Delta: e.delta(n), Summary: "correct labels", MaxDeposit: math.NewInt(100_000)})
	require.NoError(e.t, err)
	e.balanced()
	return p
}

// hold lets validators fetch the body of a proposal before anybody looks at the votes.
func (e *env) hold(p types.Proposal) types.Proposal {
	e.t.Helper()
	e.body(p.Id, true)
	return e.proposal(p.Id)
}

func (e *env) support(p types.Proposal, amount int64) {
	e.ballots[p.Ballot-1].Tally.Standing = math.NewInt(amount)
}

func (e *env) checking() {
	e.t.Helper()
	require.NoError(e.t, keeper.Periods{Keeper: e.k}.PeriodChecking(e.ctx, votingtypes.Period{Group: group, Number: 1}))
	e.balanced()
}

func (e *env) waits() bool {
	e.t.Helper()
	wait, err := keeper.Periods{Keeper: e.k}.PeriodEnding(e.ctx, votingtypes.Period{Group: group, Number: 1})
	require.NoError(e.t, err)
	return wait
}

func (e *env) ended() {
	e.t.Helper()
	require.NoError(e.t, keeper.Periods{Keeper: e.k}.PeriodEnded(e.ctx, votingtypes.Period{Group: group, Number: 1}))
	e.balanced()
}

// balanced checks the books and the history.
func (e *env) balanced() {
	e.t.Helper()
	require.NoError(e.t, e.k.CheckDeposits(e.ctx))
	require.NoError(e.t, e.k.CheckHistory(e.ctx))
}

func (e *env) proposal(id uint64) types.Proposal {
	e.t.Helper()
	p, err := e.k.Proposals.Get(e.ctx, id)
	require.NoError(e.t, err)
	return p
}

// body says whether validators hold the body of a proposal.
func (e *env) body(id uint64, held bool) {
	e.t.Helper()
	p := e.proposal(id)
	a := e.artefacts[p.ArtefactId-1]
	a.Status, a.Note = attestationtypes.ARTEFACT_STATUS_HELD, ""
	if !held {
		a.Status, a.Note = attestationtypes.ARTEFACT_STATUS_WITHHELD, "held by 0 of 4 power"
	}
	require.NoError(e.t, e.out.ArtefactJudged(e.ctx, a))
	e.balanced()
}

// finds settles the check of a proposal.
func (e *env) finds(id uint64, answer []byte) {
	e.t.Helper()
	task := e.tasks[e.proposal(id).TaskId-1]
	task.Answer = answer
	require.NoError(e.t, e.out.TaskSettled(e.ctx, task))
	e.balanced()
}

func (e *env) asked() []uint64 {
	e.t.Helper()
	c, err := e.k.Checks.Get(e.ctx, "digits")
	require.NoError(e.t, err)
	return c.Proposals
}

func moduleCoins(e *env) int64 {
	return e.coins[authtypes.NewModuleAddress(types.ModuleName).String()]
}

func TestASetThatIsNotVerifiedYetIsNotChecked(t *testing.T) {
	e := newEnv(t, types.TrainingSet{Name: "digits", Owner: account(1), Table: table()})
	require.NoError(t, e.k.Adopt(e.ctx, "digits", group, account(1)))
	e.checking()
	require.False(t, e.waits())
	e.ended()
}

func TestTheMostVotedDeltaIsCheckedAppliedAndPaid(t *testing.T) {
	e := governed(t)
	p := e.propose(1)
	require.Equal(t, types.PROPOSAL_STATUS_FETCHING, p.Status, "people want to read it before they vote")
	require.Equal(t, int64(deposit), moduleCoins(e))
	require.Equal(t, fmt.Sprintf("delta 1 of digits: +2 -1 rows, sha256 %x: correct labels", p.Delta.Sha256), e.ballots[p.Ballot-1].Subject)
	e.support(p, 500)
	e.checking()
	require.Equal(t, types.PROPOSAL_STATUS_FETCHING, e.proposal(1).Status)
	require.True(t, e.waits())
	a := e.artefacts[len(e.artefacts)-1]
	require.Equal(t, "digits/1", string(a.Ref))
	require.Equal(t, uint64(300), a.Size_)
	e.body(1, true)
	var m types.DataManifest
	task := e.tasks[len(e.tasks)-1]
	require.NoError(t, m.Unmarshal(task.Manifest))
	require.Equal(t, types.DataManifest{ChainId: "pold-test-1", Name: "digits", Version: 1, Table: table(), Delta: &p.Delta, Proposal: 1}, m)
	require.Equal(t, uint64(2*1_000+300), task.Cost)
	require.True(t, e.waits())
	e.finds(1, applied(1, 10).Encode())
	require.False(t, e.waits())
	require.Equal(t, uint64(1), e.set("digits").Version, "not before the period ends")
	e.ended()

	s := e.set("digits")
	require.Equal(t, uint64(2), s.Version)
	require.Equal(t, uint64(11), s.Table.Rows)
	require.Equal(t, p.Delta.Root, s.Table.Root)
	require.Equal(t, tableCID, s.Table.Cid)
	require.Equal(t, []string{group + " " + account(proposer)}, e.paid)
	require.Equal(t, int64(1_000_000), e.coins[account(proposer)], "the deposit came back")
	require.Equal(t, []uint64{2}, e.told)
	require.True(t, e.ballots[p.Ballot-1].Closed)
	r, err := e.k.Revisions.Get(e.ctx, collections.Join("digits", uint64(2)))
	require.NoError(t, err)
	require.Equal(t, int64(77), r.Reward.Int64())
	require.Equal(t, "500 1000", fmt.Sprint(r.Support, " ", r.OfStake))
	require.Equal(t, &p.Delta, r.Delta)
}

func TestOfTheCheckedProposalsTheMostVotedAtTheEndWins(t *testing.T) {
	for name, c := range map[string]struct {
		atCheck, atEnd [4]int64
		want           uint64 // the winner, 0 for none
	}{
		"as it was":                        {[4]int64{300, 200, 150, 0}, [4]int64{300, 200, 150, 0}, 1},
		"a swing among the three":          {[4]int64{300, 200, 150, 0}, [4]int64{300, 200, 400, 0}, 3},
		"a swing to one that nobody asked": {[4]int64{300, 200, 150, 140}, [4]int64{300, 200, 150, 900}, 1},
		"of equal support the first":       {[4]int64{200, 200, 200, 0}, [4]int64{200, 200, 200, 0}, 1},
		"the quorum is gone at the end":    {[4]int64{100, 0, 0, 0}, [4]int64{99, 0, 0, 0}, 0},
		"no quorum at the check":           {[4]int64{99, 0, 0, 0}, [4]int64{900, 0, 0, 0}, 0},
		"support withdrawn":                {[4]int64{300, 200, 0, 0}, [4]int64{0, 200, 0, 0}, 2},
	} {
		t.Run(name, func(t *testing.T) {
			e := governed(t)
			var all []types.Proposal
			for i := range 4 {
				p := e.hold(e.propose(i + 1))
				e.support(p, c.atCheck[i])
				all = append(all, p)
			}
			e.checking()
			asked := e.asked()
			for _, id := range asked {
				e.finds(id, applied(int(id), 10).Encode())
			}
			for i, p := range all {
				e.support(p, c.atEnd[i])
			}
			e.ended()
			for _, p := range all {
				want := types.PROPOSAL_STATUS_OPEN
				switch {
				case p.Id == c.want:
					want = types.PROPOSAL_STATUS_APPLIED
				case c.want == 0 && slices.Contains(asked, p.Id):
					want = types.PROPOSAL_STATUS_APPLICABLE
				}
				require.Equal(t, want, e.proposal(p.Id).Status, "proposal %d", p.Id)
			}
			require.Equal(t, c.want != 0, e.set("digits").Version == 2)
		})
	}
}

// The table of outcomes: what validators find, whether the table changed since the proposal was made, what becomes of it and of the
// deposit.
func TestWhatValidatorsFindDecidesAProposalAndItsDeposit(t *testing.T) {
	with := func(change func(*types.DataAnswer)) []byte {
		a := applied(1, 10)
		change(&a)
		return a.Encode()
	}
	status := func(s types.DataStatus) []byte { return types.DataAnswer{Status: s}.Encode() }
	for name, c := range map[string]struct {
		answer  []byte
		changed bool // another version since
		status  types.ProposalStatus
		note    string
		burned  int64
	}{
		"it applies":                              {with(func(*types.DataAnswer) {}), false, types.PROPOSAL_STATUS_APPLICABLE, "applies to version 1: 11 rows", 0},
		"it applies to a later table too":         {with(func(a *types.DataAnswer) { a.Root[0]++ }), true, types.PROPOSAL_STATUS_APPLICABLE, "applies to version 2", 0},
		"no diff":                                 {status(types.DataDeltaMalformed), false, types.PROPOSAL_STATUS_INVALID, "not a unified diff", deposit},
		"no diff, and the table changed":          {status(types.DataDeltaMalformed), true, types.PROPOSAL_STATUS_INVALID, "not a unified diff", deposit},
		"it does not apply to its base":           {status(types.DataDeltaDoesNotApply), false, types.PROPOSAL_STATUS_INVALID, "without fuzz", deposit},
		"it applied to its base only":             {status(types.DataDeltaDoesNotApply), true, types.PROPOSAL_STATUS_STALE, "made for version 1, the table is at version 2", 0},
		"a row twice":                             {status(types.DataDuplicateRow), false, types.PROPOSAL_STATUS_INVALID, "a row appears twice", deposit},
		"a row twice, since another delta had it": {status(types.DataDuplicateRow), true, types.PROPOSAL_STATUS_STALE, "a row appears twice", 0},
		"a word":                    {status(types.DataNotNumeric), false, types.PROPOSAL_STATUS_INVALID, "not a number", deposit},
		"another header":            {status(types.DataDeltaHeader), true, types.PROPOSAL_STATUS_INVALID, "header", deposit},
		"nothing changes":           {status(types.DataDeltaNoChange), false, types.PROPOSAL_STATUS_INVALID, "no row is new", deposit},
		"it adds more than it says": {with(func(a *types.DataAnswer) { a.Added++ }), false, types.PROPOSAL_STATUS_INVALID, "found 3 and 1", deposit},
		"it leads elsewhere":        {with(func(a *types.DataAnswer) { a.Root[0]++ }), false, types.PROPOSAL_STATUS_INVALID, "leads to root", deposit},
		"its values are wider":      {with(func(a *types.DataAnswer) { a.Expanded = 9 }), false, types.PROPOSAL_STATUS_INVALID, "make 9 columns of it, the table has 0", deposit},
		"the result is too large":   {with(func(a *types.DataAnswer) { a.Size = 1 << 40 }), false, types.PROPOSAL_STATUS_INVALID, "size: expected", deposit},
		"an unreadable answer":      {[]byte{1}, false, types.PROPOSAL_STATUS_STALE, "unreadable", 0},
	} {
		t.Run(name, func(t *testing.T) {
			e := governed(t)
			p := e.propose(1)
			e.support(p, 500)
			if c.changed {
				s := e.set("digits")
				s.Version = 2
				require.NoError(t, e.k.TrainingSets.Set(e.ctx, "digits", s))
				r, err := e.k.Revisions.Get(e.ctx, collections.Join("digits", uint64(1)))
				require.NoError(t, err)
				r.Version, r.Delta = 2, &types.Delta{}
				require.NoError(t, e.k.Revisions.Set(e.ctx, collections.Join("digits", uint64(2)), r))
			}
			e.checking()
			e.body(1, true)
			e.finds(1, c.answer)
			got := e.proposal(1)
			require.Equal(t, c.status, got.Status, got.Note)
			require.Contains(t, got.Note, c.note)
			require.Equal(t, c.burned, e.burned[authtypes.NewModuleAddress(types.ModuleName).String()])
			if !c.status.Open() {
				require.Equal(t, 1_000_000-c.burned, e.coins[account(proposer)])
				require.Zero(t, moduleCoins(e))
			}
			e.ended()
		})
	}
}

func TestWhatCanNotWinFreesItsSlotUpToTwiceAsMany(t *testing.T) {
	e := governed(t)
	for i := range 8 {
		e.support(e.propose(i+1), int64(800-100*i))
	}
	e.checking()
	require.Equal(t, []uint64{1, 2, 3}, e.asked())
	e.body(2, false)
	require.Equal(t, types.PROPOSAL_STATUS_WITHHELD, e.proposal(2).Status)
	require.Contains(t, e.proposal(2).Note, "nobody provides the body: held by 0 of 4 power")
	require.Equal(t, []uint64{1, 2, 3, 4}, e.asked())
	for _, id := range []uint64{1, 3, 4, 5, 6} {
		e.body(id, true)
		e.finds(id, types.DataAnswer{Status: types.DataDeltaNoChange}.Encode())
	}
	require.Equal(t, []uint64{1, 2, 3, 4, 5, 6}, e.asked(), "and no more")
	require.False(t, e.waits())
	e.ended()
	require.Equal(t, uint64(1), e.set("digits").Version)
	require.Empty(t, e.paid)
	require.Equal(t, types.PROPOSAL_STATUS_FETCHING, e.proposal(7).Status, "nobody looked at it")
}

func TestWhatIsNotCheckedInTimeStaysOpen(t *testing.T) {
	e := governed(t)
	a, b := e.propose(1), e.propose(2)
	e.support(a, 500)
	e.support(b, 400)
	e.checking()
	e.body(2, true)
	e.ended()
	for _, id := range []uint64{1, 2} {
		require.Equal(t, types.PROPOSAL_STATUS_OPEN, e.proposal(id).Status)
		require.Contains(t, e.proposal(id).Note, "not checked in time")
	}
	// What validators say later changes nothing; the next period asks again.
	e.body(1, true)
	e.finds(2, applied(2, 10).Encode())
	require.Equal(t, types.PROPOSAL_STATUS_OPEN, e.proposal(1).Status)
	require.Equal(t, types.PROPOSAL_STATUS_OPEN, e.proposal(2).Status)
	e.checking()
	require.Equal(t, []uint64{1, 2}, e.asked())
	require.Equal(t, types.PROPOSAL_STATUS_FETCHING, e.proposal(1).Status)
	require.Equal(t, types.PROPOSAL_STATUS_CHECKING, e.proposal(2).Status, "its body is held")
}

func TestABodyIsFetchedAtOnceAndAskedForOnceMoreBeforeTheDepositIsLost(t *testing.T) {
	e := governed(t)
	held, missing := e.hold(e.propose(1)), e.propose(2)
	require.True(t, held.Held)
	require.Equal(t, types.PROPOSAL_STATUS_OPEN, held.Status)
	require.Equal(t, "validators hold the body", held.Note)
	e.body(missing.Id, false)
	require.Equal(t, types.PROPOSAL_STATUS_OPEN, e.proposal(2).Status)
	require.Contains(t, e.proposal(2).Note, "serve it before the next check, or the deposit is lost: held by 0 of 4 power")
	require.Equal(t, int64(2*deposit), moduleCoins(e))
	e.support(held, 500)
	e.support(missing, 400)
	asked := len(e.artefacts)
	e.checking()
	require.Equal(t, types.PROPOSAL_STATUS_CHECKING, e.proposal(1).Status)
	require.Len(t, e.artefacts, asked+1, "only the missing one is asked for again")
	e.body(2, false)
	require.Equal(t, types.PROPOSAL_STATUS_WITHHELD, e.proposal(2).Status)
	require.Equal(t, int64(deposit), e.burned[authtypes.NewModuleAddress(types.ModuleName).String()])
}

func TestAnExpiredCheckIsRepeatedWithinThePeriodOnly(t *testing.T) {
	e := governed(t)
	e.support(e.propose(1), 500)
	e.checking()
	e.body(1, true)
	first := e.proposal(1).TaskId
	require.NoError(t, e.out.TaskExpired(e.ctx, e.tasks[first-1]))
	require.Equal(t, first+1, e.proposal(1).TaskId)
	require.NoError(t, e.out.TaskExpired(e.ctx, e.tasks[first-1]))
	require.Equal(t, first+1, e.proposal(1).TaskId, "the first counts no more")
	require.NoError(t, e.k.Checks.Remove(e.ctx, "digits"))
	require.NoError(t, e.out.TaskExpired(e.ctx, e.tasks[first]))
	require.Equal(t, types.PROPOSAL_STATUS_OPEN, e.proposal(1).Status)
}

func TestACheckedProposalIsNotCheckedAgainForTheSameVersion(t *testing.T) {
	e := governed(t)
	p := e.propose(1)
	e.support(p, 500)
	e.checking()
	e.body(1, true)
	e.finds(1, applied(1, 10).Encode())
	e.support(p, 10)
	e.ended()
	require.Equal(t, types.PROPOSAL_STATUS_APPLICABLE, e.proposal(1).Status)
	asked := len(e.artefacts)
	e.support(p, 500)
	e.checking()
	require.Len(t, e.artefacts, asked)
	e.ended()
	require.Equal(t, types.PROPOSAL_STATUS_APPLIED, e.proposal(1).Status)
}

func TestProposalsExpireAndAreForgotten(t *testing.T) {
	e := governed(t)
	e.propose(1)
	e.support(e.propose(2), 500)
	e.ctx = e.ctx.WithBlockTime(e.ctx.BlockTime().Add(1_000 * time.Second))
	e.checking() // proposal 2 may win at the end of this period
	e.endBlock()
	e.balanced()
	require.Equal(t, types.PROPOSAL_STATUS_EXPIRED, e.proposal(1).Status)
	require.Equal(t, types.PROPOSAL_STATUS_FETCHING, e.proposal(2).Status)
	require.Equal(t, int64(1_000_000-deposit-deposit/10), e.coins[account(proposer)], "a tenth is burned, and the other is still deposited")
	e.ended()
	e.ctx = e.ctx.WithBlockTime(e.ctx.BlockTime().Add(60 * time.Second))
	e.endBlock()
	require.Equal(t, types.PROPOSAL_STATUS_EXPIRED, e.proposal(2).Status)
	e.ctx = e.ctx.WithBlockTime(e.ctx.BlockTime().Add(500 * time.Second))
	e.endBlock()
	for _, id := range []uint64{1, 2} {
		has, err := e.k.Proposals.Has(e.ctx, id)
		require.NoError(t, err)
		require.False(t, has)
	}
	e.propose(1) // the same body may be proposed again
	require.Equal(t, uint32(1), e.set("digits").OpenProposals)
}

func TestABlockLetsABoundedNumberExpire(t *testing.T) {
	e := governed(t)
	for i := range 70 {
		e.propose(i + 1)
	}
	e.ctx = e.ctx.WithBlockTime(e.ctx.BlockTime().Add(1_000 * time.Second))
	for _, want := range []uint32{38, 6, 0} {
		e.endBlock()
		require.Equal(t, want, e.set("digits").OpenProposals)
	}
	e.balanced()
}

func TestAProposerMayWithdrawUnlessItIsChecked(t *testing.T) {
	e := governed(t)
	a, b := e.propose(1), e.propose(2)
	e.support(b, 500)
	require.ErrorIs(t, e.k.WithdrawProposal(e.ctx, account(4), a.Id), types.ErrNotProposer)
	require.NoError(t, e.k.WithdrawProposal(e.ctx, account(proposer), a.Id))
	require.Equal(t, types.PROPOSAL_STATUS_WITHDRAWN, e.proposal(a.Id).Status)
	require.ErrorIs(t, e.k.WithdrawProposal(e.ctx, account(proposer), a.Id), types.ErrNotOpen)
	e.checking()
	require.ErrorContains(t, e.k.WithdrawProposal(e.ctx, account(proposer), b.Id), "is being checked")
	require.ErrorIs(t, e.k.WithdrawProposal(e.ctx, account(proposer), 99), types.ErrNotFound)
	e.balanced()
}

func TestDepositsGrowWithTheNumberOfOpenProposals(t *testing.T) {
	e := governed(t)
	for i := range 16 {
		require.Equal(t, int64(deposit), e.propose(i+1).Deposit.Int64())
	}
	require.Equal(t, int64(2*deposit), e.propose(17).Deposit.Int64())
	d, err := keeper.NewQueryServer(e.k).Deposit(e.ctx, &types.QueryDepositRequest{TrainingSet: "digits"})
	require.NoError(t, err)
	require.Equal(t, int64(2*deposit), d.Deposit.Int64())
	_, err = e.k.ProposeDelta(e.ctx, &types.MsgProposeDelta{Sender: account(proposer), TrainingSet: "digits", Delta: e.delta(18), Summary: "x", MaxDeposit: math.NewInt(deposit)})
	require.ErrorIs(t, err, types.ErrDeposit)
}

func TestProposalsThatAreRefused(t *testing.T) {
	e := governed(t)
	e.propose(1)
	for says, change := range map[string]func(*types.MsgProposeDelta){
		"proposal 1 of yours has the same": func(m *types.MsgProposeDelta) { m.Delta = e.delta(1) },
		"is not registered":                func(m *types.MsgProposeDelta) { m.TrainingSet = "none" },
		"make the diff against the curren": func(m *types.MsgProposeDelta) { m.Delta.BaseRoot = bytes.Repeat([]byte{9}, 32) },
		"the table would stay as it is":    func(m *types.MsgProposeDelta) { m.Delta.Root = m.Delta.BaseRoot },
		"size: expected 1 to":              func(m *types.MsgProposeDelta) { m.Delta.Size_ = 0 },
		"sha256: expected 32 bytes, got 1": func(m *types.MsgProposeDelta) { m.Delta.Sha256 = []byte{1} },
		"cid":                              func(m *types.MsgProposeDelta) { m.Delta.Cid = "x" },
		"added or removed, got 0 and 0":    func(m *types.MsgProposeDelta) { m.Delta.RowsAdded, m.Delta.RowsRemoved = 0, 0 },
		"left, got 10 + 0 - 10":            func(m *types.MsgProposeDelta) { m.Delta.RowsAdded, m.Delta.RowsRemoved = 0, 10 },
		"expected a sentence":              func(m *types.MsgProposeDelta) { m.Summary = " " },
		"the character U+202E":             func(m *types.MsgProposeDelta) { m.Summary = "good\u202edab" },
		"the character U+000A":             func(m *types.MsgProposeDelta) { m.Licence = "a\nb" },
		"at most 280 bytes":                func(m *types.MsgProposeDelta) { m.Summary = string(bytes.Repeat([]byte("x"), 281)) },
		"insufficient funds":               func(m *types.MsgProposeDelta) { e.coins[account(5)] = 1; m.Sender = account(5) },
	} {
		m := &types.MsgProposeDelta{Sender: account(proposer), TrainingSet: "digits", Delta: e.delta(2), Summary: "x", MaxDeposit: math.NewInt(deposit)}
		change(m)
		_, err := keeper.NewMsgServer(e.k).ProposeDelta(e.ctx, m)
		require.ErrorContains(t, err, says)
	}
	require.NoError(t, e.register(1, "flowers"))
	e.endBlock()
	e.judged(true)
	e.settled(found().Encode())
	_, err := e.k.ProposeDelta(e.ctx, &types.MsgProposeDelta{Sender: account(proposer), TrainingSet: "flowers", Delta: e.delta(2), Summary: "x", MaxDeposit: math.NewInt(deposit)})
	require.ErrorIs(t, err, types.ErrNotGoverned)
	p, err := e.k.Params.Get(e.ctx)
	require.NoError(t, err)
	p.MaxOpenProposals = 1
	require.NoError(t, e.k.Params.Set(e.ctx, p))
	_, err = e.k.ProposeDelta(e.ctx, &types.MsgProposeDelta{Sender: account(proposer), TrainingSet: "digits", Delta: e.delta(2), Summary: "x", MaxDeposit: math.NewInt(deposit)})
	require.ErrorIs(t, err, types.ErrTooMany)
	e.balanced()
}

func TestOnlyTheOwnersFirstGroupGovernsASet(t *testing.T) {
	e := newEnv(t, types.TrainingSet{Name: "digits", Owner: account(1), Table: table()})
	require.NoError(t, e.k.Adopt(e.ctx, "digits", group, account(1)))
	require.NoError(t, e.k.Adopt(e.ctx, "digits", "later", account(1)))
	require.NoError(t, e.k.Adopt(e.ctx, "digits", "others", account(2)))
	require.Equal(t, group, e.set("digits").Group)
	require.False(t, e.set("digits").Fixed)
	require.NoError(t, e.k.Adopt(e.ctx, "none", group, account(1)))
	// What somebody else learns from first is not taken over afterwards.
	e = newEnv(t, types.TrainingSet{Name: "digits", Owner: account(1), Table: table()})
	require.NoError(t, e.k.Adopt(e.ctx, "digits", "others", account(2)))
	require.NoError(t, e.k.Adopt(e.ctx, "digits", group, account(1)))
	require.Empty(t, e.set("digits").Group)
	require.True(t, e.set("digits").Fixed)
}

func TestAForkKeepsTableAndSplitAndGoesItsOwnWay(t *testing.T) {
	e := governed(t)
	require.NoError(t, e.k.Fork(e.ctx, "digits", "mine", account(2), "mine"))
	require.NoError(t, e.k.Fork(e.ctx, "mine", "third", account(2), "third"))
	s := e.set("third")
	require.Equal(t, "digits", string(s.Table.Key("third")), "no row changes sides")
	require.Equal(t, "mine", s.ForkedFrom)
	require.Equal(t, e.set("digits").Table.Root, s.Table.Root)
	require.Equal(t, types.STATUS_VERIFIED, s.Status)
	require.Equal(t, int64(2*fee), e.burned[account(2)])
	e.balanced()
	require.ErrorIs(t, e.k.Fork(e.ctx, "digits", "mine", account(2), "x"), types.ErrExists)
	require.ErrorIs(t, e.k.Fork(e.ctx, "none", "other", account(2), "x"), types.ErrNotVerified)
	m := &types.MsgRegisterTrainingSet{Sender: account(2), Name: "fresh", Table: table()}
	m.Table.SplitKey = "digits"
	_, err := keeper.NewMsgServer(e.k).RegisterTrainingSet(e.ctx, m)
	require.ErrorContains(t, err, "only forks keep that of another set")
}

func TestATrainingSetChangesWhateverGoesWrongWithPayAndHooks(t *testing.T) {
	e := governed(t)
	e.payError, e.toldFail = errors.New("no money"), errors.New("no ears")
	e.support(e.propose(1), 500)
	e.checking()
	e.body(1, true)
	e.finds(1, applied(1, 10).Encode())
	e.ended()
	require.Equal(t, uint64(2), e.set("digits").Version)
	require.Equal(t, types.PROPOSAL_STATUS_APPLIED, e.proposal(1).Status)
}

func TestProposalsSurviveExport(t *testing.T) {
	e := governed(t)
	for i := range 4 {
		e.support(e.propose(i+1), int64(400-i))
	}
	e.checking()
	e.body(1, true)
	e.finds(1, applied(1, 10).Encode())
	e.body(2, false)
	require.NoError(t, e.k.WithdrawProposal(e.ctx, account(proposer), e.propose(9).Id))
	first, err := e.k.ExportGenesis(e.ctx)
	require.NoError(t, err)
	require.NoError(t, first.Validate())
	fresh := newEnv(t)
	fresh.coins, fresh.ballots = e.coins, e.ballots
	require.NoError(t, fresh.k.InitGenesis(fresh.ctx, *first))
	fresh.balanced()
	again, err := fresh.k.ExportGenesis(fresh.ctx)
	require.NoError(t, err)
	require.Equal(t, first, again)
	fresh.ended()
	require.Equal(t, types.PROPOSAL_STATUS_APPLIED, fresh.proposal(1).Status, "the check goes on where it was")

	q := keeper.NewQueryServer(fresh.k)
	all, err := q.Proposals(fresh.ctx, &types.QueryProposalsRequest{TrainingSet: "digits"})
	require.NoError(t, err)
	require.Len(t, all.Proposals, 5)
	one, err := q.Proposal(fresh.ctx, &types.QueryProposalRequest{Id: 1})
	require.NoError(t, err)
	require.Equal(t, uint64(1), one.Proposal.Id)
	_, err = q.Proposal(fresh.ctx, &types.QueryProposalRequest{Id: 99})
	require.ErrorContains(t, err, "NotFound")
	history, err := q.Revisions(fresh.ctx, &types.QueryRevisionsRequest{TrainingSet: "digits"})
	require.NoError(t, err)
	require.Len(t, history.Revisions, 2)
}
