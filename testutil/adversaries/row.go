package adversaries

import (
	"fmt"
	"strings"
	"sync"
	"testing"

	"github.com/stretchr/testify/require"

	errorsmod "cosmossdk.io/errors"
	"cosmossdk.io/math"

	"github.com/pold-network/pold/testutil/network"
	poltypes "github.com/pold-network/pold/x/pol/types"
	polslashingtypes "github.com/pold-network/pold/x/slashing/types"
)

// Verdict is what a row shows.
type Verdict int

// Verdicts.
const (
	// Loses: the cheater earns less than an honest account in the same place.
	Loses Verdict = iota
	// GainsNothing: it earns no more.
	GainsNothing
	// Priced: the protocol does not stop it; the row says what it is worth.
	Priced
)

// Row is a line of the table.
type Row struct {
	// Name is the cheat in a few words, Stops what works against it, Query where a user sees it.
	Name, Stops, Query string
	Verdict            Verdict
	Play               func(t testing.TB, honest *Honest) Outcome
}

// Outcome is what a row measured, over the same blocks, in unrn.
type Outcome struct {
	Honest, Cheater math.Int
	// Expected says that the cheater's income is the mean over the draws of the beacon that it could have met.
	Expected bool
	// Saw is what the network showed.
	Saw string
}

const (
	// cheater is the validator that cheats, seasonEnd the height up to which validators are watched.
	cheater   = 3
	seasonEnd = 150
	// trialEnd is the height up to which trainers are watched: one round with trainers, then empty ones.
	trialEnd = 75
)

// Honest is what honest accounts earn in the places that most cheaters take.
type Honest struct {
	// Trainer is what account 0 earns with a proved training against a slower rival, OneRound what a validator earns meanwhile, and
	// Season what it earns when somebody trains in every round.
	Trainer, OneRound, Season math.Int
	// Bond is what each commitment of the trial puts at stake.
	Bond   math.Int
	others map[string]math.Int
	mu     sync.Mutex

	// Common are the segments of account 0's transcript that all replay, Own those that one validator replays, Free the others.
	Common, Own, Free []uint32
}

// PlayHonest plays the honest accounts.
func PlayHonest(t testing.TB) *Honest {
	t.Helper()
	h := &Honest{others: map[string]math.Int{}}
	a := NewArena(t, Config{})
	before := a.ValidatorWealth(cheater)
	h.Trainer = a.trial(func(a *Arena, _ *Entry) *Entry { return a.Train(a.Accounts[0], nil) })
	h.OneRound = a.ValidatorWealth(cheater).Sub(before)
	r := a.Round(1)
	require.Equal(t, a.Accounts[0].String(), r.Winner, r.Note)
	require.Equal(t, r.Reward, h.Trainer)
	h.Bond = r.Bond
	h.Common, h.Own, h.Free = a.drawn(1, a.Accounts[0])
	require.NotEmpty(t, h.Free, "every segment was drawn; use more segments")
	a, h.Season = season(t, Config{}, seasonEnd, nil)
	require.Greater(t, a.TheGroup().Round, uint64(3))
	return h
}

// drawn says which segments of a transcript were replayed by all, by one, and by nobody. The first one is left out: its start state
// can't be withheld.
func (a *Arena) drawn(round uint64, trainer network.Account) (common, own, free []uint32) {
	a.T.Helper()
	s := a.Submission(round, trainer)
	artefact, err := a.App.AttestationKeeper.Artefacts.Get(a.Ctx(), s.AuditArtefactId)
	require.NoError(a.T, err)
	var m poltypes.AuditManifest
	require.NoError(a.T, m.Unmarshal(artefact.Manifest))
	is := map[uint32]bool{}
	for _, segment := range m.Common {
		is[segment] = true
	}
	for i := range a.Validators {
		for _, segment := range poltypes.OwnSegments(m.AuditSeed, m.Trainer, a.Operator(i), m.Segments, m.Common) {
			if !is[segment] {
				is[segment] = true
				own = append(own, segment)
			}
		}
	}
	for segment := range m.Segments {
		if !is[segment] {
			free = append(free, segment)
		}
	}
	return m.Common, own, free
}

