package training

import (
	"fmt"
	"math"
	"slices"

	"github.com/pold-network/pold/dataset"
	"github.com/pold-network/pold/engine"
	"github.com/pold-network/pold/modelspec"
)

// Examples are rows to learn from, and what a model must look like to read them. Values are raw: normalisation is part of the model.
type Examples struct {
	Name       string // for titles and folders
	Objective  engine.Objective
	InputShape []uint32 // of one row
	// Outputs is the number of classes for cross-entropy, of targets otherwise.
	Outputs int
	// Vocabulary holds the characters of a text; nil for other data.
	Vocabulary Vocabulary
	Training   *engine.Data
	// Validation are the rows held out; nil when there are none.
	Validation *engine.Data
}

// TableOptions say how to read a table.
type TableOptions struct {
	Objective engine.Objective
	Targets   int      // last columns to predict
	Shape     []uint32 // of one row's features; nil: as many as there are columns
	// SplitKey and ValidationPermille choose the rows held out, by the rule of package dataset. With the name and the figure of a training
	// set on chain they are the same rows.
	SplitKey           string
	ValidationPermille uint32
}

// FromTable reads the rows of a canonical table.
func FromTable(name string, table *dataset.Table, o TableOptions) (*Examples, error) {
	x, y, err := table.Numeric(o.Targets)
	if err != nil {
		return nil, err
	}
	features := table.Columns() - o.Targets
	e := &Examples{Name: name, Objective: o.Objective, InputShape: o.Shape, Outputs: o.Targets}
	if e.InputShape == nil {
		e.InputShape = []uint32{uint32(features)}
	}
	if n := volume(e.InputShape); n != uint64(features) {
		return nil, fmt.Errorf("shape %v: expected %d values, one for each feature column, got %d; correct the shape or the number of targets", e.InputShape, features, n)
	}
	all := &engine.Data{Features: features, Targets: o.Targets, X: x}
	if o.Objective == engine.CrossEntropy {
		if all.Labels, err = labels(table, y, o.Targets); err != nil {
			return nil, err
		}
		e.Outputs = int(slices.Max(all.Labels)) + 1
	} else {
		all.Y = y
	}
	training, validation := table.Split([]byte(o.SplitKey), o.ValidationPermille)
	if len(training) == 0 {
		return nil, fmt.Errorf("expected rows to learn from, but all %d are held out; hold out fewer", table.Rows())
	}
	e.Training = all
	if len(validation) > 0 {
		e.Training, e.Validation = all.Select(training), all.Select(validation)
	}
	return e, nil
}

// Check reports examples that don't fit a model: sizes, classes, or numbers that are no characters.
func (e *Examples) Check(s *modelspec.Spec) error {
	spec, err := engineSpec(s)
	if err != nil {
		return err
	}
	for _, d := range []*engine.Data{e.Training, e.Validation} {
		if d == nil {
			continue
		}
		if err := d.Validate(spec, e.Objective); err != nil {
			return fmt.Errorf("the data %s don't fit the model: %w", e.Name, err)
		}
	}
	return nil
}

// labels reads targets as classes.
func labels(table *dataset.Table, y []float32, targets int) ([]uint32, error) {
	out := make([]uint32, len(y))
	for i, v := range y {
		if v < 0 || v > math.MaxUint16 || v != float32(uint32(v)) {
			column := table.Columns() - targets + i%targets
			return nil, fmt.Errorf("line %d, column %d (%s): expected a class from 0 to %d, got %v; correct the cell, or choose another objective than cross-entropy",
				table.Line(i/targets), column+1, table.Header()[column], math.MaxUint16, v)
		}
		out[i] = uint32(v)
	}
	return out, nil
}

func volume(shape []uint32) uint64 {
	n := uint64(1)
	for _, d := range shape {
		n = min(n*uint64(d), math.MaxUint32)
	}
	return n
}
