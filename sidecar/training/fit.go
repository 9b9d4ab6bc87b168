package training

import (
	"context"
	"errors"
	"fmt"

	"github.com/pold-network/pold/engine"
	"github.com/pold-network/pold/modelspec"
	"github.com/pold-network/pold/sidecar/tensorboard"
)

// Job is a training run without a chain.
type Job struct {
	Spec     *modelspec.Spec
	Examples *Examples
	Recipe   engine.Recipe
	// From are the first weights, a safetensors file; nil: those that the recipe's seed gives.
	From []byte
	// EvaluateEvery is how many steps lie between two evaluations of the rows held out; 0: about an epoch, but at most maxEvaluations in all.
	EvaluateEvery int
	Events        *tensorboard.Writer // nil: none
	Progress      func(*Monitor)      // called after every step; nil: not
	Evaluated     func(*Monitor)      // called after every evaluation; nil: not
}

// maxEvaluations bounds what evaluations cost a long run of short epochs.
const maxEvaluations = 50

// Result is what a job has come to.
type Result struct {
	Model *engine.Model
	Curve *Curve
	Steps int
	// Training and Validation are the exact figures that a validator would find on these rows; Validation has 0 rows if none are held out.
	Training, Validation engine.Evaluation
}

// Model returns the model with the weights that the job starts from.
func (j *Job) Model() (*engine.Model, error) {
	spec, err := engineSpec(j.Spec)
	if err != nil {
		return nil, err
	}
	if j.From == nil {
		return engine.NewModel(spec, j.Recipe.Seed)
	}
	canonical, _, err := engine.Canonicalize(j.From)
	if err != nil {
		return nil, err
	}
	return engine.DecodeModel(spec, canonical)
}

// Run trains until the recipe's steps are done or ctx ends, which is no error: the weights so far are kept and evaluated. When training
// diverges, the result holds the curve and no model.
func (j *Job) Run(ctx context.Context) (*Result, error) {
	model, err := j.Model()
	if err != nil {
		return nil, err
	}
	monitor := NewMonitor(j.Recipe, j.Examples.Objective, j.Events)
	r := &Result{Curve: monitor.Curve()}
	if err := j.evaluate(model, monitor); err != nil {
		return r, err
	}
	every := j.every()
	var failed error
	err = model.Train(j.Examples.Training, j.Examples.Objective, j.Recipe, func(step int, loss float32) bool {
		r.Steps = step
		failed = monitor.Step(step, loss)
		if j.Progress != nil {
			j.Progress(monitor)
		}
		if failed == nil && (step%every == 0 || step == j.Recipe.Steps) {
			failed = j.evaluate(model, monitor)
		}
		return failed == nil && ctx.Err() == nil
	})
	if err := errors.Join(err, failed); err != nil {
		return r, err
	}
	r.Model = model
	if r.Training, err = model.Evaluate(j.Examples.Training, j.Examples.Objective); err != nil {
		return r, err
	}
	if j.Examples.Validation != nil {
		r.Validation, err = model.Evaluate(j.Examples.Validation, j.Examples.Objective)
	}
	return r, err
}

func (j *Job) every() int {
	if j.EvaluateEvery > 0 {
		return j.EvaluateEvery
	}
	epoch := (j.Examples.Training.Rows() + j.Recipe.BatchSize - 1) / j.Recipe.BatchSize
	return max(1, epoch, j.Recipe.Steps/maxEvaluations)
}

func (j *Job) evaluate(model *engine.Model, monitor *Monitor) error {
	if j.Examples.Validation == nil {
		return nil
	}
	e, err := model.Evaluate(j.Examples.Validation, j.Examples.Objective)
	if err != nil {
		return fmt.Errorf("evaluate the rows held out: %w", err)
	}
	if !e.Finite {
		return nil // the next step says it better
	}
	if err := monitor.Evaluated(e); err != nil {
		return err
	}
	if j.Evaluated != nil {
		j.Evaluated(monitor)
	}
	return nil
}
