package transfer

import (
	"time"

	"github.com/pold-network/pold/sidecar/swarm/internal/objectstore"
)

// share is how many chunks may be sent to one peer at a time: another one never
// has to wait until the first has taken everything. The caller holds mu.
func (u *uploads) share() int {
	if len(u.perPeer) > 1 {
		return max(1, u.slots/2)
	}
	return max(1, u.slots-1)
}

// next takes the request to be answered now; the caller holds mu.
func (u *uploads) next() (*outgoing, uint32) {
	if u.confirming < maxConfirming {
		if o, number := u.nextConfirmation(); o != nil {
			return o, number
		}
	}
	if u.active >= u.slots+u.blocked {
		return nil, 0
	}
	var (
		best  *outgoing
		at    int
		order [3]int64
		now   = time.Now()
		share = u.share()
	)
	for o := range u.streams {
		if o.busy || o.ended || len(o.queue) == 0 || o.guest && (u.guests >= min(guestSlots, max(1, u.slots-1)) || u.sending[o.peer] > 0) || u.sending[o.peer] >= share {
			continue
		}
		served := u.served[o.peer].UnixNano()
		counts := u.counts(o.object)
		for i, r := range o.queue {
			var x [3]int64
			if o.guest {
				x[0] = 1
			}
			// Lists of digests come first.
			if r.number < uint32(len(counts)) && now.Sub(r.at) < maxWait {
				x[1] = int64(counts[r.number]) + 1
			}
			x[2] = served
			if best == nil || less(x, order) {
				best, at, order = o, i, x
			}
		}
	}
	if best == nil {
		return nil, 0
	}
	number := best.queue[at].number
	best.queue = append(best.queue[:at], best.queue[at+1:]...)
	if counts := u.counts(best.object); number < uint32(len(counts)) && counts[number] < 1<<16-1 {
		counts[number]++
	}
	return best, number
}

// nextConfirmation takes a request that was taken back, which the other side
// waits to hear; that takes no slot. The caller holds mu.
func (u *uploads) nextConfirmation() (*outgoing, uint32) {
	for o := range u.streams {
		if o.busy || o.ended || o.taken == 0 || o.guest && u.guests >= guestSlots {
			continue
		}
		for i, r := range o.queue {
			if r.number&cancelBit != 0 {
				o.queue = append(o.queue[:i], o.queue[i+1:]...)
				o.taken--
				return o, r.number
			}
		}
		o.taken = 0
	}
	return nil, 0
}

func less(a, b [3]int64) bool {
	for i := range a {
		if a[i] != b[i] {
			return a[i] < b[i]
		}
	}
	return false
}

// counts returns how often each chunk of an object was sent; the caller holds
// mu.
func (u *uploads) counts(o *objectstore.Object) []uint16 {
	c, ok := u.sent[o.Root()]
	if !ok {
		if len(u.sent) >= maxCounted {
			clear(u.sent)
		}
		c = make([]uint16, len(o.Leaves()))
		u.sent[o.Root()] = c
	}
	return c
}
