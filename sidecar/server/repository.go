package server

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"log/slog"
	"maps"
	"os"
	"slices"
	"time"

	"cosmossdk.io/collections"

	"github.com/pold-network/pold/sidecar/atomicfile"
	poltypes "github.com/pold-network/pold/x/pol/types"
	trainingsettypes "github.com/pold-network/pold/x/trainingset/types"
)

const (
	repositoryInterval = 10 * time.Second
	// repositoryFetches bounds how many missing files one pass asks for, so that work for open tasks is not kept waiting.
	repositoryFetches = 4
	// keptDeltas is how many of the last changes of a training set are kept with it.
	keptDeltas = 32
	// repositoryPatience is after how many failures a person is told, once, why a file is missing.
	repositoryPatience = 3
	// maxRepositoryBackoff bounds the wait before a file that nobody has is asked for again.
	maxRepositoryBackoff = 10 * time.Minute
)

// Card says what a file is, and the words under which it is found.
type Card struct {
	Kind, Name string
	Tags       []string
}

// RepositoryStore is the part of a swarm node that the repository uses. Fetch keeps what it fetches.
type RepositoryStore interface {
	Fetch(ctx context.Context, cid string, size uint64, sha256 []byte) ([]byte, error)
	Provide(ctx context.Context, cid string) error
	// Holds says whether a file is here, without reading it.
	Holds(cid string) bool
	// Pin says whether a file stays whatever the quota.
	Pin(ctx context.Context, cid string, pinned bool) error
	// Describe lets others find a file.
	Describe(ctx context.Context, cid string, card Card) error
}

// Repository holds what the groups of the chain refer to now: tables of training sets, their last changes, and the checkpoints that groups
// train from, with transcripts. What is missing is fetched, what is here is pinned and can be searched, and what is no longer referred to
// is unpinned, so that a quota may remove it.
type Repository struct {
	chain RetentionChain
	store RepositoryStore
	path  string
	log   *slog.Logger

	// pinned are the CIDs that the repository has pinned: true those of this process, false those of an earlier one.
	pinned map[string]bool
	waits  map[string]repositoryWait
}

type repositoryWait struct {
	failures int
	next     time.Time
}

// OpenRepository returns a repository that Run keeps in step with the chain. It reads from path what it had pinned before, so that what the
// chain no longer refers to is unpinned also when that happened between two processes.
func OpenRepository(chain RetentionChain, store RepositoryStore, path string, log *slog.Logger) (*Repository, error) {
	r := &Repository{chain: chain, store: store, path: path, log: log, pinned: map[string]bool{}, waits: map[string]repositoryWait{}}
	b, err := os.ReadFile(path)
	if errors.Is(err, os.ErrNotExist) {
		return r, nil
	}
	var pinned []string
	if err == nil {
		err = json.Unmarshal(b, &pinned)
	}
	if err != nil {
		return nil, fmt.Errorf("list of pinned files %s: %w; delete the file to start afresh: what was pinned then stays on disk", path, err)
	}
	for _, cid := range pinned {
		r.pinned[cid] = false
	}
	return r, nil
}

// save writes down what is pinned.
func (r *Repository) save() error {
	b, err := json.Marshal(slices.Sorted(maps.Keys(r.pinned)))
	if err != nil {
		return err
	}
	return atomicfile.Write(r.path, b, 0o600)
}

// Run works until the context ends.
func (r *Repository) Run(ctx context.Context) error {
	tick := time.NewTicker(repositoryInterval)
	defer tick.Stop()
	for {
		if err := r.Sync(ctx); err != nil {
			r.log.Debug("repository not in step with the chain yet", "error", err)
		}
		select {
		case <-ctx.Done():
			return ctx.Err()
		case <-tick.C:
		}
	}
}

// reference is a file that the chain refers to.
type reference struct {
	cid    string
	size   uint64
	sha256 []byte
	card   Card
}

// Sync brings the store in step with the chain once, as far as peers have what is missing.
func (r *Repository) Sync(ctx context.Context) error {
	references, err := r.references(ctx)
	if err != nil {
		return err
	}
	wanted := map[string]bool{}
	fetched, changed := 0, false
	for _, x := range references {
		if wanted[x.cid] || x.cid == "" {
			continue
		}
		wanted[x.cid] = true
		if !r.store.Holds(x.cid) {
			delete(r.pinned, x.cid) // a pin goes with the file
			if fetched == repositoryFetches || r.waits[x.cid].next.After(time.Now()) {
				continue
			}
			fetched++
			if err := r.fetch(ctx, x); err != nil {
				continue
			}
		}
		if r.pinned[x.cid] {
			continue
		}
		if _, known := r.pinned[x.cid]; !known {
			// Written down first: a pin that nobody remembers would stay for ever.
			r.pinned[x.cid] = false
			if err := r.save(); err != nil {
				return err
			}
		}
		err := errors.Join(r.store.Pin(ctx, x.cid, true), r.store.Describe(ctx, x.cid, x.card), r.store.Provide(ctx, x.cid))
		if err != nil {
			r.log.Debug("file not pinned yet", "cid", x.cid, "error", err)
			continue
		}
		r.pinned[x.cid] = true
	}
	for _, cid := range slices.Sorted(maps.Keys(r.pinned)) {
		if wanted[cid] {
			continue
		}
		if err := r.store.Pin(ctx, cid, false); err != nil {
			r.log.Debug("file not unpinned", "cid", cid, "error", err) // it is gone
		}
		delete(r.pinned, cid)
		changed = true
	}
	maps.DeleteFunc(r.waits, func(cid string, _ repositoryWait) bool { return !wanted[cid] })
	if changed {
		return r.save()
	}
	return nil
}

