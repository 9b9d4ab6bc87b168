package training

import (
	"math"
	"os"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/pold-network/pold/engine"
	"github.com/pold-network/pold/sidecar/tensorboard"
)

// clock is a time that tests move.
type clock struct{ at time.Time }

func newClock() *clock                   { return &clock{time.Date(2026, 1, 2, 12, 0, 0, 0, time.UTC)} }
func (c *clock) now() time.Time          { return c.at }
func (c *clock) forward(d time.Duration) { c.at = c.at.Add(d) }

func scalars(t *testing.T, path string) map[string]map[int64]float32 {
	t.Helper()
	file, err := os.Open(path)
	require.NoError(t, err)
	defer file.Close()
	events, err := tensorboard.Read(file)
	require.NoError(t, err)
	values := map[string]map[int64]float32{}
	for _, e := range events {
		for _, s := range e.Scalars {
			if values[s.Tag] == nil {
				values[s.Tag] = map[int64]float32{}
			}
			values[s.Tag][e.Step] = s.Value
		}
	}
	return values
}

func TestMonitorKeepsTheCurveAndWritesIt(t *testing.T) {
	events, err := tensorboard.Create(t.TempDir())
	require.NoError(t, err)
	c := newClock()
	r := engine.Recipe{LearningRate: 0.5, BatchSize: 10, Steps: 4, Schedule: engine.ScheduleStep, StepSize: 2, Gamma: 0.5}
	m := newMonitor(r, engine.CrossEntropy, events, c.now)
	require.NoError(t, m.Evaluated(engine.Evaluation{LossE9: 3_000_000_000, MetricE9: 100_000_000}))
	for step := 1; step <= 4; step++ {
		c.forward(time.Second)
		require.NoError(t, m.Step(step, 1/float32(step)))
	}
	require.NoError(t, m.Evaluated(engine.Evaluation{LossE9: 500_000_000, MetricE9: 750_000_000}))
	require.NoError(t, m.Judged(250_000_000, 750_000_000))
	require.NoError(t, events.Close())

	curve := m.Curve()
	require.Len(t, curve.Points, 4)
	require.Equal(t, float32(0.25), curve.Points[3].Loss)
	require.Equal(t, []Evaluation{{0, 3_000_000_000, 100_000_000}, {4, 500_000_000, 750_000_000}}, curve.Evaluations)
	for i, p := range curve.Points {
		require.Equal(t, i+1, p.Step)
		require.InDelta(t, 10, p.SamplesPerSecond, 1e-9)
	}
	require.Equal(t, map[string]map[int64]float32{
		"loss/training":       {1: 1, 2: 0.5, 3: 1. / 3, 4: 0.25},
		"learning_rate":       {1: 0.5, 2: 0.5, 3: 0.25, 4: 0.25},
		"samples_per_second":  {1: 10, 2: 10, 3: 10, 4: 10},
		"loss/validation":     {0: 3, 4: 0.5},
		"loss/exact":          {4: 0.25},
		"accuracy/validation": {0: 0.1, 4: 0.75},
	}, scalars(t, events.Path()))
}

func TestALongRunHasAThinCurveOfMeans(t *testing.T) {
	c := newClock()
	m := newMonitor(engine.Recipe{BatchSize: 1, Steps: 100_000}, engine.MeanSquaredError, nil, c.now)
	for step := 1; step <= 100_000; step++ {
		c.forward(time.Millisecond)
		require.NoError(t, m.Step(step, float32(step%2)))
	}
	points := m.Curve().Points
	require.Len(t, points, curvePoints+1)
	require.Equal(t, 1, points[0].Step)
	require.Equal(t, 100_000, points[curvePoints].Step)
	for _, p := range points[2:] {
		require.InDelta(t, 0.5, p.Loss, 1e-6, p.Step)
		require.InDelta(t, 1000, p.SamplesPerSecond, 1)
	}
}

func TestSlowStepsStillMakePoints(t *testing.T) {
	c := newClock()
	m := newMonitor(engine.Recipe{BatchSize: 1, Steps: 1_000_000}, engine.CrossEntropy, nil, c.now)
	for step := 1; step <= 20; step++ {
		c.forward(pointInterval)
		require.NoError(t, m.Step(step, 1))
	}
	require.Len(t, m.Curve().Points, 20)
}

func TestProgressFollowsAChangeOfSpeed(t *testing.T) {
	c := newClock()
	m := newMonitor(engine.Recipe{BatchSize: 2, Steps: 1000}, engine.CrossEntropy, nil, c.now)
	require.Zero(t, m.Progress().SamplesPerSecond, "nothing can be said before the first step")
	for step := 1; step <= 100; step++ {
		c.forward(10 * time.Millisecond)
		require.NoError(t, m.Step(step, 1))
	}
	require.InDelta(t, 200, m.Progress().SamplesPerSecond, 1)
	for step := 101; step <= 200; step++ {
		c.forward(time.Second)
		require.NoError(t, m.Step(step, 1))
	}
	p := m.Progress()
	require.InDelta(t, 2, p.SamplesPerSecond, 0.1)
	require.InDelta(t, 800, p.Left.Seconds(), 40)
	require.Equal(t, "step 200/1000  loss 1.0000  2 samples/s  13m20s left", p.String())
}

func TestTheAverageHasNoBiasAndForgets(t *testing.T) {
	a := newAverage(200)
	require.True(t, math.IsNaN(float64(a.value())))
	a.add(8)
	require.Equal(t, float32(8), a.value())
	for range 100 {
		a.add(2)
	}
	require.InDelta(t, 2, a.value(), 1e-3)
}

func TestLiveRedrawsOneLineOnATerminalAndIsRareElsewhere(t *testing.T) {
	c := newClock()
	var terminal, file strings.Builder
	onTerminal, toFile := newLive(&terminal, true, c.now), newLive(&file, false, c.now)
	for i := range 25 {
		for _, l := range []*Live{onTerminal, toFile} {
			if l.Due() {
				l.Show(strings.Repeat("x", i))
			}
		}
		c.forward(time.Second)
	}
	onTerminal.Clear()
	onTerminal.Clear()
	toFile.Clear()
	require.Equal(t, 24, strings.Count(terminal.String(), "x\r"), "every interval one line, each over the last")
	require.NotContains(t, terminal.String(), "\n")
	require.True(t, strings.HasSuffix(terminal.String(), "x\r\x1b[K"))
	require.Equal(t, strings.Repeat("x", 10)+"\n"+strings.Repeat("x", 20)+"\n", file.String())
}
