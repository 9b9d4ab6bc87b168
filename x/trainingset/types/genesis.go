package types

// DefaultGenesis returns an empty state with the parameters of a public network.
func DefaultGenesis() *GenesisState { return &GenesisState{Params: DefaultParams(), NextProposal: 1} }

// Validate reports the first inconsistency of a genesis state.
func (g GenesisState) Validate() error {
	if err := g.Params.Validate(); err != nil {
		return err
	}
	seen := map[string]bool{}
	for _, s := range g.TrainingSets {
		if err := ValidateName(s.Name); err != nil {
			return err
		}
		if seen[s.Name] {
			return ErrExists.Wrapf("%q appears twice", s.Name)
		}
		seen[s.Name] = true
		if err := s.Table.Validate(g.Params); err != nil {
			return err
		}
	}
	for _, r := range g.Revisions {
		if !seen[r.TrainingSet] || r.Version == 0 {
			return ErrNotFound.Wrapf("revision %d of %q: expected one of a training set in this genesis", r.Version, r.TrainingSet)
		}
	}
	proposals := map[uint64]bool{}
	for _, p := range g.Proposals {
		if p.Id == 0 || p.Id >= g.NextProposal || proposals[p.Id] || !seen[p.TrainingSet] {
			return ErrNotFound.Wrapf("proposal %d: expected each number once, below next_proposal %d, for a training set in this genesis", p.Id, g.NextProposal)
		}
		proposals[p.Id] = true
		if p.Deposit.IsNil() || p.Deposit.IsNegative() {
			return ErrDeposit.Wrapf("proposal %d: expected 0 or more unrn", p.Id)
		}
	}
	return nil
}
