package transfer

import (
	"context"
	"maps"
	"math/rand/v2"
	"slices"
	"time"

	"github.com/ipfs/go-cid"
)

// adapt changes the number of slots by how long chunks take.
func (u *uploads) adapt(took time.Duration) {
	if u.limiter != nil {
		return
	}
	u.typical += (took - u.typical) / 8
	switch {
	case u.typical > slowSend && u.slots > minSlots:
		u.slots--
		u.typical = quickSend
	case u.typical < quickSend && u.slots < maxSlots:
		u.slots++
	}
}

// write sends b in slices, each of which the other side has to take in time.
func (u *uploads) write(o *outgoing, b []byte, patience time.Duration) bool {
	for len(b) > 0 {
		slice := b[:min(len(b), openSlice)]
		if u.limiter != nil {
			slice = b[:min(len(b), sendSlice)]
			if u.limiter.WaitN(u.s.ctx, len(slice)) != nil {
				return false
			}
		}
		_ = o.stream.SetWriteDeadline(time.Now().Add(patience))
		waiting := u.noteBlocked()
		_, err := o.stream.Write(slice)
		waiting()
		if err != nil {
			return false
		}
		b = b[len(slice):]
	}
	return true
}

// patienceWith is how long a peer may take for one slice.
func (u *uploads) patienceWith(guest bool) time.Duration {
	if guest {
		return min(guestTimeout, u.patience)
	}
	return u.patience
}

// Pace waits until the limit of what is sent leaves room for n bytes that
// another protocol is about to send.
func (s *Service) Pace(ctx context.Context, n int) error {
	if s.uploads.limiter == nil {
		return nil
	}
	for n > 0 {
		slice := min(n, sendSlice)
		if err := s.uploads.limiter.WaitN(ctx, slice); err != nil {
			return err
		}
		n -= slice
	}
	return nil
}

// noteBlocked counts a write that takes long on a limited uplink: another chunk
// may use what the limit leaves meanwhile.
func (u *uploads) noteBlocked() (done func()) {
	if u.limiter == nil {
		return func() {}
	}
	var counted, ended bool
	timer := time.AfterFunc(blockedTime, func() {
		u.mu.Lock()
		defer u.mu.Unlock()
		if !ended {
			counted = true
			u.blocked++
			u.ready.Broadcast()
		}
	})
	return func() {
		if timer.Stop() {
			return
		}
		u.mu.Lock()
		defer u.mu.Unlock()
		ended = true
		if counted {
			u.blocked--
		}
	}
}

// tellIdle lets those who wait elsewhere know that this node has nothing to do.
func (u *uploads) tellIdle() {
	tick := time.NewTicker(idleInterval)
	defer tick.Stop()
	for {
		select {
		case <-u.s.ctx.Done():
			return
		case <-tick.C:
		}
		for _, root := range u.idle() {
			for _, p := range u.s.subscribers(root) {
				if rand.IntN(relieveOdds) == 0 {
					u.s.say(p, &message{kind: msgIdle, root: root})
				}
			}
		}
	}
}

// idle returns the objects that were asked for a short time ago, if nothing is
// asked for now.
func (u *uploads) idle() []cid.Cid {
	u.mu.Lock()
	defer u.mu.Unlock()
	for root, at := range u.hot {
		if time.Since(at) > hotTime {
			delete(u.hot, root)
		}
	}
	if u.active > 0 {
		return nil
	}
	for o := range u.streams {
		if len(o.queue) > 0 {
			return nil
		}
	}
	return slices.Collect(maps.Keys(u.hot))
}

// tellWaiting lets peers that wait for their turn know that this node is alive.
func (u *uploads) tellWaiting() {
	tick := time.NewTicker(busyInterval)
	defer tick.Stop()
	for {
		select {
		case <-u.s.ctx.Done():
			return
		case <-tick.C:
		}
		u.mu.Lock()
		var waiting []*outgoing
		for o := range u.streams {
			if !o.busy && !o.ended && len(o.queue) > 0 {
				waiting = append(waiting, o)
			}
		}
		u.mu.Unlock()
		for _, o := range waiting {
			u.mu.Lock()
			still := !o.busy && !o.ended && len(o.queue) > 0
			o.busy = o.busy || still
			u.mu.Unlock()
			if !still {
				continue
			}
			var header [frameHeader]byte
			putFrame(header[:], busyNumber, 0)
			// A peer whose window is full is not waiting for us.
			_ = o.stream.SetWriteDeadline(time.Now().Add(busyInterval))
			_, err := o.stream.Write(header[:])
			u.mu.Lock()
			o.busy = false
			if err != nil {
				o.ended, o.queue = true, nil
				_ = o.stream.Reset()
			}
			u.ready.Broadcast()
			u.mu.Unlock()
		}
	}
}
