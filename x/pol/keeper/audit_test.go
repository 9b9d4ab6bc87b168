package keeper_test

import (
	"testing"

	"github.com/stretchr/testify/require"

	"cosmossdk.io/collections"
	"cosmossdk.io/math"

	"github.com/pold-network/pold/x/pol/types"
)

const segments = 16

func prove(s *types.GroupSettings) {
	s.Proof, s.Segments = types.PROOF_MODE_PROVED, segments
	s.Recipe = types.RecipeBounds{Optimizers: []string{"adam"}, MaxBatchSize: 32, MaxSteps: 160}
}

// proving starts a chain with one group that asks for transcripts, behind which stands all stake.
func proving(t *testing.T, change func(*types.GroupSettings)) *env {
	t.Helper()
	e := newEnv(t, func(g *types.GenesisState) { g.Params.MaxCandidates = 8 })
	s := settings()
	prove(&s)
	if change != nil {
		change(&s)
	}
	e.must(&types.MsgCreateGroup{Sender: account(7), Name: "digits", Settings: s})
	e.bond(6, "digits", 1_000_000)
	e.next()
	return e
}

// audits returns the manifests of the audit tasks of a trainer, in the order in which they opened.
func (e *env) audits(trainer int) (refs []types.AuditRef, all []types.AuditManifest) {
	for id := uint64(1); id <= e.att.nextTask; id++ {
		if q := e.att.tasks[id]; q.Kind == types.AuditTaskKind {
			ref, m := e.att.auditOf(q.Ref, q.Manifest)
			if ref.Trainer == account(trainer) {
				refs, all = append(refs, ref), append(all, m)
			}
		}
	}
	return refs, all
}

// forges makes the transcripts of some trainers fail their audit.
func (e *env) forges(trainers ...int) {
	honest := e.att.audit
	e.att.audit = func(ref types.AuditRef, m types.AuditManifest) (verdict, types.AuditAnswer) {
		for _, n := range trainers {
			if ref.Trainer == account(n) {
				return decided, types.AuditAnswer{Status: types.AuditMismatch, Segment: m.Common[0]}
			}
		}
		return honest(ref, m)
	}
}

func TestAProvedRoundGoesThroughItsPhases(t *testing.T) {
	e := proving(t, nil)
	hour := e.supply().QuoRaw(100_000) // 0.001 %: the most that the round can mint
	bond := hour.MulRaw(segments - 3).AddRaw(2).QuoRaw(3)
	best, second := trained(1, 800), trained(2, 900)
	var phases []types.RoundPhase
	for range 100 {
		r, ok := e.current("digits")
		if ok && (len(phases) == 0 || phases[len(phases)-1] != r.Phase) {
			phases = append(phases, r.Phase)
			switch r.Phase {
			case types.ROUND_PHASE_DRAW:
				require.ErrorContains(t, e.send(e.commitMsg("digits", best)), "commit once the beacon has drawn")
			case types.ROUND_PHASE_COMMIT:
				require.Len(t, r.OrderSeed, 32)
				require.Empty(t, r.ScoreSeed)
				require.Equal(t, bond.String(), r.Bond.String())
				e.commit("digits", best, second)
				require.Equal(t, math.NewInt(funds).Sub(bond).Int64(), e.balance(account(1)))
			case types.ROUND_PHASE_REVEAL:
				require.Empty(t, r.AuditSeed, "not before everything is revealed")
				require.Equal(t, uint64(2), r.ScoreDraw)
				e.reveal("digits", best, second)
			}
		}
		if r.Phase == types.ROUND_PHASE_SETTLED {
			break
		}
		e.next()
	}
	require.Equal(t, []types.RoundPhase{
		types.ROUND_PHASE_DRAW, types.ROUND_PHASE_COMMIT, types.ROUND_PHASE_REVEAL, types.ROUND_PHASE_AVAILABILITY,
		types.ROUND_PHASE_SCORE, types.ROUND_PHASE_AUDIT, types.ROUND_PHASE_SETTLED,
	}, phases)
	r := e.round("digits", 1)
	require.Equal(t, account(1), r.Winner)
	require.Equal(t, uint32(2), r.Audits)
	require.Equal(t, types.SUBMISSION_STATUS_WINNER, e.submission("digits", 1, 1).Status)
	require.Equal(t, types.SUBMISSION_STATUS_PROVED, e.submission("digits", 1, 2).Status)
	require.Equal(t, funds+r.Reward.Int64(), e.balance(account(1)), "bond back and reward")
	require.Equal(t, int64(funds), e.balance(account(2)), "bond back")
	require.Positive(t, r.VerifierReward.Int64())
	require.True(t, r.Reward.LTE(hour))

	s := e.submission("digits", 1, 1)
	q := e.att.artefacts[s.AuditArtefactId]
	require.Equal(t, types.AuditTaskKind, q.Kind)
	require.Equal(t, s.TranscriptCid, q.Cid)
	require.Equal(t, s.TranscriptRoot, q.Sha256)
	require.Equal(t, uint64(5_000), q.Size_)
	task := e.att.tasks[s.AuditTaskId]
	require.Equal(t, q.Manifest, task.Manifest, "what was held is what is replayed")
	require.Equal(t, "1000000", task.Priority.String())
	_, all := e.audits(1)
	require.Len(t, all, 1)
	m := all[0]
	require.Equal(t, types.CommonSegments(r.AuditSeed, account(1), segments, 3), m.Common)
	require.True(t, m.Own)
	require.Equal(t, uint32(segments), m.Segments)
	require.Equal(t, r.OrderSeed, m.OrderSeed)
	require.Equal(t, r.AuditSeed, m.AuditSeed)
	require.Equal(t, account(1), m.Trainer)
	require.Equal(t, s.TranscriptRoot, m.TranscriptRoot)
	require.Equal(t, e.group("digits").Settings.Recipe, m.Recipe)
	require.Empty(t, m.Parent.Cid)
	require.Equal(t, settings().InitSeed, m.InitSeed)
	require.Empty(t, m.Score.InitSeed, "the checkpoint is not the initial one")
	require.Equal(t, best.cid(), m.Score.CheckpointCid)
	require.Equal(t, r.ScoreSeed, m.Score.ScoreSeed)
	shape, err := e.group("digits").Settings.Shape()
	require.NoError(t, err)
	require.Equal(t, e.group("digits").Settings.AuditCost(shape, r.Table, 5), task.Cost, "three common segments and two of its own")
	require.Equal(t, seedOf(1), r.OrderSeed)
	require.Equal(t, seedOf(2), r.ScoreSeed)
	require.Equal(t, seedOf(3), r.AuditSeed)

	e.play("digits", trained(3, 700))
	_, all = e.audits(3)
	require.Equal(t, r.Checkpoint, all[0].Parent, "the next training starts at the winner")
	require.Empty(t, all[0].InitSeed)
}

