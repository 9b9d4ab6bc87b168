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
		groups[p.Group] = true
	}
	ballots := map[uint64]bool{}
	for _, b := range g.Ballots {
		if b.Id == 0 || ballots[b.Id] || b.Id >= g.NextBallot {
			return fmt.Errorf("ballot %d: expected each number once, below next_ballot %d", b.Id, g.NextBallot)
		}
		if !groups[b.Group] {
			return fmt.Errorf("ballot %d: group %q has no period", b.Id, b.Group)
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
