package keeper_test

import (
	"bytes"
	"testing"

	"github.com/stretchr/testify/require"

	sdkerrors "github.com/cosmos/cosmos-sdk/types/errors"

	"cosmossdk.io/math"

	"github.com/pold-network/pold/x/pol/types"
)

func TestCommitmentsThatAreRefused(t *testing.T) {
	e := staked(t, func(s *types.GroupSettings) { s.AllowList = []string{account(1), account(2), account(3)} })
	e.commit("digits", trained(1, 10))
	for name, c := range map[string]struct {
		change func(*types.MsgCommitCheckpoint)
		want   error
		says   string
	}{
		"a group that is not there": {func(m *types.MsgCommitCheckpoint) { m.Group = "other" }, types.ErrGroupNotFound, `"other"; list groups with`},
		"the next round":            {func(m *types.MsgCommitCheckpoint) { m.Round = 2 }, types.ErrWrongRound, "expected the current round 1, got 2"},
		"the round before":          {func(m *types.MsgCommitCheckpoint) { m.Round = 0 }, types.ErrWrongRound, "expected the current round 1, got 0"},
		"a short commitment":        {func(m *types.MsgCommitCheckpoint) { m.Commitment = m.Commitment[1:] }, types.ErrInvalidCommitment, "expected 32 bytes, got 31"},
		"a second commitment":       {func(m *types.MsgCommitCheckpoint) { m.Sender = account(1) }, types.ErrAlreadyCommitted, "one commitment per account and round"},
		"a stranger":                {func(m *types.MsgCommitCheckpoint) { m.Sender = account(4) }, types.ErrNotAllowed, `group "digits"`},
		"an account without coins":  {func(m *types.MsgCommitCheckpoint) { m.Sender = account(3) }, sdkerrors.ErrInsufficientFunds, "commit bond of 1000 unrn: fund the account and try again"},
	} {
		m := e.commitMsg("digits", trained(2, 10))
		c.change(m)
		if name == "an account without coins" {
			e.bond(3, "digits", funds-commitBond+1)
		}
		err := e.send(m)
		require.ErrorIs(t, err, c.want, name)
		require.ErrorContains(t, err, c.says, name)
	}
	require.NoError(t, e.send(e.commitMsg("digits", trained(2, 10))))
}

func TestARoundTakesSoManyCommitments(t *testing.T) {
	e := staked(t, nil)
	for n := range 6 {
		e.commit("digits", trained(n, 10))
	}
	require.ErrorIs(t, e.send(e.commitMsg("digits", trained(6, 10))), types.ErrRoundFull)
}

func TestPhasesAreKept(t *testing.T) {
	e := staked(t, nil)
	c := trained(1, 10)
	e.commit("digits", c, trained(2, 20))
	require.ErrorIs(t, e.send(e.revealMsg("digits", c)), types.ErrWrongPhase, "a reveal in the commit phase")
	r := e.round("digits", 1)
	for e.ctx.BlockHeight() < r.CommitUntil {
		e.next()
	}
	e.commit("digits", trained(3, 30)) // the last height counts
	e.next()
	err := e.send(e.commitMsg("digits", trained(4, 10)))
	require.ErrorIs(t, err, types.ErrWrongPhase, "a late commitment")
	require.ErrorContains(t, err, "expected ROUND_PHASE_COMMIT, it is in ROUND_PHASE_REVEAL")
	require.ErrorContains(t, err, "commit when the next round opens")
	for e.ctx.BlockHeight() < e.round("digits", 1).RevealUntil {
		e.next()
	}
	e.reveal("digits", c) // the last height counts
	e.next()
	require.ErrorIs(t, e.send(e.revealMsg("digits", trained(2, 20))), types.ErrWrongPhase, "a late reveal")
	r = e.until("digits", types.ROUND_PHASE_SETTLED)
	require.Equal(t, account(1), r.Winner)
	require.Equal(t, int64(funds-commitBond/2), e.balance(account(2)), "a late reveal is none")
	require.ErrorIs(t, e.send(e.revealMsg("digits", c)), types.ErrWrongPhase, "a reveal after the settlement")
}

