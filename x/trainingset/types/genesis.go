package types

// DefaultGenesis returns an empty state with the parameters of a public network.
func DefaultGenesis() *GenesisState { return &GenesisState{Params: DefaultParams()} }

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
	return nil
}
