package trainer

import (
	"context"
	"crypto/sha256"
	"encoding/binary"
	"errors"
	"fmt"
	"log/slog"
	"strings"
	"sync"
	"time"

	"cosmossdk.io/collections"

	sdk "github.com/cosmos/cosmos-sdk/types"

	"github.com/pold-network/pold/engine"
	"github.com/pold-network/pold/sidecar/verifier"
	poltypes "github.com/pold-network/pold/x/pol/types"
)

const (
	defaultPoll = 300 * time.Millisecond
	// patience is how long a node may be away before a waiting trainer gives up; the journal keeps what is needed to go on.
	patience = 10 * time.Minute
	// calm is how long nothing may have failed for a failure to begin a new absence.
	calm = 15 * time.Second
)

// Chain is what a trainer asks the node.
type Chain interface {
	ChainID() string
	Height(ctx context.Context) (int64, error)
	Group(ctx context.Context, name string) (poltypes.Group, error)
	Round(ctx context.Context, group string, number uint64) (poltypes.Round, error)
	Commitments(ctx context.Context, group string, round uint64) ([]poltypes.Commitment, error)
	Submissions(ctx context.Context, group string, round uint64) ([]poltypes.Submission, error)
}

// Sender signs and sends transactions of one account.
type Sender interface {
	Address() string
	Send(ctx context.Context, msgs ...sdk.Msg) (hash string, height int64, err error)
}

// Store is the part of a swarm node that a trainer uses. Add announces nothing.
type Store interface {
	Fetch(ctx context.Context, cid string, size uint64, sha256 []byte) ([]byte, error)
	Add(ctx context.Context, file []byte) (cid string, err error)
	Provide(ctx context.Context, cid string) error
	Remove(cid string) error
	// OfferDelta lets those who hold base fetch only the change from there to a stored file, if that is smaller.
	OfferDelta(ctx context.Context, file, base string) error
}

// Config says how one trainer works.
type Config struct {
	Chain    Chain
	Sender   Sender
	Store    Store
	Verifier *verifier.Verifier
	Dir      string // of the journal
	Logdir   string // of the curves, one folder for each group; empty: none are written
	Log      *slog.Logger
	Report   func(Event)
	Recipe   Recipe
	Poll     time.Duration // how often the chain is looked at; 0 means 300 ms
	// Transient tells errors that pass by themselves (the node restarts) from others; nil: none pass.
	Transient func(error) bool
	// Refused tells refusals by the chain, after which a commitment is tried again while its phase lasts and the work goes on; nil: every
	// refused commitment ends the work. Reveals are tried again whatever this says.
	Refused func(error) bool
	// Record replaces engine.Record, and Claim changes the exact loss that is claimed: for networks on which cheating is tried out.
	Record RecordFunc
	Claim  func(exactE9 uint64) uint64
}

// Trainer takes part in rounds with one account.
type Trainer struct {
	chain     Chain
	sender    Sender
	store     Store
	verifier  *verifier.Verifier
	journal   journal
	logdir    string
	log       *slog.Logger
	report    func(Event)
	recipe    Recipe
	poll      time.Duration
	transient func(error) bool
	refused   func(error) bool
	record    RecordFunc
	claim     func(uint64) uint64

	// training is held while steps are computed: groups take turns on the processor.
	training  sync.Mutex
	mu        sync.Mutex
	away      time.Time // since when the node does not answer
	lastError time.Time
	// rateHalvings counts, for each group, how often the rate was halved because the loss did not fall; halvedFor says for which
	// model and data that was.
	rateHalvings map[string]int
	halvedFor    map[string]lesson
}

