package engine

import (
	"bytes"
	"crypto/sha256"
	"encoding/binary"
	"errors"
	"fmt"
	"math"
)

const (
	// MaxSegments is into how many parts a transcript can be cut.
	MaxSegments = 64
	// MaxTranscriptSize bounds an encoded transcript in bytes.
	MaxTranscriptSize = 64 << 10

	transcriptMagic = Version + "/transcript\x00"
	maxCIDLength    = 128
)

// ErrBadTranscript: bytes that are no transcript, or one whose ends are not the right ones.
var ErrBadTranscript = errors.New("bad transcript")

// TranscriptHeader says what was trained, on what, and how. Hashes are SHA-256.
type TranscriptHeader struct {
	Context  [32]byte // where the training competes
	SpecHash [32]byte // of the canonical model spec
	DataRoot [32]byte // of the table
	Parent   [32]byte // of the canonical file of the weights it started from
	// Objective and Recipe determine the training together with the above.
	Objective Objective
	Rows      uint64 // that were trained on
	Recipe    Recipe
	Segments  int
}

// Leaf is the training at a boundary between segments.
type Leaf struct {
	Step    uint64   // done
	Weights [32]byte // SHA-256 of the canonical checkpoint
	State   [32]byte // SHA-256 of Training.State
	Trace   [32]byte // SHA-256 of the trace of the segment that ends here; zero for the first leaf
	// StateSize is the length of the state in bytes; StateCID and TraceCID say where the files are.
	StateSize          uint64
	StateCID, TraceCID string
}

// Transcript is the record of a training: a header and a leaf for each boundary, so one more than segments.
type Transcript struct {
	Header TranscriptHeader
	Leaves []Leaf
}

// Boundary returns the number of steps done before segment i; Boundary(Segments) is all.
func (h TranscriptHeader) Boundary(i int) int {
	return int(uint64(i) * uint64(h.Recipe.Steps) / uint64(h.Segments))
}

func (h TranscriptHeader) validate() error {
	if err := h.Recipe.Validate(); err != nil {
		return err
	}
	if err := h.Objective.Validate(); err != nil {
		return err
	}
	if h.Segments < 1 || h.Segments > MaxSegments || h.Segments > h.Recipe.Steps {
		return recipeError("a transcript of %d steps has 1 to %d segments, got %d", h.Recipe.Steps, min(MaxSegments, h.Recipe.Steps), h.Segments)
	}
	return nil
}

// Root is the SHA-256 of the encoded transcript: what a trainer commits to.
func (t *Transcript) Root() [32]byte { return sha256.Sum256(t.Encode()) }

// Encode returns the canonical bytes, see SPEC.md section 14.
func (t *Transcript) Encode() []byte {
	h, r := &t.Header, &t.Header.Recipe
	b := []byte(transcriptMagic)
	for _, hash := range [][32]byte{h.Context, h.SpecHash, h.DataRoot, h.Parent} {
		b = append(b, hash[:]...)
	}
	b = binary.LittleEndian.AppendUint32(b, uint32(h.Objective))
	b = binary.LittleEndian.AppendUint64(b, h.Rows)
	b = appendText(b, r.Optimizer)
	b = appendText(b, r.Schedule)
	for _, f := range []float32{r.LearningRate, r.Momentum, r.Beta2, r.Epsilon, r.WeightDecay, r.ClipNorm, r.LabelSmoothing, r.Gamma} {
		b = binary.LittleEndian.AppendUint32(b, math.Float32bits(f))
	}
	for _, n := range []int{r.WarmupSteps, r.StepSize, r.BatchSize, r.Steps, h.Segments} {
		b = binary.LittleEndian.AppendUint32(b, uint32(n))
	}
	b = append(b, r.Seed[:]...)
	for _, l := range t.Leaves {
		b = binary.LittleEndian.AppendUint64(b, l.Step)
		b = append(b, l.Weights[:]...)
		b = append(b, l.State[:]...)
		b = append(b, l.Trace[:]...)
		b = binary.LittleEndian.AppendUint64(b, l.StateSize)
		b = appendText(b, l.StateCID)
		b = appendText(b, l.TraceCID)
	}
	return b
}

func appendText(b []byte, s string) []byte { return append(append(b, byte(len(s))), s...) }

