package types

// DefaultGenesis returns an empty state with the parameters of a public network.
func DefaultGenesis() *GenesisState { return &GenesisState{Params: DefaultParams()} }

// Validate reports the first inconsistency of a genesis state.
func (g GenesisState) Validate() error {
	if err := g.Params.Validate(); err != nil {
		return err
	}
	seen := make(map[string]bool, len(g.Scores))
	for _, s := range g.Scores {
		if err := s.Validate(); err != nil {
			return err
		}
		if seen[s.Address] {
			return ErrInvalidScore.Wrapf("%s appears twice", s.Address)
		}
		seen[s.Address] = true
	}
	return nil
}