// New opens the journal and returns a trainer.
func New(c Config) (*Trainer, error) {
	j, err := openJournal(c.Dir)
	if err != nil {
		return nil, err
	}
	t := &Trainer{chain: c.Chain, sender: c.Sender, store: c.Store, verifier: c.Verifier, journal: j, logdir: c.Logdir, log: c.Log, report: c.Report,
		recipe: c.Recipe, poll: c.Poll, transient: c.Transient, refused: c.Refused,
		record: c.Record, claim: c.Claim, rateHalvings: map[string]int{}, halvedFor: map[string]lesson{}}
	if t.poll == 0 {
		t.poll = defaultPoll
	}
	if t.record == nil {
		t.record = engine.Record
	}
	if t.claim == nil {
		t.claim = func(exact uint64) uint64 { return exact }
	}
	if t.transient == nil {
		t.transient = func(error) bool { return false }
	}
	if t.refused == nil {
		t.refused = func(error) bool { return false }
	}
	return t, nil
}

// Run takes part in the rounds of the groups until each has seen that many (0: for ever). Commitments that an earlier run left open
// are revealed first.
func (t *Trainer) Run(ctx context.Context, groups []string, rounds int) error {
	open, err := t.journal.entries(t.chain.ChainID(), t.sender.Address())
	if err != nil {
		return err
	}
	ctx, cancel := context.WithCancelCause(ctx)
	defer cancel(nil)
	var wg sync.WaitGroup
	start := func(f func() error) {
		wg.Go(func() {
			if err := f(); err != nil {
				cancel(err)
			}
		})
	}
	resumed := map[string][]Entry{}
	for _, e := range open {
		resumed[e.Group] = append(resumed[e.Group], e)
	}
	seen := map[string]bool{}
	for _, g := range groups {
		if seen[g] { // two commitments of one account in one round would get in each other's way
			continue
		}
		seen[g] = true
		entries := resumed[g]
		delete(resumed, g)
		start(func() error { return t.runGroup(ctx, g, rounds, entries) })
	}
	for _, entries := range resumed { // groups that this run does not train
		start(func() error { return t.resume(ctx, entries) })
	}
	wg.Wait()
	if err := context.Cause(ctx); err != nil {
		return err
	}
	return ctx.Err()
}

// resume takes open commitments to the end of their rounds.
func (t *Trainer) resume(ctx context.Context, entries []Entry) error {
	for _, e := range entries {
		if _, err := t.resumeEntry(ctx, e); err != nil {
			return err
		}
	}
	return nil
}

func (t *Trainer) resumeEntry(ctx context.Context, e Entry) (Outcome, error) {
	t.report(Event{Event: EventNote, Group: e.Group, Round: e.Round, Trainer: e.Trainer, Note: "resuming the commitment of an earlier run"})
	return t.follow(ctx, e)
}

func (t *Trainer) runGroup(ctx context.Context, group string, rounds int, entries []Entry) error {
	if err := t.resume(ctx, entries); err != nil {
		return err
	}
	var last uint64
	if n := len(entries); n > 0 {
		last = entries[n-1].Round
	}
	for seen := 0; rounds == 0 || seen < rounds; seen++ {
		g, r, err := t.nextRound(ctx, group, last)
		if err != nil {
			return err
		}
		last = r.Number
		if err := t.play(ctx, g, r); err != nil {
			return fmt.Errorf("group %q round %d: %w", group, r.Number, err)
		}
	}
	return nil
}

// nextRound waits for a round after last in which we can still commit.
func (t *Trainer) nextRound(ctx context.Context, group string, last uint64) (poltypes.Group, poltypes.Round, error) {
	told := ""
	for {
		g, r, err := t.currentRound(ctx, group)
		if err != nil {
			if err := t.retry(ctx, err); err != nil {
				return g, r, err
			}
			continue
		}
		if r.Number > last && r.Phase == poltypes.ROUND_PHASE_COMMIT {
			if !g.Settings.Allows(t.sender.Address()) {
				return g, r, poltypes.ErrNotAllowed.Wrapf("group %q lists who may train and %s is not among them; ask its creator %s", group, t.sender.Address(), g.Creator)
			}
			commitments, err := t.chain.Commitments(ctx, group, r.Number)
			if err == nil || errors.Is(err, collections.ErrNotFound) {
				if !committed(commitments, t.sender.Address()) {
					return g, r, nil
				}
				last = r.Number // committed elsewhere, with a salt that we don't know
				continue
			}
		}
		if r.Number == 0 && g.Note != told {
			told = g.Note
			t.report(Event{Event: EventNote, Group: group, Note: "waiting: " + told})
		}
		if err := t.pause(ctx); err != nil {
			return g, r, err
		}
	}
}

