package training

import (
	"bytes"
	"image"
	"image/color"
	"image/png"
	"math"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"
	"gonum.org/v1/plot"

	"github.com/pold-network/pold/engine"
)

func curveOf(points, evaluations int) *Curve {
	c := &Curve{}
	for i := range points {
		loss := float32(math.Exp(-float64(i) / 20))
		c.Points = append(c.Points, Point{Step: i + 1, Loss: loss * (1 + 0.7*float32(i%2)), Smoothed: loss})
	}
	for i := range evaluations {
		c.Evaluations = append(c.Evaluations, Evaluation{Step: i * points / evaluations, LossE9: 900_000_000, MetricE9: 10_000_000 * uint64(i)})
	}
	return c
}

// drawn returns the picture and how many of its pixels have a colour.
func drawn(t *testing.T, c *Curve, o engine.Objective, want color.RGBA) (image.Image, int) {
	t.Helper()
	var b bytes.Buffer
	require.NoError(t, c.WritePNG(&b, "title", o))
	picture, err := png.Decode(&b)
	require.NoError(t, err)
	count := 0
	for y := range picture.Bounds().Dy() {
		for x := range picture.Bounds().Dx() {
			if color.RGBAModel.Convert(picture.At(x, y)) == want {
				count++
			}
		}
	}
	return picture, count
}

func TestAPlotHasAPanelForEachKindOfFigure(t *testing.T) {
	for _, c := range []struct {
		name      string
		curve     *Curve
		objective engine.Objective
		size      image.Point
		colors    []color.RGBA
		missing   []color.RGBA
	}{
		{"with rows held out", curveOf(100, 10), engine.CrossEntropy, image.Pt(1152, 864), []color.RGBA{blue, paleBlue, vermilion, green}, nil},
		{"with a metric that is no accuracy", curveOf(100, 10), engine.MeanSquaredError, image.Pt(1152, 864), []color.RGBA{blue, green}, nil},
		{"with nothing held out", curveOf(100, 0), engine.CrossEntropy, image.Pt(1152, 576), []color.RGBA{blue, paleBlue}, []color.RGBA{vermilion, green}},
		{"of many points and evaluations", curveOf(5000, 500), engine.CrossEntropy, image.Pt(1152, 864), []color.RGBA{blue, green}, nil},
	} {
		t.Run(c.name, func(t *testing.T) {
			for _, want := range c.colors {
				picture, count := drawn(t, c.curve, c.objective, want)
				require.Equal(t, c.size, picture.Bounds().Size())
				require.Greater(t, count, 200, "pixels of %v", want)
			}
			for _, want := range c.missing {
				_, count := drawn(t, c.curve, c.objective, want)
				require.Zero(t, count, "pixels of %v", want)
			}
		})
	}
}

func TestPlotsOfStrangeCurvesAreDrawnOrRefused(t *testing.T) {
	var b bytes.Buffer
	require.ErrorContains(t, (&Curve{}).WritePNG(&b, "", engine.CrossEntropy), "at least one step")
	nan, inf := float32(math.NaN()), float32(math.Inf(1))
	for name, points := range map[string][]Point{
		"one point":        {{Step: 1, Loss: 1, Smoothed: 1}},
		"always the same":  {{Step: 1, Loss: 1, Smoothed: 1}, {Step: 2, Loss: 1, Smoothed: 1}},
		"zero":             {{Step: 1}, {Step: 2}},
		"negative":         {{Step: 1, Loss: -1, Smoothed: -1}, {Step: 2, Loss: 100, Smoothed: 100}},
		"diverged":         {{Step: 1, Loss: 1, Smoothed: 1}, {Step: 2, Loss: inf, Smoothed: inf}, {Step: 3, Loss: nan, Smoothed: nan}},
		"nothing finite":   {{Step: 1, Loss: nan, Smoothed: nan}},
		"enormous numbers": {{Step: 1, Loss: 1e-30, Smoothed: 1e-30}, {Step: 1 << 24, Loss: 1e30, Smoothed: 1e30}},
	} {
		t.Run(name, func(t *testing.T) {
			b.Reset()
			require.NoError(t, (&Curve{Points: points}).WritePNG(&b, name, engine.CrossEntropy))
			_, err := png.Decode(&b)
			require.NoError(t, err)
		})
	}
}

func TestTheLossAxisIsLogarithmicWhenTheLossFallsFar(t *testing.T) {
	far := curveOf(100, 0).lossPanel("")
	require.IsType(t, plot.LogScale{}, far.Y.Scale)
	require.Equal(t, "loss (logarithmic)", far.Y.Label.Text)
	near := curveOf(10, 0).lossPanel("")
	require.IsType(t, plot.LinearScale{}, near.Y.Scale)
}

func TestTicksAreRoundNumbers(t *testing.T) {
	labels := func(ticks []plot.Tick) (labels []string) {
		for _, tick := range ticks {
			if tick.Label != "" {
				labels = append(labels, tick.Label)
			}
		}
		return labels
	}
	for _, c := range []struct {
		ticker    plot.Ticker
		low, high float64
		want      []string
	}{
		{evenTicks{whole: true}, 0, 9984, []string{"0", "2,000", "4,000", "6,000", "8,000"}},
		{evenTicks{whole: true}, 0, 3, []string{"0", "1", "2", "3"}},
		{evenTicks{}, 0, 100, []string{"0", "20", "40", "60", "80", "100"}},
		{evenTicks{}, 0.1, 0.52, []string{"0.1", "0.2", "0.3", "0.4", "0.5"}},
		{logTicks{}, 0.04, 3, []string{"0.05", "0.1", "0.2", "0.5", "1", "2"}},
		{logTicks{}, 1e-5, 3, []string{"1e-05", "0.0001", "0.001", "0.01", "0.1", "1"}},
	} {
		require.Equal(t, c.want, labels(c.ticker.Ticks(c.low, c.high)))
	}
}

func TestALongTitleIsBrokenAfterACommaAndStaysWhole(t *testing.T) {
	require.Equal(t, "short, title", broken("short, title"))
	long := "text: 1,000 parameters\n" + strings.Repeat("a setting of the recipe, ", 12) + "the end"
	lines := strings.Split(broken(long), "\n")
	require.Len(t, lines, 5)
	require.Equal(t, "text: 1,000 parameters", lines[0])
	for _, line := range lines {
		require.LessOrEqual(t, len(line), titleColumns)
	}
	require.Equal(t, strings.ReplaceAll(long, "\n", ""), strings.Join(lines, ""))
}
