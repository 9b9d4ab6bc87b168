package transfer

import (
	"errors"
	"slices"

	"github.com/libp2p/go-libp2p/core/peer"

	"github.com/pold-network/pold/sidecar/swarm/internal/objectstore"
)

// start turns what sources have said so far into what can be asked of them.
func (d *download) start(o *objectstore.Object) {
	d.mu.Lock()
	defer d.mu.Unlock()
	d.known.Store(true)
	d.object = o
	d.held = o.Have()
	d.state = make([]uint16, len(o.Leaves()))
	d.avail = make([]uint16, len(o.Leaves()))
	d.last, d.news = now(), now()
	for p, x := range d.sources {
		if x.size >= 0 && x.size != o.Size() {
			delete(d.sources, p)
			if provesSize(o) {
				d.running.Go(func() { d.s.peers.Strike(p, "declares another size of an object", false) })
			}
			continue
		}
		x.list = nil
		d.count(x, 1)
	}
	if len(d.sources) == 1 {
		for _, x := range d.sources {
			x.window = loneWindow
		}
	}
	d.assignAll()
}

// count adds the chunks of a source to the availability, or takes them out.
func (d *download) count(x *source, by int) {
	if d.object == nil {
		return
	}
	for i := range d.avail {
		if x.have.Has(i) {
			d.avail[i] = uint16(int(d.avail[i]) + by)
		}
	}
}

// told takes what a peer says of its chunks.
func (d *download) told(p peer.ID, m *message) {
	d.mu.Lock()
	defer d.mu.Unlock()
	if d.sources == nil {
		return
	}
	x := d.sources[p]
	if x == nil {
		if d.parted[p] {
			return // said before it heard that it is not asked any more
		}
		if m.kind == msgHave || m.kind == msgIdle {
			d.ask(p) // its map was lost
		}
		if m.kind != msgMap || m.size < 0 || len(d.sources) >= maxSources {
			return
		}
		x = &source{d: d, peer: p, size: -1, asked: make(map[int]asking), window: firstWindow, member: d.s.peers.Member(p)}
		d.sources[p] = x
	}
	switch {
	case m.kind == msgIdle:
		d.relieve(x, now())
		return
	case m.kind == msgMap && m.size < 0:
		d.drop(x)
		return
	case m.kind == msgMap:
		if d.object != nil && m.size != d.object.Size() {
			d.drop(x)
			return
		}
		d.count(x, -1)
		x.size, x.have, x.forms = m.size, m.have, m.forms
		if d.object == nil {
			x.list = m.leaves
		}
		d.count(x, 1)
	default:
		for _, n := range m.numbers {
			i := int(n)
			if i < x.have.Len() && x.have.Set(i) && d.object != nil {
				d.avail[i]++
				d.news = now()
				d.spread(x, i, now())
			}
		}
	}
	d.signal()
	d.assign(x)
}

// lacking returns those of some peers that have not said that they have a chunk.
func (d *download) lacking(peers []peer.ID, i int) []peer.ID {
	d.mu.Lock()
	defer d.mu.Unlock()
	return slices.DeleteFunc(peers, func(p peer.ID) bool {
		x := d.sources[p]
		return x != nil && x.have.Has(i)
	})
}

func (d *download) signal() {
	select {
	case d.changed <- struct{}{}:
	default:
	}
}

// drop forgets a source; the caller holds the lock.
func (d *download) drop(x *source) {
	if d.sources[x.peer] != x {
		return
	}
	d.release(x)
	d.count(x, -1)
	delete(d.sources, x.peer)
	d.signal()
}

// release gives back what a source was asked for and ends its streams; the
// caller holds the lock.
func (d *download) release(x *source) {
	for i := range x.asked {
		d.state[i]--
	}
	clear(x.asked)
	x.close()
}