func committed(commitments []poltypes.Commitment, trainer string) bool {
	for _, c := range commitments {
		if c.Trainer == trainer {
			return true
		}
	}
	return false
}

// currentRound returns a group and its round; the round's number is 0 when none has opened yet.
func (t *Trainer) currentRound(ctx context.Context, group string) (poltypes.Group, poltypes.Round, error) {
	g, err := t.chain.Group(ctx, group)
	if err != nil || g.Round == 0 {
		return g, poltypes.Round{}, err
	}
	r, err := t.chain.Round(ctx, group, g.Round)
	return g, r, err
}

// play trains one round and, if the result is good enough, takes it to the end.
func (t *Trainer) play(ctx context.Context, g poltypes.Group, r poltypes.Round) error {
	c, reason, err := t.train(ctx, g, r)
	if errors.Is(err, errMissing) {
		t.report(Event{Event: EventMissed, Group: g.Name, Round: r.Number, Trainer: t.sender.Address(), Note: err.Error()})
		return t.waitSettled(ctx, g.Name, r.Number)
	}
	if err != nil {
		return err
	}
	if reason != "" {
		t.report(Event{Event: EventSkipped, Group: g.Name, Round: r.Number, Trainer: t.sender.Address(), Note: reason + "; no bond is risked. Try another --rate or --seed"})
		return t.waitSettled(ctx, g.Name, r.Number)
	}
	e, err := t.enter(ctx, g.Name, r.Number, c)
	if err != nil {
		return err
	}
	_, err = t.follow(ctx, e)
	return err
}

// waitSettled waits for the end of a round in which we have no part.
func (t *Trainer) waitSettled(ctx context.Context, group string, number uint64) error {
	for {
		r, err := t.chain.Round(ctx, group, number)
		switch {
		case errors.Is(err, collections.ErrNotFound), err == nil && r.Phase == poltypes.ROUND_PHASE_SETTLED:
			return nil
		case err != nil:
			err = t.retry(ctx, err)
		default:
			err = t.pause(ctx)
		}
		if err != nil {
			return err
		}
	}
}

// errBehind says that the node does not know a round yet that we have been in.
var errBehind = errors.New("the node does not know a round of the journal")

// retry waits when an error passes by itself and returns it otherwise, or when the node stays away for too long.
func (t *Trainer) retry(ctx context.Context, err error) error {
	if ctx.Err() != nil {
		return ctx.Err()
	}
	if !t.transient(err) && !errors.Is(err, errBehind) {
		return err
	}
	t.mu.Lock()
	now := time.Now()
	if now.Sub(t.lastError) > calm {
		t.away = now
		t.log.Warn("the node can't answer; trying again", "error", err)
	}
	t.lastError = now
	long := now.Sub(t.away) > patience
	t.mu.Unlock()
	if long {
		return err
	}
	return t.pause(ctx)
}

func (t *Trainer) pause(ctx context.Context) error {
	timer := time.NewTimer(t.poll)
	defer timer.Stop()
	select {
	case <-ctx.Done():
		return ctx.Err()
	case <-timer.C:
		return nil
	}
}

// StatusName is the short name of a status, such as "winner".
func StatusName(s poltypes.SubmissionStatus) string {
	return strings.ReplaceAll(strings.ToLower(strings.TrimPrefix(s.String(), "SUBMISSION_STATUS_")), "_", " ")
}

// roundSeed is the order of the rows in one round: different for every seed, group and round, and the same when it is run again.
func roundSeed(seed []byte, group string, round uint64) [sha256.Size]byte {
	h := sha256.New()
	for _, field := range [][]byte{seed, []byte(group), binary.BigEndian.AppendUint64(nil, round)} {
		h.Write(binary.BigEndian.AppendUint32(nil, uint32(len(field))))
		h.Write(field)
	}
	return [sha256.Size]byte(h.Sum(nil))
}