func (r *Repository) fetch(ctx context.Context, x reference) error {
	ctx, cancel := context.WithTimeout(ctx, laterAttempts+time.Duration(x.size/slowestTransfer)*time.Second)
	defer cancel()
	_, err := r.store.Fetch(ctx, x.cid, x.size, x.sha256)
	if err == nil {
		r.log.Info("fetched what a group refers to", "kind", x.card.Kind, "name", x.card.Name, "cid", x.cid, "bytes", x.size)
		delete(r.waits, x.cid)
		return nil
	}
	w := r.waits[x.cid]
	w.next = time.Now().Add(min(maxRepositoryBackoff, time.Second<<min(w.failures, 10)))
	w.failures++
	r.waits[x.cid] = w
	level := slog.LevelDebug
	if w.failures == repositoryPatience {
		level = slog.LevelWarn
	}
	r.log.Log(ctx, level, "what a group refers to is not here yet", "kind", x.card.Kind, "name", x.card.Name, "cid", x.cid, "attempt", w.failures, "error", err)
	return err
}

// references lists what the chain refers to, the most needed first.
func (r *Repository) references(ctx context.Context) ([]reference, error) {
	groups, err := r.chain.Groups(ctx)
	if err != nil {
		return nil, err
	}
	sets, err := r.chain.TrainingSets(ctx)
	if err != nil {
		return nil, err
	}
	var out []reference
	for _, s := range sets {
		out = append(out, reference{s.Table.Cid, s.Table.Size_, s.Table.Sha256,
			Card{"table", fmt.Sprintf("%s, version %d", s.Name, s.Version), []string{s.Name, "training-set"}}})
	}
	for _, g := range groups {
		for _, c := range []*poltypes.Checkpoint{&g.Parent, carriedOf(g)} {
			if c != nil && c.Cid != "" {
				out = append(out, reference{c.Cid, c.Size_, c.Sha256,
					Card{"checkpoint", fmt.Sprintf("%s, round %d", g.Name, c.Round), []string{g.Name, g.Settings.TrainingSet, "checkpoint"}}})
			}
		}
		transcript, err := r.transcript(ctx, g)
		if err != nil {
			return nil, err
		}
		out = append(out, transcript)
	}
	for _, s := range sets {
		deltas, err := r.deltas(ctx, s)
		if err != nil {
			return nil, err
		}
		out = append(out, deltas...)
	}
	return out, nil
}

func carriedOf(g poltypes.Group) *poltypes.Checkpoint {
	if g.Carried == nil {
		return nil
	}
	return &g.Carried.Checkpoint
}

// transcript returns that of the round that made a group's parent, as long as the chain knows it.
func (r *Repository) transcript(ctx context.Context, g poltypes.Group) (reference, error) {
	if g.Parent.Cid == "" {
		return reference{}, nil
	}
	submissions, err := r.chain.Submissions(ctx, g.Name, g.Parent.Round)
	if errors.Is(err, collections.ErrNotFound) {
		return reference{}, nil
	}
	for _, s := range submissions {
		if s.CheckpointCid == g.Parent.Cid && s.TranscriptCid != "" {
			return reference{s.TranscriptCid, s.TranscriptSize, s.TranscriptRoot,
				Card{"transcript", fmt.Sprintf("%s, round %d", g.Name, g.Parent.Round), []string{g.Name, "transcript"}}}, err
		}
	}
	return reference{}, err
}

// deltas returns the last changes of a training set, newest first; none that were taken down.
func (r *Repository) deltas(ctx context.Context, s trainingsettypes.TrainingSet) ([]reference, error) {
	if s.Version < 2 {
		return nil, nil
	}
	revisions, err := r.chain.Revisions(ctx, s.Name)
	if errors.Is(err, collections.ErrNotFound) {
		return nil, nil
	}
	var out []reference
	for _, v := range slices.Backward(revisions) {
		// A change that took rows away for good, and all before it, name what nobody should have to keep.
		if v.Takedown || len(out) == keptDeltas {
			break
		}
		if v.Delta != nil {
			out = append(out, reference{v.Delta.Cid, v.Delta.Size_, v.Delta.Sha256,
				Card{"delta", fmt.Sprintf("%s, to version %d", s.Name, v.Version), []string{s.Name, "delta"}}})
		}
	}
	return out, err
}
