package transfer

import (
	"math/rand/v2"
	"time"

	"github.com/pold-network/pold/sidecar/swarm/internal/objectstore"
)

const (
	// A request that waits at one source moves to another that is likely to
	// answer this much sooner.
	moveFactor = 2
	moveMargin = 100 * time.Millisecond
	// A chunk that a source does not let go of for this long is asked of a
	// second one as well, sooner if the loss is small or the source unknown.
	raceAge      = 3 * time.Second
	shortRaceAge = time.Second
	// spreadAge is how long a request has to wait before it may move to a
	// source that has just got the chunk.
	spreadAge = 200 * time.Millisecond
	// An idle source tells one in relieveOdds of its neighbours: each that hears
	// of it moves a request to it.
	relieveOdds = 3
)

// rarest chooses at most room chunks that a source has, that are not here and
// that nobody was asked for: those that the fewest sources have, and of equally
// rare ones any, so that neighbours choose differently.
func rarest(has, held *objectstore.Bits, state, avail []uint16, room int) []int {
	if room <= 0 {
		return nil
	}
	open := func(i int) bool { return state[i] == 0 && !held.Has(i) && has.Has(i) }
	var out []int
	// Level after level of rarity; the next level is found on the way.
	for level, found := uint16(0), true; found && len(out) < room; {
		next := uint16(1<<16 - 1)
		found = false
		seen := 0
		first := len(out)
		for i := range state {
			if !open(i) {
				continue
			}
			switch a := avail[i]; {
			case a == level:
				seen++
				// A sample of those of this level, each equally likely.
				if len(out) < room {
					out = append(out, i)
				} else if k := first + rand.IntN(seen); k < room {
					out[k] = i
				}
			case a > level && a < next:
				next, found = a, true
			}
		}
		level = next
	}
	rand.Shuffle(len(out), func(i, j int) { out[i], out[j] = out[j], out[i] })
	return out
}

// assign asks a source for more chunks; the caller holds the lock.
func (d *download) assign(x *source) {
	t := now()
	if d.object == nil || t.Before(x.until) || d.sources[x.peer] != x {
		return
	}
	room := x.window - len(x.asked)
	// A scan serves several requests; a source with most of its window in use
	// does not run dry meanwhile.
	if room <= 0 || room < x.window/4 && len(x.asked) > 0 {
		return
	}
	has := &x.have
	if !x.trusted() {
		has, room = d.leftTo(x, room)
	}
	numbers := rarest(has, &d.held, d.state, d.avail, room)
	if len(numbers) > 0 {
		x.ask(numbers)
	}
	// Nothing is left that nobody was asked for: x helps those that have more
	// to do than it has.
	for range min(room-len(numbers), minWindow-len(x.asked)) {
		i, from, race := d.help(x, t)
		switch {
		case from == nil:
			return
		case race:
			x.ask([]int{i})
		default:
			from.handOver(i, x)
		}
	}
}

// help finds a chunk that another source was asked for and x is likely to send
// much sooner. race says that the other one, and all that were asked before,
// are so late that both are asked.
// The caller holds the lock.
func (d *download) help(x *source, t time.Time) (chunk int, from *source, race bool) {
	mine, doubts := max(x.expected(), d.typical), d.doubts(x)
	var best time.Duration
	for _, y := range d.sources {
		if y == x {
			continue
		}
		for i, a := range y.asked {
			if _, too := x.asked[i]; too || d.held.Has(i) || !x.have.Has(i) || a.next != nil && t.Sub(a.moved) < d.patience(x, y) {
				continue
			}
			age := t.Sub(a.at)
			if doubts && age < doubtAge || d.state[i] > 1 && !d.allLate(i, x, y, t) {
				continue
			}
			// How long y has been asked says more than what it once needed.
			rest := max(y.service*time.Duration(len(y.asked))-t.Sub(y.arrived), age)
			if rest > moveFactor*mine+moveMargin && rest > best {
				best, chunk, from, race = rest, i, y, a.next != nil || d.patience(x, y) == 0
			}
		}
	}
	return chunk, from, race
}

// spread moves a request for a chunk that a source has just got to it, so that
// of k holders each has a part of the requests: with a chance of one in k. The
// caller holds the lock.
func (d *download) spread(x *source, i int, t time.Time) {
	if d.object == nil || d.held.Has(i) || d.state[i] != 1 || len(x.asked) >= x.window || t.Before(x.until) || d.doubts(x) {
		return
	}
	if d.avail[i] > 1 && rand.IntN(int(d.avail[i])) != 0 {
		return
	}
	for _, y := range d.sources {
		if a, ok := y.asked[i]; ok && y != x && a.next == nil && t.Sub(a.at) > spreadAge {
			y.handOver(i, x)
			return
		}
	}
}

// relieve moves the request that has waited longest to a source that says that
// it has nothing to do. The caller holds the lock.
func (d *download) relieve(x *source, t time.Time) {
	if d.object == nil || t.Before(x.until) || len(x.asked) > 0 || d.doubts(x) {
		return
	}
	var (
		oldest time.Duration
		chunk  int
		from   *source
	)
	for _, y := range d.sources {
		if y == x {
			continue
		}
		for i, a := range y.asked {
			if age := t.Sub(a.at); age > 2*spreadAge && age > oldest && a.next == nil && d.state[i] == 1 && x.have.Has(i) && !d.held.Has(i) {
				oldest, chunk, from = age, i, y
			}
		}
	}
	if from != nil {
		from.handOver(chunk, x)
	}
}
