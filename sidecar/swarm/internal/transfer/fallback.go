package transfer

import (
	"context"
	"crypto/sha256"
	"encoding/binary"
	"errors"
	"fmt"
	"io"
	"slices"
	"sync"
	"time"

	"github.com/ipfs/go-cid"
	"github.com/libp2p/go-libp2p/core/peer"

	"github.com/pold-network/pold/sidecar/swarm/internal/dag"
	"github.com/pold-network/pold/sidecar/swarm/internal/objectstore"
)

const (
	// grace is how long neighbours have to answer before other protocols are
	// tried as well.
	grace = 500 * time.Millisecond
	// fallbackBlocks is how many blocks are asked for at a time.
	fallbackBlocks = 16
	// lookInterval is how often what no source has is looked for.
	lookInterval = 100 * time.Millisecond
	// blockTimeout bounds the wait for one of them while sources might have it.
	blockTimeout = 15 * time.Second
	// quietTime is after how long without a chunk or news of one the missing ones are asked
	// for by other protocols too.
	quietTime = 3 * time.Second
	// despairTime is after how long without a chunk that is so whatever sources
	// do to be waited for.
	despairTime = 20 * time.Second
	// leavesTimeout bounds the reading of a list of digests.
	leavesTimeout = 20 * time.Second
)

// learn gets the digests of the leaves and begins the object.
func (d *download) learn() (*objectstore.Object, error) {
	if d.root.Type() == cid.Raw && d.req.Size >= 0 {
		return d.beginObject(d.root, d.req.Size, []dag.Digest{dag.DigestOf(d.root)})
	}
	ctx, cancel := context.WithCancel(d.ctx)
	var running sync.WaitGroup
	defer running.Wait()
	defer cancel()
	type result struct {
		object *objectstore.Object
		err    error
	}
	results := make(chan result)
	deliver := func(o *objectstore.Object, err error) {
		select {
		case results <- result{o, err}:
		case <-ctx.Done():
			if o != nil {
				o.Release()
			}
		}
	}
	running.Go(func() {
		select {
		case <-ctx.Done():
			return
		case <-time.After(grace):
		}
		for ctx.Err() == nil {
			// Refused content is refused only when its root says so itself.
			o, err := d.learnByBlocks(ctx)
			if err == nil || final(err) {
				deliver(o, err)
				return
			}
			d.s.log.Debug("digests not fetched by other protocols yet", "cid", d.root.String(), "cause", err)
			select {
			case <-ctx.Done():
			case <-time.After(time.Second):
			}
		}
	})
	tick := time.NewTicker(time.Second)
	defer tick.Stop()
	tried := make(map[peer.ID]time.Time)
	busy := 0
	began, asked, idle := now(), now(), now()
	for {
		// Two are asked at once, and another one each second: who does not
		// answer must not keep others from it.
		most := 2 + int(now().Sub(began)/time.Second)
		for _, x := range d.holders() {
			if t, ok := tried[x.peer]; ok && now().Sub(t) < leavesTimeout {
				continue
			}
			// A list that came with the map costs nobody's time.
			if busy >= most && len(x.list) == 0 {
				continue
			}
			tried[x.peer] = now()
			busy++
			running.Go(func() { deliver(d.learnFrom(ctx, x.peer, x.size, x.list)) })
		}
		select {
		case <-d.ctx.Done():
			return nil, d.explain(context.Cause(d.ctx))
		case <-d.changed:
		case <-tick.C:
			if t := now(); t.Sub(asked) > askInterval {
				asked = t
				d.askAgain()
			}
			if t := now(); t.Sub(idle) > idleTime && d.req.Idle != nil {
				idle = t
				d.req.Idle()
			}
		case r := <-results:
			busy = max(0, busy-1)
			if r.err == nil {
				return r.object, nil
			}
			if final(r.err) {
				return nil, r.err
			}
			d.s.log.Debug("digests not fetched from a source", "cid", d.root.String(), "cause", r.err)
		}
	}
}

// beginObject makes room and begins the object.
func (d *download) beginObject(root cid.Cid, size int64, leaves []dag.Digest) (*objectstore.Object, error) {
	if d.req.Room != nil {
		begun, err := d.req.Room(size)
		if err != nil {
			return nil, fmt.Errorf("%w: %w", errNoRoom, err)
		}
		defer begun()
	}
	return d.s.store.Begin(root, size, leaves)
}