func TestALateGroupTakesNoLateMessages(t *testing.T) {
	// Another group gets the only turn of each block, so the phase is not closed when it ends.
	e := newEnv(t, func(g *types.GenesisState) { g.Params.MaxGroupsPerBlock = 1 })
	for _, name := range []string{"aa", "bb", "cc", "dd", "ee", "ff"} {
		e.must(&types.MsgCreateGroup{Sender: account(7), Name: name, Settings: settings()})
	}
	e.until("aa", types.ROUND_PHASE_COMMIT)
	e.must(&types.MsgCreateGroup{Sender: account(7), Name: "a0", Settings: settings()})
	late := false
	for range 300 {
		r, _ := e.current("ff")
		if r.Phase == types.ROUND_PHASE_COMMIT && e.ctx.BlockHeight() > r.CommitUntil {
			late = true
			require.ErrorIs(t, e.send(e.commitMsg("ff", trained(1, 10))), types.ErrWrongPhase)
		}
		e.next()
	}
	require.True(t, late, "the test must see a phase that is closed late")
}

func TestRevealsThatAreRefused(t *testing.T) {
	e := staked(t, nil)
	c := trained(1, 10)
	e.commit("digits", c, trained(2, 20))
	e.until("digits", types.ROUND_PHASE_REVEAL)
	for name, x := range map[string]struct {
		change func(*types.MsgSubmitCheckpoint)
		want   error
		says   string
	}{
		"a bad salt":             {func(m *types.MsgSubmitCheckpoint) { m.Salt[0]++ }, types.ErrMismatch, "check checkpoint hash, claimed loss and salt"},
		"a short salt":           {func(m *types.MsgSubmitCheckpoint) { m.Salt = m.Salt[1:] }, types.ErrInvalidCheckpoint, "salt: expected 16 to 64 bytes, got 15"},
		"a long salt":            {func(m *types.MsgSubmitCheckpoint) { m.Salt = make([]byte, 65) }, types.ErrInvalidCheckpoint, "salt: expected 16 to 64 bytes, got 65"},
		"another loss":           {func(m *types.MsgSubmitCheckpoint) { m.ClaimedLossE9-- }, types.ErrMismatch, "check checkpoint hash"},
		"another hash":           {func(m *types.MsgSubmitCheckpoint) { m.CheckpointHash = bytes.Repeat([]byte{1}, 32) }, types.ErrMismatch, "check checkpoint hash"},
		"a short hash":           {func(m *types.MsgSubmitCheckpoint) { m.CheckpointHash = m.CheckpointHash[1:] }, types.ErrInvalidCheckpoint, "expected 32 bytes, got 31"},
		"somebody else's":        {func(m *types.MsgSubmitCheckpoint) { m.Sender = account(2) }, types.ErrMismatch, "check checkpoint hash"},
		"one never committed":    {func(m *types.MsgSubmitCheckpoint) { m.Sender = account(3) }, types.ErrNotCommitted, "commit in the next round first"},
		"a transcript":           {func(m *types.MsgSubmitCheckpoint) { m.TranscriptRoot = make([]byte, 32) }, types.ErrInvalidCheckpoint, "asks for no transcript"},
		"no size":                {func(m *types.MsgSubmitCheckpoint) { m.Size_ = 0 }, types.ErrInvalidCheckpoint, "size: expected 1 to 65596 bytes"},
		"more than weights":      {func(m *types.MsgSubmitCheckpoint) { m.Size_ = 65_597 }, types.ErrInvalidCheckpoint, "size: expected 1 to 65596 bytes"},
		"no CID":                 {func(m *types.MsgSubmitCheckpoint) { m.CheckpointCid = "" }, types.ErrInvalidCheckpoint, "cid"},
		"a CID with a newline":   {func(m *types.MsgSubmitCheckpoint) { m.CheckpointCid += "\n" }, types.ErrInvalidCheckpoint, "cid"},
		"an old kind of CID":     {func(m *types.MsgSubmitCheckpoint) { m.CheckpointCid = "QmYwAPJzv5CZsnA625s3Xf2nemtYgPpHdWEz79ojWnPbdG" }, types.ErrInvalidCheckpoint, "expected a CIDv1"},
		"another round":          {func(m *types.MsgSubmitCheckpoint) { m.Round = 2 }, types.ErrWrongRound, "expected the current round 1"},
		"a group without rounds": {func(m *types.MsgSubmitCheckpoint) { m.Group = "none" }, types.ErrGroupNotFound, "list groups"},
	} {
		m := e.revealMsg("digits", c)
		x.change(m)
		err := e.send(m)
		require.ErrorIs(t, err, x.want, name)
		require.ErrorContains(t, err, x.says, name)
	}
	e.reveal("digits", c)
	require.ErrorIs(t, e.send(e.revealMsg("digits", c)), types.ErrAlreadyCommitted, "a second reveal")
}

