package app

import (
	"context"
	"errors"
	"fmt"
)

// Invariant is something that holds for every state of the chain. Check only reads.
type Invariant struct {
	Name  string
	Check func(ctx context.Context) error
}

// Invariants lists what holds for the state of our modules after every block and in every genesis. They are too much work for a block
// of a large chain: tests run them after each block, people with: pold check-state.
func (app *App) Invariants() []Invariant {
	return []Invariant{
		{"attestation/snapshots", app.AttestationKeeper.CheckSnapshots},
		{"attestation/work", app.AttestationKeeper.CheckWork},
		{"pol/escrow", app.PolKeeper.CheckEscrow},
		{"pol/supply", app.PolKeeper.CheckSupply},
		{"pol/stakes", app.PolKeeper.CheckStakes},
		{"pol/schedule", app.PolKeeper.CheckSchedule},
		{"pol/store-turns", app.PolKeeper.CheckStoreTurns},
		{"trainingset/deposits", app.TrainingSetKeeper.CheckDeposits},
		{"trainingset/history", app.TrainingSetKeeper.CheckHistory},
		{"voting/tallies", app.VotingKeeper.CheckTallies},
		{"reputation/scores", app.ReputationKeeper.CheckScores},
		{"polslashing/evidence", app.PolSlashingKeeper.CheckEvidence},
		{"polslashing/penalties", app.PolSlashingKeeper.CheckPenalties},
		{"polslashing/day", app.PolSlashingKeeper.CheckDay},
	}
}

// CheckInvariants reports every invariant that a state breaks.
func (app *App) CheckInvariants(ctx context.Context) error {
	var broken []error
	for _, i := range app.Invariants() {
		if err := i.Check(ctx); err != nil {
			broken = append(broken, fmt.Errorf("%s: %w", i.Name, err))
		}
	}
	return errors.Join(broken...)
}