// errNoRoom ends a download that has no room.
var errNoRoom = errors.New("no room")

// final says whether a source that failed so is no reason to ask another.
func final(err error) bool {
	return errors.Is(err, dag.ErrMismatch) || errors.Is(err, dag.ErrTooLarge) || errors.Is(err, objectstore.ErrDiskFull) || errors.Is(err, errNoRoom)
}

// holder is what a source says of the object.
type holder struct {
	peer   peer.ID
	member bool
	size   int64
	list   []byte
}

// holders returns the sources that may know the digests, members first.
func (d *download) holders() []holder {
	d.mu.Lock()
	defer d.mu.Unlock()
	var out []holder
	for p, x := range d.sources {
		if x.size >= 0 && (d.req.Size < 0 || x.size == d.req.Size) && x.size <= d.req.Limit {
			out = append(out, holder{p, x.member, x.size, x.list})
		}
	}
	slices.SortStableFunc(out, func(a, b holder) int {
		switch {
		case a.member == b.member:
			return 0
		case a.member:
			return -1
		}
		return 1
	})
	return out
}

// errSource says that a source could not or would not give the digests.
var errSource = errors.New("source failed")

// learnFrom takes the digests that came with the map of a source, or asks it
// for them, or for the only chunk.
func (d *download) learnFrom(ctx context.Context, p peer.ID, size int64, list []byte) (*objectstore.Object, error) {
	ctx, cancel := context.WithTimeout(ctx, leavesTimeout)
	defer cancel()
	number, length := uint32(leavesNumber), dag.Leaves(size)*sha256.Size
	if d.root.Type() == cid.Raw {
		number, length = 0, int(size)
	}
	b, err := list, error(nil)
	if len(list) == 0 {
		b, err = readOne(ctx, d.s, p, d.root.Bytes(), number, length)
	}
	if errors.Is(err, errConvicted) {
		d.convict(p, err)
	}
	if err != nil {
		return nil, fmt.Errorf("%w: %w", errSource, err)
	}
	var o *objectstore.Object
	if d.root.Type() == cid.Raw {
		o, err = d.single(b)
	} else {
		var leaves []dag.Digest
		if leaves, err = objectstore.ParseLeaves(b, size); err == nil {
			o, err = d.beginObject(d.root, size, leaves)
		}
	}
	if errors.Is(err, dag.ErrMismatch) {
		d.convict(p, err)
		return nil, fmt.Errorf("%w: %s", errSource, err) //nolint:errorlint // another source may be honest: this mismatch must not end the download
	}
	return o, err
}

func (d *download) convict(p peer.ID, err error) {
	d.mu.Lock()
	if x := d.sources[p]; x != nil {
		d.drop(x)
	}
	d.mu.Unlock()
	d.s.peers.Strike(p, err.Error(), true)
}

// readOne asks for one frame on a stream of its own.
func readOne(ctx context.Context, s *Service, p peer.ID, root []byte, number uint32, length int) ([]byte, error) {
	stream, err := openChunks(ctx, s, p, root)
	if err != nil {
		return nil, err
	}
	defer func() { _ = stream.Reset() }()
	stop := context.AfterFunc(ctx, func() { _ = stream.Reset() })
	defer stop()
	if _, err := stream.Write(binary.LittleEndian.AppendUint32(nil, number)); err != nil {
		return nil, err
	}
	var header [frameHeader]byte
	for {
		if _, err := io.ReadFull(stream, header[:]); err != nil {
			return nil, err
		}
		got, n := readFrame(header[:])
		switch {
		case got == busyNumber && n == 0:
			continue
		case n == missingLength:
			return nil, errors.New("it does not have what it announced")
		case got != number || int64(n) != int64(length):
			return nil, fmt.Errorf("%w: expected frame %d of %d bytes, got %d of %d", errConvicted, number, length, got, n)
		}
		b := make([]byte, n)
		_, err := io.ReadFull(stream, b)
		return b, err
	}
}

