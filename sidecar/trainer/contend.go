package trainer

import (
	"bytes"
	"context"
	"crypto/rand"
	"crypto/sha256"
	"errors"
	"fmt"
	"slices"
	"sync"

	"cosmossdk.io/collections"

	"github.com/pold-network/pold/engine"
	poltypes "github.com/pold-network/pold/x/pol/types"
)

const saltSize = 32

// candidate is a finished checkpoint before it is committed.
type candidate struct {
	file          []byte
	claimedLossE9 uint64
	lossE9        uint64
	parentLossE9  uint64
	metricE9      uint64
	// transcript is nil in proof mode SCORED.
	transcript *engine.Transcript
}

// Outcome is what became of a commitment.
type Outcome struct {
	Entry
	// Revealed says whether the chain holds the reveal, Won whether it won.
	Revealed, Won bool
	Status        poltypes.SubmissionStatus
	Note          string
	// Refusal is why the chain took the commitment or the reveal not at all.
	Refusal error
}

// enter puts a candidate into store and journal. After it returns, a crash can't cost the bond.
func (t *Trainer) enter(ctx context.Context, group string, round uint64, c candidate) (Entry, error) {
	cid, err := t.store.Add(ctx, c.file)
	if err != nil {
		return Entry{}, fmt.Errorf("store the checkpoint: %w", err)
	}
	sum := sha256.Sum256(c.file)
	e := Entry{ChainID: t.chain.ChainID(), Group: group, Round: round, Trainer: t.sender.Address(), CID: cid, SHA256: sum[:],
		Size: uint64(len(c.file)), ClaimedLossE9: c.claimedLossE9, LossE9: c.lossE9, ParentLossE9: c.parentLossE9, MetricE9: c.metricE9,
		Salt: make([]byte, saltSize)}
	if _, err := rand.Read(e.Salt); err != nil {
		return Entry{}, fmt.Errorf("draw a salt: %w", err)
	}
	var transcript []byte
	if c.transcript != nil {
		transcript = c.transcript.Encode()
		if e.TranscriptCID, err = t.store.Add(ctx, transcript); err != nil {
			return Entry{}, fmt.Errorf("store the transcript: %w", err)
		}
		root := sha256.Sum256(transcript)
		e.TranscriptSHA256, e.TranscriptSize = root[:], uint64(len(transcript))
	}
	return e, t.journal.save(e, c.file, transcript)
}

// follow takes an entry from wherever it stands to the end of its round: commit, reveal, settle. Refusals are tried again for as long
// as the phase lasts, because a commitment that is not revealed loses its bond. An error leaves the entry in the journal, so that the
// next start resumes it; only the chain's own account of the round ends it.
func (t *Trainer) follow(ctx context.Context, e Entry) (Outcome, error) {
	provided, statesProvided, offered := false, false, false
	var announcing sync.WaitGroup
	defer announcing.Wait()
	ctx, cancel := context.WithCancel(ctx)
	defer cancel()
	var sending attempts
	for {
		p, err := t.look(ctx, e)
		// Before the reveal nobody knows what to ask for, and afterwards validators fetch at once.
		if err == nil && p.round.Parent.Cid != "" && !offered {
			offered = true
			announcing.Go(func() { t.offerDelta(ctx, e, p.round.Parent.Cid) })
		}
		if p.own != nil && p.own.Revealed && !provided {
			provided = t.provide(ctx, e)
		}
		if p.own != nil && p.own.Revealed && p.round.Phase == poltypes.ROUND_PHASE_AUDIT && !statesProvided {
			statesProvided = true
			announcing.Go(func() { t.provideStates(ctx, e) })
		}
		switch {
		case err != nil:
			err = t.retry(ctx, err)
		case p.past:
			return t.drop(e, "the chain no longer knows the round", nil)
		case p.own != nil && !bytes.Equal(p.own.Commitment, e.commitment()):
			return t.drop(e, "the chain holds another commitment of this account; reveal that one, or wait for the next round", nil)
		case p.own == nil && p.closed():
			note := fmt.Sprintf("the commit phase ended at height %d before the commitment was in a block; train fewer steps", p.round.CommitUntil)
			if sending.refusal != nil {
				note = sending.refusal.Error()
			}
			return t.drop(e, note, sending.refusal)
		case p.round.Phase == poltypes.ROUND_PHASE_SETTLED:
			o, settleErr := t.settle(ctx, e, p.round, p.own)
			if settleErr == nil {
				if !o.Revealed {
					o.Refusal = sending.refusal
				}
				return o, nil
			}
			err = t.retry(ctx, settleErr)
		case p.own == nil && p.round.Phase == poltypes.ROUND_PHASE_COMMIT && !sending.commitEnded:
			err = t.afterCommit(ctx, e, &sending, t.commit(ctx, e))
		case p.own != nil && !p.own.Revealed && p.round.Phase == poltypes.ROUND_PHASE_REVEAL && !sending.revealEnded:
			provided = t.provide(ctx, e)
			err = t.afterReveal(ctx, e, &sending, t.reveal(ctx, e))
		default:
			err = t.pause(ctx)
		}
		if err != nil {
			return Outcome{Entry: e}, err
		}
	}
}

