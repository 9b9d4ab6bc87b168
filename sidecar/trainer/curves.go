package trainer

import (
	"fmt"
	"path/filepath"

	"github.com/pold-network/pold/engine"
	"github.com/pold-network/pold/sidecar/tensorboard"
	"github.com/pold-network/pold/sidecar/training"
	poltypes "github.com/pold-network/pold/x/pol/types"
)

// keepCurves is of how many runs of a group the curves are kept.
const keepCurves = 100

// monitor follows one attempt at a round, with an event file if curves are asked for. done closes it; a curve that can't be written is
// reported and nothing more.
func (t *Trainer) monitor(recipe engine.Recipe, g poltypes.Group, r poltypes.Round) (m *training.Monitor, done func()) {
	var events *tensorboard.Writer
	done = func() {}
	if t.logdir != "" {
		dir := filepath.Join(t.logdir, g.Name)
		run, err := training.OpenRun(dir, fmt.Sprintf("round-%06d", r.Number))
		if err == nil {
			events = run.Events
			done = func() {
				err := run.Close()
				if err == nil {
					err = training.PruneRuns(dir, "round-", keepCurves)
				}
				t.noteCurves(err)
			}
		}
		t.noteCurves(err)
	}
	return training.NewMonitor(recipe, engine.Objective(g.Settings.Objective), events), done
}

func (t *Trainer) noteCurves(err error) {
	if err != nil {
		t.log.Warn("could not write the curve of a run", "error", err)
	}
}