func TestThreeCandidatesAreAuditedInParallel(t *testing.T) {
	e := proving(t, nil)
	e.att.audit = func(types.AuditRef, types.AuditManifest) (verdict, types.AuditAnswer) {
		return undecided, types.AuditAnswer{}
	}
	all := []checkpoint{trained(1, 40), trained(2, 20), trained(3, 30), trained(4, 10), trained(5, initialLoss)}
	e.until("digits", types.ROUND_PHASE_COMMIT)
	e.commit("digits", all...)
	e.until("digits", types.ROUND_PHASE_REVEAL)
	e.reveal("digits", all...)
	e.until("digits", types.ROUND_PHASE_AUDIT)
	e.advance(5)
	for trainer, want := range map[int]types.SubmissionStatus{
		1: types.SUBMISSION_STATUS_VALID, 2: types.SUBMISSION_STATUS_AUDITING, 3: types.SUBMISSION_STATUS_AUDITING, 4: types.SUBMISSION_STATUS_AUDITING,
		5: types.SUBMISSION_STATUS_VALID,
	} {
		require.Equal(t, want, e.submission("digits", 1, trainer).Status, "trainer %d", trainer)
	}
	require.Equal(t, uint32(3), e.round("digits", 1).Audits)
	e.att.audit = newAttestation(t).audit
	r := e.until("digits", types.ROUND_PHASE_SETTLED)
	require.Equal(t, account(4), r.Winner)
	require.Equal(t, uint32(3), r.Audits, "nobody else is looked at")
}

func TestAFailedAuditBurnsTheBondAndPassesTheWinOn(t *testing.T) {
	e := proving(t, nil)
	e.forges(1)
	before := e.supply()
	r := e.play("digits", trained(1, 10), trained(2, 20), trained(3, 30))
	require.Equal(t, account(2), r.Winner)
	s := e.submission("digits", 1, 1)
	require.Equal(t, types.SUBMISSION_STATUS_UNPROVED, s.Status)
	require.Contains(t, s.Note, "the replay of a segment ends elsewhere")
	require.Equal(t, funds-r.Bond.Int64(), e.balance(account(1)), "the whole bond")
	require.Equal(t, int64(funds), e.balance(account(3)))
	require.Equal(t, before.Add(r.Reward).Add(r.VerifierReward).Sub(r.Bond).String(), e.supply().String(), "burned")
	require.Equal(t, uint64(20), e.group("digits").Parent.LossE9)

	o := e.told.settled[0]
	require.True(t, o.Counts)
	require.Equal(t, []types.Loss{{Address: account(1), Amount: r.Bond, Cause: types.LossUnproved, Note: s.Note}}, o.Losses)
	require.Equal(t, account(2), o.Round.Winner)
	require.Len(t, o.Commitments, 3)
	require.Len(t, o.Submissions, 3)
	require.Equal(t, uint64(1), o.Group.Wins)
}

