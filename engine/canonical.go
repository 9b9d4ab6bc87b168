package engine

import (
	"bytes"
	"encoding/binary"
	"fmt"
	"math"
	"slices"
	"strings"

	"github.com/pold-network/pold/engine/internal/exact"
)

// Canonicalize rewrites a float32 safetensors file, as any tool wrote it, into the one canonical form, and says in words what it
// changed (nothing: the file already was canonical). Values keep their bits, except that every NaN becomes the canonical one. Other
// element types are refused: converting them is a decision of the author.
func Canonicalize(b []byte) (out []byte, changes []string, err error) {
	f, err := parseSafetensors(b)
	if err != nil {
		return nil, nil, err
	}
	if out, err = EncodeSafetensors(f.tensors); err != nil {
		return nil, nil, err
	}
	if bytes.Equal(out, b) {
		return out, nil, nil
	}
	return out, f.describeChanges(out), nil
}

// unsupportedDType explains why a tensor of another element type is refused.
func unsupportedDType(t Tensor) error {
	return fmt.Errorf("%w: tensor %q has dtype %s, but a checkpoint holds only %s; convert it yourself (for example with .float()), "+
		"because the conversion may change the loss, and hand in the result", ErrWrongTensors, t.Name, t.DType, DTypeF32)
}

// canonicalNaNs returns F32 data with every NaN replaced by the canonical one, and how many that changed. Without any it returns data
// itself.
func canonicalNaNs(data []byte) (out []byte, changed int) {
	out = data
	for i := 0; i+4 <= len(data); i += 4 {
		v := math.Float32frombits(binary.LittleEndian.Uint32(data[i:]))
		if v == v || math.Float32bits(v) == exact.NaNBits {
			continue
		}
		if changed == 0 {
			out = bytes.Clone(data)
		}
		binary.LittleEndian.PutUint32(out[i:], exact.NaNBits)
		changed++
	}
	return out, changed
}

// describeChanges lists the differences between the parsed file and its canonical form.
func (f *safetensorsFile) describeChanges(canonical []byte) []string {
	var changes []string
	if len(f.metadata) > 0 {
		changes = append(changes, fmt.Sprintf("removed the metadata (%.200q)", f.metadata))
	}
	if !slices.IsSorted(f.listed) {
		changes = append(changes, "sorted the header by tensor name")
	}
	stored := make([]string, len(f.tensors))
	nans := 0
	for i, t := range f.tensors {
		stored[i] = t.Name
		_, n := canonicalNaNs(t.Data)
		nans += n
	}
	if !slices.IsSorted(stored) {
		changes = append(changes, "sorted the data by tensor name")
	}
	if nans > 0 {
		changes = append(changes, fmt.Sprintf("replaced %d NaN values by the canonical NaN", nans))
	}
	c, err := parseSafetensors(canonical)
	if err == nil && (len(changes) == 0 || f.header != c.header) {
		changes = append(changes, fmt.Sprintf("rewrote the header without spaces and other spellings (%d bytes, now %d)", f.header, c.header))
	}
	return changes
}

// IsCanonical reports whether b is a safetensors file in canonical form.
func IsCanonical(b []byte) bool { return requireCanonical(b) == nil }

// requireCanonical returns an error that says what Canonicalize would change.
func requireCanonical(b []byte) error {
	out, changes, err := Canonicalize(b)
	if err != nil {
		return err
	}
	if !bytes.Equal(out, b) {
		return fmt.Errorf("%w: the safetensors file differs from its canonical form (canonicalizing it: %s); canonicalize it and submit the result",
			ErrNotCanonical, strings.Join(changes, "; "))
	}
	return nil
}
