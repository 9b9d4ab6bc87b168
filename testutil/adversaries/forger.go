package adversaries

import (
	"bytes"
	"context"
	"crypto/sha256"
	"strings"

	"github.com/stretchr/testify/require"

	"github.com/pold-network/pold/engine"
	"github.com/pold-network/pold/testutil/network"
)

// Play trains one segment of a transcript from the state at its start, by whatever rules, and returns the state at its end and the
// trace of its steps.
type Play func(t *engine.Transcript, segment int, state []byte) (end, trace []byte)

// Forge records a training of the current round whose segments are played as told, with everything else in order.
func (a *Arena) Forge(trainer network.Account, play Play) *Entry {
	a.T.Helper()
	model := a.Start(trainer)
	h := a.Header(trainer, Recipe())
	h.Objective, h.Rows = engine.Objective(a.TheGroup().Settings.Objective), uint64(a.Rows().Training.Rows())
	h.SpecHash, h.Parent = sha256.Sum256(model.Spec().Marshal()), sha256.Sum256(model.Encode())
	t := &engine.Transcript{Header: h}
	state, trace := engine.StartState(model, h.Recipe), []byte(nil)
	a.addLeaf(t, state, trace)
	for i := range h.Segments {
		state, trace = play(t, i, state)
		a.addLeaf(t, state, trace)
	}
	return a.Enter(trainer, weightsOf(state), t)
}

func (a *Arena) addLeaf(t *engine.Transcript, state, trace []byte) {
	l := engine.Leaf{Step: uint64(t.Header.Boundary(len(t.Leaves))), Weights: sha256.Sum256(weightsOf(state)), State: sha256.Sum256(state), StateSize: uint64(len(state))}
	l.StateCID, _ = a.Add(state)
	if trace != nil {
		l.Trace = sha256.Sum256(trace)
		l.TraceCID, _ = a.Add(trace)
	}
	t.Leaves = append(t.Leaves, l)
}

// by trains a segment as some header says, on some rows.
func (a *Arena) by(h engine.TranscriptHeader, rows *engine.Data, start engine.Leaf, segment int, state []byte) (end, trace []byte) {
	a.T.Helper()
	t := &engine.Transcript{Header: h, Leaves: make([]engine.Leaf, segment+1)}
	t.Leaves[segment] = start
	done, err := t.ReplaySegment(a.Start(a.Accounts[0]).Spec(), nil, rows, segment, state, nil)
	require.NoError(a.T, err)
	require.False(a.T, done.NonFinite)
	return done.StateFile, done.TraceFile
}

// Honestly plays by the rules.
func (a *Arena) Honestly(t *engine.Transcript, i int, state []byte) (end, trace []byte) {
	return a.by(t.Header, a.Rows().Training, t.Leaves[i], i, state)
}

// Once plays by the rules in all segments but one.
func (a *Arena) Once(segment int, play Play) Play {
	return func(t *engine.Transcript, i int, state []byte) (end, trace []byte) {
		if i == segment {
			return play(t, i, state)
		}
		return a.Honestly(t, i, state)
	}
}

// OtherRecipe trains with a recipe that the transcript does not name.
func (a *Arena) OtherRecipe(change func(*engine.Recipe)) Play {
	return func(t *engine.Transcript, i int, state []byte) (end, trace []byte) {
		h := t.Header
		change(&h.Recipe)
		return a.by(h, a.Rows().Training, t.Leaves[i], i, state)
	}
}

// OtherRows trains on rows that are not the training set's.
func (a *Arena) OtherRows(rows *engine.Data) Play {
	return func(t *engine.Transcript, i int, state []byte) (end, trace []byte) {
		return a.by(t.Header, rows, t.Leaves[i], i, state)
	}
}

// SkipStep trains the first half of a segment's steps only and says that they were all.
func (a *Arena) SkipStep(t *engine.Transcript, i int, state []byte) (end, trace []byte) {
	h := t.Header
	h.Segments *= 2
	end, trace = a.by(h, a.Rows().Training, t.Leaves[i], 2*i, state)
	return withSteps(end, t.Header.Boundary(i+1)), append(bytes.Clone(trace), trace...)
}

// Jump ends a segment at weights that were made elsewhere.
func (a *Arena) Jump(file []byte) Play {
	return func(t *engine.Transcript, i int, state []byte) (end, trace []byte) {
		end, trace = a.Honestly(t, i, state)
		return withWeights(end, file), trace
	}
}