func TestACopiedCommitmentIsWorthless(t *testing.T) {
	e := staked(t, nil)
	c := trained(2, 10)
	stolen := e.commitMsg("digits", c)
	stolen.Sender = account(1)
	e.must(stolen) // the thief commits first
	e.commit("digits", c)
	e.until("digits", types.ROUND_PHASE_REVEAL)
	e.reveal("digits", c)
	m := e.revealMsg("digits", c)
	m.Sender = account(1)
	require.ErrorIs(t, e.send(m), types.ErrMismatch)
	r := e.until("digits", types.ROUND_PHASE_SETTLED)
	require.Equal(t, account(2), r.Winner)
	require.Equal(t, int64(funds-commitBond/2), e.balance(account(1)))
}

func TestAClaimThatIsOffByOneBillionthBurnsTheWholeBond(t *testing.T) {
	for _, off := range []int{-1, 1} {
		e := staked(t, nil)
		liar := trained(1, 10)
		liar.claim = uint64(int(liar.claim) + off)
		before := e.supply()
		r := e.play("digits", liar, trained(2, 20))
		require.Equal(t, account(2), r.Winner)
		s := e.submission("digits", 1, 1)
		require.Equal(t, types.SUBMISSION_STATUS_FALSE_CLAIM, s.Status)
		require.Equal(t, "the claimed loss is not the exact loss on the claim set", s.Note)
		require.Equal(t, int64(funds-commitBond), e.balance(account(1)))
		require.Equal(t, before.SubRaw(commitBond).Add(r.Reward).Add(r.VerifierReward).String(), e.supply().String(), "burned, given to nobody")
	}
}

func TestEqualBytesGoToTheEarliestCommitment(t *testing.T) {
	e := staked(t, nil)
	first := trained(3, 10)
	second := checkpoint{trainer: 1, bytes: first.bytes, claim: first.claim}
	e.commit("digits", first, second)
	e.until("digits", types.ROUND_PHASE_REVEAL)
	e.reveal("digits", second, first) // revealing first does not help
	r := e.until("digits", types.ROUND_PHASE_SETTLED)
	require.Equal(t, account(3), r.Winner)
	require.Equal(t, types.SUBMISSION_STATUS_DUPLICATE, e.submission("digits", 1, 1).Status)
	require.Len(t, e.att.artefacts, 1, "validators are asked once")
	require.Equal(t, int64(funds), e.balance(account(1)))
}

func TestACheckpointOfAnEarlierRoundIsRefused(t *testing.T) {
	e := staked(t, nil)
	e.createGroup("other", nil)
	won, lost := trained(1, 10), trained(2, 20)
	e.play("digits", won, lost)
	again := checkpoint{trainer: 3, bytes: lost.bytes, claim: lost.claim}
	e.until("digits", types.ROUND_PHASE_COMMIT)
	e.commit("digits", again)
	e.until("digits", types.ROUND_PHASE_REVEAL)
	err := e.send(e.revealMsg("digits", again))
	require.ErrorIs(t, err, types.ErrUsedCheckpoint)
	require.ErrorContains(t, err, `it was revealed in round 1 of "digits"; train it further`)

	require.Equal(t, account(3), e.play("other", again).Winner, "another group may know it")
}

func TestAWithheldCheckpointLosesPartOfItsBond(t *testing.T) {
	e := staked(t, nil)
	e.att.holds = func(ref types.SubmissionRef) (verdict, bool) { return decided, ref.Trainer != account(1) }
	r := e.play("digits", trained(1, 10), trained(2, 20))
	require.Equal(t, account(2), r.Winner)
	s := e.submission("digits", 1, 1)
	require.Equal(t, types.SUBMISSION_STATUS_WITHHELD, s.Status)
	require.Equal(t, "held by nobody", s.Note)
	require.Equal(t, int64(funds-commitBond/2), e.balance(account(1)))
	require.Zero(t, s.TaskId, "it is never scored")
}

