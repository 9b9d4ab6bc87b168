package types_test

import (
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/pold-network/pold/x/reputation/types"
)

func TestParamsAreChecked(t *testing.T) {
	require.NoError(t, types.DefaultParams().Validate())
	for want, spoil := range map[string]func(p *types.Params){
		"storage_rate_e9: expected 1 to 1000000000 billionths, got 0":         func(p *types.Params) { p.StorageRateE9 = 0 },
		"model_rate_e9: expected 1 to 1000000000 billionths, got 1000000001":  func(p *types.Params) { p.ModelRateE9 = 1_000_000_001 },
		"conduct_rate_e9: expected 1 to":                                      func(p *types.Params) { p.ConductRateE9 = 0 },
		"initial_e9: expected at most 1000000000 billionths, got 1000000001":  func(p *types.Params) { p.InitialE9 = 1_000_000_001 },
		"half_life_seconds: expected 1 to 3162240000 (100 years), got 0":      func(p *types.Params) { p.HalfLifeSeconds = 0 },
		"half_life_seconds: expected 1 to 3162240000 (100 years), got 316224": func(p *types.Params) { p.HalfLifeSeconds = 3_162_240_001 },
		"min_factor_e6: expected 800000 to 1000000 millionths, got 799999":    func(p *types.Params) { p.MinFactorE6 = 799_999 },
		"min_factor_e6: expected 800000 to 1000000 millionths, got 1000001":   func(p *types.Params) { p.MinFactorE6 = 1_000_001 },
		"max_events: expected 1 to 256, got 0":                                func(p *types.Params) { p.MaxEvents = 0 },
		"max_events: expected 1 to 256, got 257":                              func(p *types.Params) { p.MaxEvents = 257 },
		"max_extra_segments: expected at most 16, got 17":                     func(p *types.Params) { p.MaxExtraSegments = 17 },
	} {
		p := types.DefaultParams()
		spoil(&p)
		err := p.Validate()
		require.ErrorContains(t, err, want)
		require.ErrorIs(t, err, types.ErrInvalidParams)
	}
}
