package types

import "fmt"

// DefaultGenesis returns an empty state with the parameters of a public network.
func DefaultGenesis() *GenesisState { return &GenesisState{Params: DefaultParams(), NextBallot: 1} }

// Validate reports the first inconsistency of a genesis state.
func (g GenesisState) Validate() error {
	if err := g.Params.Validate(); err != nil {
		return err
	}
	groups := map[string]bool{}
	for _, p := range g.Periods {
		if p.Group == "" || groups[p.Group] || p.Number == 0 {
			return fmt.Errorf("period of group %q: expected one with a number from 1 for each group", p.Group)
		}
		if err := p.Tally.validate(); err != nil {
			return fmt.Errorf("period of group %q: %w", p.Group, err)
		}
		groups[p.Group] = true
	}
	due := map[string]bool{}
	for _, d := range g.Due {
		if !groups[d.Group] || due[d.Group] {
			return fmt.Errorf("due entry of group %q: expected one for each group with a period", d.Group)
		}
		due[d.Group] = true
	}
	if len(due) != len(groups) {
		return fmt.Errorf("due entries: expected one for each of %d groups with a period, got %d", len(groups), len(due))
	}
	ballots := map[uint64]bool{}
	for _, b := range g.Ballots {
		if b.Id == 0 || ballots[b.Id] || b.Id >= g.NextBallot {
			return fmt.Errorf("ballot %d: expected each number once, below next_ballot %d", b.Id, g.NextBallot)
		}
		if !groups[b.Group] {
			return fmt.Errorf("ballot %d: group %q has no period", b.Id, b.Group)
		}
		if err := b.Tally.validate(); err != nil {
			return fmt.Errorf("ballot %d: %w", b.Id, err)
		}
		ballots[b.Id] = true
	}
	seen := map[Vote]bool{}
	for _, v := range g.Votes {
		if !ballots[v.Ballot] || seen[v] {
			return fmt.Errorf("vote of %s: expected one for a ballot that exists, got ballot %d", v.Voter, v.Ballot)
		}
		seen[v] = true
	}
	return nil
}

// validate reports sums that are missing or negative.
func (t Tally) validate() error {
	if t.Standing.IsNil() || t.Bonded.IsNil() || t.Standing.IsNegative() || t.Bonded.IsNegative() {
		return fmt.Errorf("tally: expected 0 or more unrn standing and bonded, got %s and %s", t.Standing, t.Bonded)
	}
	return nil
}
