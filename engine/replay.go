package engine

import (
	"crypto/sha256"
	"errors"
	"fmt"
)

// Replay is what a segment really gives.
type Replay struct {
	Weights, State, Trace [32]byte
	TraceFile, StateFile  []byte
	// NonFinite says that a loss or a weight was no number; the other fields are then of no use.
	NonFinite bool
}

// CheckStart checks that the transcript starts at the parent, seen through the mapping (nil for none), with a zero optimiser. Errors
// wrap ErrBadTranscript.
func (t *Transcript) CheckStart(parent *Model) error {
	first := t.Leaves[0]
	if weights := sha256.Sum256(parent.Encode()); t.Header.Parent != weights || first.Weights != weights {
		return fmt.Errorf("%w: expected to start at weights %x, got %x in the header and %x in leaf 0", ErrBadTranscript, weights, t.Header.Parent, first.Weights)
	}
	state := StartState(parent, t.Header.Recipe)
	if hash := sha256.Sum256(state); first.State != hash || first.StateSize != uint64(len(state)) {
		return fmt.Errorf("%w: expected leaf 0 to be the parent with an optimiser at zero, state %x of %d bytes, got %x of %d",
			ErrBadTranscript, hash, len(state), first.State, first.StateSize)
	}
	return nil
}

// StartState returns the bytes of the state before the first step: the parent's weights with an optimiser at zero.
func StartState(parent *Model, r Recipe) []byte {
	return encodeState(parent, newOptimizer(r, parent.machine, len(parent.params)), 0)
}

// CheckEnd checks that the last weights are the checkpoint. Errors wrap ErrBadTranscript.
func (t *Transcript) CheckEnd(checkpoint [32]byte) error {
	if last := t.Leaves[len(t.Leaves)-1]; last.Weights != checkpoint {
		return fmt.Errorf("%w: expected to end at checkpoint %x, got %x", ErrBadTranscript, checkpoint, last.Weights)
	}
	return nil
}

// ReplaySegment trains segment i again, from the state at its start. The state must be the file that leaf i names; an error that wraps
// ErrBadState says that this file is not what a training leaves behind, which is the trainer's fault. Other errors are about the inputs.
// observe, unless nil, sees the weights after each step: values that no transcript holds, so that only who has replayed knows them. It
// must not keep or change them.
func (t *Transcript) ReplaySegment(spec *Spec, mapping *Mapping, d *Data, i int, state []byte, observe func(weights []float32)) (*Replay, error) {
	h := t.Header
	if i < 0 || i >= h.Segments {
		return nil, fmt.Errorf("segment: expected 0 to %d, got %d", h.Segments-1, i)
	}
	start := t.Leaves[i]
	if sha256.Sum256(state) != start.State {
		return nil, fmt.Errorf("state of segment %d: expected SHA-256 %x, got %x", i, start.State, sha256.Sum256(state))
	}
	m, training, err := ResumeTraining(spec, mapping, d, h.Objective, h.Recipe, state)
	if err != nil {
		return nil, err
	}
	if training.steps != h.Boundary(i) {
		return nil, fmt.Errorf("%w: state of segment %d: expected %d steps done, got %d", ErrBadState, i, h.Boundary(i), training.steps)
	}
	if weights := sha256.Sum256(m.Encode()); weights != start.Weights {
		return nil, fmt.Errorf("%w: state of segment %d: expected weights %x, got %x", ErrBadState, i, start.Weights, weights)
	}
	training.trace = newTrace(m)
	for training.steps < h.Boundary(i+1) {
		if _, err := training.Step(); errors.Is(err, ErrNonFinite) {
			return &Replay{NonFinite: true, TraceFile: training.trace.take()}, nil
		} else if err != nil {
			return nil, err
		}
		if observe != nil {
			observe(m.params)
		}
	}
	r := &Replay{StateFile: training.State(), TraceFile: training.trace.take(), Weights: sha256.Sum256(m.Encode())}
	r.State, r.Trace = sha256.Sum256(r.StateFile), sha256.Sum256(r.TraceFile)
	return r, nil
}

// Matches reports whether a replay of segment i gave what the transcript says.
func (t *Transcript) Matches(i int, r *Replay) bool {
	end := t.Leaves[i+1]
	return !r.NonFinite && end.Weights == r.Weights && end.State == r.State && end.Trace == r.Trace && end.StateSize == uint64(len(r.StateFile))
}