// ParseTranscript reads canonical bytes. It checks the form, the recipe's limits and the boundaries, not what the hashes are of.
// Errors wrap ErrBadTranscript.
func ParseTranscript(b []byte) (*Transcript, error) {
	t, err := parseTranscript(b)
	if err != nil {
		return nil, fmt.Errorf("%w: %w", ErrBadTranscript, err)
	}
	return t, nil
}

func parseTranscript(b []byte) (*Transcript, error) {
	if len(b) > MaxTranscriptSize {
		return nil, fmt.Errorf("expected at most %d bytes, got %d", MaxTranscriptSize, len(b))
	}
	body, ok := bytes.CutPrefix(b, []byte(transcriptMagic))
	if !ok {
		return nil, fmt.Errorf("expected the first bytes %q", transcriptMagic)
	}
	in := &cursor{b: body}
	t := &Transcript{}
	h, r := &t.Header, &t.Header.Recipe
	for _, hash := range []*[32]byte{&h.Context, &h.SpecHash, &h.DataRoot, &h.Parent} {
		in.hash(hash)
	}
	h.Objective, h.Rows = Objective(in.uint32()), in.uint64()
	r.Optimizer, r.Schedule = in.text(), in.text()
	for _, f := range []*float32{&r.LearningRate, &r.Momentum, &r.Beta2, &r.Epsilon, &r.WeightDecay, &r.ClipNorm, &r.LabelSmoothing, &r.Gamma} {
		*f = math.Float32frombits(in.uint32())
	}
	for _, n := range []*int{&r.WarmupSteps, &r.StepSize, &r.BatchSize, &r.Steps, &h.Segments} {
		*n = int(in.uint32())
	}
	in.hash(&r.Seed)
	if in.short {
		return nil, errors.New("it ends within the header")
	}
	if err := h.validate(); err != nil {
		return nil, err
	}
	for i := 0; i <= h.Segments; i++ {
		var l Leaf
		l.Step = in.uint64()
		in.hash(&l.Weights)
		in.hash(&l.State)
		in.hash(&l.Trace)
		l.StateSize = in.uint64()
		l.StateCID, l.TraceCID = in.text(), in.text()
		if in.short {
			return nil, fmt.Errorf("it ends within leaf %d of %d", i, h.Segments+1)
		}
		if err := l.check(i, uint64(h.Boundary(i))); err != nil {
			return nil, err
		}
		t.Leaves = append(t.Leaves, l)
	}
	if len(in.b) != 0 {
		return nil, fmt.Errorf("%d bytes follow the last leaf", len(in.b))
	}
	return t, nil
}

// check checks the form of leaf i.
func (l Leaf) check(i int, step uint64) error {
	if l.Step != step {
		return fmt.Errorf("leaf %d: expected step %d, got %d", i, step, l.Step)
	}
	if i == 0 && (l.Trace != [32]byte{} || l.TraceCID != "") {
		return errors.New("leaf 0: expected no trace, because no step was done")
	}
	for _, id := range []string{l.StateCID, l.TraceCID} {
		if id == "" && (i > 0 || id == l.StateCID) {
			return fmt.Errorf("leaf %d: expected content identifiers of its files", i)
		}
		for _, c := range []byte(id) {
			if c <= ' ' || c > '~' {
				return fmt.Errorf("leaf %d: expected a content identifier, got %q", i, id)
			}
		}
		if len(id) > maxCIDLength {
			return fmt.Errorf("leaf %d: expected a content identifier of at most %d bytes, got %d", i, maxCIDLength, len(id))
		}
	}
	if l.StateSize == 0 {
		return fmt.Errorf("leaf %d: expected the size of its state", i)
	}
	return nil
}

// cursor takes values from bytes; short is set when there were too few.
type cursor struct {
	b     []byte
	short bool
}

func (r *cursor) next(n int) []byte {
	if len(r.b) < n {
		r.b, r.short = nil, true
		return make([]byte, n)
	}
	v := r.b[:n]
	r.b = r.b[n:]
	return v
}

func (r *cursor) hash(to *[32]byte) { copy(to[:], r.next(32)) }
func (r *cursor) uint32() uint32    { return binary.LittleEndian.Uint32(r.next(4)) }
func (r *cursor) uint64() uint64    { return binary.LittleEndian.Uint64(r.next(8)) }
func (r *cursor) text() string      { return string(r.next(int(r.next(1)[0]))) }
