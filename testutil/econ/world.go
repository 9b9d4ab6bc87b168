package econ

import (
	"errors"
	"fmt"
	"math/rand/v2"
	"strings"
	"time"

	"cosmossdk.io/collections"

	sdkerrors "github.com/cosmos/cosmos-sdk/types/errors"

	poltypes "github.com/pold-network/pold/x/pol/types"
)

// world is the chain with everybody who acts on it.
type world struct {
	Config
	*chain
	r          *rand.Rand
	groups     []*group
	trainers   []*Agent
	validators []*validator
	result     *Result

	parents map[string][]byte // hash of the newest winner, by group
	played  int               // rounds of every group
	entries map[string]*entry // by hash of the checkpoint, of this round
	roots   map[string]*entry // by root of the transcript
	jobs    map[uint64]*job   // open and recent tasks, by id
	beacon  map[string]uint64 // what each operator last said to the beacon
	held    map[uint64]bool   // artefacts that were said to be held
	started time.Time
}

func newWorld(c Config) (*world, error) {
	w := &world{
		Config: c, r: rand.New(rand.NewPCG(c.Seed, 2026)), parents: map[string][]byte{}, jobs: map[uint64]*job{},
		beacon: map[string]uint64{}, held: map[uint64]bool{}, started: time.Date(2026, 1, 1, 0, 0, 0, 0, time.UTC),
		entries: map[string]*entry{}, roots: map[string]*entry{},
	}
	var err error
	if w.chain, err = newChain(w.started); err != nil {
		return nil, err
	}
	w.cast()
	w.groups = c.groups(w.trainers[len(w.trainers)-1].accounts[0], accountOf("provider"))
	for _, a := range w.trainers {
		for _, g := range w.groups {
			if g.name == a.Group {
				a.group = g
			}
		}
	}
	if err := w.fund(); err != nil {
		return nil, err
	}
	if err := w.initialise(c.genesis(w.started)); err != nil {
		return nil, err
	}
	w.told = w.settled
	w.result = newResult(w)
	return w, w.chain.block(1, 0, nil, w.open)
}

// step makes one block. When nobody has anything to say, it comes at the next height at which something is due.
func (w *world) step(messages func() error) error {
	signed, busy, err := w.extensions()
	if err != nil {
		return err
	}
	heights := int64(2) // what is signed at the height of a decision is too early for what it opens
	if !busy {
		if heights, err = w.idle(); err != nil {
			return err
		}
	}
	// Heights take little time, so that the length of a round is the time that its commit phase is given.
	return w.chain.block(heights, time.Duration(heights)*time.Millisecond, signed, messages)
}

// playRound plays one round of every group: all wait for the slowest.
func (w *world) playRound() error {
	w.entries, w.roots = map[string]*entry{}, map[string]*entry{}
	if err := w.step(w.commit); err != nil {
		return err
	}
	w.ctx = w.ctx.WithBlockTime(w.ctx.BlockTime().Add(time.Duration(w.Hours) * time.Hour))
	w.played++
	return w.toCommit()
}

// toCommit makes blocks until the next round of every group takes commitments. None opens before all others are settled.
func (w *world) toCommit() error {
	w.table.waits = true
	settled := func(r poltypes.Round) bool { return w.played == 0 || r.Phase == poltypes.ROUND_PHASE_SETTLED }
	if err := w.until(settled); err != nil {
		return err
	}
	w.table.waits = false
	return w.until(func(r poltypes.Round) bool {
		return r.Phase == poltypes.ROUND_PHASE_COMMIT && r.Number == uint64(w.played)+1
	})
}

// until makes blocks until something is true of the current round of every group.
func (w *world) until(holds func(poltypes.Round) bool) error {
	const enough = 2_000
	for range enough {
		all := true
		for _, g := range w.groups {
			r, err := w.current(g)
			if err != nil {
				return err
			}
			all = all && holds(r)
		}
		if all {
			return nil
		}
		if err := w.step(w.react); err != nil {
			return err
		}
	}
	return fmt.Errorf("round %d did not go on within %d blocks: %s", w.played, enough, w.phases())
}

// phases says where the groups are, for errors.
func (w *world) phases() string {
	var s strings.Builder
	for _, g := range w.groups {
		r, err := w.current(g)
		fmt.Fprintf(&s, "%s: round %d in %s, %q, %v; ", g.name, r.Number, r.Phase, r.Note, err)
	}
	return s.String()
}

// current returns the newest round of a group; one of number 0 when there is none.
func (w *world) current(g *group) (poltypes.Round, error) {
	state, err := w.pol.Groups.Get(w.ctx, g.name)
	if err != nil || state.Round == 0 {
		return poltypes.Round{}, err
	}
	return w.pol.Rounds.Get(w.ctx, collections.Join(g.name, state.Round))
}

// commit lets all trainers commit, in an order that changes.
func (w *world) commit() error {
	for _, g := range w.groups {
		g.entries, g.round = nil, uint64(w.played)+1
	}
	for _, i := range w.r.Perm(len(w.trainers)) {
		a := w.trainers[i]
		if a.Broke {
			continue
		}
		for _, e := range w.plan(a) {
			err := w.send(&poltypes.MsgCommitCheckpoint{Sender: e.account, Group: a.Group, Round: a.group.round,
				Commitment: poltypes.CommitmentOf(chainID, a.Group, a.group.round, e.account, e.hash, e.root, e.claim, salt)})
			w.fee(e)
			if errors.Is(err, sdkerrors.ErrInsufficientFunds) {
				a.Broke = e.first
				continue
			}
			if err != nil {
				return fmt.Errorf("%s (%s) commits: %w", a.Name, a.Strategy, err)
			}
			a.Tries++
			a.group.entries = append(a.group.entries, e)
			if !e.refused() {
				w.entries[string(e.hash)], w.roots[string(e.root)] = e, e
			}
		}
	}
	return nil
}

func (w *world) fee(e *entry) {
	fee := int64(w.Costs.Message * NRN)
	e.agent.Cost += fee
	if !e.first {
		e.agent.Extra -= fee
	}
}

// react lets trainers reveal and the provider show its keys, when it is time.
func (w *world) react() error {
	for _, g := range w.groups {
		r, err := w.current(g)
		if err != nil {
			return err
		}
		if w.ctx.BlockHeight() > max(r.RevealUntil, r.KeyUntil) {
			continue
		}
		switch r.Phase {
		case poltypes.ROUND_PHASE_REVEAL:
			err = w.reveal(g)
		case poltypes.ROUND_PHASE_KEY:
			err = w.revealKey(g)
		}
		if err != nil {
			return err
		}
	}
	return nil
}

func (w *world) reveal(g *group) error {
	for _, e := range g.entries {
		if e.shown {
			continue
		}
		e.shown = true
		m := &poltypes.MsgSubmitCheckpoint{Sender: e.account, Group: g.name, Round: g.round, CheckpointCid: cidOf(e.hash),
			CheckpointHash: e.hash, Size_: 1_000, ClaimedLossE9: e.claim, Salt: salt}
		if e.root != nil {
			m.TranscriptRoot, m.TranscriptCid, m.TranscriptSize = e.root, cidOf(e.root), 5_000
		}
		err := w.send(m)
		w.fee(e)
		if e.refused() && errors.Is(err, poltypes.ErrUsedCheckpoint) {
			continue
		}
		if err != nil || e.refused() {
			return fmt.Errorf("%s (%s) reveals: expected a refusal only of what was revealed before, got %v", e.agent.Name, e.agent.Strategy, err)
		}
	}
	return nil
}
