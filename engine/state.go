package engine

import (
	"errors"
	"fmt"
	"strings"

	"github.com/pold-network/pold/engine/internal/exact"
)

// ErrBadState: bytes that are no training state of this model and recipe.
var ErrBadState = errors.New("bad training state")

// Names of what a state holds beside the weights, which keep their own names. No layer's name begins with a tilde.
const (
	stateSteps  = "~steps"
	stateBetas  = "~betas"
	stateFirst  = "~first"
	stateSecond = "~second"
)

// State returns the canonical bytes of a training between two steps: weights, running statistics, what the optimiser keeps, and the
// number of steps done. They are a canonical safetensors file, see SPEC.md section 14. Equal trainings give equal bytes.
func (t *Training) State() []byte { return encodeState(t.m, t.optimizer, t.steps) }

// Done is the number of steps done, also before the training was resumed.
func (t *Training) Done() int { return t.steps }

func encodeState(m *Model, o *optimizer, steps int) []byte {
	// Steps are at most 2^24, so a float32 holds them exactly.
	tensors := append(m.tensors(),
		NewTensor(stateSteps, []int{1}, []float32{float32(steps)}),
		NewTensor(stateBetas, []int{2}, []float32{o.beta1, o.beta2}))
	if o.first != nil {
		tensors = append(tensors, NewTensor(stateFirst, []int{len(o.first)}, o.first))
	}
	if o.second != nil {
		tensors = append(tensors, NewTensor(stateSecond, []int{len(o.second)}, o.second))
	}
	b, err := EncodeSafetensors(tensors)
	if err != nil {
		panic(fmt.Sprintf("engine: a training has no encoding: %v", err)) // names and shapes come from a validated spec
	}
	return b
}

// MaxStateSize bounds the state of a training in bytes: weights, statistics and two values for each weight.
func MaxStateSize(spec *Spec) int64 {
	return 8 + maxHeaderBytes + 4*(3*spec.Parameters()+spec.Buffers()) + 64
}

// ResumeTraining returns a model and its training as they were when State was called; with the same data and recipe it goes on to the
// same bits. The mapping is that of the model, nil for none. Errors wrap ErrBadState when the state is to blame.
func ResumeTraining(spec *Spec, mapping *Mapping, d *Data, o Objective, r Recipe, state []byte) (*Model, *Training, error) {
	m, err := newModel(spec)
	if err != nil {
		return nil, nil, err
	}
	if mapping != nil {
		if err := m.SetMapping(mapping); err != nil {
			return nil, nil, err
		}
	}
	t, err := NewTraining(m, d, o, r)
	if err != nil {
		return nil, nil, err
	}
	if err := t.load(state); err != nil {
		return nil, nil, fmt.Errorf("%w: %w", ErrBadState, err)
	}
	t.batches.seek(t.steps, r.BatchSize)
	return m, t, nil
}

// load puts a state into weights and optimiser.
func (t *Training) load(state []byte) error {
	if limit := MaxStateSize(t.m.spec); int64(len(state)) > limit {
		return fmt.Errorf("%w: expected at most %d bytes, got %d", ErrWrongTensors, limit, len(state))
	}
	tensors, err := DecodeSafetensors(state)
	if err != nil {
		return err
	}
	if err := requireCanonical(state); err != nil {
		return err
	}
	var weights []Tensor
	kept := map[string]Tensor{}
	for _, x := range tensors {
		if strings.HasPrefix(x.Name, "~") {
			kept[x.Name] = x
		} else {
			weights = append(weights, x)
		}
	}
	if err := t.m.load(weights); err != nil {
		return err
	}
	steps, betas := make([]float32, 1), make([]float32, 2)
	want := map[string][]float32{stateSteps: steps, stateBetas: betas}
	if t.optimizer.first != nil {
		want[stateFirst] = t.optimizer.first
	}
	if t.optimizer.second != nil {
		want[stateSecond] = t.optimizer.second
	}
	if len(kept) != len(want) {
		return fmt.Errorf("%w: expected %d tensors beside the weights for optimizer %q, got %d", ErrWrongTensors, len(want), t.optimizer.recipe.Optimizer, len(kept))
	}
	for _, name := range []string{stateSteps, stateBetas, stateFirst, stateSecond} {
		if values, ok := want[name]; ok {
			if err := loadKept(kept, name, values); err != nil {
				return err
			}
		}
	}
	t.optimizer.beta1, t.optimizer.beta2 = betas[0], betas[1]
	t.steps = int(steps[0])
	return t.checkSteps(steps[0])
}

func loadKept(kept map[string]Tensor, name string, values []float32) error {
	x, ok := kept[name]
	if !ok || x.DType != DTypeF32 || len(x.Shape) != 1 || x.Shape[0] != len(values) {
		return fmt.Errorf("%w: expected tensor %q, %s of shape [%d]", ErrWrongTensors, name, DTypeF32, len(values))
	}
	decodeF32(values, x.Data)
	return checkFinite(name, values)
}

// checkSteps checks the number of steps, and the powers of beta that follow from it: nothing in a state is free to choose but what
// training made of it.
func (t *Training) checkSteps(steps float32) error {
	r := t.optimizer.recipe
	if steps != float32(t.steps) || t.steps < 0 || t.steps > r.Steps {
		return fmt.Errorf("%w: expected 0 to %d steps done, got %v", ErrWrongTensors, r.Steps, steps)
	}
	beta1, beta2 := float32(1), float32(1)
	if r.isAdam() {
		for range t.steps {
			beta1, beta2 = float32(beta1*r.Momentum), float32(beta2*r.Beta2)
			if beta1 == 0 && beta2 == 0 {
				break
			}
		}
	}
	if got := t.optimizer; exact.CanonicalBits(got.beta1) != exact.CanonicalBits(beta1) || exact.CanonicalBits(got.beta2) != exact.CanonicalBits(beta2) {
		return fmt.Errorf("%w: after %d steps expected the powers of beta %v and %v, got %v and %v", ErrWrongTensors, t.steps, beta1, beta2, got.beta1, got.beta2)
	}
	return nil
}

// seek moves to where the batches stand after so many steps, without walking through the epochs before.
func (b *batches) seek(steps, batchSize int) {
	taken := uint64(steps) * uint64(batchSize)
	rows := uint64(len(b.order))
	epoch := taken / rows
	b.next = int(taken % rows)
	if b.epoch != epoch {
		b.epoch = epoch
		b.shuffle()
	}
}
