// Package devnet runs a whole network on one machine: validators with their sidecars, trainers, and one group that
// learns the digits set. Everything is an ordinary process with an ordinary home directory; keys are public test keys.
// Start reading at up.go.
package devnet

import (
	"fmt"
	"os"
	"path/filepath"
	"time"

	"github.com/pold-network/pold/dataset/digits"
)

const (
	// ChainID is the same at every start, because wallets remember chains by it.
	ChainID = "pold-devnet-1"
	// Group is the group that a new devnet trains, on the set of the same name.
	Group = "digits"
	// maxValidators and maxTrainers bound what one machine is asked to run; ports of one kind are ten apart.
	maxValidators = 21
	maxTrainers   = 16

	defaultValidators = 4
	defaultTrainers   = 3
)

// Options are the flags of `pold devnet up`.
type Options struct {
	Home       string
	Validators int
	Trainers   int
	// Rounds is the number of won rounds to wait for with Exit.
	Rounds     int
	Exit       bool
	JSON       bool
	Timeout    time.Duration
	PortOffset int
	Reset      bool
	// Scored opens the group in proof mode SCORED, which takes checkpoints from any tool; otherwise training is proved.
	Scored bool
	// Mislabel is how many rows of a new network's table get a wrong label.
	Mislabel int
	// Pold and Trainerd are the binaries to run.
	Pold, Trainerd string
	// PoldShown and TrainerdShown are how the user calls these, for the commands that are printed.
	PoldShown, TrainerdShown string
}

// Validate reports the first option that can't work and says what would.
func (o Options) Validate() error {
	if o.Validators < 1 || o.Validators > maxValidators {
		return fmt.Errorf("--validators: expected 1 to %d, got %d", maxValidators, o.Validators)
	}
	if o.Trainers < 1 || o.Trainers > maxTrainers {
		return fmt.Errorf("--trainers: expected 1 to %d, got %d", maxTrainers, o.Trainers)
	}
	if o.Rounds < 0 || o.Exit && o.Rounds < 1 {
		return fmt.Errorf("--rounds: expected at least 1 with --exit, got %d", o.Rounds)
	}
	if o.Mislabel < 0 || o.Mislabel > digits.Rows {
		return fmt.Errorf("--mislabel: expected 0 to %d, got %d", digits.Rows, o.Mislabel)
	}
	if o.PortOffset < 0 || o.PortOffset > 30_000 {
		return fmt.Errorf("--port-offset: expected 0 to 30000, got %d", o.PortOffset)
	}
	for _, binary := range []string{o.Pold, o.Trainerd} {
		if _, err := os.Stat(binary); err != nil {
			return fmt.Errorf("program %s: %w; build both programs with: make build", binary, err)
		}
	}
	return nil
}

// defaultTrainerd looks for trainerd beside this program.
func defaultTrainerd(self string) string { return filepath.Join(filepath.Dir(self), "trainerd") }