// trial plays round 1 with account 0 in the cheater's place against an honest account that learns slowly, up to trialEnd, and returns
// what account 0 earned.
func (a *Arena) trial(enter func(a *Arena, rival *Entry) *Entry) math.Int {
	a.T.Helper()
	a.Until(poltypes.ROUND_PHASE_COMMIT)
	rival := a.Train(a.Accounts[1], Lazy)
	own := enter(a, rival)
	before := a.Wealth(a.Accounts[0])
	a.Commit(rival, own)
	a.Until(poltypes.ROUND_PHASE_REVEAL)
	a.Reveal(rival, own)
	a.RunTo(trialEnd)
	require.Equal(a.T, poltypes.ROUND_PHASE_SETTLED, a.Round(1).Phase, a.Round(1).Note)
	return a.Wealth(a.Accounts[0]).Sub(before)
}

// Season lets account 0 train honestly in every round up to a height.
func (a *Arena) Season(until int64) {
	a.T.Helper()
	var own *Entry
	for a.Height() < until {
		switch r := a.Round(0); {
		case r.Phase == poltypes.ROUND_PHASE_COMMIT && r.Commitments == 0 && a.Height() < r.CommitUntil:
			own = a.Train(a.Accounts[0], nil)
			a.Commit(own)
		case r.Phase == poltypes.ROUND_PHASE_REVEAL && r.Reveals == 0:
			a.Reveal(own)
		default:
			a.Step()
		}
	}
}

// season plays a season in which one validator cheats, unless cheat is nil, and returns what that validator earned.
func season(t testing.TB, c Config, until int64, cheat func(*Arena)) (*Arena, math.Int) {
	t.Helper()
	a := NewArena(t, c)
	before := a.ValidatorWealth(cheater)
	if cheat != nil {
		cheat(a)
	}
	a.Season(until)
	return a, a.ValidatorWealth(cheater).Sub(before)
}

// Other returns what an honest account earns in a place of its own; it is played once for all rows that compare with it.
func (h *Honest) Other(name string, play func() math.Int) math.Int {
	h.mu.Lock()
	defer h.mu.Unlock()
	if _, ok := h.others[name]; !ok {
		h.others[name] = play()
	}
	return h.others[name]
}

// expected is what a forger earns on average that is caught in k draws of n.
func (h *Honest) expected() math.Int {
	k, n := int64(len(h.Common)), int64(segments)
	return h.Trainer.MulRaw(n - k).Sub(h.Bond.MulRaw(k)).QuoRaw(n)
}

// expectedOfTwo is the same for a forger that can choose between two draws.
func (h *Honest) expectedOfTwo() math.Int {
	k, n := int64(len(h.Common)*len(h.Common)), int64(segments*segments)
	return h.Trainer.MulRaw(n - k).Sub(h.Bond.MulRaw(k)).QuoRaw(n)
}

// saw is a status with the evidence against an address, as users see them.
func (a *Arena) saw(status, address string) string {
	kinds := a.Evidence(address)
	var words []string
	if status != "" {
		words = append(words, "`"+status+"`")
	}
	for kind := range polslashingtypes.FaultKind(len(polslashingtypes.FaultKind_name)) {
		if kinds[kind] > 0 {
			words = append(words, "evidence `"+strings.TrimPrefix(kind.String(), "FAULT_KIND_")+"`")
		}
	}
	return strings.Join(words, ", ")
}

// sawError is the refusal of a message, as wallets show it.
func sawError(err *errorsmod.Error) string {
	return fmt.Sprintf("`%s` (code %d of `%s`)", err, err.ABCICode(), err.Codespace())
}

// sawEntry is what became of an account's checkpoint in round 1.
func (a *Arena) sawEntry(trainer network.Account) string {
	status := strings.TrimPrefix(a.Submission(1, trainer).Status.String(), "SUBMISSION_STATUS_")
	if status == "UNSPECIFIED" {
		status = ""
	}
	return a.saw(status, trainer.String())
}

// Check is the assertion that every row makes.
func (r Row) Check(t testing.TB, o Outcome) {
	t.Helper()
	text := fmt.Sprintf("%s: honest %s, cheater %s unrn", r.Name, o.Honest, o.Cheater)
	switch r.Verdict {
	case Loses:
		require.True(t, o.Cheater.LT(o.Honest), text)
	case GainsNothing:
		require.True(t, o.Cheater.LTE(o.Honest), text)
	}
	require.NotEmpty(t, o.Saw, text)
}
