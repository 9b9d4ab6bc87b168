package swarm

import (
	"container/list"
	"log/slog"
	"math"
	"sync"
	"time"

	"github.com/libp2p/go-libp2p/core/peer"
)

const (
	// scoreHalfLife is how long it takes until half of what a peer has done is
	// forgotten.
	scoreHalfLife = time.Hour
	// maxScored bounds the peers whose behaviour is remembered; the one that
	// was heard of least recently goes first.
	maxScored = 4096
	// One unit of good behaviour is this many useful bytes; more than
	// maxGood units do not count, so that no record outweighs a strike.
	goodUnit = 64 << 20
	maxGood  = 16
	// How many units of bad behaviour these are.
	strikeWeight = 4
	slowWeight   = 1
	// A peer is banned when its strikes, which fade, reach this.
	strikesToBan = 2.5
	// neutral is the reputation of an account of which nothing is known, and
	// the behaviour of a peer that has not shown any.
	neutral = 0.5
)

// scores rates peers from 0 to 1: half is the reputation that the chain gives
// the account behind an announced peer (guests have none), half is what this
// node has seen of it. The latter is (1+good)/(2+good+bad) over decaying sums,
// the expected value of a beta reputation (Jøsang and Ismail 2002).
type scores struct {
	log *slog.Logger
	ban func(peer.ID) // must not block

	mu          sync.Mutex
	reputations map[peer.ID]float64 // of announced peers
	records     map[peer.ID]*list.Element
	order       *list.List // of *conduct, most recently changed first
}

// conduct is what a peer has done, decayed to the time at.
type conduct struct {
	id        peer.ID
	at        time.Time
	good, bad float64
	strikes   float64
	reason    string // of the last strike
}

func newScores(log *slog.Logger, ban func(peer.ID)) *scores {
	return &scores{log: log, ban: ban, reputations: make(map[peer.ID]float64), records: make(map[peer.ID]*list.Element), order: list.New()}
}

// good notes useful bytes that p has served.
func (s *scores) good(p peer.ID, bytes int64) {
	s.mu.Lock()
	defer s.mu.Unlock()
	c := s.change(p)
	c.good = min(c.good+float64(max(bytes, 0))/goodUnit, maxGood)
}

// slow notes that p did not answer in time.
func (s *scores) slow(p peer.ID) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.change(p).bad += slowWeight
}

// strike notes something that an honest peer does not do. A peer with several
// within a short time is banned.
func (s *scores) strike(p peer.ID, reason string) {
	s.mu.Lock()
	c := s.change(p)
	c.bad += strikeWeight
	c.strikes++
	c.reason = reason
	banned := c.strikes >= strikesToBan
	if banned {
		c.strikes = 0 // it starts again after the ban; what it did stays in bad
	}
	s.mu.Unlock()
	if banned {
		s.log.Warn("banned a peer", "peer", p.String(), "reason", reason, "for", banDuration.String())
		s.ban(p)
	}
}

// change returns the record of p, decayed to now, as the most recent one.
func (s *scores) change(p peer.ID) *conduct {
	e, ok := s.records[p]
	if !ok {
		if len(s.records) >= maxScored {
			oldest := s.order.Back()
			delete(s.records, oldest.Value.(*conduct).id)
			s.order.Remove(oldest)
		}
		e = s.order.PushFront(&conduct{id: p, at: time.Now()})
		s.records[p] = e
	}
	s.order.MoveToFront(e)
	c := e.Value.(*conduct)
	*c = c.decayed(time.Now())
	return c
}

func (c conduct) decayed(now time.Time) conduct {
	f := math.Exp2(-float64(now.Sub(c.at)) / float64(scoreHalfLife))
	c.good, c.bad, c.strikes, c.at = c.good*f, c.bad*f, c.strikes*f, now
	return c
}

// setReputations replaces what the chain says about announced peers.
func (s *scores) setReputations(reputations map[peer.ID]float64) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.reputations = reputations
}

// score returns the rating of p, from 0 to 1.
func (s *scores) score(p peer.ID) float64 {
	score, _, _ := s.rating(p)
	return score
}

// rating returns the score of p, its strikes that have not faded, and the
// reason of the last one.
func (s *scores) rating(p peer.ID) (score, strikes float64, reason string) {
	s.mu.Lock()
	defer s.mu.Unlock()
	behaviour := neutral
	if e, ok := s.records[p]; ok {
		c := e.Value.(*conduct).decayed(time.Now())
		behaviour = (1 + c.good) / (2 + c.good + c.bad)
		strikes, reason = c.strikes, c.reason
	}
	return (s.reputations[p] + behaviour) / 2, strikes, reason
}

// score returns the rating of a peer from 0 (worst) to 1; the unknown guest
// has a quarter, the unknown member a half.
func (n *Node) score(p peer.ID) float64 { return n.scores.score(p) }
