package engine

import "fmt"

// MaxRows bounds the rows of one Data.
const MaxRows = 1 << 24

// Data is a table of examples, flat and row-major.
type Data struct {
	Features int       // values per row of X
	Targets  int       // values per row of Y; not used by cross-entropy
	X        []float32 // rows × Features, before normalisation
	Labels   []uint32  // cross-entropy: the class of each row
	Y        []float32 // mean squared error: rows × Targets
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
	for _, i := range idx {
		s.X = append(s.X, d.X[i*d.Features:][:d.Features]...)
		if d.Labels != nil {
			s.Labels = append(s.Labels, d.Labels[i])
		}
		if d.Y != nil {
			s.Y = append(s.Y, d.Y[i*d.Targets:][:d.Targets]...)
		}
	}
	return s
}

// Validate reports whether the rows fit the model and the objective: sizes agree, there is at least one row, every value is finite and
// every label is one of the model's outputs. Errors wrap ErrInvalidData or ErrInvalidSpec.
func (d *Data) Validate(spec *Spec, o Objective) error {
	nodes, err := spec.plan()
	if err != nil {
		return err
	}
	if err := o.Validate(); err != nil {
		return err
	}
	inputs, outputs := nodes[0].inputs, nodes[len(nodes)-1].outputs
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
	if o == CrossEntropy {
		return d.validateLabels(rows, outputs)
	}
	if d.Targets != outputs || len(d.Y) != rows*outputs {
		return dataError("%v: expected %d targets for each of %d rows, as the model has outputs, got Targets = %d and %d values",
			o, outputs, rows, d.Targets, len(d.Y))
	}
	if i := firstNonFinite(d.Y); i >= 0 {
		return dataError("row %d target %d is %v; expected a finite number", i/d.Targets, i%d.Targets, d.Y[i])
	}
	return nil
}

func (d *Data) validateLabels(rows, outputs int) error {
	if outputs < 2 {
		return dataError("%v: expected a model with at least 2 outputs, one per class, got %d", CrossEntropy, outputs)
	}
	if len(d.Labels) != rows {
		return dataError("%v: expected one label for each of %d rows, got %d", CrossEntropy, rows, len(d.Labels))
	}
	for i, l := range d.Labels {
		if uint64(l) >= uint64(outputs) {
			return dataError("row %d has class %d; expected 0 to %d, as the model has %d outputs", i, l, outputs-1, outputs)
		}
	}
	return nil
}

func dataError(format string, a ...any) error {
	return fmt.Errorf("%w: "+format, append([]any{ErrInvalidData}, a...)...)
}
