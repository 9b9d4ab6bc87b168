package keeper_test

import (
	"fmt"
	"math/rand/v2"
	"os"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"cosmossdk.io/math"

	sdk "github.com/cosmos/cosmos-sdk/types"

	attestationtypes "github.com/pold-network/pold/x/attestation/types"
	"github.com/pold-network/pold/x/pol/types"
)

// TestSimulation lets everybody do what they like, cheats included, for 300 blocks. After each block the module's
// account holds exactly what it owes and the supply is genesis plus coinbase minus burns (see env.end), and all
// rounds together have minted no more than the rates allow for the time that has passed.
func TestSimulation(t *testing.T) {
	seeds := uint64(20)
	if os.Getenv("POLD_LONG") != "" {
		seeds = 1_000
	}
	var coinbase, burned, wins, refused, accepted int64
	seen := map[types.SubmissionStatus]int{}
	for seed := range seeds {
		t.Run(fmt.Sprint("seed ", seed), func(t *testing.T) {
			s := newSimulation(t, seed)
			for range 300 {
				s.block()
			}
			totals, err := s.k.Totals.Get(s.ctx)
			require.NoError(t, err)
			coinbase += totals.Coinbase.Int64()
			burned += totals.Burned.Int64()
			wins += int64(totals.Wins)
			refused, accepted = refused+s.refused, accepted+s.accepted
			for _, o := range s.told.settled {
				s.checkSettled(o)
				for _, x := range o.Submissions {
					if o.Group.Settings.Proof == types.PROOF_MODE_PROVED {
						seen[x.Status]++
					}
				}
			}
			s.reimport()
		})
	}
	require.Positive(t, coinbase)
	require.Positive(t, burned)
	require.Greater(t, wins, int64(seeds))
	require.Positive(t, refused)
	require.Greater(t, accepted, refused/4)
	for _, status := range []types.SubmissionStatus{types.SUBMISSION_STATUS_WINNER, types.SUBMISSION_STATUS_PROVED, types.SUBMISSION_STATUS_UNPROVED} {
		require.Positive(t, seen[status], "%s in proof mode PROVED", status)
	}
}

// checkSettled checks what hooks are told of a round: losses are parts of bonds, in proof mode PROVED the winner's
// training was replayed, and the bond made forging it a loss.
func (s *simulation) checkSettled(o types.RoundOutcome) {
	bonds := map[string]math.Int{}
	for _, c := range o.Commitments {
		require.Equal(s.t, o.Round.Bond, c.Bond)
		bonds[c.Trainer] = c.Bond
	}
	for _, l := range o.Losses {
		require.True(s.t, l.Amount.IsPositive() && l.Amount.LTE(bonds[l.Address]), "%+v", l)
	}
	if o.Group.Settings.Proof != types.PROOF_MODE_PROVED {
		return
	}
	for _, x := range o.Submissions {
		if x.Status == types.SUBMISSION_STATUS_WINNER {
			require.NotNil(s.t, x.Audit)
			require.Empty(s.t, x.Audit.Problem)
		}
		require.NotEqual(s.t, types.SUBMISSION_STATUS_AUDITING, x.Status, "nothing is left open")
	}
	if !o.Group.Settings.Sandbox {
		n, k := int64(o.Group.Settings.Segments), int64(min(3, o.Group.Settings.Segments))
		gain := o.Round.Reward.Add(o.Round.Bounty).MulRaw(n - k)
		require.True(s.t, gain.LTE(o.Round.Bond.MulRaw(k)), "reward %s and bounty %s against a bond of %s", o.Round.Reward, o.Round.Bounty, o.Round.Bond)
	}
}

type simulation struct {
	*env
	r                 *rand.Rand
	started           time.Time
	secrets           map[string]checkpoint // by group, round and trainer
	revealed          []checkpoint
	refused, accepted int64
}

func newSimulation(t *testing.T, seed uint64) *simulation {
	s := &simulation{r: rand.New(rand.NewPCG(99, seed)), secrets: map[string]checkpoint{}}
	s.env = newEnv(t, func(g *types.GenesisState) {
		g.Params.UnbondingSeconds = 10 + s.r.Uint64N(100)
		g.Params.MinGroupStake = math.OneInt()
		g.Params.WinnerRateE9, g.Params.VerifierRateE9 = 1_000_000, 200_000 // so that rounding does not hide anything
		g.Params.ReferenceRoundSeconds = 60
		g.Params.HalvingIntervalSeconds = 1_000_000
		g.Params.MaxGroupsPerBlock = 1 + s.r.Uint32N(4)
		g.Params.NoRevealLossE6, g.Params.WithheldLossE6 = s.r.Uint64N(1_000_001), s.r.Uint64N(1_000_001)
		g.Params.RoundRetention = 1 + s.r.Uint64N(4)
	})
	s.lax = true
	s.started = s.ctx.BlockTime()
	judge := s.att.judge
	s.att.holds = func(types.SubmissionRef) (verdict, bool) {
		return []verdict{undecided, undecided, decided}[s.r.IntN(3)], s.r.IntN(8) > 0
	}
	s.att.judge = func(ref types.SubmissionRef, m types.ScoreManifest) (verdict, types.ScoreAnswer) {
		_, answer := judge(ref, m)
		if s.r.IntN(20) == 0 {
			answer.Status = types.ScoreStatus(s.r.IntN(6))
		}
		return []verdict{undecided, expired, decided, decided}[s.r.IntN(4)], answer
	}
	s.simulateAudits()
	return s
}

