package verifier

import (
	"bytes"
	"context"
	"crypto/sha256"
	"encoding/binary"
	"errors"
	"fmt"
	"math"
	"slices"

	"github.com/pold-network/pold/engine"
	poltypes "github.com/pold-network/pold/x/pol/types"
)

// Fault is a finding against a transcript.
type Fault struct {
	Status  poltypes.AuditStatus
	Segment uint32
	Cause   error
}

func (f *Fault) Error() string {
	if f.Cause == nil {
		return f.Status.String()
	}
	return fmt.Sprintf("%s: %s", f.Status, f.Cause)
}

// Replay trains segments of one transcript again.
type Replay struct {
	// Transcript is the one that is replayed, Start the state before its first step.
	Transcript *engine.Transcript
	Start      []byte

	m       *poltypes.AuditManifest
	spec    *engine.Spec
	mapping *engine.Mapping
	rows    *Rows
}

// NewReplay checks the header and both ends of a transcript. An error that is a Fault is a finding.
func (v *Verifier) NewReplay(ctx context.Context, m *poltypes.AuditManifest, file []byte, fetch FetchFunc) (*Replay, error) {
	in := ManifestInputs(&m.Score)
	spec, err := in.spec()
	if err != nil {
		return nil, err
	}
	mapping, err := in.mapping(spec)
	if err != nil {
		return nil, err
	}
	rows, err := v.Rows(ctx, in, fetch)
	if err != nil {
		return nil, err
	}
	t, err := engine.ParseTranscript(file)
	if err != nil {
		return nil, &Fault{Status: poltypes.AuditNotCanonical, Cause: err}
	}
	if err := checkHeader(m, t.Header, spec, rows); err != nil {
		return nil, &Fault{Status: poltypes.AuditWrongHeader, Cause: err}
	}
	if err := CheckRecipe(m.Recipe, t.Header.Recipe); err != nil {
		return nil, &Fault{Status: poltypes.AuditRecipe, Cause: err}
	}
	parent, err := in.parent(ctx, m, fetch)
	if err != nil {
		return nil, err
	}
	if err := t.CheckStart(parent); err != nil {
		return nil, &Fault{Status: poltypes.AuditWrongStart, Cause: err}
	}
	if err := t.CheckEnd([sha256.Size]byte(m.Score.CheckpointHash)); err != nil {
		return nil, &Fault{Status: poltypes.AuditWrongEnd, Cause: err}
	}
	return &Replay{Transcript: t, Start: engine.StartState(parent, t.Header.Recipe), m: m, spec: spec, mapping: mapping, rows: rows}, nil
}

// parent returns the weights that the training starts from, moved to the trainer's mapping.
func (in Inputs) parent(ctx context.Context, m *poltypes.AuditManifest, fetch FetchFunc) (*engine.Model, error) {
	was := in
	was.MappingSeed, was.InitSeed, was.Carried = m.Parent.MappingSeed, m.InitSeed, m.Carried
	file, err := was.weights(ctx, m.Parent.Cid, m.Parent.Size_, m.Parent.Sha256, fetch)
	if err != nil {
		return nil, err
	}
	parent, err := was.Decode(file)
	if err != nil {
		return nil, fmt.Errorf("the parent %s: %w", m.Parent.Cid, err)
	}
	return parent, in.Rebase(parent)
}

// checkHeader compares what a transcript says about its inputs with what the round has pinned.
func checkHeader(m *poltypes.AuditManifest, h engine.TranscriptHeader, spec *engine.Spec, rows *Rows) error {
	for _, x := range []struct {
		name string
		got  [sha256.Size]byte
		want []byte
	}{
		{"context", h.Context, poltypes.TranscriptContext(m.Score.ChainId, m.Score.Group, m.Score.Round, m.Trainer)},
		{"model", h.SpecHash, hashOf(spec.Marshal())},
		{"data root", h.DataRoot, m.Score.Table.Root},
		{"seed", h.Recipe.Seed, poltypes.TrainerSeed(m.OrderSeed, m.Trainer)},
	} {
		if !bytes.Equal(x.got[:], x.want) {
			return fmt.Errorf("%s: expected %x, got %x", x.name, x.want, x.got)
		}
	}
	if h.Objective != engine.Objective(m.Score.Objective) || h.Rows != uint64(rows.Training.Rows()) || h.Segments != int(m.Segments) {
		return fmt.Errorf("expected objective %d, %d rows and %d segments, got %d, %d and %d",
			m.Score.Objective, rows.Training.Rows(), m.Segments, h.Objective, h.Rows, h.Segments)
	}
	return nil
}