func TestWhenAllFailTheNextThreeAreAudited(t *testing.T) {
	all := []checkpoint{trained(1, 10), trained(2, 20), trained(3, 30), trained(4, 40), trained(5, 50)}
	e := proving(t, nil)
	e.forges(1, 2, 3)
	r := e.play("digits", all...)
	require.Equal(t, account(4), r.Winner)
	require.Equal(t, uint32(5), r.Audits)
	require.Equal(t, types.SUBMISSION_STATUS_PROVED, e.submission("digits", 1, 5).Status)

	e = proving(t, nil)
	e.forges(1, 2, 3, 4, 5)
	r = e.play("digits", append(all, trained(6, initialLoss+1))...)
	require.Empty(t, r.Winner)
	require.Equal(t, "none of 5 audited candidates was proved", r.Note)
	require.Positive(t, r.VerifierReward.Int64(), "who exposed them has worked")
	require.Equal(t, types.SUBMISSION_STATUS_VALID, e.submission("digits", 1, 6).Status, "it does not beat the parent, so nobody replays it")
	require.Equal(t, int64(funds-1_000_000), e.balance(account(6)))
	require.Empty(t, e.group("digits").Parent.Cid)
	for n := 1; n <= 5; n++ {
		require.Equal(t, funds-r.Bond.Int64(), e.balance(account(n)))
	}
	e.next()
	require.Equal(t, uint64(2), e.group("digits").Round)
}

func TestNothingIsAuditedWhenNothingBeatsTheParent(t *testing.T) {
	e := proving(t, nil)
	r := e.play("digits", trained(1, initialLoss))
	require.Contains(t, r.Note, "does not beat the parent's")
	require.Zero(t, r.Audits)
	refs, _ := e.audits(1)
	require.Empty(t, refs)
	require.Equal(t, int64(funds), e.balance(account(1)))
}

func TestWithheldStatesAreAFailedAudit(t *testing.T) {
	e := proving(t, nil)
	e.att.holdsStates = func(ref types.AuditRef, _ types.AuditManifest) (verdict, bool) {
		return decided, ref.Trainer != account(1)
	}
	r := e.play("digits", trained(1, 10), trained(2, 20))
	require.Equal(t, account(2), r.Winner)
	s := e.submission("digits", 1, 1)
	require.Equal(t, types.SUBMISSION_STATUS_UNPROVED, s.Status)
	require.Equal(t, "the transcript or a start state that was drawn was withheld: held by nobody", s.Note)
	require.Zero(t, s.AuditTaskId, "nobody replays what is not there")
	require.Equal(t, funds-r.Bond.Int64(), e.balance(account(1)))
}

func TestAnExpiredAuditIsAskedForAgainAndNobodysFault(t *testing.T) {
	e := proving(t, nil)
	times := 0
	honest := e.att.audit
	e.att.audit = func(ref types.AuditRef, m types.AuditManifest) (verdict, types.AuditAnswer) {
		if times++; times <= 3 {
			return expired, types.AuditAnswer{}
		}
		return honest(ref, m)
	}
	e.until("digits", types.ROUND_PHASE_COMMIT)
	e.commit("digits", trained(1, 10))
	e.until("digits", types.ROUND_PHASE_REVEAL)
	e.reveal("digits", trained(1, 10))
	e.until("digits", types.ROUND_PHASE_AUDIT)
	e.advance(2)
	require.Regexp(t, "extended: audit task [0-9]+ expired, only 1 of 4 power committed", e.round("digits", 1).Note)
	r := e.until("digits", types.ROUND_PHASE_SETTLED)
	require.Equal(t, account(1), r.Winner)
	require.Equal(t, uint32(1), r.Audits)
	refs, all := e.audits(1)
	require.Len(t, refs, 4)
	for _, m := range all {
		require.Equal(t, all[0].Common, m.Common, "the same segments")
	}
}

