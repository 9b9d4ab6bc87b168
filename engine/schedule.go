package engine

import (
	"math"

	"github.com/pold-network/pold/engine/internal/exact"
)

// Schedules that a Recipe may name: how the learning rate changes from step to step.
const (
	ScheduleConstant = "constant"
	ScheduleStep     = "step"   // times Gamma after every StepSize steps
	ScheduleCosine   = "cosine" // falls to 0 along half a cosine
)

// RateAt returns the learning rate of a step, counted from 1: it rises linearly over the first WarmupSteps steps, then follows the
// schedule. It depends on nothing but the recipe, so that any step can be replayed alone.
func (r Recipe) RateAt(step int) float32 {
	if step <= r.WarmupSteps {
		return r.LearningRate * (float32(step) / float32(r.WarmupSteps))
	}
	done := step - 1 - r.WarmupSteps
	switch r.Schedule {
	case ScheduleStep:
		return r.LearningRate * power(r.Gamma, done/r.StepSize)
	case ScheduleCosine:
		total := r.Steps - r.WarmupSteps
		return r.LearningRate * float32(0.5*float32(1+cosPi(float32(done)/float32(total))))
	}
	return r.LearningRate
}

// power returns x^n for n ≥ 0 by squaring, from the highest bit of n down, each product rounded.
func power(x float32, n int) float32 {
	p := float32(1)
	for bit := 1 << 30; bit > 0; bit >>= 1 {
		p = float32(p * p)
		if n&bit != 0 {
			p = float32(p * x)
		}
	}
	return p
}

// cosPi returns cos(π·u) for 0 ≤ u ≤ 1 with an absolute error below 2^-23: a polynomial in u² on the first half, its mirror image on
// the second. The coefficients are (-1)^k·π^(2k)/(2k)! for k = 6 … 0, rounded.
func cosPi(u float32) float32 {
	if u > 0.5 {
		return -cosPi(1 - u)
	}
	s := float32(u * u)
	p := math.Float32frombits(0x3afce9c5)
	for _, c := range [...]uint32{0xbcd368f9, 0x3e70fa83, 0xbfaae9e4, 0x4081e0f8, 0xc09de9e6, 0x3f800000} {
		p = exact.FMA(p, s, math.Float32frombits(c))
	}
	return p
}
