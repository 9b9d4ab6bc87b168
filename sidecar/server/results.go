package server

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"slices"
	"sync"

	"github.com/pold-network/pold/sidecar/atomicfile"
	trainingsettypes "github.com/pold-network/pold/x/trainingset/types"
)

// result is a table that a delta leads to.
type result struct {
	CID string `json:"cid"`
	// Set and Version name the table that the delta was applied to.
	Set     string `json:"set"`
	Version uint64 `json:"version"`
}

// Results keeps the tables that deltas lead to, so that this node gives them away as soon as the chain adopts one. Retention removes
// those that were not adopted. It may be used from several goroutines.
type Results struct {
	store Store
	path  string

	mu   sync.Mutex
	list []result
}

// OpenResults reads the list at path, or starts with none.
func OpenResults(store Store, path string) (*Results, error) {
	r := &Results{store: store, path: path}
	b, err := os.ReadFile(path)
	if errors.Is(err, os.ErrNotExist) {
		return r, nil
	}
	if err == nil {
		err = json.Unmarshal(b, &r.list)
	}
	if err != nil {
		return nil, fmt.Errorf("list of proposed tables %s: %w; delete the file to start afresh: tables that were not adopted then stay on disk", path, err)
	}
	return r, nil
}

// Keep stores a table that a delta leads to, tells others that it can be had here, and returns its CID.
func (r *Results) Keep(ctx context.Context, m *trainingsettypes.DataManifest, file []byte) (cid string, err error) {
	if cid, err = r.store.Add(ctx, file); err != nil {
		return "", err
	}
	if err := r.note(result{CID: cid, Set: m.Name, Version: m.Version}); err != nil {
		return "", err
	}
	return cid, r.store.Provide(ctx, cid)
}

func (r *Results) note(x result) error {
	r.mu.Lock()
	defer r.mu.Unlock()
	if slices.Contains(r.list, x) {
		return nil
	}
	r.list = append(r.list, x)
	return r.save()
}

// forget takes results out of the list.
func (r *Results) forget(gone []result) error {
	if len(gone) == 0 {
		return nil
	}
	r.mu.Lock()
	defer r.mu.Unlock()
	r.list = slices.DeleteFunc(r.list, func(x result) bool { return slices.Contains(gone, x) })
	return r.save()
}

// all returns the results that were not decided yet, as far as is known.
func (r *Results) all() []result {
	r.mu.Lock()
	defer r.mu.Unlock()
	return slices.Clone(r.list)
}

// decided returns the results for versions that a set has left behind, and all others.
func (r *Results) decided(s trainingsettypes.TrainingSet) (decided, pending []result) {
	r.mu.Lock()
	defer r.mu.Unlock()
	for _, x := range r.list {
		if x.Set == s.Name && x.Version < s.Version {
			decided = append(decided, x)
		} else {
			pending = append(pending, x)
		}
	}
	return decided, pending
}

func (r *Results) save() error {
	b, err := json.Marshal(r.list)
	if err != nil {
		return err
	}
	if err := atomicfile.Write(r.path, b, 0o600); err != nil {
		return fmt.Errorf("list of proposed tables: %w; is the disk full?", err)
	}
	return nil
}
