package adversaries

import (
	"math"
	"testing"

	"github.com/stretchr/testify/require"

	poltypes "github.com/pold-network/pold/x/pol/types"
)

// Validators that withhold beacon secrets together choose among 2^f draws; a forged segment is found only if every one of them meets
// it. The bond makes a forgery a loss from a chance of k/n on, so this says how many honest validators, each with segments of its own
// beside the k common ones of n, bring that chance up again.
func TestDrawsThatReplayCovers(t *testing.T) {
	n, k := float64(segments), float64(poltypes.DefaultParams().AuditSegments)
	own := float64(poltypes.OwnCount(segments))
	for colluders, want := range map[float64]int{0: 0, 1: 3, 2: 6, 3: 9, 5: 17} {
		honest := 0
		for ; ; honest++ {
			missed := (1 - k/n) * math.Pow(1-own/(n-k), float64(honest))
			if found := math.Pow(1-missed, math.Pow(2, colluders)); found >= k/n {
				break
			}
		}
		require.Equal(t, want, honest, "%v colluders", colluders)
	}
}