// Invent makes up every state between the start and weights that were made elsewhere.
func (a *Arena) Invent(file []byte) Play {
	return func(t *engine.Transcript, i int, state []byte) (end, trace []byte) {
		weights := file
		if i < t.Header.Segments-1 {
			weights = edit(weightsOf(state), func(x *engine.Tensor) { scale(x, 1.01) })
		}
		return withSteps(withWeights(state, weights), t.Header.Boundary(i+1)), []byte("invented")
	}
}

// Overtrained is a better checkpoint than any recipe within the bounds gives: it took more steps, on rows of its own choice.
func (a *Arena) Overtrained(trainer network.Account, rows *engine.Data) []byte {
	a.T.Helper()
	model, recipe := a.Start(trainer), Recipe()
	Longer(&recipe)
	recipe.Seed = sha256.Sum256(trainer.Address)
	require.NoError(a.T, model.Train(rows, engine.Objective(a.TheGroup().Settings.Objective), recipe, nil))
	return model.Encode()
}

// Stolen is a transcript of somebody else with the thief's header and another last checkpoint.
func (a *Arena) Stolen(from *Entry, thief network.Account, file []byte) *engine.Transcript {
	t := &engine.Transcript{Header: from.Transcript.Header, Leaves: append([]engine.Leaf(nil), from.Transcript.Leaves...)}
	own := a.Header(thief, t.Header.Recipe)
	t.Header.Context, t.Header.Recipe = own.Context, own.Recipe
	t.Leaves[segments].Weights = sha256.Sum256(file)
	return t
}

// Nudged is a file with the lowest bit of one weight changed, so that it ranks no worse if that can be had.
func (a *Arena) Nudged(of *Entry, thief network.Account) []byte {
	a.T.Helper()
	best, rank := []byte(nil), uint64(0)
	for at := len(of.File) - 4; at > len(of.File)-64; at -= 4 {
		file := bytes.Clone(of.File)
		file[at] ^= 1
		f, err := a.Verifier.Evaluate(context.Background(), a.Inputs(thief), file, a.fetch(anybody))
		require.NoError(a.T, err)
		if best == nil || f.RankLossE9 < rank {
			best, rank = file, f.RankLossE9
		}
	}
	return best
}

// Rescaled is a file of the same function with other weights: what goes into the hidden neurons doubled, what comes out halved. The
// factors are powers of two, so no bit of any output changes.
func Rescaled(file []byte) []byte {
	return edit(file, func(x *engine.Tensor) {
		switch {
		case strings.HasPrefix(x.Name, "hidden."):
			scale(x, 2)
		case x.Name == "out.weight":
			scale(x, 0.5)
		}
	})
}

func joined(x, y *engine.Data) *engine.Data {
	return &engine.Data{Features: x.Features, Targets: x.Targets, X: append(append([]float32(nil), x.X...), y.X...),
		Y: append(append([]float32(nil), x.Y...), y.Y...), Labels: append(append([]uint32(nil), x.Labels...), y.Labels...)}
}

// edit changes the tensors of a safetensors file; one whose name is emptied is left out.
func edit(file []byte, change func(*engine.Tensor)) []byte {
	tensors, err := engine.DecodeSafetensors(file)
	if err != nil {
		panic(err) // the files are our own
	}
	var kept []engine.Tensor
	for _, x := range tensors {
		if change(&x); x.Name != "" {
			kept = append(kept, x)
		}
	}
	file, err = engine.EncodeSafetensors(kept)
	if err != nil {
		panic(err)
	}
	return file
}

func scale(x *engine.Tensor, by float32) {
	values, err := x.Float32s()
	if err != nil {
		panic(err)
	}
	for i := range values {
		values[i] *= by
	}
	*x = engine.NewTensor(x.Name, x.Shape, values)
}

// weightsOf is the checkpoint in a training state.
func weightsOf(state []byte) []byte {
	return edit(state, func(x *engine.Tensor) {
		if strings.HasPrefix(x.Name, "~") {
			x.Name = ""
		}
	})
}

func withSteps(state []byte, done int) []byte {
	return edit(state, func(x *engine.Tensor) {
		if x.Name == "~steps" {
			*x = engine.NewTensor(x.Name, x.Shape, []float32{float32(done)})
		}
	})
}

func withWeights(state, file []byte) []byte {
	weights := map[string]engine.Tensor{}
	edit(file, func(x *engine.Tensor) { weights[x.Name] = *x })
	return edit(state, func(x *engine.Tensor) {
		if w, ok := weights[x.Name]; ok {
			*x = w
		}
	})
}
