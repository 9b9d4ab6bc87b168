package trainer

import (
	"bytes"
	"context"
	"crypto/rand"
	"crypto/sha256"
	"errors"
	"fmt"

	"cosmossdk.io/collections"

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
	return e, t.journal.save(e, c.file)
}

// follow takes an entry from wherever it stands to the end of its round: commit, reveal, settle. An error leaves the entry in the
// journal, so that the next start resumes it.
func (t *Trainer) follow(ctx context.Context, e Entry) (Outcome, error) {
	provided := false
	var refusal error // of the reveal
	for {
		round, err := t.chain.Round(ctx, e.Group, e.Round)
		if errors.Is(err, collections.ErrNotFound) {
			return t.drop(e, "the chain no longer knows the round")
		}
		if err != nil {
			if err := t.retry(ctx, err); err != nil {
				return Outcome{Entry: e}, err
			}
			continue
		}
		own, err := t.commitmentOf(ctx, e)
		if err != nil {
			if err := t.retry(ctx, err); err != nil {
				return Outcome{Entry: e}, err
			}
			continue
		}
		if own != nil && !bytes.Equal(own.Commitment, e.commitment()) {
			return t.drop(e, "the chain holds another commitment of this account; reveal that one, or wait for the next round")
		}
		if own != nil && own.Revealed && !provided {
			provided = t.provide(ctx, e)
		}
		switch {
		case round.Phase == poltypes.ROUND_PHASE_COMMIT && own == nil:
			err = t.commit(ctx, e)
		case round.Phase == poltypes.ROUND_PHASE_REVEAL && own != nil && !own.Revealed && refusal == nil:
			provided = t.provide(ctx, e)
			err = t.reveal(ctx, e)
		case round.Phase == poltypes.ROUND_PHASE_SETTLED:
			o, err := t.settle(ctx, e, round, own)
			o.Refusal = refusal
			return o, err
		case own == nil:
			return t.drop(e, fmt.Sprintf("the commit phase ended at height %d before the commitment was in a block; train fewer steps", round.CommitUntil))
		default:
			err = t.pause(ctx)
		}
		switch {
		case err == nil:
		case errors.Is(err, poltypes.ErrWrongPhase), errors.Is(err, poltypes.ErrAlreadyCommitted):
			// The phase may end while a transaction is on its way, or an earlier one got there after all: look again, then decide.
			if err := t.pause(ctx); err != nil {
				return Outcome{Entry: e}, err
			}
		case t.refused(err) && own == nil:
			o, dropErr := t.drop(e, err.Error())
			o.Refusal = err
			return o, dropErr
		case t.refused(err) && own != nil:
			refusal = err
			t.report(Event{Event: EventNote, Group: e.Group, Round: e.Round, Trainer: e.Trainer, Note: "the reveal was refused: " + err.Error()})
		default:
			if err := t.retry(ctx, err); err != nil {
				return Outcome{Entry: e}, err
			}
		}
	}
}

// commitmentOf returns our commitment in the round, or nil.
func (t *Trainer) commitmentOf(ctx context.Context, e Entry) (*poltypes.Commitment, error) {
	commitments, err := t.chain.Commitments(ctx, e.Group, e.Round)
	if errors.Is(err, collections.ErrNotFound) {
		return nil, nil
	}
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
		CheckpointHash: e.SHA256, Size_: e.Size, ClaimedLossE9: e.ClaimedLossE9, Salt: e.Salt})
	if err != nil {
		return err
	}
	t.report(Event{Event: EventRevealed, Group: e.Group, Round: e.Round, Trainer: e.Trainer, LossE9: &e.LossE9, CID: e.CID, Tx: hash, Height: height})
	return nil
}

// provide makes the checkpoint available to others, from the journal if the store has lost it. It reports whether that worked; the
// validators are directly connected as a rule, so a failed announcement is only noted.
func (t *Trainer) provide(ctx context.Context, e Entry) bool {
	file, err := t.journal.checkpoint(e)
	if err == nil {
		_, err = t.store.Add(ctx, file)
	}
	if err == nil {
		err = t.store.Provide(ctx, e.CID)
	}
	if err != nil && ctx.Err() == nil {
		t.log.Warn("could not announce the checkpoint to the overlay; trying again", "cid", e.CID, "error", err)
	}
	return err == nil
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
	if err := t.journal.remove(e); err != nil {
		t.log.Warn("could not clean up the trainer journal", "error", err)
	}
	return o, nil
}

// drop ends an entry that can't be revealed any more.
func (t *Trainer) drop(e Entry, note string) (Outcome, error) {
	t.report(Event{Event: EventMissed, Group: e.Group, Round: e.Round, Trainer: e.Trainer, Note: note})
	return Outcome{Entry: e, Note: note}, t.journal.remove(e)
}