// position is where a round stands for an entry.
type position struct {
	height int64 // of the chain before round and own were read, so that they are no older
	round  poltypes.Round
	own    *poltypes.Commitment // of our account, or nil
	past   bool                 // the group is in a later round and this one is forgotten; nothing else is set
}

// closed says that no commitment can get into the round any more.
func (p position) closed() bool {
	switch p.round.Phase {
	case poltypes.ROUND_PHASE_COMMIT:
		return false
	case poltypes.ROUND_PHASE_SETTLED:
		return true
	}
	return p.height > p.round.CommitUntil
}

// look asks for the position of an entry's round. That the chain knows no such round counts only when the group is past it: a node
// that is behind, or restored from a backup, will know it later.
func (t *Trainer) look(ctx context.Context, e Entry) (p position, err error) {
	if p.height, err = t.chain.Height(ctx); err != nil {
		return p, err
	}
	p.round, err = t.chain.Round(ctx, e.Group, e.Round)
	if err == nil {
		p.own, err = t.commitmentOf(ctx, e)
	}
	if !errors.Is(err, collections.ErrNotFound) {
		return p, err
	}
	unknown := err
	g, err := t.chain.Group(ctx, e.Group)
	if err == nil && g.Round > e.Round {
		return position{past: true}, nil
	}
	if err == nil || errors.Is(err, collections.ErrNotFound) {
		return p, fmt.Errorf("%w: %w; its commitment stays in the journal; is the node behind the others?", errBehind, unknown)
	}
	return p, err
}

// attempts is what became of the transactions of one entry.
type attempts struct {
	refusal error // the last one, if nothing was accepted since
	// commitEnded and revealEnded say that no further attempt can succeed. An earlier one may still get into a block.
	commitEnded, revealEnded bool
}

// finalCommit and finalReveal are the refusals that no later attempt can overcome.
var (
	finalCommit = []error{poltypes.ErrNotAllowed, poltypes.ErrRoundFull}
	finalReveal = []error{poltypes.ErrMismatch, poltypes.ErrUsedCheckpoint, poltypes.ErrNotCommitted, poltypes.ErrInvalidCheckpoint}
)

func isAny(err error, targets []error) bool {
	return slices.ContainsFunc(targets, func(target error) bool { return errors.Is(err, target) })
}

// afterCommit decides how to go on after an attempt to commit. An error ends the work.
func (t *Trainer) afterCommit(ctx context.Context, e Entry, a *attempts, err error) error {
	switch {
	case err == nil:
		a.refusal = nil
		return nil
	case errors.Is(err, poltypes.ErrWrongPhase), errors.Is(err, poltypes.ErrAlreadyCommitted):
		// The phase may end while a transaction is on its way, or an earlier one got there after all: look again.
		return t.pause(ctx)
	case t.refused(err):
		a.commitEnded = isAny(err, finalCommit)
		t.noteRefusal(e, a, "commitment", err, a.commitEnded)
		return t.pause(ctx)
	}
	return t.retry(ctx, err)
}

// afterReveal decides how to go on after an attempt to reveal. A bond is at stake, so only what is hopeless ends the attempts, and
// only the end of ctx the work.
func (t *Trainer) afterReveal(ctx context.Context, e Entry, a *attempts, err error) error {
	switch {
	case err == nil:
		a.refusal = nil
		return nil
	case ctx.Err() != nil:
		return ctx.Err()
	case errors.Is(err, poltypes.ErrWrongPhase), errors.Is(err, poltypes.ErrAlreadyCommitted):
		return t.pause(ctx) // as above; the latter also means that it is revealed
	}
	a.revealEnded = isAny(err, finalReveal)
	t.noteRefusal(e, a, "reveal", err, a.revealEnded)
	return t.pause(ctx)
}

// noteRefusal keeps a refusal and reports it, unless it only repeats the last one.
func (t *Trainer) noteRefusal(e Entry, a *attempts, what string, err error, final bool) {
	repeated := a.refusal != nil && a.refusal.Error() == err.Error()
	a.refusal = err
	if repeated && !final {
		return
	}
	note := fmt.Sprintf("the %s was refused: %s", what, err)
	if !final {
		note += "; trying again until the phase ends"
	}
	t.report(Event{Event: EventNote, Group: e.Group, Round: e.Round, Trainer: e.Trainer, Note: note})
}

