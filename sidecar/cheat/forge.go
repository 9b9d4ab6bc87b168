package cheat

import (
	"bytes"
	"crypto/rand"
	"crypto/sha256"
	"fmt"

	"github.com/pold-network/pold/engine"
	"github.com/pold-network/pold/sidecar/trainer"
)

// Forge returns a recorder of transcripts that are right but for one segment in the middle, the same for everybody who looks: header,
// both ends and all other segments are what a replay gives. InventedMiddle leaves the end as an honest training has it; the others go
// on from the forged state. Models with a secure mapping layer are not forged.
func Forge(kind string) trainer.RecordFunc {
	return func(m *engine.Model, d *engine.Data, o engine.Objective, h engine.TranscriptHeader, keep engine.Keep,
		progress func(step int, loss float32) bool) (*engine.Transcript, error) {
		f := &forger{d: d, o: o, spec: m.Spec()}
		var err error
		if f.t, err = engine.Record(m, d, o, h, f.collect, progress); err != nil {
			return nil, err
		}
		bad := h.Segments / 2
		if kind == InventedMiddle {
			if err := f.invent(bad); err != nil {
				return nil, err
			}
		} else {
			end, err := f.wrong(kind, bad)
			if err != nil {
				return nil, err
			}
			if err := f.goOn(bad+1, end); err != nil {
				return nil, err
			}
		}
		final, err := f.weights(h.Segments)
		if err != nil {
			return nil, err
		}
		*m = *final
		return f.t, f.keep(keep)
	}
}

// forger holds a recorded training while it is changed.
type forger struct {
	d              *engine.Data
	o              engine.Objective
	spec           *engine.Spec
	t              *engine.Transcript
	states, traces [][]byte
}

// collect keeps the files in memory under names that are replaced in the end.
func (f *forger) collect(leaf int, state, trace []byte) (string, string, error) {
	f.states, f.traces = append(f.states, bytes.Clone(state)), append(f.traces, bytes.Clone(trace))
	if leaf == 0 {
		return "state", "", nil
	}
	return "state", "trace", nil
}

// set makes a state that of a leaf.
func (f *forger) set(leaf int, state []byte) error {
	f.states[leaf] = state
	l := &f.t.Leaves[leaf]
	l.State, l.StateSize = sha256.Sum256(state), uint64(len(state))
	m, err := f.weights(leaf)
	if err == nil {
		l.Weights = sha256.Sum256(m.Encode())
	}
	return err
}

// weights returns the model in the state of a leaf.
func (f *forger) weights(leaf int) (*engine.Model, error) {
	m, _, err := engine.ResumeTraining(f.spec, nil, f.d, f.o, f.t.Header.Recipe, f.states[leaf])
	return m, err
}

// invent puts a state into the middle that no training has led to.
func (f *forger) invent(leaf int) error {
	tensors, err := engine.DecodeSafetensors(f.states[leaf])
	if err != nil {
		return err
	}
	for i := range tensors {
		if tensors[i].Name[0] != '~' {
			tensors[i].Data = bytes.Clone(tensors[i].Data)
			tensors[i].Data[0] ^= 1 // one bit of one weight
			break
		}
	}
	state, err := engine.EncodeSafetensors(tensors)
	if err != nil {
		return err
	}
	return f.set(leaf, state)
}

// wrong returns the state after a segment that was not trained as the recipe says.
func (f *forger) wrong(kind string, segment int) ([]byte, error) {
	recipe, steps := f.t.Header.Recipe, f.t.Header.Boundary(segment+1)-f.t.Header.Boundary(segment)
	switch kind {
	case ChangedRate:
		recipe.LearningRate *= 1.5
	case SwappedBatch:
		if _, err := rand.Read(recipe.Seed[:]); err != nil {
			return nil, err
		}
	case SkippedStep:
		steps--
	default:
		return nil, fmt.Errorf("unknown forgery %q", kind)
	}
	_, training, err := engine.ResumeTraining(f.spec, nil, f.d, f.o, recipe, f.states[segment])
	if err != nil {
		return nil, err
	}
	for range steps {
		if _, err := training.Step(); err != nil {
			return nil, err
		}
	}
	return f.counted(training.State(), segment+1)
}

// counted gives a state the number of steps, and the powers of beta, that it should have at a leaf.
func (f *forger) counted(state []byte, leaf int) ([]byte, error) {
	tensors, err := engine.DecodeSafetensors(state)
	if err != nil {
		return nil, err
	}
	honest, err := engine.DecodeSafetensors(f.states[leaf])
	if err != nil {
		return nil, err
	}
	for i := range tensors {
		for _, x := range honest {
			if x.Name == tensors[i].Name && (x.Name == "~steps" || x.Name == "~betas") {
				tensors[i] = x
			}
		}
	}
	return engine.EncodeSafetensors(tensors)
}

// goOn trains on from a forged state, as the recipe says.
func (f *forger) goOn(leaf int, state []byte) error {
	for {
		if err := f.set(leaf, state); err != nil {
			return err
		}
		if leaf == f.t.Header.Segments {
			return nil
		}
		r, err := f.t.ReplaySegment(f.spec, nil, f.d, leaf, state, nil)
		if err != nil {
			return err
		}
		if r.NonFinite {
			return engine.ErrNonFinite
		}
		leaf++
		state, f.traces[leaf], f.t.Leaves[leaf].Trace = r.StateFile, r.TraceFile, r.Trace
	}
}

// keep stores all files.
func (f *forger) keep(keep engine.Keep) error {
	for i := range f.t.Leaves {
		var trace []byte
		if i > 0 {
			trace = f.traces[i]
		}
		var err error
		if f.t.Leaves[i].StateCID, f.t.Leaves[i].TraceCID, err = keep(i, f.states[i], trace); err != nil {
			return err
		}
	}
	return nil
}
