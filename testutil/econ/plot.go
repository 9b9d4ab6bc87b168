package econ

import (
	"fmt"
	"image/color"
	"os"
	"path/filepath"

	"gonum.org/v1/plot"
	"gonum.org/v1/plot/font"
	"gonum.org/v1/plot/plotter"
	"gonum.org/v1/plot/vg"
)

// palette has colours that people with any colour vision can tell apart (Okabe and Ito), and darker ones of them.
var palette = []color.Color{
	color.RGBA{R: 0, G: 114, B: 178, A: 255}, color.RGBA{R: 213, G: 94, B: 0, A: 255}, color.RGBA{R: 0, G: 158, B: 115, A: 255},
	color.RGBA{R: 204, G: 121, B: 167, A: 255}, color.RGBA{R: 230, G: 159, B: 0, A: 255}, color.RGBA{R: 86, G: 180, B: 233, A: 255},
	color.RGBA{R: 0, G: 0, B: 0, A: 255}, color.RGBA{R: 120, G: 120, B: 120, A: 255},
}

type line struct {
	name   string
	points plotter.XYs
}

// WritePlots writes the plots into a folder as PNG files and returns their names.
func (r *Report) WritePlots(folder string) ([]string, error) {
	if err := os.MkdirAll(folder, 0o755); err != nil {
		return nil, err
	}
	supply := line{name: "supply"}
	for _, s := range r.Supply.Samples {
		supply.points = append(supply.points, plotter.XY{X: s.Years, Y: s.Supply / 1e6})
	}
	trainers, verifiers := line{name: "trainers"}, line{name: "verifiers"}
	for _, y := range r.Supply.Years {
		if y.Days < 365 {
			continue
		}
		for _, x := range []float64{float64(y.Year - 1), float64(y.Year)} { // a step a year
			trainers.points = append(trainers.points, plotter.XY{X: x, Y: y.Trainers / 1e6})
			verifiers.points = append(verifiers.points, plotter.XY{X: x, Y: y.Verifiers / 1e6})
		}
	}
	interval := float64(r.Supply.Config.HalvingSeconds) / year.Seconds()
	plots := []struct {
		file, title, x, y string
		lines             []line
	}{
		{"supply", fmt.Sprintf("Supply; the coinbase halves every %.4g years", interval), "years", "million NRN", []line{supply}},
		{"coinbase", "Coinbase in each year", "years", "million NRN", []line{trainers, verifiers}},
		{"trainers-main", "Trainers of a group with proofs: income less costs and lost bonds", "years", "million NRN", r.Years.incomes("group main", 1, 1e6)},
		{"trainers-open", "Trainers of a group without proofs", "years", "million NRN", r.Years.incomes("group open", 1, 1e6)},
		{"validators", "Validators, no time compressed: income less costs and lost stake", "days", "thousand NRN", r.Days.incomes("validator", 365.25, 1e3)},
	}
	var names []string
	for _, p := range plots {
		name := filepath.Join(folder, p.file+".png")
		if err := draw(name, p.title, p.x, p.y, p.lines); err != nil {
			return nil, fmt.Errorf("%s: %w", name, err)
		}
		names = append(names, name)
	}
	return names, nil
}

// incomes returns the mean cumulative net income of each strategy in one place.
func (r *Result) incomes(where string, scaleX, unit float64) []line {
	var lines []line
	for _, x := range r.rows() {
		if x.where != where {
			continue
		}
		l := line{name: string(x.strategy)}
		for _, s := range r.Samples {
			sum := 0.0
			for i, a := range r.Agents {
				if a.Strategy == x.strategy && a.where() == where {
					sum += s.Net[i]
				}
			}
			l.points = append(l.points, plotter.XY{X: s.Years * scaleX, Y: sum / float64(x.agents) / unit})
		}
		lines = append(lines, l)
	}
	return lines
}

func draw(file, title, x, y string, lines []line) error {
	p := plot.New()
	p.Title.Text, p.X.Label.Text, p.Y.Label.Text = title, x, y
	sans := font.Font{Typeface: "Liberation", Variant: "Sans", Size: 10}
	p.Legend.TextStyle.Font, p.X.Label.TextStyle.Font, p.Y.Label.TextStyle.Font = sans, sans, sans
	p.X.Tick.Label.Font, p.Y.Tick.Label.Font = sans, sans
	p.Title.TextStyle.Font = font.Font{Typeface: "Liberation", Variant: "Sans", Size: 12}
	p.Legend.Left = true
	grid := plotter.NewGrid()
	grid.Vertical.Color, grid.Horizontal.Color = color.Gray{Y: 225}, color.Gray{Y: 225}
	p.Add(grid)
	for i, l := range lines {
		drawn, err := plotter.NewLine(l.points)
		if err != nil {
			return err
		}
		drawn.Color, drawn.Width = palette[i%len(palette)], vg.Points(1.5)
		p.Add(drawn)
		p.Legend.Add(l.name, drawn)
	}
	p.Y.Min = min(p.Y.Min, 0)
	p.Legend.Top = p.Y.Max >= -p.Y.Min // where the lines leave room
	return p.Save(8*vg.Inch, 5*vg.Inch, file)
}
