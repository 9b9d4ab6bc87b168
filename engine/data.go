package engine

import (
	"fmt"

	"github.com/pold-network/pold/engine/internal/exact"
)

// MaxRows bounds the rows of one Data.
const MaxRows = 1 << 24

// Data is a table of examples, flat and row-major.
type Data struct {
	Features int       // values per row of X
	Targets  int       // values per row of Y; not used by cross-entropy
	X        []float32 // rows × Features, before normalisation
	Labels   []uint32  // cross-entropy: the class of each row, or of each of its positions when the model's output is [positions, classes]
	Y        []float32 // other objectives: rows × Targets
}

// Rows is the number of examples.
func (d *Data) Rows() int {
	if d.Features <= 0 {
		return 0
	}
	return len(d.X) / d.Features
}

// Select returns a copy of the rows with these indices, in this order; an index may occur more than once. It panics when an index is
// out of range.
func (d *Data) Select(idx []int) *Data {
	s := &Data{Features: d.Features, Targets: d.Targets, X: make([]float32, 0, len(idx)*d.Features)}
	labels := d.labelsPerRow()
	for _, i := range idx {
		s.X = append(s.X, d.X[i*d.Features:][:d.Features]...)
		s.Labels = append(s.Labels, d.Labels[i*labels:][:labels]...)
		if d.Y != nil {
			s.Y = append(s.Y, d.Y[i*d.Targets:][:d.Targets]...)
		}
	}
	return s
}

// labelsPerRow is 0 without labels.
func (d *Data) labelsPerRow() int {
	if rows := d.Rows(); rows > 0 {
		return len(d.Labels) / rows
	}
	return 0
}

// batchOf returns room for so many rows like those of d.
func (d *Data) batchOf(rows int) *Data {
	b := &Data{Features: d.Features, Targets: d.Targets, X: make([]float32, rows*d.Features)}
	if d.Labels != nil {
		b.Labels = make([]uint32, rows*d.labelsPerRow())
	}
	if d.Y != nil {
		b.Y = make([]float32, rows*d.Targets)
	}
	return b
}

// copyRows fills d, made by batchOf, with the rows of from that have these indices.
func (d *Data) copyRows(from *Data, idx []int) {
	labels := from.labelsPerRow()
	for to, i := range idx {
		copy(d.X[to*d.Features:][:d.Features], from.X[i*d.Features:])
		if d.Labels != nil {
			copy(d.Labels[to*labels:][:labels], from.Labels[i*labels:])
		}
		if d.Y != nil {
			copy(d.Y[to*d.Targets:][:d.Targets], from.Y[i*d.Targets:])
		}
	}
}

// slice returns the rows from ≤ i < to without copying.
func (d *Data) slice(from, to int) *Data {
	s := &Data{Features: d.Features, Targets: d.Targets, X: d.X[from*d.Features : to*d.Features]}
	if n := d.labelsPerRow(); n > 0 {
		s.Labels = d.Labels[from*n : to*n]
	}
	if d.Y != nil {
		s.Y = d.Y[from*d.Targets : to*d.Targets]
	}
	return s
}

// Validate reports whether the rows fit the model and the objective: sizes agree, there is at least one row, every value is finite and
// every label is one of the model's outputs. Errors wrap ErrInvalidData or ErrInvalidSpec.
func (d *Data) Validate(spec *Spec, o Objective) error {
	nodes, err := spec.Plan()
	if err != nil {
		return err
	}
	if err := o.Validate(); err != nil {
		return err
	}
	last := &nodes[len(nodes)-1]
	inputs, outputs := spec.Inputs(), last.Outputs()
	if d.Features != inputs {
		return dataError("expected %d features per row, as the model has inputs, got %d", inputs, d.Features)
	}
	rows := d.Rows()
	if rows == 0 || rows > MaxRows || len(d.X) != rows*d.Features {
		return dataError("expected 1 to %d rows of %d features, got %d values", MaxRows, d.Features, len(d.X))
	}
	if i := firstNonFinite(d.X); i >= 0 {
		return dataError("row %d feature %d is %v; expected a finite number", i/d.Features, i%d.Features, d.X[i])
	}
	if err := d.validateVocabulary(spec.Vocabulary()); err != nil {
		return err
	}
	switch o {
	case CrossEntropy:
		if d.Y != nil && (d.Targets < 0 || len(d.Y) != rows*d.Targets) {
			return dataError("expected no targets, or as many for each of %d rows as Targets says, got Targets = %d and %d values", rows, d.Targets, len(d.Y))
		}
		if outputs < 2 {
			return dataError("%v: expected a model with at least 2 outputs, one per class, got %d", o, outputs)
		}
		positions, classes, err := spec.Classification()
		if err != nil {
			return err
		}
		return d.validateLabels(rows, positions, classes)
	case BinaryCrossEntropy:
		if err := spec.CheckBinary(); err != nil {
			return err
		}
	}
	if d.Targets != outputs || len(d.Y) != rows*outputs {
		return dataError("%v: expected %d targets for each of %d rows, as the model has outputs, got Targets = %d and %d values",
			o, outputs, rows, d.Targets, len(d.Y))
	}
	if i := firstNonFinite(d.Y); i >= 0 {
		return dataError("row %d target %d is %v; expected a finite number", i/d.Targets, i%d.Targets, d.Y[i])
	}
	if o == BinaryCrossEntropy {
		for i, v := range d.Y {
			if v < 0 || v > 1 {
				return dataError("%v: row %d target %d is %v; expected a number from 0 to 1", o, i/d.Targets, i%d.Targets, v)
			}
		}
	}
	return nil
}

// firstNonFinite returns the index of the first infinite or NaN element, or -1; it looks for the place only when there is one.
func firstNonFinite(x []float32) int {
	if defaultMachine().vec.NonFinite(x) == 0 {
		return -1
	}
	return exact.FirstNonFinite(x)
}

// validateVocabulary checks the integers that an embedding reads.
func (d *Data) validateVocabulary(size int) error {
	if size == 0 {
		return nil
	}
	for i, v := range d.X {
		if !(v >= 0 && v < float32(size)) || v != float32(int(v)) {
			return dataError("row %d feature %d is %v; expected an integer from 0 to %d, as the model has an embedding of %d",
				i/d.Features, i%d.Features, v, size-1, size)
		}
	}
	return nil
}

func (d *Data) validateLabels(rows, positions, classes int) error {
	if len(d.Labels) != rows*positions {
		return dataError("%v: expected %s for each of %d rows, got %d", CrossEntropy, count(positions, "label"), rows, len(d.Labels))
	}
	for i, l := range d.Labels {
		if uint64(l) >= uint64(classes) {
			return dataError("row %d has class %d; expected 0 to %d, as the model has %d outputs", i/positions, l, classes-1, classes)
		}
	}
	return nil
}

func count(n int, what string) string {
	if n == 1 {
		return "one " + what
	}
	return fmt.Sprintf("%d %ss", n, what)
}

func dataError(format string, a ...any) error {
	return fmt.Errorf("%w: "+format, append([]any{ErrInvalidData}, a...)...)
}
