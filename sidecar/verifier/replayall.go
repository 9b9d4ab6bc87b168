package verifier

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"math"
	"strconv"

	"github.com/pold-network/pold/engine"
	poltypes "github.com/pold-network/pold/x/pol/types"
)

// ReplayOptions say what of a transcript is replayed and who watches.
type ReplayOptions struct {
	// Segment, if not nil, is the only one to replay, counted from 0.
	Segment *uint32
	// Progress is called after every step with the segment and the step of the whole training; it may be nil.
	Progress func(segment uint32, step int)
	// Done is called after every segment; it may be nil.
	Done func(SegmentFinding)
	// Keep gets the state before every segment but the first, once it was computed and is the one of the transcript; it may be nil.
	Keep func(segment uint32, state []byte)
}

// TranscriptFinding is what the replay of a transcript found.
type TranscriptFinding struct {
	// Status is AuditPassed when everything that was replayed is right; Problem says in words what is not.
	Status  poltypes.AuditStatus `json:"-"`
	Problem string               `json:"problem,omitempty"`
	// Wrong is the first wrong segment, counted from 0; nil when none is, or when the header or an end is wrong.
	Wrong *uint32 `json:"wrong_segment,omitempty"`
	// Recipe, Steps and Segments are what the transcript says about itself; zero when it can't be read.
	Recipe   engine.Recipe `json:"-"`
	Steps    int           `json:"steps"`
	Segments uint32        `json:"segments"`
	// Replayed are the segments that were trained again, in order.
	Replayed []SegmentFinding `json:"replayed"`
	// FromParent says that the start state of the only segment could not be had, so that those before it were replayed too.
	FromParent bool `json:"from_parent"`
}

// Passed reports whether everything that was replayed is right.
func (f TranscriptFinding) Passed() bool { return f.Status == poltypes.AuditPassed }

// SegmentFinding is what the replay of one segment found.
type SegmentFinding struct {
	Segment uint32 `json:"segment"`
	// FirstStep and LastStep are steps of the whole training, from 1.
	FirstStep int  `json:"first_step"`
	LastStep  int  `json:"last_step"`
	Equal     bool `json:"equal"`
	// Claimed and Computed are the SHA-256 of the weights at the end; Computed is empty when the replay did not get there.
	Claimed  string `json:"claimed_weights"`
	Computed string `json:"computed_weights,omitempty"`
	Problem  string `json:"problem,omitempty"`
	// Differs names what of the end is not that of the transcript.
	Differs []string `json:"differs,omitempty"`
	// First is the first wrong step and tensor; nil when the trainer's files that show it can't be had.
	First *Place `json:"first_difference,omitempty"`
}

// Place is where the trainer's files and the replay part. Values are text, because a forged one need not be a number.
type Place struct {
	Step   int    `json:"step"`
	Tensor string `json:"tensor,omitempty"`
	What   string `json:"what"`
	// Claimed and Computed are the two values, with their bits.
	Claimed  string `json:"claimed"`
	Computed string `json:"computed"`
}

// ReplayTranscript does the whole proof again: header, recipe, both ends, and every segment. Each starts from the end of the one before
// it, so that no state has to be held by anybody; it stops at the first wrong one, from which nothing follows. An error means that it
// could not be done, because a file can't be had or a newer release is needed.
func (v *Verifier) ReplayTranscript(ctx context.Context, m *poltypes.AuditManifest, o ReplayOptions, fetch FetchFunc) (TranscriptFinding, error) {
	if o.Segment != nil && *o.Segment >= m.Segments {
		return TranscriptFinding{}, fmt.Errorf("segment: expected 0 to %d, got %d", m.Segments-1, *o.Segment)
	}
	file, err := fetch(ctx, m.TranscriptCid, m.TranscriptSize, m.TranscriptRoot)
	if err == nil {
		err = checkBytes("what was fetched", file, m.TranscriptRoot, m.TranscriptSize)
	}
	if err != nil {
		return TranscriptFinding{}, fmt.Errorf("transcript %s: %w", m.TranscriptCid, err)
	}
	r, err := v.NewReplay(ctx, m, file, fetch)
	var fault *Fault
	if errors.As(err, &fault) {
		return TranscriptFinding{Status: fault.Status, Problem: fault.Error()}, nil
	}
	if err != nil {
		return TranscriptFinding{}, err
	}
	f := TranscriptFinding{Recipe: r.Transcript.Header.Recipe, Steps: r.Transcript.Header.Recipe.Steps, Segments: m.Segments}
	first, last, state := uint32(0), m.Segments-1, r.Start
	if o.Segment != nil {
		last = *o.Segment
		if held, err := r.state(ctx, last, fetch); err == nil {
			first, state = last, held
		} else if ctx.Err() != nil {
			return f, ctx.Err()
		}
		f.FromParent = first < last
	}
	for segment := first; segment <= last && f.Passed(); segment++ {
		if o.Keep != nil && segment > first {
			o.Keep(segment, state)
		}
		done, err := r.interruptible(ctx, segment, state, o.Progress)
		if err != nil && !errors.As(err, &fault) {
			return f, err
		}
		s := r.finding(segment, done)
		if err != nil {
			if err := r.explain(ctx, &s, fault, done, fetch); err != nil {
				return f, err
			}
			f.Status, f.Problem, f.Wrong = fault.Status, fmt.Sprintf("segment %d: %s", segment, s.Problem), &s.Segment
		} else {
			state = done.StateFile
		}
		f.Replayed = append(f.Replayed, s)
		if o.Done != nil {
			o.Done(s)
		}
	}
	return f, nil
}

