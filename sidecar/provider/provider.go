package provider

import (
	"context"
	"fmt"
	"log/slog"
	"slices"
	"time"

	"cosmossdk.io/math"

	sdk "github.com/cosmos/cosmos-sdk/types"

	poltypes "github.com/pold-network/pold/x/pol/types"
	trainingsettypes "github.com/pold-network/pold/x/trainingset/types"
)

const defaultPoll = 500 * time.Millisecond

// Chain is what a provider asks the node.
type Chain interface {
	ChainID() string
	Group(ctx context.Context, name string) (poltypes.Group, error)
	Round(ctx context.Context, group string, number uint64) (poltypes.Round, error)
	Batches(ctx context.Context, group string) ([]poltypes.SealedBatch, []poltypes.ProviderBond, error)
	TrainingSet(ctx context.Context, name string) (trainingsettypes.TrainingSet, error)
}

// Sender signs and sends transactions of one account.
type Sender interface {
	Address() string
	Send(ctx context.Context, msgs ...sdk.Msg) (hash string, height int64, err error)
}

// Store is the part of a swarm node that a provider uses. Add announces nothing.
type Store interface {
	Add(ctx context.Context, file []byte) (cid string, err error)
	Provide(ctx context.Context, cid string) error
}

// Config says how one provider works.
type Config struct {
	Chain  Chain
	Sender Sender
	Store  Store
	Dir    string // of the keys
	Log    *slog.Logger
	Report func(Event)
	Poll   time.Duration // how often the chain is looked at; 0 means 500 ms
	// Transient tells errors that pass by themselves from others; nil: none pass.
	Transient func(error) bool
}

// Provider hands in batches and reveals their keys, for one account.
type Provider struct {
	Config
	folder folder
}

// New opens the folder of keys.
func New(c Config) (*Provider, error) {
	f, err := openFolder(c.Dir)
	if err != nil {
		return nil, err
	}
	if c.Poll == 0 {
		c.Poll = defaultPoll
	}
	if c.Transient == nil {
		c.Transient = func(error) bool { return false }
	}
	return &Provider{c, f}, nil
}

// Table is a file of evaluation rows.
type Table struct {
	Name string
	File []byte
}

// HandIn seals each table for a round of its own, from first on, or from the first one that is free when first is 0, and sends what the
// chain does not have yet. bond is what the provider's bond is raised to; nil leaves it. Run again with the same tables it goes on where
// it was stopped.
func (p *Provider) HandIn(ctx context.Context, group string, tables []Table, first uint64, bond *math.Int) error {
	g, err := p.Chain.Group(ctx, group)
	if err != nil {
		return err
	}
	if g.Settings.Evaluation != poltypes.EVALUATION_MODE_SEALED {
		return fmt.Errorf("group %q: expected evaluation mode SEALED, got %s; only sealed groups use batches", group, g.Settings.Evaluation)
	}
	if !slices.Contains(g.Settings.Providers, p.Sender.Address()) {
		return fmt.Errorf("group %q: %s is not among its providers, who were named when it was opened: %v", group, p.Sender.Address(), g.Settings.Providers)
	}
	batches, bonds, err := p.Chain.Batches(ctx, group)
	if err != nil {
		return err
	}
	entries, err := p.prepare(ctx, g, batches, tables, first)
	if err != nil {
		return err
	}
	return p.send(ctx, group, entries, batches, missing(bonds, p.Sender.Address(), bond))
}

// missing is what a bond lacks.
func missing(bonds []poltypes.ProviderBond, provider string, want *math.Int) math.Int {
	if want == nil {
		return math.ZeroInt()
	}
	for _, b := range bonds {
		if b.Provider == provider {
			return math.MaxInt(want.Sub(b.Amount), math.ZeroInt())
		}
	}
	return *want
}

// send provides the encrypted files and hands in those that the chain does not have.
func (p *Provider) send(ctx context.Context, group string, entries []Entry, batches []poltypes.SealedBatch, bond math.Int) error {
	m := &poltypes.MsgProvideBatches{Sender: p.Sender.Address(), Group: group, Bond: bond}
	for _, e := range entries {
		if err := p.provide(ctx, e); err != nil {
			return err
		}
		i := slices.IndexFunc(batches, func(b poltypes.SealedBatch) bool { return b.Provider == e.Provider && b.Round == e.Round })
		switch {
		case i < 0, batches[i].Status == poltypes.SEALED_BATCH_STATUS_UNAVAILABLE: // the chain takes it again
			m.Batches = append(m.Batches, e.info())
		case !e.is(batches[i]):
			return fmt.Errorf("round %d of group %q: the chain has another batch of this account, whose key is not in %s; use the folder that holds it", e.Round, group, p.Dir)
		}
	}
	if len(m.Batches) == 0 && bond.IsZero() {
		p.Report(Event{Event: EventNote, Group: group, Note: "the chain has all of them already"})
		return nil
	}
	hash, height, err := p.Sender.Send(ctx, m)
	if err != nil {
		return fmt.Errorf("%w; the keys are in %s: run the same command again", err, p.Dir)
	}
	for _, e := range entries {
		if !slices.ContainsFunc(m.Batches, func(b poltypes.SealedBatchInfo) bool { return b.Round == e.Round }) {
			continue
		}
		p.Report(Event{Event: EventHandedIn, Group: group, Round: e.Round, Source: e.Source, Rows: e.Rows, CID: e.CID, Tx: hash, Height: height})
	}
	return nil
}

// provide makes the encrypted file of an entry available. The validators are directly connected as a rule, so a failed announcement is
// only noted.
func (p *Provider) provide(ctx context.Context, e Entry) error {
	file, err := p.folder.file(e)
	if err != nil {
		return err
	}
	cid, err := p.Store.Add(ctx, file)
	if err != nil {
		return fmt.Errorf("store the encrypted batch of round %d: %w", e.Round, err)
	}
	if cid != e.CID {
		return fmt.Errorf("encrypted batch of round %d: expected CID %s, got %s; was it sealed by another release?", e.Round, e.CID, cid)
	}
	if err := p.Store.Provide(ctx, cid); err != nil && ctx.Err() == nil {
		p.Log.Warn("could not announce an encrypted batch to the overlay", "cid", cid, "error", err)
	}
	return ctx.Err()
}

// pause waits until the chain is looked at again.
func (p *Provider) pause(ctx context.Context) error {
	timer := time.NewTimer(p.Poll)
	defer timer.Stop()
	select {
	case <-ctx.Done():
		return ctx.Err()
	case <-timer.C:
		return nil
	}
}

// retry waits when an error passes by itself and returns it otherwise.
func (p *Provider) retry(ctx context.Context, err error) error {
	if ctx.Err() != nil {
		return ctx.Err()
	}
	if !p.Transient(err) {
		return err
	}
	p.Log.Warn("the node can't answer; trying again", "error", err)
	return p.pause(ctx)
}
