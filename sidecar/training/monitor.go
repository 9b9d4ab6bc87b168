package training

import (
	"strings"
	"time"

	"github.com/pold-network/pold/engine"
	"github.com/pold-network/pold/sidecar/tensorboard"
)

const (
	// curvePoints is how many points a curve has when steps are fast.
	curvePoints = 1000
	// pointInterval is when a point is made although steps are slow.
	pointInterval = 5 * time.Second
	// speedWindow is how far back throughput looks: far enough to be steady, near enough to follow a change.
	speedWindow = 5 * time.Second
)

// Monitor follows one run: it is told of every step and keeps the curve, writes the event file and knows throughput and time left. It
// belongs to the goroutine that trains.
type Monitor struct {
	steps, batch int
	rate         func(step int) float32
	objective    engine.Objective
	events       *tensorboard.Writer
	now          func() time.Time

	every     int // steps between two points
	curve     Curve
	smoothed  average
	step      int
	batchLoss float32
	sum       float64 // of losses since the last point
	count     int
	pointTime time.Time
	marks     []mark // some moments of the last speedWindow, the oldest first
}

type mark struct {
	at   time.Time
	step int
}

// NewMonitor starts to follow a run of that many rows per step. events may be nil.
func NewMonitor(r engine.Recipe, o engine.Objective, events *tensorboard.Writer) *Monitor {
	return newMonitor(r, o, events, time.Now)
}

func newMonitor(r engine.Recipe, o engine.Objective, events *tensorboard.Writer, now func() time.Time) *Monitor {
	m := &Monitor{steps: r.Steps, batch: r.BatchSize, rate: r.RateAt, objective: o, events: events, now: now,
		every: max(1, r.Steps/curvePoints), smoothed: newAverage(r.Steps)}
	m.pointTime = now()
	m.marks = []mark{{m.pointTime, 0}}
	return m
}

// Step records a finished step (from 1) and the mean loss of its batch. An error is that of the event file.
func (m *Monitor) Step(step int, loss float32) error {
	now := m.now()
	m.step, m.batchLoss = step, loss
	m.smoothed.add(loss)
	m.sum += float64(loss)
	m.count++
	m.mark(now)
	if step%m.every != 0 && step != 1 && step != m.steps && now.Sub(m.pointTime) < pointInterval {
		return nil
	}
	return m.point(now)
}

// point ends the current point of the curve.
func (m *Monitor) point(now time.Time) error {
	p := Point{Step: m.step, Loss: float32(m.sum / float64(m.count)), Smoothed: m.smoothed.value(), Rate: m.rate(m.step), SamplesPerSecond: m.speed() * float64(m.batch)}
	m.curve.Points = append(m.curve.Points, p)
	m.sum, m.count, m.pointTime = 0, 0, now
	scalars := []tensorboard.Scalar{{Tag: "loss/training", Value: p.Loss}, {Tag: "learning_rate", Value: p.Rate}}
	if p.SamplesPerSecond > 0 {
		scalars = append(scalars, tensorboard.Scalar{Tag: "samples_per_second", Value: float32(p.SamplesPerSecond)})
	}
	return m.add(scalars...)
}

// Evaluated records an evaluation of the weights after the last step on rows that are held out.
func (m *Monitor) Evaluated(e engine.Evaluation) error {
	m.curve.Evaluations = append(m.curve.Evaluations, Evaluation{Step: m.step, LossE9: e.LossE9, MetricE9: e.MetricE9})
	return m.add(tensorboard.Scalar{Tag: "loss/validation", Value: fromE9(e.LossE9)}, m.metric(e.MetricE9))
}

// Judged records what a round ranks the weights after the last step by: their exact loss on all training rows, and the metric on the rows
// held out, both in 10^-9.
func (m *Monitor) Judged(lossE9, metricE9 uint64) error {
	return m.add(tensorboard.Scalar{Tag: "loss/exact", Value: fromE9(lossE9)}, m.metric(metricE9))
}

func (m *Monitor) metric(e9 uint64) tensorboard.Scalar {
	return tensorboard.Scalar{Tag: strings.ReplaceAll(MetricName(m.objective), " ", "_") + "/validation", Value: fromE9(e9)}
}

func (m *Monitor) add(scalars ...tensorboard.Scalar) error {
	if m.events == nil {
		return nil
	}
	return m.events.Add(int64(m.step), m.now(), scalars...)
}

func fromE9(v uint64) float32 { return float32(float64(v) / 1e9) }

// Curve returns the curve so far.
func (m *Monitor) Curve() *Curve { return &m.curve }

// mark remembers this moment, about ten of them per window, and forgets those before the window.
func (m *Monitor) mark(now time.Time) {
	if last := m.marks[len(m.marks)-1]; now.Sub(last.at) < speedWindow/10 {
		return
	}
	m.marks = append(m.marks, mark{now, m.step})
	for len(m.marks) > 2 && now.Sub(m.marks[1].at) >= speedWindow {
		m.marks = m.marks[1:]
	}
}

// speed returns the steps per second of the last moments; 0 while nothing can be said.
func (m *Monitor) speed() float64 {
	oldest := m.marks[0]
	seconds := m.now().Sub(oldest.at).Seconds()
	if seconds < 0.01 {
		return 0
	}
	return float64(m.step-oldest.step) / seconds
}

// Progress says where the run stands.
func (m *Monitor) Progress() Progress {
	p := Progress{Step: m.step, Steps: m.steps, Loss: m.smoothed.value(), BatchLoss: m.batchLoss}
	if speed := m.speed(); speed > 0 {
		p.SamplesPerSecond = speed * float64(m.batch)
		p.Left = time.Duration(float64(m.steps-m.step) / speed * float64(time.Second))
	}
	if n := len(m.curve.Evaluations); n > 0 {
		p.Validation = &m.curve.Evaluations[n-1]
	}
	return p
}
