package types

import (
	"bytes"
	"crypto/sha256"
)

// DefaultGenesis returns an empty state with the parameters of a public network.
func DefaultGenesis() *GenesisState {
	return &GenesisState{Params: DefaultParams(), NextTaskId: 1, NextArtefactId: 1, NextDrawId: 1, Beacon: FirstBeacon()}
}

// Validate reports the first inconsistency of a genesis state.
func (g GenesisState) Validate() error {
	if err := g.Params.Validate(); err != nil {
		return err
	}
	snapshots := map[int64]uint64{}
	for _, s := range g.Snapshots {
		if _, dup := snapshots[s.Height]; dup {
			return ErrInvalidParams.Wrapf("snapshot of height %d appears twice", s.Height)
		}
		snapshots[s.Height] = s.References
	}
	uses := map[int64]uint64{}
	tasks := map[uint64]bool{}
	for _, t := range g.Tasks {
		if tasks[t.Id] || t.Id == 0 || t.Id >= g.NextTaskId {
			return ErrInvalidParams.Wrapf("task %d: expected a unique id from 1 to %d", t.Id, g.NextTaskId-1)
		}
		tasks[t.Id] = true
		if h := sha256.Sum256(t.Manifest); !bytes.Equal(h[:], t.ManifestHash) {
			return ErrInvalidManifest.Wrapf("task %d: manifest hash does not match the manifest", t.Id)
		}
		if t.Status < TASK_STATUS_QUEUED || t.Status > TASK_STATUS_EXPIRED {
			return ErrInvalidParams.Wrapf("task %d: unknown status %d", t.Id, t.Status)
		}
		if t.Priority.IsNil() || t.Priority.IsNegative() {
			return ErrInvalidParams.Wrapf("task %d: expected a priority of zero or more, got %s", t.Id, t.Priority)
		}
		if t.Status == TASK_STATUS_QUEUED {
			continue
		}
		if _, ok := snapshots[t.Snapshot]; !ok {
			return ErrInvalidParams.Wrapf("task %d: snapshot of height %d is missing", t.Id, t.Snapshot)
		}
		uses[t.Snapshot]++
	}
	artefacts := map[uint64]bool{}
	for _, a := range g.Artefacts {
		if artefacts[a.Id] || a.Id == 0 || a.Id >= g.NextArtefactId {
			return ErrInvalidParams.Wrapf("artefact %d: expected a unique id from 1 to %d", a.Id, g.NextArtefactId-1)
		}
		artefacts[a.Id] = true
		if a.Status < ARTEFACT_STATUS_ASKED || a.Status > ARTEFACT_STATUS_WITHHELD {
			return ErrInvalidParams.Wrapf("artefact %d: unknown status %d", a.Id, a.Status)
		}
		if a.Status == ARTEFACT_STATUS_ASKED && a.AskedHeight == 0 {
			continue // it waits for its turn
		}
		if _, ok := snapshots[a.Snapshot]; !ok {
			return ErrInvalidParams.Wrapf("artefact %d: snapshot of height %d is missing", a.Id, a.Snapshot)
		}
		uses[a.Snapshot]++
	}
	if g.Beacon.Phase == BEACON_PHASE_REVEAL {
		if _, ok := snapshots[g.Beacon.Snapshot]; !ok {
			return ErrInvalidParams.Wrapf("beacon %d: snapshot of height %d is missing", g.Beacon.Number, g.Beacon.Snapshot)
		}
		uses[g.Beacon.Snapshot]++
	}
	if err := g.validateDraws(); err != nil {
		return err
	}
	for _, s := range g.Snapshots {
		// Too few references would remove it from under open work, too many would keep it for ever.
		if s.References != uses[s.Height] {
			return ErrInvalidParams.Wrapf("snapshot of height %d: expected %d references, got %d", s.Height, uses[s.Height], s.References)
		}
	}
	for _, w := range g.Witnesses {
		if !tasks[w.TaskId] {
			return ErrInvalidParams.Wrapf("witness of unknown task %d", w.TaskId)
		}
	}
	for _, o := range g.Openings {
		if !tasks[o.TaskId] {
			return ErrInvalidParams.Wrapf("opening of unknown task %d", o.TaskId)
		}
	}
	for _, h := range g.Held {
		if !artefacts[h.ArtefactId] {
			return ErrInvalidParams.Wrapf("holder of unknown artefact %d", h.ArtefactId)
		}
	}
	return nil
}
