package training

import (
	"math"

	"github.com/pold-network/pold/engine"
)

// Point is a place on the curve of a run: the mean over the steps since the point before.
type Point struct {
	Step             int
	Loss             float32 // mean loss of the batches
	Smoothed         float32 // moving average over a fortieth of the run, 5 to 50 steps
	Rate             float32 // learning rate of the step
	SamplesPerSecond float64
}

// Evaluation is the exact result of the weights after a step on rows that are held out.
type Evaluation struct {
	Step int
	// LossE9 and MetricE9 are the mean loss and the metric (accuracy, or mean absolute error) in 10^-9.
	LossE9, MetricE9 uint64
}

// Curve is what became of a run: its points, thinned to a few thousand, and its evaluations.
type Curve struct {
	Points      []Point
	Evaluations []Evaluation
}

// MetricName is what an objective's metric is called.
func MetricName(o engine.Objective) string {
	if o == engine.MeanSquaredError {
		return "mean absolute error"
	}
	return "accuracy"
}

// average is an exponential moving average without a bias towards its first value.
type average struct{ keep, sum, weight float64 }

// newAverage averages over about a fortieth of a run, 5 to 50 steps.
func newAverage(steps int) average {
	return average{keep: 1 - 1/float64(min(50, max(5, steps/40)))}
}

func (a *average) add(x float32) {
	a.sum = a.keep*a.sum + float64(x)
	a.weight = a.keep*a.weight + 1
}

func (a *average) value() float32 {
	if a.weight == 0 {
		return float32(math.NaN())
	}
	return float32(a.sum / a.weight)
}