func TestABadReputationAddsSegments(t *testing.T) {
	for name, c := range map[string]struct {
		extra  uint32
		budget uint32 // in segments; 0: enough
		want   int
	}{
		"no reputation":                {0, 0, 3},
		"a bad one":                    {2, 0, 5},
		"never more than all segments": {1_000, 0, segments},
		"nor than a window holds":      {8, 9, 7}, // with two of each validator's own
		"one that can't be read":       {unknownReputation, 0, 3},
	} {
		e := proving(t, nil)
		e.lax = name == "one that can't be read"
		e.rep[account(1)] = c.extra
		if c.budget > 0 {
			s := e.group("digits").Settings
			shape, err := s.Shape()
			require.NoError(t, err)
			e.att.maxAudit = s.AuditCost(shape, e.sets.set.Table, c.budget)
		}
		r := e.play("digits", trained(1, 10), trained(2, 20))
		require.Equal(t, account(1), r.Winner, name)
		_, all := e.audits(1)
		require.Len(t, all[0].Common, c.want, name)
		require.Subset(t, all[0].Common, types.CommonSegments(r.AuditSeed, account(1), segments, 3), name)
		_, all = e.audits(2)
		require.Len(t, all[0].Common, 3, "%s: only that account's", name)
	}
}

func TestStateSurvivesExportInEveryPhaseOfAProvedRound(t *testing.T) {
	e := proving(t, nil)
	e.forges(2)
	e.att.challenges = challengeBy(1, operator(1))
	phases := map[types.RoundPhase]bool{}
	all := []checkpoint{trained(1, 30), trained(2, 20)}
	for range 60 {
		r, _ := e.current("digits")
		if !phases[r.Phase] && r.Phase == types.ROUND_PHASE_COMMIT {
			e.commit("digits", all...)
		}
		if !phases[r.Phase] && r.Phase == types.ROUND_PHASE_REVEAL {
			e.reveal("digits", all...)
		}
		phases[r.Phase] = true
		if r.Phase == types.ROUND_PHASE_SETTLED {
			break
		}
		e = e.reimport()
		e.next()
	}
	require.Len(t, phases, 7)
	require.Equal(t, account(1), e.round("digits", 1).Winner)
}

// What is bonded for a round stays what it was when governance changes parameters or somebody funds the group meanwhile.
func TestTheBondOfAnOpenRoundIsPinned(t *testing.T) {
	e := proving(t, nil)
	e.must(&types.MsgFundGroup{Sender: account(5), Group: "digits", Amount: math.NewInt(900)})
	r := e.until("digits", types.ROUND_PHASE_COMMIT)
	require.True(t, r.MaxBounty.IsZero(), "funded after the opening")
	p, err := e.k.Params.Get(e.ctx)
	require.NoError(t, err)
	p.WinnerRateE9 *= 10
	e.must(&types.MsgUpdateParams{Authority: account(0), Params: p})
	first := e.play("digits", trained(1, 900))
	require.Equal(t, r.Bond, first.Bond)
	require.True(t, first.Bounty.IsZero())
	second := e.play("digits", trained(1, 800))
	require.Equal(t, int64(900), second.MaxBounty.Int64())
	require.Equal(t, int64(900), second.Bounty.Int64(), "it is paid in the next round")
	require.True(t, second.Bond.GT(first.Bond.MulRaw(9)))
	c, err := e.k.Commitments.Get(e.ctx, collections.Join3("digits", uint64(2), account(1)))
	require.NoError(t, err)
	require.Equal(t, second.Bond, c.Bond)
}

func TestASandboxProvesWithoutBond(t *testing.T) {
	e := proving(t, func(s *types.GroupSettings) { s.MinImprovementE9 = 1 })
	s := settings()
	prove(&s)
	s.Sandbox, s.CommitBond = true, math.ZeroInt()
	e.must(&types.MsgCreateGroup{Sender: account(7), Name: "sandbox", Settings: s})
	e.forges(1)
	r := e.play("sandbox", trained(1, 10), trained(2, 20))
	require.Equal(t, account(2), r.Winner)
	require.True(t, r.Bond.IsZero())
	o := e.told.settled[len(e.told.settled)-1]
	require.Equal(t, "sandbox", o.Group.Name)
	require.False(t, o.Counts)
	require.Empty(t, o.Losses)
}

// An audit that can't be opened at once (governance lowered the budget below its cost) must not be forgotten.
func TestAnAuditThatCanNotBeOpenedIsTriedAgain(t *testing.T) {
	e := proving(t, nil)
	e.until("digits", types.ROUND_PHASE_COMMIT)
	e.commit("digits", trained(1, 10))
	e.until("digits", types.ROUND_PHASE_REVEAL)
	e.att.maxAudit, e.lax = 0, true
	e.reveal("digits", trained(1, 10))
	e.until("digits", types.ROUND_PHASE_AUDIT)
	e.advance(30)
	require.Contains(t, e.failures[0], "audit of digits")
	require.Less(t, e.att.nextArtefact, uint64(10), "not in every block")
	e.att.maxAudit = 1e15
	require.Equal(t, account(1), e.until("digits", types.ROUND_PHASE_SETTLED).Winner)
}
