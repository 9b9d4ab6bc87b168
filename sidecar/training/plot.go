package training

import (
	"errors"
	"fmt"
	"image/color"
	"io"
	"math"
	"strconv"
	"strings"

	"gonum.org/v1/plot"
	"gonum.org/v1/plot/font"
	"gonum.org/v1/plot/plotter"
	"gonum.org/v1/plot/text"
	"gonum.org/v1/plot/vg"
	"gonum.org/v1/plot/vg/draw"
	"gonum.org/v1/plot/vg/vgimg"

	"github.com/pold-network/pold/engine"
)

// Size of a plot: 1152 × 864 pixels with two panels, 1152 × 576 with one.
const (
	plotWidth  = 8 * vg.Inch
	plotHeight = 6 * vg.Inch
	panelOnly  = 4 * vg.Inch
	plotDPI    = 144
)

// Colours that people with any colour vision can tell apart (Okabe and Ito).
var (
	blue      = color.RGBA{R: 0, G: 114, B: 178, A: 255}
	paleBlue  = color.RGBA{R: 178, G: 210, B: 232, A: 255}
	vermilion = color.RGBA{R: 213, G: 94, B: 0, A: 255}
	green     = color.RGBA{R: 0, G: 158, B: 115, A: 255}
	paleGrey  = color.RGBA{R: 225, G: 225, B: 225, A: 255}
)

// logRatio is from which ratio of the largest to the smallest loss on the loss axis is logarithmic.
const logRatio = 8

// WritePNG draws the curve: above, the loss of the batches and of the rows held out; below, if any rows are held out, the metric. Long
// lines of the title are broken after a comma.
func (c *Curve) WritePNG(w io.Writer, title string, o engine.Objective) error {
	if len(c.Points) == 0 {
		return errors.New("plot: expected a curve of at least one step, got none")
	}
	panels := []*plot.Plot{c.lossPanel(title)}
	height := panelOnly
	if len(c.Evaluations) > 0 {
		panels = append(panels, c.metricPanel(o))
		height = plotHeight
	}
	last := float64(c.Points[len(c.Points)-1].Step)
	for _, p := range panels {
		p.X.Min, p.X.Max = 0, max(1, last)
		p.X.Tick.Marker = evenTicks{whole: true}
	}
	panels[len(panels)-1].X.Label.Text = "step"

	canvas := vgimg.NewWith(vgimg.UseWH(plotWidth, height), vgimg.UseDPI(plotDPI), vgimg.UseBackgroundColor(color.White))
	grid := make([][]*plot.Plot, len(panels))
	for i, p := range panels {
		grid[i] = []*plot.Plot{p}
	}
	const margin = vg.Inch / 8
	tiles := draw.Tiles{Rows: len(panels), Cols: 1, PadTop: margin, PadBottom: margin, PadLeft: margin, PadRight: 2 * margin, PadY: margin}
	for i, row := range plot.Align(grid, tiles, draw.New(canvas)) {
		panels[i].Draw(row[0])
	}
	_, err := vgimg.PngCanvas{Canvas: canvas}.WriteTo(w)
	return err
}

func (c *Curve) lossPanel(title string) *plot.Plot {
	p := newPanel("loss")
	p.Title.Text = broken(title)
	var batches, smoothed, validation plotter.XYs
	for _, x := range c.Points {
		batches = append(batches, plotter.XY{X: float64(x.Step), Y: float64(x.Loss)})
		smoothed = append(smoothed, plotter.XY{X: float64(x.Step), Y: float64(x.Smoothed)})
	}
	for _, e := range c.Evaluations {
		validation = append(validation, plotter.XY{X: float64(e.Step), Y: float64(e.LossE9) / 1e9})
	}
	curves := []curve{
		{points: batches, color: paleBlue, width: 0.75},
		{name: "training, smoothed", points: smoothed, color: blue, width: 1.75},
		{name: "validation", points: validation, color: vermilion, width: 1.75, dots: true},
	}
	low, high := extent(curves)
	if low > 0 && high/low >= logRatio {
		p.Y.Scale, p.Y.Tick.Marker = plot.LogScale{}, logTicks{}
		p.Y.Min, p.Y.Max = low/1.1, high*1.1
		p.Y.Label.Text = "loss (logarithmic)"
	} else {
		p.Y.Min, p.Y.Max = padded(low, high)
	}
	add(p, curves)
	return p
}

func (c *Curve) metricPanel(o engine.Objective) *plot.Plot {
	label, unit, format := MetricName(o), 1e9, "%.4g"
	if o != engine.MeanSquaredError {
		label, unit, format = "accuracy, %", 1e7, "%.1f %%"
	}
	p := newPanel(label)
	var points plotter.XYs
	for _, e := range c.Evaluations {
		points = append(points, plotter.XY{X: float64(e.Step), Y: float64(e.MetricE9) / unit})
	}
	curves := []curve{{points: points, color: green, width: 1.75, dots: true}}
	p.Y.Min, p.Y.Max = padded(extent(curves))
	if o != engine.MeanSquaredError {
		p.Y.Min, p.Y.Max = max(0, p.Y.Min), min(100, p.Y.Max)
	}
	if points = finite(points); len(points) > 0 {
		p.Title.Text = fmt.Sprintf("validation: "+format, points[len(points)-1].Y) // a legend would lie on a curve that ends at the top
		p.Title.TextStyle.Font.Size = 10
	}
	add(p, curves)
	return p
}