// simulateAudits lets validators be slow, find segments wrong now and then, and challenge whatever they like.
func (s *simulation) simulateAudits() {
	s.att.draw = func(types.DrawRef) verdict { return []verdict{undecided, decided}[s.r.IntN(2)] }
	s.att.holdsStates = func(types.AuditRef, types.AuditManifest) (verdict, bool) {
		return []verdict{undecided, decided, decided}[s.r.IntN(3)], s.r.IntN(15) > 0
	}
	s.att.audit = func(ref types.AuditRef, m types.AuditManifest) (verdict, types.AuditAnswer) {
		a := types.AuditAnswer{Segment: m.Common[0]}
		if s.r.IntN(5) == 0 {
			a.Status = types.AuditStatus(s.r.IntN(10)) // the last one is no answer
		}
		return []verdict{undecided, expired, decided, decided, decided}[s.r.IntN(5)], a
	}
	s.att.challenges = func(ref types.AuditRef, m types.AuditManifest) []attestationtypes.Challenge {
		var all []attestationtypes.Challenge
		for range s.r.IntN(4) {
			o := operator(s.r.IntN(9))
			c := attestationtypes.Challenge{Operator: o, Segment: s.r.Uint32N(70)}
			if own := types.OwnSegments(m.AuditSeed, m.Trainer, o, m.Segments, m.Common); len(own) > 0 && s.r.IntN(2) == 0 {
				c.Segment = own[0]
			}
			all = append(all, c)
		}
		return all
	}
}

func (s *simulation) block() {
	for range s.r.IntN(12) {
		m := s.message()
		if m == nil {
			continue
		}
		if s.send(m) != nil {
			s.refused++
			continue
		}
		s.accepted++
	}
	// Now and then a neighbour fails while the block ends.
	switch s.r.IntN(30) {
	case 0:
		s.sets.panics = "digits"
	case 1:
		s.att.openError = types.ErrTooCostly.Wrap("simulated")
	case 2:
		s.att.matchedError = types.ErrTooCostly.Wrap("simulated")
	case 3:
		s.att.live = 0
	}
	for n := range accounts {
		s.rep[account(n)] = s.r.Uint32N(3)
	}
	s.end()
	s.sets.panics, s.att.openError, s.att.matchedError, s.att.live = "", nil, nil, 4
	totals, err := s.k.Totals.Get(s.ctx)
	require.NoError(s.t, err)
	p, err := s.k.Params.Get(s.ctx)
	require.NoError(s.t, err)
	elapsed := s.ctx.BlockTime().Sub(s.started).Milliseconds() + 1_000
	// The supply never was larger than genesis plus all coinbase.
	most := totals.GenesisSupply.Add(totals.Coinbase).MulRaw(elapsed * int64(p.WinnerRateE9+p.VerifierRateE9)).QuoRaw(1e9 * 60 * 1_000)
	require.True(s.t, totals.Coinbase.LTE(most), "%s minted, %s is the most", totals.Coinbase, most)
	s.begin(time.Duration(s.r.IntN(15_000)) * time.Millisecond)
}

func (s *simulation) who() string { return account(s.r.IntN(accounts)) }

func (s *simulation) name() string { return fmt.Sprintf("g%d", s.r.IntN(5)) }

func (s *simulation) amount() math.Int { return math.NewInt(s.r.Int64N(1 << s.r.IntN(32))) }

func (s *simulation) message() sdk.Msg {
	switch s.r.IntN(12) {
	case 0:
		x := settings()
		x.NominalSeconds = 1 + s.r.Uint64N(200)
		x.CommitBond = s.amount()
		x.BountyPerRound = s.amount()
		if x.Sandbox = s.r.IntN(5) == 0; x.Sandbox {
			x.CommitBond = math.ZeroInt()
		}
		if s.r.IntN(2) == 0 {
			prove(&x)
			x.Segments = 1 + s.r.Uint32N(types.MaxSegments)
		}
		return &types.MsgCreateGroup{Sender: s.who(), Name: s.name(), Settings: x}
	case 1:
		return &types.MsgFundGroup{Sender: s.who(), Group: s.name(), Amount: s.amount()}
	case 2, 3:
		return &types.MsgBondGroup{Sender: s.who(), Group: s.name(), Amount: s.amount()}
	case 4:
		return &types.MsgUnbondGroup{Sender: s.who(), Group: s.name(), Amount: s.amount()}
	case 5:
		if s.r.IntN(10) == 0 {
			return &types.MsgSetGroupCoinbase{Authority: account(0), Group: s.name(), Enabled: s.r.IntN(3) > 0}
		}
		return nil
	case 6, 7, 8:
		return s.commitment()
	default:
		return s.revelation()
	}
}

func (s *simulation) commitment() sdk.Msg {
	name := s.name()
	g, err := s.k.Groups.Get(s.ctx, name)
	if err != nil {
		return nil
	}
	trainer := s.r.IntN(accounts)
	c := trained(trainer, uint64(s.r.IntN(2_400_000_000)))
	switch s.r.IntN(8) {
	case 0:
		c.claim-- // a lie
	case 1:
		if len(s.revealed) > 0 { // a copy of something public
			c = s.revealed[s.r.IntN(len(s.revealed))]
			c.trainer = trainer
		}
	}
	key := fmt.Sprint(name, g.Round, trainer)
	if _, done := s.secrets[key]; !done {
		s.secrets[key] = c
	}
	return s.commitMsg(name, c)
}

func (s *simulation) revelation() sdk.Msg {
	name := s.name()
	g, err := s.k.Groups.Get(s.ctx, name)
	if err != nil {
		return nil
	}
	trainer := s.r.IntN(accounts)
	c, ok := s.secrets[fmt.Sprint(name, g.Round, trainer)]
	if !ok {
		return nil
	}
	m := s.revealMsg(name, c)
	switch s.r.IntN(10) {
	case 0:
		m.Salt[0]++
	case 1:
		m.Sender = s.who()
	default:
		s.revealed = append(s.revealed, c)
	}
	return m
}
