package econ

import (
	"bytes"
	"crypto/sha256"
	"fmt"

	"github.com/ipfs/go-cid"
	"github.com/multiformats/go-multihash"

	sdk "github.com/cosmos/cosmos-sdk/types"

	poltypes "github.com/pold-network/pold/x/pol/types"
)

// Strategy is what an agent does.
type Strategy string

// Strategies of trainers.
const (
	HonestTrainer  Strategy = "honest trainer"
	CopyAsIs       Strategy = "copies the parent as it is"
	CopyRescaled   Strategy = "copies the parent, rescaled"
	SybilTrainer   Strategy = "one training, four accounts"
	ForgingTrainer Strategy = "forges one segment of 64"
	TrustedForger  Strategy = "honest for half the time, then forges"
	FriendTrainer  Strategy = "knows the sealed rows"
	SelfDealer     Strategy = "owns its group, deals with itself"
)

// Strategies of validators.
const (
	HonestValidator  Strategy = "honest validator"
	LeakValidator    Strategy = "copies leaked answers"
	GuessValidator   Strategy = "always answers the same"
	AbsentValidator  Strategy = "live, never answers"
	SkipValidator    Strategy = "skips what is not paid"
	TrustedLiar      Strategy = "honest for half the time, then lies"
	CartelValidator  Strategy = "cartel of 3 shares its computing"
	sybilAccounts             = 4
	cartelMembers             = 3
	parentLoss       uint64   = 1_000_000_000
	everySegment              = poltypes.MaxSegments // of a transcript that was made up
	honestTranscript          = -1
)

// Agent is somebody with accounts, a strategy and books. Amounts are in unrn.
type Agent struct {
	Name     string   `json:"name"`
	Strategy Strategy `json:"strategy"`
	Group    string   `json:"group,omitempty"` // of a trainer
	// Coinbase is what it was paid, Lost what it lost of bonds and stake, Cost what it spent outside the chain.
	Coinbase int64 `json:"coinbase"`
	Lost     int64 `json:"lost"`
	Cost     int64 `json:"cost"`
	// Wins, Faults and Tries count won rounds, lost bonds or proved faults, and commitments or answers.
	Wins   int `json:"wins"`
	Faults int `json:"faults"`
	Tries  int `json:"tries"`
	// Broke says that it could not pay a bond any more.
	Broke bool `json:"broke"`
	// Extra is what all accounts but the first earned, net: what a sybil has of them.
	Extra int64 `json:"extra,omitempty"`

	accounts []string
	group    *group
	start    int64 // coins of its accounts at the start
}

// Net returns income minus costs and losses, in unrn.
func (a *Agent) Net() int64 { return a.Coinbase - a.Lost - a.Cost }

func accountOf(name string) string {
	h := sha256.Sum256([]byte(name))
	return sdk.AccAddress(h[:20]).String()
}

// entry is a checkpoint that somebody hands in.
type entry struct {
	agent   *Agent
	account string
	first   bool // of its agent's accounts
	hash    []byte
	root    []byte
	claim   uint64
	rank    uint64
	wrong   int // segment of the transcript that is wrong, or honestTranscript, or everySegment
	shown   bool
}

var salt = bytes.Repeat([]byte{7}, poltypes.MinSaltSize)

func cidOf(hash []byte) string {
	mh, err := multihash.Encode(hash, multihash.SHA2_256)
	if err != nil {
		panic(err) // a SHA-256 always has 32 bytes here
	}
	return cid.NewCidV1(cid.Raw, mh).String()
}

// checkpoint returns a new one with a training gain over the parent, in billionths of its loss.
func (w *world) checkpoint(a *Agent, account int, gain uint64) *entry {
	e := &entry{agent: a, account: a.accounts[account], first: account == 0, claim: parentLoss - gain, wrong: honestTranscript}
	e.rank = e.claim
	h := sha256.Sum256(fmt.Appendf(nil, "checkpoint of %s in round %d of %s", e.account, a.group.round, a.group.name))
	e.hash = h[:]
	if a.group.settings.Proof == poltypes.PROOF_MODE_PROVED {
		r := sha256.Sum256(append([]byte("transcript of "), e.hash...))
		e.root = r[:]
	}
	return e
}

// gain is how much an honest training lowers the loss. It differs by chance, because seeds and rates do.
func (w *world) gain() uint64 { return w.TrainingSpread + w.r.Uint64N(w.TrainingSpread) }

// plan returns what a trainer hands in this round, and books what that cost it outside the chain.
func (w *world) plan(a *Agent) []*entry {
	g := a.group
	switch a.Strategy {
	case CopyAsIs:
		parent := w.parents[g.name]
		if parent == nil {
			return nil
		}
		e := w.checkpoint(a, 0, 0)
		e.hash, e.wrong = parent, everySegment
		return []*entry{e}
	case CopyRescaled:
		// Units are rescaled or permuted, so that the bytes differ and the function does not, but for rounding.
		a.Cost += w.evaluation(g)
		e := w.checkpoint(a, 0, w.r.Uint64N(1_000))
		e.claim += 500
		e.rank, e.wrong = e.claim, everySegment
		return []*entry{e}
	case SybilTrainer:
		a.Cost += w.training(g)
		first := w.checkpoint(a, 0, w.gain())
		all := []*entry{first}
		for i := 1; i < len(a.accounts); i++ {
			// A transcript is bound to an account, so one training gives one; the copies' are made up.
			e := w.checkpoint(a, i, 0)
			e.claim, e.rank, e.wrong = first.claim, first.rank, everySegment
			all = append(all, e)
		}
		return all
	case ForgingTrainer, TrustedForger:
		a.Cost += w.training(g)
		if a.Strategy == TrustedForger && w.played < w.Rounds/2 {
			return []*entry{w.checkpoint(a, 0, w.gain())}
		}
		// The forgery makes it better than any honest training.
		e := w.checkpoint(a, 0, 2*w.TrainingSpread+w.gain())
		e.wrong = w.r.IntN(poltypes.MaxSegments)
		return []*entry{e}
	case FriendTrainer:
		a.Cost += w.training(g)
		e := w.checkpoint(a, 0, w.gain())
		e.rank -= w.TrainingSpread // it also trained on the rows that decide
		return []*entry{e}
	}
	a.Cost += w.training(g)
	return []*entry{w.checkpoint(a, 0, w.gain())}
}

// refused reports whether it has been handed in before, so that the chain refuses its reveal.
func (e *entry) refused() bool { return e.agent.Strategy == CopyAsIs }
