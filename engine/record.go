package engine

import (
	"crypto/sha256"
	"errors"
	"fmt"
)

// ErrStopped: a recording ended before the last step, so there is no transcript.
var ErrStopped = errors.New("training stopped")

// Keep stores the files of a leaf and returns their content identifiers; trace is nil for leaf 0, whose second identifier is empty.
type Keep func(leaf int, state, trace []byte) (stateCID, traceCID string, err error)

// Record trains m in place exactly as Train does with the recipe of the header, and returns the transcript. It fills in the hashes of
// spec and parent in the header. progress may be nil; when it returns false the training ends with ErrStopped.
func Record(m *Model, d *Data, o Objective, h TranscriptHeader, keep Keep, progress func(step int, loss float32) bool) (*Transcript, error) {
	h.Objective, h.Rows = o, uint64(d.Rows())
	h.SpecHash, h.Parent = sha256.Sum256(m.spec.Marshal()), sha256.Sum256(m.Encode())
	if err := h.validate(); err != nil {
		return nil, err
	}
	t, err := NewTraining(m, d, o, h.Recipe)
	if err != nil {
		return nil, err
	}
	t.trace = newTrace(m)
	r := &Transcript{Header: h}
	if err := r.add(t, keep); err != nil {
		return nil, err
	}
	for i := range h.Segments {
		for t.steps < h.Boundary(i+1) {
			loss, err := t.Step()
			if err != nil {
				return nil, err
			}
			if progress != nil && !progress(t.steps, loss) {
				return nil, fmt.Errorf("%w after %d of %d steps", ErrStopped, t.steps, h.Recipe.Steps)
			}
		}
		if err := r.add(t, keep); err != nil {
			return nil, err
		}
	}
	return r, nil
}

// add appends the leaf of a training at a boundary.
func (r *Transcript) add(t *Training, keep Keep) error {
	state, i := t.State(), len(r.Leaves)
	l := Leaf{Step: uint64(t.steps), Weights: sha256.Sum256(t.m.Encode()), State: sha256.Sum256(state), StateSize: uint64(len(state))}
	var trace []byte
	if i > 0 {
		trace = t.trace.take()
		l.Trace = sha256.Sum256(trace)
	}
	var err error
	if l.StateCID, l.TraceCID, err = keep(i, state, trace); err != nil {
		return fmt.Errorf("keep state %d of %d: %w", i, r.Header.Segments, err)
	}
	if err := l.check(i, uint64(r.Header.Boundary(i))); err != nil {
		return fmt.Errorf("keep state %d: %w", i, err)
	}
	r.Leaves = append(r.Leaves, l)
	return nil
}
