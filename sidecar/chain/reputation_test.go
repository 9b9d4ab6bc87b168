package chain

import (
	"testing"

	"github.com/stretchr/testify/require"

	reputationtypes "github.com/pold-network/pold/x/reputation/types"
)

func TestTheWorseReputationWithAHistoryCounts(t *testing.T) {
	score := func(e9, count uint64) reputationtypes.Score {
		return reputationtypes.Score{StorageE9: e9, ModelE9: e9, ConductE9: e9, Count: count}
	}
	for name, c := range map[string]struct {
		account, operator reputationtypes.Score
		want              float64
	}{
		"unknown":                 {score(500_000_000, 0), score(500_000_000, 0), 0.5},
		"a trainer":               {score(800_000_000, 3), score(500_000_000, 0), 0.8},
		"a validator":             {score(500_000_000, 0), score(300_000_000, 9), 0.3},
		"a good trainer":          {score(1_000_000_000, 3), score(300_000_000, 9), 0.3},
		"a bad trainer":           {score(0, 3), score(300_000_000, 9), 0},
		"parts count the same":    {reputationtypes.Score{StorageE9: 900_000_000, Count: 1}, score(500_000_000, 0), 0.3},
		"the best there is to be": {score(1_000_000_000, 1), score(1_000_000_000, 1), 1},
	} {
		require.InDelta(t, c.want, worse(c.account, c.operator), 1e-12, name)
	}
}
