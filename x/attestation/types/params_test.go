package types_test

import (
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/pold-network/pold/x/attestation/types"
)

func TestParamsValidate(t *testing.T) {
	require.NoError(t, types.DefaultParams().Validate())
	for _, c := range []struct {
		name, want string
		change     func(*types.Params)
	}{
		{"a commit window that one proposer could keep out", "commit_window: expected 10", func(p *types.Params) { p.CommitWindow = 9 }},
		{"a short open window", "open_window: expected 10", func(p *types.Params) { p.OpenWindow = 9 }},
		{"a short availability window", "availability_window: expected 10", func(p *types.Params) { p.AvailabilityWindow = 0 }},
		{"a window of years", "commit_window", func(p *types.Params) { p.CommitWindow = 1_000_001 }},
		{"no live window", "live_window", func(p *types.Params) { p.LiveWindow = 0 }},
		{"a live window that overflows a height", "live_window: expected 1 to 1000000000", func(p *types.Params) { p.LiveWindow = 1<<63 - 1 }},
		{"no budget window", "budget_window", func(p *types.Params) { p.BudgetWindow = 0 }},
		{"no retention", "retention", func(p *types.Params) { p.Retention = -1 }},
		{"an endless retention", "retention", func(p *types.Params) { p.Retention = 1<<63 - 1 }},
		{"no lifetime of peers", "max_peer_lifetime", func(p *types.Params) { p.MaxPeerLifetime = 0 }},
		{"an endless lifetime of peers", "max_peer_lifetime", func(p *types.Params) { p.MaxPeerLifetime = 1<<63 - 1 }},
		{"budgets out of order", "ascending", func(p *types.Params) { p.Budgets = []types.KindBudget{{Kind: "b", Cost: 1}, {Kind: "a", Cost: 1}} }},
		{"a kind twice", "twice", func(p *types.Params) { p.Budgets = []types.KindBudget{{Kind: "a", Cost: 1}, {Kind: "a", Cost: 2}} }},
		{"a budget without a kind", "expected a kind", func(p *types.Params) { p.Budgets = []types.KindBudget{{Cost: 1}} }},
		{"a budget of nothing", "positive cost", func(p *types.Params) { p.Budgets = []types.KindBudget{{Kind: "a"}} }},
	} {
		t.Run(c.name, func(t *testing.T) {
			p := types.DefaultParams()
			c.change(&p)
			err := p.Validate()
			require.ErrorIs(t, err, types.ErrInvalidParams)
			require.ErrorContains(t, err, c.want)
		})
	}
}

func TestBudgetOfAKind(t *testing.T) {
	p := types.Params{Budgets: []types.KindBudget{{Kind: "score", Cost: 5}}}
	cost, err := p.Budget("score")
	require.NoError(t, err)
	require.Equal(t, uint64(5), cost)
	_, err = p.Budget("other")
	require.ErrorIs(t, err, types.ErrUnknownKind)
}

func TestRequiredLiveIsTwoThirdsRoundedUpUnlessSet(t *testing.T) {
	for n, want := range map[int]int{1: 1, 2: 2, 3: 2, 4: 3, 5: 4, 6: 4, 7: 5, 100: 67} {
		require.Equal(t, want, types.Params{}.RequiredLive(n), "of %d", n)
	}
	require.Equal(t, 21, types.Params{MinLiveValidators: 21}.RequiredLive(4))
}
