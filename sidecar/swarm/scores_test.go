package swarm

import (
	"log/slog"
	"testing"
	"testing/synctest"
	"time"

	"github.com/libp2p/go-libp2p/core/peer"
	"github.com/libp2p/go-libp2p/core/test"
	"github.com/stretchr/testify/require"
)

func newTestScores() (*scores, map[peer.ID]int) {
	banned := make(map[peer.ID]int)
	return newScores(slog.New(slog.DiscardHandler), func(p peer.ID) { banned[p]++ }), banned
}

func TestScoresOrderPeers(t *testing.T) {
	s, _ := newTestScores()
	s.setReputations(map[peer.ID]float64{"unknown account": neutral, "good account": 0.9, "bad account": 0, "helpful": neutral, "slow": neutral, "struck": neutral})
	s.good("helpful", 2*goodUnit)
	s.good("helpful guest", 2*goodUnit)
	s.slow("slow")
	s.strike("struck", "test")
	order := []peer.ID{"good account", "helpful", "unknown account", "slow", "helpful guest", "struck", "bad account", "guest"}
	for i, p := range order[1:] {
		require.LessOrEqual(t, s.score(p), s.score(order[i]), "%s before %s", order[i], p)
	}
	require.Equal(t, 0.5, s.score("unknown account"))
	require.Equal(t, 0.25, s.score("guest"))
}

func TestScoresFadeAndStayWithinBounds(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s, _ := newTestScores()
		s.good("a", 1<<60)
		s.good("a", -1)
		best := s.score("a")
		require.InDelta(t, 0.5*(1+maxGood)/(2+maxGood), best, 1e-9, "there is a most that good behaviour counts")
		s.strike("b", "test")
		worst := s.score("b")
		time.Sleep(scoreHalfLife)
		require.Less(t, s.score("a"), best)
		require.Greater(t, s.score("b"), worst)
		_, strikes, reason := s.rating("b")
		require.InDelta(t, 0.5, strikes, 1e-9)
		require.Equal(t, "test", reason)
		time.Sleep(100 * scoreHalfLife)
		require.InDelta(t, 0.25, s.score("a"), 1e-9)
		require.InDelta(t, 0.25, s.score("b"), 1e-9)
	})
}

func TestStrikesWithinAShortTimeBan(t *testing.T) {
	for _, c := range []struct {
		apart  time.Duration
		banned bool
	}{{0, true}, {10 * time.Minute, true}, {time.Hour, false}} {
		synctest.Test(t, func(t *testing.T) {
			s, banned := newTestScores()
			for range 3 {
				s.strike("p", "test")
				time.Sleep(c.apart)
			}
			require.Equal(t, c.banned, banned["p"] == 1, "%s apart", c.apart)
		})
	}
}

func TestTheRecordOfBehaviourIsBounded(t *testing.T) {
	s, _ := newTestScores()
	s.strike("first", "test")
	s.strike("second", "test")
	s.slow("first") // again, so second is the oldest
	for range maxScored - 1 {
		s.good(test.RandPeerIDFatal(t), 1)
	}
	require.Len(t, s.records, maxScored)
	require.Equal(t, maxScored, s.order.Len())
	require.Less(t, s.score("first"), 0.25)
	require.Equal(t, 0.25, s.score("second"), "forgotten")
}
