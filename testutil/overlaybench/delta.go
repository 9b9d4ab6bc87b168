package main

import (
	"bytes"
	"context"
	"crypto/sha256"
	"errors"
	"fmt"
	"slices"
	"time"

	"github.com/pold-network/pold/dataset"
	"github.com/pold-network/pold/dataset/digits"
	"github.com/pold-network/pold/engine"
	"github.com/pold-network/pold/sidecar/weightdelta"
	"github.com/pold-network/pold/testutil/bench"
	"github.com/pold-network/pold/testutil/models"
)

// Goals of weight deltas: the part of the full file that one step may take, and the speed of restoring as a part of that of SHA-256.
const (
	goalOneStep = 0.70
	goalRestore = 0.3
)

// deltaStep is the step that the delta ships: the first quick changes are over.
const deltaStep = 40

// delta trains a perceptron of 1.1 million weights on handwritten digits and ships one step of it as the change of the weights.
func (r *run) delta(ctx context.Context) error {
	sgd := engine.Recipe{Optimizer: engine.OptimizerSGD, LearningRate: 0.05}
	adam := engine.Recipe{Optimizer: engine.OptimizerAdam, LearningRate: 1e-3, Momentum: 0.9, Beta2: 0.999, Epsilon: 1e-8}
	var base, full, shipped []byte
	for _, c := range []struct {
		name   string
		recipe engine.Recipe
	}{{"SGD", sgd}, {"Adam", adam}} {
		var err error
		if base, full, err = oneStep(ctx, c.recipe, 1); err != nil {
			return fmt.Errorf("%s: %w", c.name, err)
		}
		shipped = ship(base, full)
		if err := restores(base, full, shipped); err != nil {
			return fmt.Errorf("%s: %w", c.name, err)
		}
		r.report.Add(bench.Compare("one step of "+c.name+" as a part of the file", part(shipped, full), goalOneStep, "limit", "", bench.LessIsBetter, 1))
	}
	unrelated, _, err := oneStep(ctx, adam, 2)
	if err != nil {
		return err
	}
	other := ship(unrelated, full)
	if err := restores(unrelated, full, other); err != nil {
		return fmt.Errorf("unrelated files: %w", err)
	}
	r.report.Add(bench.Compare("unrelated files, as a part of the file", part(other, full), 1, "limit", "", bench.LessIsBetter, 1))
	return r.restore(base, full, shipped)
}

// ship returns what is sent to those who have the base: the delta, unless the full file is smaller.
func ship(base, full []byte) []byte {
	if delta, smaller := weightdelta.Encode(base, full); smaller {
		return delta
	}
	return full
}

func part(shipped, full []byte) float64 { return float64(len(shipped)) / float64(len(full)) }

// restores checks that what is shipped becomes the full file.
func restores(base, full, shipped []byte) error {
	if bytes.Equal(shipped, full) {
		return nil
	}
	got, err := weightdelta.Apply(base, shipped, int64(len(full)))
	if err != nil {
		return err
	}
	if !bytes.Equal(got, full) {
		return errors.New("expected the full file from base and delta, got other bytes")
	}
	return nil
}

// restore compares the speed of restoring with that of the hash which every receiver computes over the same bytes.
func (r *run) restore(base, full, delta []byte) error {
	restore := func() error {
		_, err := weightdelta.ApplyVerified(base, delta, int64(len(full)))
		return err
	}
	hash := func() error {
		if sum := sha256.Sum256(full); sum == [32]byte{} {
			return errors.New("no such hash is known")
		}
		return nil
	}
	// Restoring takes some milliseconds on all processors, so that other programs disturb most of its calls.
	plan := bench.DefaultPlan
	plan.Slot = bench.Slot{Shortest: 100 * time.Millisecond, Longest: time.Second, Calls: 10}
	samples, err := bench.Measure(plan, bench.Func(restore), bench.Func(hash))
	if err != nil {
		return err
	}
	rate := func(s bench.Sample) float64 { return float64(len(full)) / 1e6 / s.Median.Seconds() }
	row := bench.Compare("restoring from a delta of Adam", rate(samples[0]), rate(samples[1]), "SHA-256", "MB/s", bench.MoreIsBetter, goalRestore)
	row.Spread = bench.Spread(samples...)
	r.report.Add(row)
	return nil
}

// oneStep trains a model whose first weights come from a seed and returns its files before and after the last step.
func oneStep(ctx context.Context, recipe engine.Recipe, seed byte) (before, after []byte, err error) {
	data, err := handwriting()
	if err != nil {
		return nil, nil, err
	}
	spec, err := engine.ParseSpec(models.MLP(digits.Features, 1024, 1024, digits.Classes).Marshal())
	if err != nil {
		return nil, nil, err
	}
	model, err := engine.NewModel(spec, [32]byte{seed})
	if err != nil {
		return nil, nil, err
	}
	recipe.BatchSize, recipe.Steps, recipe.Seed = 32, deltaStep+1, [32]byte{seed}
	training, err := engine.NewTraining(model, data, engine.CrossEntropy, recipe)
	if err != nil {
		return nil, nil, err
	}
	for step := range recipe.Steps {
		if ctx.Err() != nil {
			return nil, nil, context.Cause(ctx)
		}
		if step == deltaStep {
			before = slices.Clone(model.Encode())
		}
		if _, err := training.Step(); err != nil {
			return nil, nil, err
		}
	}
	return before, model.Encode(), nil
}

// handwriting returns the digits with pixels from 0 to 1.
func handwriting() (*engine.Data, error) {
	table, err := dataset.Parse(bytes.NewReader(digits.CSV()))
	if err != nil {
		return nil, err
	}
	x, y, err := table.Numeric(1)
	if err != nil {
		return nil, err
	}
	d := &engine.Data{Features: digits.Features, X: x}
	for i := range x {
		x[i] /= digits.MaxValue
	}
	for _, v := range y {
		d.Labels = append(d.Labels, uint32(v))
	}
	return d, nil
}
