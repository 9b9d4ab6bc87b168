package main

import (
	"fmt"
	"strconv"

	poltypes "github.com/pold-network/pold/x/pol/types"
)

// effectInput is what an effect is made of.
type effectInput struct {
	set     string
	version uint64
	group   poltypes.Group
	// before is the last scored round with an earlier version, nil if none is kept; after are the first ones with the version.
	before *poltypes.Round
	after  []poltypes.Round
}

// effectView is what a version did to a model.
type effectView struct {
	TrainingSet string        `json:"training_set"`
	Version     uint64        `json:"version"`
	Group       string        `json:"group"`
	Loss        string        `json:"loss"`
	LossRows    string        `json:"loss_rows"`
	Metric      string        `json:"metric"`
	MetricRows  string        `json:"metric_rows"`
	Points      []effectPoint `json:"points"`
	// Notes say what keeps the figures from being compared, or what is missing.
	Notes []string `json:"notes,omitempty"`
}

// effectPoint is a checkpoint, scored on a table.
type effectPoint struct {
	What         string  `json:"what"`
	Round        uint64  `json:"round"`
	Version      uint64  `json:"version"`
	ModelVersion uint64  `json:"model_version"`
	Loss         float64 `json:"loss"`
	Metric       float64 `json:"metric"`

	text             string
	lossE9, metricE9 uint64
}

func newPoint(what, text string, r poltypes.Round, lossE9, metricE9 uint64) effectPoint {
	return effectPoint{
		What: what, text: text, Round: r.Number, Version: r.TrainingSetVersion, ModelVersion: r.ModelVersion,
		Loss: float64(lossE9) / 1e9, Metric: float64(metricE9) / 1e9, lossE9: lossE9, metricE9: metricE9,
	}
}

func newEffectView(in effectInput) *effectView {
	s := in.group.Settings
	v := &effectView{
		TrainingSet: in.set, Version: in.version, Group: in.group.Name, Loss: statusWord(s.Objective.String(), "OBJECTIVE_"),
		Metric: metricName(s.Objective), Points: []effectPoint{},
	}
	v.LossRows, v.MetricRows = rowsOf(s)
	if in.before != nil {
		if loss, metric, ok := outcome(*in.before); ok {
			v.Points = append(v.Points, newPoint("before", "after the last round with the table before", *in.before, loss, metric))
		}
	} else {
		v.Notes = append(v.Notes, "no scored round with an earlier version is kept, so there is nothing to compare with")
	}
	v.addAfter(in)
	v.note(in)
	return v
}

// addAfter adds the figures of rounds with the new table.
func (v *effectView) addAfter(in effectInput) {
	after := in.after
	if len(after) == 0 {
		return
	}
	if p := after[0].ParentVerdict; p != nil && p.Problem == "" {
		text := "the same checkpoint on the new table"
		if in.before == nil || in.before.ModelVersion != after[0].ModelVersion {
			text = "the checkpoint that training began with"
		}
		v.Points = append(v.Points, newPoint("parent_rescored", text, after[0], p.RankLossE9, p.MetricE9))
	}
	var best *effectPoint
	for i, r := range after {
		if loss, metric, ok := outcome(r); ok && (best == nil || loss < best.lossE9) {
			x := newPoint("", "", r, loss, metric)
			best = &x
		}
		if best != nil && (i == 0 || i == len(after)-1) {
			x := *best
			x.What, x.text = fmt.Sprintf("best_after_%d", i+1), "best after "+plural(i+1, "round", "")
			v.Points = append(v.Points, x)
		}
	}
}

// outcome is what the best checkpoint scores when a round ends: the winner, or else the parent.
func outcome(r poltypes.Round) (lossE9, metricE9 uint64, ok bool) {
	switch p := r.ParentVerdict; {
	case r.Winner != "":
		return r.Checkpoint.LossE9, r.Checkpoint.MetricE9, true
	case p != nil && p.Problem == "":
		return p.RankLossE9, p.MetricE9, true
	}
	return 0, 0, false
}

// note says what to keep in mind.
func (v *effectView) note(in effectInput) {
	switch {
	case len(in.after) == 0:
		v.Notes = append(v.Notes, fmt.Sprintf("no round with version %d has been scored yet", in.version))
	case in.before != nil && in.before.ModelVersion != in.after[0].ModelVersion:
		v.Notes = append(v.Notes, fmt.Sprintf("the model changed in between, from version %d to %d: the figures are not of one model", in.before.ModelVersion, in.after[0].ModelVersion))
	}
	if in.group.Settings.Evaluation == poltypes.EVALUATION_MODE_SEALED {
		v.Notes = append(v.Notes, "every round has sealed rows of its own, so figures of two rounds differ by chance as well")
	}
	for _, r := range in.after {
		if r.Table.ValidationPermille == 0 && in.group.Settings.Evaluation != poltypes.EVALUATION_MODE_SEALED {
			v.MetricRows = "training rows, as the set holds none back"
			break
		}
	}
}

// rowsOf says which rows the loss of a group is of, and which its metric.
func rowsOf(s poltypes.GroupSettings) (loss, metric string) {
	switch s.Evaluation {
	case poltypes.EVALUATION_MODE_HOLDOUT:
		return "validation rows", "validation rows"
	case poltypes.EVALUATION_MODE_SEALED:
		return "sealed rows", "sealed rows"
	}
	return "training rows", "validation rows"
}

// metricName is what a group's metric is called.
func metricName(o poltypes.Objective) string {
	if o == poltypes.OBJECTIVE_MEAN_SQUARED_ERROR {
		return "mean absolute error"
	}
	return "accuracy"
}

func (v *effectView) print(p *printer) {
	p.line("%s version %d and the model of group %s", v.TrainingSet, v.Version, v.Group)
	p.line("loss: %s on the %s; metric: %s on the %s", v.Loss, v.LossRows, v.Metric, v.MetricRows)
	rows := make([][]string, len(v.Points))
	for i, x := range v.Points {
		change := ""
		if i > 0 {
			change = strconv.FormatFloat(x.Loss-v.Points[0].Loss, 'f', 6, 64)
			if x.lossE9 >= v.Points[0].lossE9 {
				change = "+" + change
			}
		}
		rows[i] = []string{x.text, strconv.FormatUint(x.Round, 10), strconv.FormatUint(x.Version, 10), fraction9(x.lossE9), change, fraction9(x.metricE9)}
	}
	if len(rows) > 0 {
		p.table([]string{"FIGURE", ">ROUND", ">VERSION", ">LOSS", ">CHANGE", ">METRIC"}, rows)
	}
	for _, n := range v.Notes {
		p.line("note: %s", n)
	}
}
