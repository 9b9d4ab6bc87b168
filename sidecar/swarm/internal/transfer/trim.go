package transfer

import (
	"cmp"
	"math/rand/v2"
	"slices"
	"time"

	"github.com/libp2p/go-libp2p/core/peer"
)

// enoughSources is how many neighbours tell a download of their chunks at a
// time: what each says costs both sides, and among many that know a few dozen
// others each chunks travel as fast as among many that know all.
const enoughSources = 24

// trim parts with sources beyond enough that nothing was asked of and that have
// nothing rare; the caller holds the lock.
func (d *download) trim(t time.Time) {
	excess := len(d.sources) - enoughSources
	if d.object == nil || excess <= 0 || d.quiet(t) {
		return
	}
	type candidate struct {
		x     *source
		worth int
	}
	var list []candidate
	for _, x := range d.sources {
		if len(x.asked) > 0 || d.hasRare(x) {
			continue
		}
		c := candidate{x: x}
		if x.trusted() {
			c.worth += 4
		}
		if x.member {
			c.worth += 2
		}
		if x.have.All() {
			c.worth++
		}
		list = append(list, c)
	}
	rand.Shuffle(len(list), func(i, j int) { list[i], list[j] = list[j], list[i] })
	slices.SortStableFunc(list, func(a, b candidate) int { return cmp.Compare(a.worth, b.worth) })
	for _, c := range list[:min(excess, len(list))] {
		d.drop(c.x)
		d.parted[c.x.peer] = true
		d.s.say(c.x.peer, &message{kind: msgDrop, root: d.root})
	}
}

// hasRare says whether a source has a missing chunk that at most one other one
// has.
func (d *download) hasRare(x *source) bool {
	for i, a := range d.avail {
		if a <= 2 && x.have.Has(i) && !d.held.Has(i) {
			return true
		}
	}
	return false
}

// wanting returns those that an object is to be asked of again: all that may
// have more of it, but not those it has parted with while there is enough.
func (d *download) wanting(peers []peer.ID) []peer.ID {
	d.mu.Lock()
	defer d.mu.Unlock()
	if len(d.sources) < enoughSources/2 || d.quiet(now()) || d.incomplete() {
		clear(d.parted)
	}
	return slices.DeleteFunc(peers, func(p peer.ID) bool {
		x := d.sources[p]
		return d.parted[p] || x != nil && x.have.All()
	})
}

// incomplete says whether a missing chunk is nowhere among the sources; the
// caller holds the lock.
func (d *download) incomplete() bool {
	for i, a := range d.avail {
		if a == 0 && !d.held.Has(i) {
			return true
		}
	}
	return false
}
