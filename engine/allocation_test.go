package engine

import (
	"fmt"
	"testing"

	"github.com/pold-network/pold/engine/internal/isa"
)

// TestStepsAllocateNothing counts allocations of whole steps, once everything is in place. The batch is larger than the table, so that
// every step also begins an epoch.
func TestStepsAllocateNothing(t *testing.T) {
	specs := composites()
	for i, spec := range randomNetworks(t, 12) {
		specs[fmt.Sprintf("random network %d", i)] = spec
	}
	recipes := map[string]Recipe{
		"sgd":                {Optimizer: OptimizerSGD, LearningRate: 0.001},
		"nesterov, clipped":  {Optimizer: OptimizerNesterov, LearningRate: 0.001, Momentum: 0.9, WeightDecay: 0.01, ClipNorm: 0.1},
		"adamw, all options": {Optimizer: OptimizerAdamW, LearningRate: 0.001, Momentum: 0.9, Beta2: 0.9, Epsilon: 1e-8, WeightDecay: 0.1, ClipNorm: 0.1, LabelSmoothing: 0.1, Schedule: ScheduleCosine, WarmupSteps: 3},
	}
	for _, threads := range []int{1, 2} {
		on := newMachine(isa.Best(), threads)
		for name, spec := range specs {
			for recipe, r := range recipes {
				for _, o := range Objectives() {
					if r.LabelSmoothing != 0 && o != CrossEntropy {
						continue
					}
					m := newTestModel(t, spec, 1)
					m.machine = on
					r.BatchSize, r.Steps = 24, 1000
					training, err := NewTraining(m, testData(t, spec, 17), o, r)
					if err != nil {
						t.Fatal(err)
					}
					step := func() {
						if _, err := training.Step(); err != nil {
							t.Fatal(err)
						}
					}
					for range 3 {
						step()
					}
					if n := testing.AllocsPerRun(5, step); n != 0 {
						t.Errorf("%s, %s, %v, %d threads: expected no allocation per step, got %v", name, recipe, o, threads, n)
					}
				}
			}
		}
		on.pool.Close()
	}
}
