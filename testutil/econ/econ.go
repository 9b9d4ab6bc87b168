// Package econ plays years of rounds with the keepers that decide about money, and agents that are honest or not, to see what each
// way of behaving earns. The keepers of x/pol, x/attestation, x/reputation and x/slashing are the real ones; bank, staking and
// training sets are neighbours written by hand, and what would be computed off chain is a number that the simulation knows: a
// training lowers the loss by chance, a forged transcript has a wrong segment. Nothing else is assumed about the chain.
//
//	result, err := econ.Run(econ.Years(1, 9))
//
// Heights at which nothing can happen are left out, and time is given to the commit phase of rounds, so that a year takes seconds.
// Floats are used for what people read only; what reaches a keeper is integers and follows from the seed.
//
// chain.go wires the keepers; config.go says what is assumed; agents.go has the strategies of trainers, validators.go those of
// validators; start.go says who takes part, world.go plays a round, duties.go and jobs.go say what validators sign; result.go keeps books, check.go judges them, report.go and plot.go show them.
package econ

import "fmt"

// Run plays a simulation.
func Run(c Config) (*Result, error) {
	w, err := newWorld(c)
	if err != nil {
		return nil, err
	}
	if err := w.toCommit(); err != nil {
		return nil, err
	}
	const samples = 200
	every := max(1, c.Rounds/samples)
	for w.played < c.Rounds {
		if err := w.playRound(); err != nil {
			return nil, fmt.Errorf("round %d: %w", w.played, err)
		}
		if w.played%every == 0 || w.played == c.Rounds {
			if err := w.sample(); err != nil {
				return nil, err
			}
		}
	}
	return w.result, w.finish()
}

func (r *Result) problem(format string, args ...any) {
	r.Problems = append(r.Problems, fmt.Sprintf(format, args...))
}