// titleColumns is how many characters of the title's size fit into a line.
const titleColumns = 85

func broken(title string) string {
	var b strings.Builder
	width := 0
	for word := range strings.SplitAfterSeq(title, ", ") {
		if i := strings.LastIndexByte(word, '\n'); i >= 0 {
			width = -i - 1
		} else if width > 0 && width+len(word) > titleColumns {
			b.WriteByte('\n')
			width = 0
		}
		b.WriteString(word)
		width += len(word)
	}
	return b.String()
}

// newPanel returns an empty plot with a grid, in a typeface without serifs.
func newPanel(label string) *plot.Plot {
	p := plot.New()
	p.BackgroundColor = color.White
	p.Y.Label.Text = label
	for style, size := range map[*text.Style]font.Length{
		&p.Title.TextStyle: 12, &p.X.Label.TextStyle: 11, &p.Y.Label.TextStyle: 11,
		&p.X.Tick.Label: 10, &p.Y.Tick.Label: 10, &p.Legend.TextStyle: 10,
	} {
		style.Font = font.Font{Typeface: "Liberation", Variant: "Sans", Size: size}
	}
	p.Title.Padding = 6
	p.Legend.Top, p.Legend.Padding = true, 2
	p.Legend.XOffs = -6
	p.X.Padding, p.Y.Padding = 0, 0
	p.Y.Tick.Marker = evenTicks{}
	grid := plotter.NewGrid()
	grid.Vertical.Color, grid.Horizontal.Color = paleGrey, paleGrey
	p.Add(grid)
	return p
}

type curve struct {
	name   string // empty: not in the legend
	points plotter.XYs
	color  color.Color
	width  vg.Length
	dots   bool // also mark the points, unless there are many
}

// add draws the curves; the legend says their last value. Points that are no finite numbers are left out.
func add(p *plot.Plot, curves []curve) {
	for _, c := range curves {
		points := finite(c.points)
		if len(points) == 0 {
			continue
		}
		line := &plotter.Line{XYs: points, LineStyle: draw.LineStyle{Color: c.color, Width: c.width}}
		p.Add(line)
		thumbnails := []plot.Thumbnailer{line}
		if c.dots && len(points) <= 2*maxEvaluations {
			dots := &plotter.Scatter{XYs: points, GlyphStyle: draw.GlyphStyle{Color: c.color, Radius: 2, Shape: draw.CircleGlyph{}}}
			p.Add(dots)
			thumbnails = append(thumbnails, dots)
		}
		if c.name != "" {
			p.Legend.Add(fmt.Sprintf("%s: %.4g", c.name, points[len(points)-1].Y), thumbnails...)
		}
	}
}

func finite(points plotter.XYs) plotter.XYs {
	var out plotter.XYs
	for _, p := range points {
		if !math.IsNaN(p.Y) && !math.IsInf(p.Y, 0) {
			out = append(out, p)
		}
	}
	return out
}

// extent returns the smallest and the largest finite value, 0 and 1 if there are none.
func extent(curves []curve) (low, high float64) {
	low, high = math.Inf(1), math.Inf(-1)
	for _, c := range curves {
		for _, p := range finite(c.points) {
			low, high = min(low, p.Y), max(high, p.Y)
		}
	}
	if low > high {
		return 0, 1
	}
	return low, high
}

func padded(low, high float64) (float64, float64) {
	pad := 0.05 * (high - low)
	if pad == 0 {
		pad = max(0.05*math.Abs(high), 1e-6)
	}
	return low - pad, high + pad
}

// evenTicks are about eight round numbers with a comma between thousands, and a mark in the middle between two.
type evenTicks struct{ whole bool } // whole: no fractions

func (e evenTicks) Ticks(low, high float64) []plot.Tick {
	step := math.Pow(10, math.Floor(math.Log10((high-low)/8)))
	for _, factor := range []float64{2, 2.5, 2} { // 1, 2, 5, 10
		if (high-low)/step > 8 {
			step *= factor
		}
	}
	if e.whole {
		step = max(1, step)
	}
	decimals := max(0, int(math.Ceil(-math.Log10(step)-1e-9)))
	var ticks []plot.Tick
	for i := math.Ceil(low / step * 2); i*step/2 <= high; i++ {
		t := plot.Tick{Value: i * step / 2}
		if math.Mod(i, 2) == 0 {
			t.Label = strconv.FormatFloat(t.Value, 'f', decimals, 64)
			if decimals == 0 {
				t.Label = Grouped(int64(math.Round(t.Value)))
			}
		}
		ticks = append(ticks, t)
	}
	return ticks
}

// logTicks label 1, 2 and 5 of every power of ten, or only the powers when there are many.
type logTicks struct{}

func (logTicks) Ticks(low, high float64) []plot.Tick {
	var ticks []plot.Tick
	first, last := int(math.Floor(math.Log10(low))), int(math.Ceil(math.Log10(high)))
	for exponent := first; exponent <= last; exponent++ {
		for digit := 1; digit < 10; digit++ {
			value := float64(digit) * math.Pow10(exponent)
			if value < low || value > high {
				continue
			}
			t := plot.Tick{Value: value}
			if digit == 1 || last-first <= 3 && (digit == 2 || digit == 5) {
				t.Label = fmt.Sprintf("%.6g", value)
			}
			ticks = append(ticks, t)
		}
	}
	return ticks
}