// lost is called when a peer is no longer connected.
func (d *download) lost(p peer.ID) {
	d.mu.Lock()
	defer d.mu.Unlock()
	delete(d.parted, p)
	if x := d.sources[p]; x != nil {
		d.drop(x)
		d.assignAll()
	}
}

// got takes a chunk whose digest is right; b is valid until got returns. From
// is nil for chunks that did not come from a source.
func (d *download) got(from *source, i int, b []byte) {
	d.mu.Lock()
	fresh := d.held.Set(i)
	t := now()
	if from != nil && d.sources[from.peer] == from {
		if a, ok := from.asked[i]; ok {
			delete(from.asked, i)
			d.state[i]--
			from.answered(t, t.Sub(a.at))
			d.typical += (t.Sub(a.at) - d.typical) / 8
		}
	}
	if fresh {
		d.writing++
		d.last = t
		for _, y := range d.sources {
			d.outrun(y, i, t)
		}
		if stop := d.falling[i]; stop != nil && from != nil {
			stop()
		}
	}
	if from != nil {
		d.assign(from)
	}
	d.mu.Unlock()
	if from != nil {
		d.s.peers.Good(from.peer, len(b))
	}
	if !fresh {
		d.s.duplicate.Add(int64(len(b)))
		return
	}
	d.s.useful.Add(int64(len(b)))
	err := d.object.Write(i, b)
	if err != nil {
		d.cancel(err)
	} else {
		d.s.stored(d.root, i)
	}
	d.mu.Lock()
	defer d.mu.Unlock()
	d.writing--
	d.ended()
}

// ended notes when all chunks are here; the caller holds the lock.
func (d *download) ended() {
	if !d.object.Complete() {
		return
	}
	select {
	case <-d.whole:
	default:
		close(d.whole)
	}
}

// taken takes that a source has let go of a chunk.
func (d *download) taken(x *source, i int) {
	d.mu.Lock()
	defer d.mu.Unlock()
	a, ok := x.asked[i]
	if d.sources[x.peer] != x || !ok || a.next == nil {
		return
	}
	delete(x.asked, i)
	d.state[i]--
	y := a.next
	if d.sources[y.peer] == y && d.allLate(i, y, nil, now()) && !d.held.Has(i) && y.have.Has(i) && !now().Before(y.until) {
		y.ask([]int{i})
	}
	d.assign(x)
}

// missing takes that a source does not have what it announced.
func (d *download) missing(x *source, i int) {
	d.mu.Lock()
	defer d.mu.Unlock()
	if d.sources[x.peer] != x {
		return
	}
	if _, ok := x.asked[i]; ok {
		delete(x.asked, i)
		d.state[i]--
	}
	if x.have.Has(i) {
		x.have.Clear(i)
		d.avail[i]--
	}
	x.active.Store(sinceStart(now()))
	if x.lies++; x.lies > maxLies {
		p := x.peer
		d.drop(x)
		d.running.Go(func() { d.s.peers.Strike(p, "announces chunks that it does not have", false) })
	}
	d.assignAll()
}

// failed takes that a stream to a source has ended.
func (d *download) failed(p *pipe, err error) {
	d.mu.Lock()
	defer d.mu.Unlock()
	x := p.src
	current := false
	for _, q := range x.pipes {
		current = current || q == p
	}
	if d.sources[x.peer] != x || !current {
		return
	}
	if errors.Is(err, errConvicted) {
		d.drop(x)
		d.running.Go(func() { d.s.peers.Strike(x.peer, err.Error(), true) })
	} else {
		d.s.log.Debug("source lost", "peer", x.peer.String(), "cid", d.root.String(), "cause", err)
		d.rest(x)
	}
	d.assignAll()
}

// rest leaves a source alone for a while; the caller holds the lock.
func (d *download) rest(x *source) {
	d.release(x)
	x.pause = min(max(2*x.pause, firstPause), maxPause)
	x.until = now().Add(x.pause)
	x.window, x.service, x.proven = minWindow, 0, false
}