func TestWhoDoesNotRevealLosesPartOfTheBond(t *testing.T) {
	e := staked(t, nil)
	e.commit("digits", trained(1, 10), trained(2, 20))
	e.until("digits", types.ROUND_PHASE_REVEAL)
	e.reveal("digits", trained(2, 20))
	r := e.until("digits", types.ROUND_PHASE_SETTLED)
	require.Equal(t, account(2), r.Winner)
	require.Equal(t, int64(funds-commitBond/2), e.balance(account(1)))
}

func TestKBestClaimsAreScoredFirst(t *testing.T) {
	e := staked(t, nil) // K is 2
	r := e.play("digits", trained(1, 50), trained(2, 20), trained(3, 40), trained(4, 30))
	require.Equal(t, account(2), r.Winner)
	require.Equal(t, uint32(2), r.Tasks)
	for trainer, want := range map[int]types.SubmissionStatus{
		1: types.SUBMISSION_STATUS_NOT_SCORED, 2: types.SUBMISSION_STATUS_WINNER, 3: types.SUBMISSION_STATUS_NOT_SCORED, 4: types.SUBMISSION_STATUS_VALID,
	} {
		require.Equal(t, want, e.submission("digits", 1, trainer).Status, "trainer %d", trainer)
		if trainer != 2 {
			require.Equal(t, int64(funds), e.balance(account(trainer)), "an honest loser keeps the bond")
		}
	}
}

func TestAnInvalidClaimFreesItsSlotUpTo2K(t *testing.T) {
	lie := func(trainer int, claim uint64) checkpoint {
		c := trained(trainer, 500)
		c.claim = claim
		return c
	}
	e := staked(t, nil)
	r := e.play("digits", lie(1, 1), lie(2, 2), lie(3, 3), trained(4, 40), trained(5, 50))
	require.Equal(t, account(4), r.Winner, "three lies leave one of four slots")
	require.Equal(t, uint32(4), r.Tasks)
	require.Equal(t, types.SUBMISSION_STATUS_NOT_SCORED, e.submission("digits", 1, 5).Status)

	e = staked(t, nil)
	r = e.play("digits", lie(1, 1), lie(2, 2), lie(3, 3), lie(4, 4), trained(5, 50))
	require.Equal(t, "no candidate was valid", r.Note)
	require.Equal(t, uint32(4), r.Tasks)
	require.Equal(t, int64(funds), e.balance(account(5)))
	for liar := 1; liar <= 4; liar++ {
		require.Equal(t, int64(funds-commitBond), e.balance(account(liar)), "four lies cost four bonds")
	}
}

// Free groups could otherwise make validators fetch max_commitments files of the largest size each round.
func TestValidatorsAreAskedForNoMoreThanTwiceKFiles(t *testing.T) {
	e := newEnv(t, nil)
	e.createGroup("free", func(s *types.GroupSettings) { s.CommitBond = math.ZeroInt() })
	var all []checkpoint
	for n := 1; n <= 6; n++ {
		all = append(all, trained(n, uint64(10*n)))
	}
	r := e.play("free", all...)
	require.Equal(t, account(1), r.Winner)
	require.Len(t, e.att.artefacts, 4)
	require.Equal(t, types.NoteNotScored, e.submission("free", 1, 6).Note)
}

// What goes wrong while verifiers are paid must not keep anybody's bond.
func TestBondsComeBackWhenVerifiersCanNotBePaid(t *testing.T) {
	e := staked(t, nil)
	e.lax = true
	e.att.matchedError = types.ErrInvalidParams.Wrap("the task is past its retention")
	r := e.play("digits", trained(1, 10))
	require.Equal(t, account(1), r.Winner)
	require.True(t, r.VerifierReward.IsZero())
	require.Equal(t, funds+r.Reward.Int64(), e.balance(account(1)))
	require.Len(t, e.failures, 1)
	require.Contains(t, e.failures[0], "verifier reward of digits")
}
