package training

import (
	"cmp"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strings"

	"github.com/pold-network/pold/sidecar/tensorboard"
)

// Run is the folder of one training run. It holds the event file and what the owner puts beside it.
type Run struct {
	Dir    string
	Events *tensorboard.Writer
}

// maxRuns bounds the search for a free name.
const maxRuns = 10_000

// OpenRun makes the folder logdir/name, or name-2, name-3 and so on when earlier runs have taken it, with an event file.
func OpenRun(logdir, name string) (*Run, error) {
	if err := os.MkdirAll(logdir, 0o755); err != nil {
		return nil, err
	}
	dir := filepath.Join(logdir, name)
	err := os.Mkdir(dir, 0o755)
	for n := 2; errors.Is(err, fs.ErrExist) && n <= maxRuns; n++ {
		dir = filepath.Join(logdir, fmt.Sprintf("%s-%d", name, n))
		err = os.Mkdir(dir, 0o755)
	}
	if err != nil {
		return nil, err
	}
	events, err := tensorboard.Create(dir)
	if err != nil {
		return nil, err
	}
	return &Run{Dir: dir, Events: events}, nil
}

// Path names a file of the run.
func (r *Run) Path(name string) string { return filepath.Join(r.Dir, name) }

// Close closes the event file.
func (r *Run) Close() error { return r.Events.Close() }

// PruneRuns removes all but the newest runs whose names begin with a prefix, so that a program that never ends does not fill the disk.
// It deletes event files only: a folder in which somebody keeps something else stays.
func PruneRuns(logdir, prefix string, keep int) error {
	entries, err := os.ReadDir(logdir) // sorted by name
	if err != nil {
		return err
	}
	var runs []os.FileInfo
	for _, e := range entries {
		if info, err := e.Info(); err == nil && e.IsDir() && strings.HasPrefix(e.Name(), prefix) {
			runs = append(runs, info)
		}
	}
	newestFirst(runs)
	if len(runs) <= keep {
		return nil
	}
	for _, run := range runs[keep:] {
		dir := filepath.Join(logdir, run.Name())
		events, err := filepath.Glob(filepath.Join(dir, "events.out.tfevents.*"))
		if err != nil {
			return err
		}
		for _, file := range events {
			if err := os.Remove(file); err != nil {
				return err
			}
		}
		_ = os.Remove(dir) // fails when something else is in it
	}
	return nil
}

func newestFirst(runs []os.FileInfo) {
	slices.SortStableFunc(runs, func(a, b os.FileInfo) int {
		return cmp.Or(b.ModTime().Compare(a.ModTime()), strings.Compare(b.Name(), a.Name()))
	})
}
