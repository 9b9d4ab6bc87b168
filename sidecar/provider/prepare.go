package provider

import (
	"bytes"
	"context"
	"crypto/sha256"
	"errors"
	"fmt"
	"slices"

	"cosmossdk.io/collections"

	"github.com/pold-network/pold/sidecar/sealed"
	"github.com/pold-network/pold/sidecar/verifier"
	poltypes "github.com/pold-network/pold/x/pol/types"
)

// prepare returns an entry for each table, the one in the folder if there is one, and checks new tables as validators will.
func (p *Provider) prepare(ctx context.Context, g poltypes.Group, batches []poltypes.SealedBatch, tables []Table, first uint64) ([]Entry, error) {
	known, err := p.folder.entries(p.Chain.ChainID(), p.Sender.Address(), g.Name)
	if err != nil {
		return nil, err
	}
	set, err := p.Chain.TrainingSet(ctx, g.Settings.TrainingSet)
	if err != nil {
		return nil, err
	}
	in := verifier.Inputs{Model: g.Settings.Model, Objective: g.Settings.Objective, Evaluation: g.Settings.Evaluation, TrainingSet: set.Name, Table: set.Table}
	next := nextRound(g, known, batches, p.Sender.Address())
	if first != 0 {
		next = first
	}
	entries := make([]Entry, len(tables))
	var sealedFiles [][]byte // of new entries
	var fresh []int
	for i, t := range tables {
		sum := sha256.Sum256(t.File)
		same := func(e Entry) bool { return bytes.Equal(e.TableSHA256, sum[:]) }
		if slices.ContainsFunc(entries[:i], same) {
			return nil, fmt.Errorf("%s: the same table is given twice; the rows of a batch are known after its round, so each round needs its own", t.Name)
		}
		if e, ok := newest(known, same); ok {
			unseen, err := p.unseen(ctx, g, e)
			if err != nil {
				return nil, err
			}
			if !unseen {
				entries[i] = e
				continue
			}
		}
		if next <= g.Round || next > g.Round+poltypes.MaxBatchesAhead {
			return nil, fmt.Errorf("%s: group %q is in round %d and takes batches for rounds %d to %d, this one would be for %d; hand it in later",
				t.Name, g.Name, g.Round, g.Round+1, g.Round+poltypes.MaxBatchesAhead, next)
		}
		e := Entry{ChainID: p.Chain.ChainID(), Group: g.Name, Provider: p.Sender.Address(), Round: next, Source: t.Name, TableSHA256: sum[:]}
		file, err := e.seal(in, t.File)
		if err != nil {
			return nil, fmt.Errorf("%s: %w", t.Name, err)
		}
		next++
		entries[i], sealedFiles, fresh = e, append(sealedFiles, file), append(fresh, i)
	}
	// Nothing is written before every table has passed.
	for n, i := range fresh {
		if entries[i].CID, err = p.Store.Add(ctx, sealedFiles[n]); err != nil {
			return nil, fmt.Errorf("%s: store the encrypted batch: %w", tables[i].Name, err)
		}
		if err := p.folder.save(entries[i], sealedFiles[n]); err != nil {
			return nil, err
		}
		p.Report(Event{Event: EventSealed, Group: g.Name, Round: entries[i].Round, Source: entries[i].Source, Rows: entries[i].Rows, CID: entries[i].CID})
	}
	return slices.DeleteFunc(entries, func(e Entry) bool {
		if e.Round > g.Round {
			return false
		}
		// The same command after a restart. Rows that were seen are not sealed for another round.
		p.Report(Event{Event: EventNote, Group: g.Name, Round: e.Round, Source: e.Source, Note: e.Source + " is the batch of this round, which has begun; new rounds need new rows"})
		return true
	}), nil
}

// newest returns the entry with the highest round among those that are wanted.
func newest(known []Entry, wanted func(Entry) bool) (e Entry, ok bool) {
	for _, x := range known {
		if wanted(x) && (!ok || x.Round > e.Round) {
			e, ok = x, true
		}
	}
	return e, ok
}

// unseen reports whether the round of an entry is over and never asked for its key, so that its rows are as good as new.
func (p *Provider) unseen(ctx context.Context, g poltypes.Group, e Entry) (bool, error) {
	if e.Round > g.Round {
		return false, nil
	}
	r, err := p.Chain.Round(ctx, e.Group, e.Round)
	if errors.Is(err, collections.ErrNotFound) {
		return false, nil // nobody can say any more
	}
	i := slices.IndexFunc(r.Batches, e.is)
	return err == nil && r.Phase == poltypes.ROUND_PHASE_SETTLED && i >= 0 && len(r.Batches[i].Key) == 0, err
}

// nextRound is the first round for which neither folder nor chain has a batch, nor for any later one.
func nextRound(g poltypes.Group, known []Entry, batches []poltypes.SealedBatch, provider string) uint64 {
	next := g.Round + 1
	for _, e := range known {
		next = max(next, e.Round+1)
	}
	for _, b := range batches {
		if b.Provider == provider {
			next = max(next, b.Round+1)
		}
	}
	return next
}

// seal encrypts a table under a new key and opens it again as validators will: a batch can't be replaced, and a false one costs the bond.
func (e *Entry) seal(in verifier.Inputs, table []byte) (file []byte, err error) {
	if e.Key, err = sealed.NewKey(); err != nil {
		return nil, err
	}
	if file, err = sealed.Seal(table, e.Key); err != nil {
		return nil, err
	}
	sum := sha256.Sum256(file)
	e.SHA256, e.Size = sum[:], uint64(len(file))
	if e.Rows, err = verifier.CheckBatch(in, e.TableSHA256, file, e.Key); err != nil {
		return nil, err
	}
	if e.Size > poltypes.MaxSealedSize || e.Rows > poltypes.MaxSealedRows {
		return nil, fmt.Errorf("expected at most %d bytes and %d rows in a batch, got %d and %d", poltypes.MaxSealedSize, poltypes.MaxSealedRows, e.Size, e.Rows)
	}
	return file, nil
}
