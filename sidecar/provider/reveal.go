package provider

import (
	"context"
	"errors"
	"fmt"
	"slices"

	"cosmossdk.io/collections"

	poltypes "github.com/pold-network/pold/x/pol/types"
)

// ErrLost says that a key did not get on chain in time, which costs the bond.
var ErrLost = errors.New("a key was not revealed in time")

// ErrUnavailable says that validators do not hold a batch, so that no round can use it.
var ErrUnavailable = errors.New("validators do not hold a batch")

// AwaitHeld waits until validators have said of every batch in a group that they hold it. Until then somebody has to provide it.
func (p *Provider) AwaitHeld(ctx context.Context, group string) error {
	waiting, err := p.pending(ctx, group)
	if err != nil {
		return err
	}
	for len(waiting) > 0 {
		batches, _, err := p.Chain.Batches(ctx, group)
		if err != nil {
			if err = p.retry(ctx, err); err != nil {
				return err
			}
			continue
		}
		for _, e := range slices.Clone(waiting) {
			i := slices.IndexFunc(batches, e.is)
			switch {
			case i < 0: // its round has taken it
			case batches[i].Status == poltypes.SEALED_BATCH_STATUS_UNAVAILABLE:
				return fmt.Errorf("%w: that of round %d of group %q; is this machine reachable for them? Run the same command again without --once", ErrUnavailable, e.Round, group)
			case batches[i].Status == poltypes.SEALED_BATCH_STATUS_ASKED:
				continue
			}
			p.Report(Event{Event: EventHeld, Group: e.Group, Round: e.Round, Source: e.Source, CID: e.CID})
			waiting = slices.DeleteFunc(waiting, func(x Entry) bool { return x.Round == e.Round })
		}
		if len(waiting) > 0 {
			if err := p.pause(ctx); err != nil {
				return err
			}
		}
	}
	return nil
}

// pending returns the entries whose rounds are not over, and says of those that were never handed in. An empty group means all.
func (p *Provider) pending(ctx context.Context, group string) ([]Entry, error) {
	all, err := p.folder.entries(p.Chain.ChainID(), p.Sender.Address(), group)
	if err != nil {
		return nil, err
	}
	var list []Entry
	for _, e := range all {
		g, batches, err := p.look(ctx, e.Group)
		if err != nil {
			return nil, err
		}
		switch {
		case e.Round < g.Round:
		case e.Round > g.Round && !slices.ContainsFunc(batches, e.is):
			p.Report(Event{Event: EventNote, Group: e.Group, Round: e.Round, Source: e.Source, Note: "sealed but not handed in; give its table to provide again"})
		default:
			list = append(list, e)
		}
	}
	return list, nil
}

// look asks for a group and its waiting batches until the node answers.
func (p *Provider) look(ctx context.Context, group string) (poltypes.Group, []poltypes.SealedBatch, error) {
	for {
		g, err := p.Chain.Group(ctx, group)
		var batches []poltypes.SealedBatch
		if err == nil {
			batches, _, err = p.Chain.Batches(ctx, group)
		}
		if err == nil {
			return g, batches, nil
		}
		if err := p.retry(ctx, err); err != nil {
			return g, nil, err
		}
	}
}

// Reveal provides the batches of a group, or of all groups when it is empty, and reveals each key when its round asks for it. It ends
// when the last round is past; an error that wraps ErrLost says that a key came too late.
func (p *Provider) Reveal(ctx context.Context, group string) error {
	open, err := p.pending(ctx, group)
	if err != nil {
		return err
	}
	for _, e := range open {
		if err := p.provide(ctx, e); err != nil {
			return err
		}
		p.Report(Event{Event: EventWaiting, Group: e.Group, Round: e.Round, Source: e.Source})
	}
	var lost []error
	told := map[string]string{} // the last note of an entry
	for {
		open = slices.DeleteFunc(open, func(e Entry) bool {
			over, err := p.step(ctx, e, told)
			if errors.Is(err, ErrLost) {
				lost = append(lost, err)
			}
			return over
		})
		if len(open) == 0 {
			break
		}
		if err := p.pause(ctx); err != nil {
			return err
		}
	}
	return errors.Join(lost...)
}

// step does for an entry what its round asks for, and reports whether nothing more can be asked. Whatever else fails is tried again:
// a bond is at stake.
func (p *Provider) step(ctx context.Context, e Entry, told map[string]string) (over bool, err error) {
	note := func(text string) {
		if key := p.folder.name(e); told[key] != text {
			told[key] = text
			p.Report(Event{Event: EventNote, Group: e.Group, Round: e.Round, Source: e.Source, Note: text})
		}
	}
	g, err := p.Chain.Group(ctx, e.Group)
	if err != nil || e.Round > g.Round {
		if err != nil && ctx.Err() == nil {
			note("the node can't answer, trying again: " + err.Error())
		} else if g.Note != "" && e.Round == g.Round+1 {
			note("the group waits: " + g.Note)
		}
		return false, err
	}
	r, err := p.Chain.Round(ctx, e.Group, e.Round)
	if errors.Is(err, collections.ErrNotFound) {
		return e.Round < g.Round, nil // forgotten; or the node is behind
	}
	if err != nil {
		return false, err
	}
	i := slices.IndexFunc(r.Batches, e.is)
	switch {
	case i < 0:
		note("the round does not use this batch")
		return true, nil
	case len(r.Batches[i].Key) > 0:
		p.Report(Event{Event: EventRevealed, Group: e.Group, Round: e.Round, Source: e.Source})
		return true, nil
	case r.Batches[i].Status == poltypes.SEALED_BATCH_STATUS_FAILED:
		note("the key did not get on chain in time; the bond is lost")
		return true, fmt.Errorf("round %d of group %q: %w, so the bond is lost", e.Round, e.Group, ErrLost)
	case r.Phase == poltypes.ROUND_PHASE_SETTLED: // nobody revealed a checkpoint, so no key was asked for
		note("the round ended before it asked for the key; the rows stay unseen")
		return true, nil
	case r.Phase != poltypes.ROUND_PHASE_KEY:
		return false, nil
	}
	_, _, err = p.Sender.Send(ctx, &poltypes.MsgRevealBatchKey{Sender: e.Provider, Group: e.Group, Round: e.Round, Key: e.Key})
	if err != nil && ctx.Err() == nil && !errors.Is(err, poltypes.ErrWrongPhase) {
		note(fmt.Sprintf("the key was not taken, trying again until height %d: %s", r.KeyUntil, err))
	}
	return false, nil // the chain's own account of the round ends it
}
