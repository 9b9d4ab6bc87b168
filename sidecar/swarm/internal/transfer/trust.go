package transfer

import (
	"time"

	"github.com/pold-network/pold/sidecar/swarm/internal/objectstore"
)

const (
	// proofChunks is from how many chunks on a source that is not trusted may
	// show with one of them that it delivers.
	proofChunks = 8
	// doubtAge is how long a request has to wait before it may move to a source
	// that is not trusted.
	doubtAge = 10 * time.Second
)

// trusted says whether a source is asked before others: the network knows it or
// it has delivered, and it did not keep anybody waiting since. What others
// announce costs them nothing, and what they are asked for is lost time if they
// never meant to send it.
func (x *source) trusted() bool { return x.pause == 0 && (x.member || x.proven) }

// leftTo returns which chunks a source that is not trusted may be asked for,
// and how many: those that no trusted one has, or else a single one, to show
// that it delivers. The caller holds the lock.
func (d *download) leftTo(x *source, room int) (*objectstore.Bits, int) {
	left := x.have.Clone()
	for _, y := range d.sources {
		if y != x && y.trusted() {
			left.Remove(&y.have)
		}
	}
	for i := range d.state {
		if left.Has(i) && !d.held.Has(i) {
			return &left, room
		}
	}
	if len(d.state) < proofChunks {
		return &left, 0
	}
	return &x.have, min(room, 1-len(x.asked))
}

// doubts says whether x has to wait until those that are trusted have had
// their time; the caller holds the lock.
func (d *download) doubts(x *source) bool {
	if x.trusted() {
		return false
	}
	for _, y := range d.sources {
		if y.trusted() {
			return true
		}
	}
	return false
}

// patience is how long y may keep a chunk that it was told to let go of before
// x is asked as well.
func (d *download) patience(x, y *source) time.Duration {
	small, unsure := len(d.state) < proofChunks, x.trusted() && !y.trusted()
	switch {
	case small && unsure:
		return 0
	case small || unsure:
		return shortRaceAge
	}
	return raceAge
}

// allLate says whether all that were asked for a chunk have lost the patience
// of x, but for one that does not count; the caller holds the lock.
func (d *download) allLate(i int, x, except *source, t time.Time) bool {
	for _, y := range d.sources {
		if a, ok := y.asked[i]; ok && y != except && (a.next == nil || t.Sub(a.moved) < d.patience(x, y)) {
			return false
		}
	}
	return true
}

// outrun takes that a chunk has come which x was asked for as well. A source
// that has sent nothing at all since, and did not let go when it was told to,
// is left alone for a while; the caller holds the lock.
func (d *download) outrun(x *source, i int, t time.Time) {
	a, ok := x.asked[i]
	if !ok {
		return
	}
	if a.next == nil || t.Sub(a.moved) < raceAge || x.arrived.After(a.at) {
		x.takeBack(i)
		return
	}
	p := x.peer
	d.rest(x)
	d.running.Go(func() { d.s.peers.Slow(p) })
}