// interruptible replays a segment and returns early when the context ends; the steps go on until their end, unobserved.
func (r *Replay) interruptible(ctx context.Context, segment uint32, state []byte, progress func(uint32, int)) (*engine.Replay, error) {
	if err := ctx.Err(); err != nil {
		return nil, err
	}
	type result struct {
		done *engine.Replay
		err  error
	}
	finished := make(chan result, 1)
	step := r.Transcript.Header.Boundary(int(segment))
	go func() {
		done, err := r.Segment(segment, state, func([]float32) {
			if step++; progress != nil && ctx.Err() == nil {
				progress(segment, step)
			}
		})
		finished <- result{done, err}
	}()
	select {
	case <-ctx.Done():
		return nil, ctx.Err()
	case x := <-finished:
		return x.done, x.err
	}
}

// finding starts the report of a segment.
func (r *Replay) finding(segment uint32, done *engine.Replay) SegmentFinding {
	h, end := r.Transcript.Header, r.Transcript.Leaves[segment+1]
	s := SegmentFinding{Segment: segment, FirstStep: h.Boundary(int(segment)) + 1, LastStep: h.Boundary(int(segment) + 1), Equal: true,
		Claimed: hex.EncodeToString(end.Weights[:])}
	if done != nil && !done.NonFinite {
		s.Computed = hex.EncodeToString(done.Weights[:])
	}
	return s
}

// explain says what is wrong with a segment, as exactly as the trainer's files allow.
func (r *Replay) explain(ctx context.Context, s *SegmentFinding, fault *Fault, done *engine.Replay, fetch FetchFunc) error {
	s.Equal, s.Problem = false, fault.Error()
	if fault.Status != poltypes.AuditMismatch {
		return nil
	}
	end := r.Transcript.Leaves[s.Segment+1]
	for _, x := range []struct {
		name              string
		claimed, computed [sha256.Size]byte
	}{{"weights", end.Weights, done.Weights}, {"state", end.State, done.State}, {"losses and gradient norms", end.Trace, done.Trace}} {
		if x.claimed != x.computed {
			s.Differs = append(s.Differs, x.name)
		}
	}
	if end.StateSize != uint64(len(done.StateFile)) {
		s.Differs = append(s.Differs, "size of the state")
	}
	d, found, err := r.Difference(ctx, s.Segment, done, fetch)
	if ctx.Err() != nil {
		return ctx.Err()
	}
	if err != nil || !found {
		return err
	}
	s.First = &Place{Step: d.Step, Tensor: d.Tensor, What: d.What, Claimed: bits(d.Claimed), Computed: bits(d.Replayed)}
	return nil
}

// bits writes a value so that two different ones never look the same.
func bits(f float32) string {
	return fmt.Sprintf("%s (0x%08x)", strconv.FormatFloat(float64(f), 'g', -1, 32), math.Float32bits(f))
}

// leafCIDs returns the content identifiers of the states of a transcript.
func leafCIDs(ctx context.Context, m *poltypes.AuditManifest, fetch FetchFunc) ([]string, error) {
	file, err := fetch(ctx, m.TranscriptCid, m.TranscriptSize, m.TranscriptRoot)
	if err != nil {
		return nil, fmt.Errorf("transcript %s: %w", m.TranscriptCid, err)
	}
	t, err := engine.ParseTranscript(file)
	if err != nil {
		return nil, err
	}
	var cids []string
	for _, l := range t.Leaves {
		cids = append(cids, l.StateCID)
	}
	return cids, nil
}
