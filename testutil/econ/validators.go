package econ

import (
	"crypto/sha256"
	"fmt"

	sdk "github.com/cosmos/cosmos-sdk/types"

	attestationtypes "github.com/pold-network/pold/x/attestation/types"
	poltypes "github.com/pold-network/pold/x/pol/types"
)

// validator is an agent that answers tasks.
type validator struct {
	*Agent
	index    int
	operator string
	skipped  []bool // of the last tasks, newest last
}

func newValidators(honestOnly bool) []*validator {
	type part struct {
		strategy Strategy
		count    int
	}
	parts := []part{
		{HonestValidator, 8}, {CartelValidator, cartelMembers}, {TrustedLiar, 1}, {LeakValidator, 1}, {GuessValidator, 1},
		{AbsentValidator, 1}, {SkipValidator, 1},
	}
	if honestOnly {
		parts = []part{{HonestValidator, 4}}
	}
	var all []*validator
	for _, kind := range parts {
		for range kind.count {
			name := fmt.Sprintf("validator-%02d", len(all)+1)
			h := sha256.Sum256([]byte(name))
			v := &validator{index: len(all), operator: sdk.ValAddress(h[:20]).String(),
				Agent: &Agent{Name: name, Strategy: kind.strategy, accounts: []string{sdk.AccAddress(h[:20]).String()}}}
			all = append(all, v)
		}
	}
	return all
}

// saying is what a validator says about a job; a nil answer is an abstention.
type saying struct {
	answer, personal []byte
	challenges       []uint32
}

// compute does the work and pays for it.
func (w *world) compute(v *validator, j *job, cost int64) saying {
	v.Cost += cost
	s := saying{answer: j.right}
	if j.spot == nil {
		s.personal = attestationtypes.PersonalOf(chainID, j.task.Id, v.operator, j.values)
	}
	if j.audit != nil && j.audit.Own {
		for _, segment := range poltypes.OwnSegments(j.audit.AuditSeed, j.audit.Trainer, v.operator, j.audit.Segments, j.audit.Common) {
			if j.wrong == everySegment || j.wrong == int(segment) {
				s.challenges = append(s.challenges, segment)
			}
		}
	}
	return s
}

// say decides what a validator says about a job.
func (w *world) say(v *validator, j *job) saying {
	switch v.Strategy {
	case AbsentValidator:
		return saying{}
	case GuessValidator:
		return w.guess(j)
	case TrustedLiar:
		if w.played >= w.Rounds/2 {
			return w.guess(j)
		}
	case LeakValidator:
		if w.r.Uint64N(1_000_000) >= w.LeakE6 {
			return saying{}
		}
		s := saying{answer: j.right}
		if j.spot == nil {
			s.personal = make([]byte, sha256.Size) // nobody leaks what only it can use
		}
		return s
	case SkipValidator:
		if v.skip(j) {
			return saying{}
		}
	case CartelValidator:
		// One member computes for all. What differs from member to member, the segments of its own, each replays itself.
		return w.compute(v, j, j.cost/cartelMembers+j.own)
	}
	return w.compute(v, j, j.cost+j.own)
}

// guess answers what is the same every time and might be right.
func (w *world) guess(j *job) saying {
	s := saying{answer: make([]byte, len(j.right)), personal: make([]byte, sha256.Size)}
	s.answer[0] = 1
	if j.spot != nil {
		s.personal = nil
	}
	return s
}

// skip abstains from what the verifier share is not paid for, as often as nobody is told off for it.
func (v *validator) skip(j *job) bool {
	const window, most = 100, 40 // of 100 tasks 50 may be missed; tasks do not settle in the order in which they open
	missed := 0
	for _, s := range v.skipped {
		if s {
			missed++
		}
	}
	skip := !j.paid && missed < most
	v.skipped = append(v.skipped, skip)
	if len(v.skipped) > window {
		v.skipped = v.skipped[1:]
	}
	return skip
}
