package main

import (
	"fmt"
	"strings"

	"github.com/spf13/cobra"

	"github.com/pold-network/pold/engine"
)

// Settings to start from when none are given.
const (
	usualRate     = 0.05
	usualAdamRate = 0.001
	usualBeta2    = 0.999
	usualEpsilon  = 1e-8
	usualDecay    = 0.01 // adamw
	usualGamma    = 0.1
)

// recipeFlags say how to learn.
type recipeFlags struct {
	recipe engine.Recipe
	cmd    *cobra.Command
}

// add adds all flags but the seed.
func (f *recipeFlags) add(cmd *cobra.Command, steps int, stepsUsage string) {
	f.cmd = cmd
	r := &f.recipe
	cmd.Flags().StringVar(&r.Optimizer, "optimizer", engine.OptimizerSGD, strings.Join(engine.Optimizers(), ", "))
	cmd.Flags().Float32Var(&r.LearningRate, "rate", 0, fmt.Sprintf("learning rate (default %g; adam and adamw %g)", usualRate, usualAdamRate))
	cmd.Flags().Float32Var(&r.Momentum, "momentum", 0.9, "momentum of sgd and nesterov, beta1 of adam and adamw")
	cmd.Flags().Float32Var(&r.Beta2, "beta2", 0, fmt.Sprintf("beta2 of adam and adamw (default %g)", usualBeta2))
	cmd.Flags().Float32Var(&r.Epsilon, "epsilon", 0, fmt.Sprintf("epsilon of adam and adamw (default %g)", usualEpsilon))
	cmd.Flags().Float32Var(&r.WeightDecay, "weight-decay", 0, fmt.Sprintf("pulls weights towards 0; of adamw apart from the gradient (default 0; adamw %g)", usualDecay))
	cmd.Flags().Float32Var(&r.ClipNorm, "clip", 0, "largest norm of a gradient; 0 for no bound")
	cmd.Flags().Float32Var(&r.LabelSmoothing, "label-smoothing", 0, "part of the target that cross-entropy spreads over all classes")
	cmd.Flags().StringVar(&r.Schedule, "schedule", "", "how the rate changes: constant, step or cosine (default constant)")
	cmd.Flags().IntVar(&r.WarmupSteps, "warmup", 0, "steps in which the rate rises from 0")
	cmd.Flags().IntVar(&r.StepSize, "step-size", 0, "steps between two changes of the rate, for --schedule step (default a third of the steps)")
	cmd.Flags().Float32Var(&r.Gamma, "gamma", 0, fmt.Sprintf("factor of a change of the rate, for --schedule step (default %g)", usualGamma))
	cmd.Flags().IntVar(&r.BatchSize, "batch", 32, "rows per step")
	cmd.Flags().IntVar(&r.Steps, "steps", steps, stepsUsage)
}

// given repeats the flags that were given, each after a space.
func (f *recipeFlags) given() string {
	return repeated(f.cmd, "optimizer", "rate", "momentum", "beta2", "epsilon", "weight-decay", "clip", "label-smoothing", "schedule", "warmup", "step-size",
		"gamma", "batch", "steps")
}

// complete fills in what depends on optimiser and schedule, unless it was given, and checks the result.
func (f *recipeFlags) complete() (engine.Recipe, error) {
	r := f.recipe
	usual := func(flag string, value *float32, usual float32) {
		if !f.cmd.Flags().Changed(flag) {
			*value = usual
		}
	}
	switch r.Optimizer {
	case engine.OptimizerAdam, engine.OptimizerAdamW:
		usual("rate", &r.LearningRate, usualAdamRate)
		usual("beta2", &r.Beta2, usualBeta2)
		usual("epsilon", &r.Epsilon, usualEpsilon)
		if r.Optimizer == engine.OptimizerAdamW {
			usual("weight-decay", &r.WeightDecay, usualDecay)
		}
	default:
		usual("rate", &r.LearningRate, usualRate)
	}
	if r.Schedule == engine.ScheduleStep {
		usual("gamma", &r.Gamma, usualGamma)
		if !f.cmd.Flags().Changed("step-size") {
			r.StepSize = max(1, r.Steps/3)
		}
	}
	if err := r.Validate(); err != nil {
		return r, usage("%w", err)
	}
	return r, nil
}

// describeRecipe says a recipe in one line.
func describeRecipe(r engine.Recipe) string {
	parts := []string{r.Optimizer, fmt.Sprintf("rate %g", r.LearningRate)}
	add := func(used bool, format string, a ...any) {
		if used {
			parts = append(parts, fmt.Sprintf(format, a...))
		}
	}
	add(r.Schedule != "" && r.Schedule != engine.ScheduleConstant, "schedule %s", r.Schedule)
	add(r.Schedule == engine.ScheduleStep, "×%g every %s steps", r.Gamma, grouped(r.StepSize))
	add(r.WarmupSteps > 0, "warm-up %s steps", grouped(r.WarmupSteps))
	add(true, "momentum %g", r.Momentum)
	add(r.Beta2 > 0, "beta2 %g", r.Beta2)
	add(r.WeightDecay > 0, "weight decay %g", r.WeightDecay)
	add(r.ClipNorm > 0, "clip %g", r.ClipNorm)
	add(r.LabelSmoothing > 0, "label smoothing %g", r.LabelSmoothing)
	add(true, "%s steps of %s rows", grouped(r.Steps), grouped(r.BatchSize))
	return strings.Join(parts, ", ")
}