// commitmentOf returns our commitment in the round, or nil.
func (t *Trainer) commitmentOf(ctx context.Context, e Entry) (*poltypes.Commitment, error) {
	commitments, err := t.chain.Commitments(ctx, e.Group, e.Round)
	for i := range commitments {
		if commitments[i].Trainer == e.Trainer {
			return &commitments[i], err
		}
	}
	return nil, err
}

func (t *Trainer) commit(ctx context.Context, e Entry) error {
	hash, height, err := t.sender.Send(ctx, &poltypes.MsgCommitCheckpoint{Sender: e.Trainer, Group: e.Group, Round: e.Round, Commitment: e.commitment()})
	if err != nil {
		return err
	}
	t.report(Event{Event: EventCommitted, Group: e.Group, Round: e.Round, Trainer: e.Trainer, LossE9: &e.LossE9, Tx: hash, Height: height})
	return nil
}

func (t *Trainer) reveal(ctx context.Context, e Entry) error {
	hash, height, err := t.sender.Send(ctx, &poltypes.MsgSubmitCheckpoint{Sender: e.Trainer, Group: e.Group, Round: e.Round, CheckpointCid: e.CID,
		CheckpointHash: e.SHA256, Size_: e.Size, ClaimedLossE9: e.ClaimedLossE9, Salt: e.Salt,
		TranscriptRoot: e.TranscriptSHA256, TranscriptCid: e.TranscriptCID, TranscriptSize: e.TranscriptSize})
	if err != nil {
		return err
	}
	t.report(Event{Event: EventRevealed, Group: e.Group, Round: e.Round, Trainer: e.Trainer, LossE9: &e.LossE9, CID: e.CID, Tx: hash, Height: height})
	return nil
}

// provide makes checkpoint and transcript available to others, from the journal if the store has lost them. It reports whether that worked; the
// validators are directly connected as a rule, so a failed announcement is only noted.
func (t *Trainer) provide(ctx context.Context, e Entry) bool {
	file, err := t.journal.checkpoint(e)
	if err == nil {
		_, err = t.store.Add(ctx, file)
	}
	if err == nil {
		err = t.store.Provide(ctx, e.CID)
	}
	if transcript, readErr := t.journal.transcript(e); err == nil && (readErr != nil || transcript != nil) {
		if err = readErr; err == nil {
			_, err = t.store.Add(ctx, transcript)
		}
		if err == nil {
			err = t.store.Provide(ctx, e.TranscriptCID)
		}
	}
	if err != nil && ctx.Err() == nil {
		t.log.Warn("could not announce the checkpoint to the overlay; trying again", "cid", e.CID, "error", err)
	}
	return err == nil
}

// offerDelta makes the change since the parent available, which most validators hold.
func (t *Trainer) offerDelta(ctx context.Context, e Entry, parent string) {
	if err := t.store.OfferDelta(ctx, e.CID, parent); err != nil && ctx.Err() == nil {
		t.log.Debug("the checkpoint is served as a whole only", "cid", e.CID, "parent", parent, "error", err)
	}
}

// settle reports how a round ended for us and forgets the entry.
func (t *Trainer) settle(ctx context.Context, e Entry, round poltypes.Round, own *poltypes.Commitment) (Outcome, error) {
	o := Outcome{Entry: e, Won: round.Winner == e.Trainer, Revealed: own != nil && own.Revealed}
	submissions, err := t.chain.Submissions(ctx, e.Group, e.Round)
	if err != nil && !errors.Is(err, collections.ErrNotFound) {
		return o, err
	}
	for _, s := range submissions {
		if s.Trainer == e.Trainer {
			o.Revealed, o.Status, o.Note = true, s.Status, s.Note
		}
	}
	event := Event{Event: EventSettled, Group: e.Group, Round: e.Round, Trainer: e.Trainer, LossE9: &e.LossE9, ParentLossE9: &e.ParentLossE9,
		MetricE9: &e.MetricE9, CID: e.CID, Height: round.SettledHeight, Winner: round.Winner, Won: o.Won, Note: o.Note}
	if round.ParentVerdict != nil {
		event.ParentLossE9 = &round.ParentVerdict.RankLossE9
	}
	if o.Revealed {
		event.Status = StatusName(o.Status)
	}
	if event.Note == "" {
		event.Note = round.Note
	}
	if o.Won && !round.Reward.IsNil() {
		event.RewardUnrn = round.Reward.String()
	}
	t.report(event)
	t.forgetEntry(e)
	if err := t.journal.remove(e); err != nil {
		t.log.Warn("could not clean up the trainer journal", "error", err)
	}
	return o, nil
}

// drop ends an entry that can't be revealed any more.
func (t *Trainer) drop(e Entry, note string, refusal error) (Outcome, error) {
	t.report(Event{Event: EventMissed, Group: e.Group, Round: e.Round, Trainer: e.Trainer, Note: note})
	t.forgetEntry(e)
	return Outcome{Entry: e, Note: note, Refusal: refusal}, t.journal.remove(e)
}