// single begins and completes an object of one chunk.
func (d *download) single(b []byte) (*objectstore.Object, error) {
	if d.req.Size >= 0 && int64(len(b)) != d.req.Size {
		return nil, fmt.Errorf("%w: leaf %s: expected %d bytes, got %d", dag.ErrMismatch, d.root, d.req.Size, len(b))
	}
	if int64(len(b)) > d.req.Limit {
		return nil, fmt.Errorf("%w: expected at most %d bytes, got %d", dag.ErrTooLarge, d.req.Limit, len(b))
	}
	if sha256.Sum256(b) != dag.DigestOf(d.root) {
		return nil, fmt.Errorf("%w: the bytes don't match %s", dag.ErrMismatch, d.root)
	}
	o, err := d.beginObject(d.root, int64(len(b)), []dag.Digest{dag.DigestOf(d.root)})
	if err != nil {
		return nil, err
	}
	if err := o.Write(0, b); err != nil {
		o.Release()
		return nil, err
	}
	d.s.useful.Add(int64(len(b)))
	d.s.stored(d.root, 0)
	return o, nil
}

// learnByBlocks walks the inner nodes.
func (d *download) learnByBlocks(ctx context.Context) (*objectstore.Object, error) {
	blocks := d.req.Fallback(ctx)
	b, err := blocks.Block(ctx, d.root)
	if err != nil {
		return nil, err
	}
	size, err := dag.DeclaredSize(d.root, b, d.req.Limit)
	if err != nil {
		return nil, err
	}
	if d.req.Size >= 0 && size != d.req.Size {
		return nil, fmt.Errorf("%w: %s declares %d bytes, expected %d", dag.ErrMismatch, d.root, size, d.req.Size)
	}
	if d.root.Type() == cid.Raw {
		return d.single(b)
	}
	top, err := dag.Root(d.root, size)
	if err != nil {
		return nil, err
	}
	leaves, err := dag.Digests(top, func(c cid.Cid) ([]byte, error) {
		if c == d.root {
			return b, nil
		}
		return blocks.Block(ctx, c)
	})
	if err != nil {
		return nil, err
	}
	return d.beginObject(d.root, size, leaves)
}

// fallback gets by other protocols what no source has.
func (d *download) fallback() {
	select {
	case <-d.ctx.Done():
		return
	case <-d.whole:
		return
	case <-time.After(grace):
	}
	blocks := sync.OnceValue(func() Fallback { return d.req.Fallback(d.ctx) })
	for range fallbackBlocks {
		d.running.Go(func() {
			for {
				ctx, i, ok := d.takeForFallback()
				if ok {
					d.block(ctx, blocks(), i)
					continue
				}
				select {
				case <-d.ctx.Done():
					return
				case <-d.whole:
					return
				case <-time.After(lookInterval):
				}
			}
		})
	}
}

// takeForFallback chooses a missing chunk that no source was asked for, if
// there are no sources or they bring nothing: who waits for neighbours that
// fetch the object themselves must not ask all holders by another protocol.
func (d *download) takeForFallback() (context.Context, int, bool) {
	d.mu.Lock()
	defer d.mu.Unlock()
	if d.ctx.Err() != nil {
		return nil, 0, false
	}
	t := now()
	if !d.quiet(t) {
		return nil, 0, false
	}
	despair := t.Sub(d.last) > despairTime
	for i := range d.state {
		if !d.held.Has(i) && d.falling[i] == nil && (d.state[i] == 0 || despair) {
			// A source that has it now may be asked all the same.
			ctx, cancel := context.WithTimeout(d.ctx, blockTimeout)
			d.falling[i] = cancel
			return ctx, i, true
		}
	}
	return nil, 0, false
}

// quiet says whether there are no sources, or neither chunks nor news come and
// none that was asked shows a sign of life: one that says it is busy is waited
// for. The caller holds the lock.
func (d *download) quiet(t time.Time) bool {
	if len(d.sources) == 0 || t.Sub(d.last) > despairTime {
		return true
	}
	if t.Sub(d.last) < quietTime || t.Sub(d.news) < quietTime {
		return false
	}
	for _, x := range d.sources {
		if len(x.asked) > 0 && x.silent(t) < quietTime {
			return false
		}
	}
	return true
}

// block gets one chunk.
func (d *download) block(ctx context.Context, blocks Fallback, i int) {
	defer func() {
		d.mu.Lock()
		defer d.mu.Unlock()
		d.falling[i]()
		delete(d.falling, i)
	}()
	c := dag.LeafCID(d.object.Leaves()[i])
	b, err := blocks.Block(ctx, c)
	if err != nil {
		return
	}
	if len(b) != dag.LeafSize(d.object.Size(), i) {
		d.cancel(fmt.Errorf("%w: leaf %s: expected %d bytes, got %d", dag.ErrMismatch, c, dag.LeafSize(d.object.Size(), i), len(b)))
		return
	}
	d.got(nil, i, b)
}