func hashOf(b []byte) []byte {
	sum := sha256.Sum256(b)
	return sum[:]
}

// CheckRecipe reports a recipe outside the bounds of a group.
func CheckRecipe(b poltypes.RecipeBounds, r engine.Recipe) error {
	if len(b.Optimizers) > 0 && !slices.Contains(b.Optimizers, r.Optimizer) {
		return fmt.Errorf("optimizer: expected one of %v, got %q", b.Optimizers, r.Optimizer)
	}
	// The bounds are rounded to what a rate can be, so that the rate that is the bound is within it.
	least, most := float32(float64(b.MinLearningRateE9)/1e9), float32(float64(b.MaxLearningRateE9)/1e9)
	if r.LearningRate < least || b.MaxLearningRateE9 > 0 && r.LearningRate > most {
		return fmt.Errorf("learning rate: expected %v to %v (0: no bound), got %v", least, most, r.LearningRate)
	}
	for _, x := range []struct {
		name        string
		value       int
		least, most uint32
	}{{"batch size", r.BatchSize, b.MinBatchSize, b.MaxBatchSize}, {"steps", r.Steps, b.MinSteps, b.MaxSteps}} {
		if x.value < int(x.least) || x.most > 0 && x.value > int(x.most) {
			return fmt.Errorf("%s: expected %d to %d (0: no bound), got %d", x.name, x.least, x.most, x.value)
		}
	}
	return nil
}

// state returns the state before a segment. That before the first one follows from the parent, so nobody has to hold it.
func (r *Replay) state(ctx context.Context, segment uint32, fetch FetchFunc) ([]byte, error) {
	if segment == 0 {
		return r.Start, nil
	}
	leaf := r.Transcript.Leaves[segment]
	if limit := engine.MaxStateSize(r.spec); leaf.StateSize > uint64(limit) {
		return nil, &Fault{Status: poltypes.AuditWrongState, Segment: segment, Cause: fmt.Errorf("expected a state of at most %d bytes, got %d", limit, leaf.StateSize)}
	}
	state, err := fetch(ctx, leaf.StateCID, leaf.StateSize, leaf.State[:])
	if err != nil {
		return nil, fmt.Errorf("state of segment %d, %s: %w", segment, leaf.StateCID, err)
	}
	return state, checkBytes(fmt.Sprintf("state of segment %d", segment), state, leaf.State[:], leaf.StateSize)
}

// Segment trains a segment again from the state at its start. observe may be nil. An error that is a Fault is a finding; the replay is
// there with one that ends elsewhere than the transcript says.
func (r *Replay) Segment(segment uint32, state []byte, observe func(weights []float32)) (*engine.Replay, error) {
	done, err := r.Transcript.ReplaySegment(r.spec, r.mapping, r.rows.Training, int(segment), state, observe)
	fault := &Fault{Segment: segment, Cause: err}
	switch {
	case errors.Is(err, engine.ErrBadState):
		fault.Status = poltypes.AuditWrongState
	case errors.Is(err, engine.ErrInvalidRecipe):
		fault.Status = poltypes.AuditRecipe
	case err != nil:
		return nil, err
	case done.NonFinite:
		fault.Status = poltypes.AuditDiverged
	case !r.Transcript.Matches(int(segment), done):
		fault.Status = poltypes.AuditMismatch
	default:
		return done, nil
	}
	return done, fault
}

// Difference names the first wrong step and tensor of a replayed segment. The trainer's trace and end state are fetched if they can
// be had; false means that these files show no difference.
func (r *Replay) Difference(ctx context.Context, segment uint32, done *engine.Replay, fetch FetchFunc) (engine.Difference, bool, error) {
	model, err := engine.NewModel(r.spec, [sha256.Size]byte{})
	if err != nil {
		return engine.Difference{}, false, err
	}
	end := r.Transcript.Leaves[segment+1]
	// The trace has a known length: one record for each step.
	trace, _ := fetch(ctx, end.TraceCID, uint64(len(done.TraceFile)), end.Trace[:])
	state, _ := fetch(ctx, end.StateCID, end.StateSize, end.State[:])
	d, found := r.Transcript.Bisect(model, int(segment), done, trace, state)
	return d, found, nil
}

// sampler takes values of the weights at places that an operator's address draws.
type sampler struct {
	at []int
	b  []byte
}

func (r *Replay) sampler(operator string) *sampler {
	return &sampler{at: positions(r.m.AuditSeed, operator, int(r.spec.Parameters()))}
}

func (s *sampler) take(weights []float32) {
	for _, i := range s.at {
		s.b = binary.LittleEndian.AppendUint32(s.b, math.Float32bits(weights[i]))
	}
}
