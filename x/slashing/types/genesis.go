package types

import "cosmossdk.io/math"

// DefaultGenesis returns an empty state with the parameters of a public network.
func DefaultGenesis() *GenesisState {
	return &GenesisState{Params: DefaultParams(), NextEvidenceId: 1, NextPenaltyId: 1}
}

// Validate reports the first inconsistency of a genesis state.
func (g GenesisState) Validate() error {
	if err := g.Params.Validate(); err != nil {
		return err
	}
	evidence := map[uint64]Evidence{}
	for _, e := range g.Evidence {
		if _, dup := evidence[e.Id]; dup || e.Id == 0 || e.Id >= g.NextEvidenceId {
			return ErrInvalidGenesis.Wrapf("evidence %d: expected a unique id below %d", e.Id, g.NextEvidenceId)
		}
		if err := e.validate(); err != nil {
			return ErrInvalidGenesis.Wrapf("evidence %d: %s", e.Id, err)
		}
		evidence[e.Id] = e
	}
	if err := g.validatePenalties(evidence); err != nil {
		return err
	}
	records := map[string]bool{}
	for _, r := range g.Records {
		if records[r.Operator] || r.Operator == "" {
			return ErrInvalidGenesis.Wrapf("record of %q: expected one for each operator", r.Operator)
		}
		records[r.Operator] = true
		if len(r.WrongUnix) > MaxJailAfter || len(r.Tasks) > (MaxMissedWindow+7)/8 || r.Seen > MaxMissedWindow {
			return ErrInvalidGenesis.Wrapf("record of %s: expected at most %d wrong answers and %d tasks, got %d and %d in %d bytes",
				r.Operator, MaxJailAfter, MaxMissedWindow, len(r.WrongUnix), r.Seen, len(r.Tasks))
		}
	}
	if g.Today.Day < 0 || g.Today.Power < 0 {
		return ErrInvalidGenesis.Wrapf("today: expected no negative number, got day %d and power %d", g.Today.Day, g.Today.Power)
	}
	return nil
}

func (g GenesisState) validatePenalties(evidence map[uint64]Evidence) error {
	penalties, of := map[uint64]bool{}, map[uint64]bool{}
	for _, p := range g.Penalties {
		if penalties[p.Id] || p.Id == 0 || p.Id >= g.NextPenaltyId {
			return ErrInvalidGenesis.Wrapf("penalty %d: expected a unique id below %d", p.Id, g.NextPenaltyId)
		}
		penalties[p.Id] = true
		if of[p.EvidenceId] {
			return ErrInvalidGenesis.Wrapf("penalty %d: evidence %d has another penalty", p.Id, p.EvidenceId)
		}
		of[p.EvidenceId] = true
		if p.Kind < PENALTY_KIND_SLASH || p.Kind > PENALTY_KIND_SLASH_AND_JAIL || p.Status < PENALTY_STATUS_QUEUED || p.Status > PENALTY_STATUS_VOID {
			return ErrInvalidGenesis.Wrapf("penalty %d: unknown kind %d or status %d", p.Id, p.Kind, p.Status)
		}
		if p.Operator == "" || p.Power < 0 || p.SlashE6 > 1_000_000 || isNegative(p.Burned) {
			return ErrInvalidGenesis.Wrapf("penalty %d: expected an operator, power and burned of zero or more, and at most all of its stake", p.Id)
		}
		// A finished penalty may outlive its evidence, which is bounded for each address; a queued one can still be appealed.
		if e, ok := evidence[p.EvidenceId]; p.Status == PENALTY_STATUS_QUEUED && (!ok || e.Address != p.Operator) {
			return ErrInvalidGenesis.Wrapf("penalty %d: expected evidence %d to be there and against %s", p.Id, p.EvidenceId, p.Operator)
		}
	}
	return nil
}

func isNegative(x math.Int) bool { return x.IsNil() || x.IsNegative() }
