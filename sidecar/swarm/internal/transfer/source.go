package transfer

import (
	"bufio"
	"context"
	"crypto/sha256"
	"encoding/binary"
	"errors"
	"fmt"
	"io"
	"sync"
	"sync/atomic"
	"time"

	"github.com/libp2p/go-libp2p/core/network"
	"github.com/libp2p/go-libp2p/core/peer"

	"github.com/pold-network/pold/sidecar/swarm/internal/dag"
	"github.com/pold-network/pold/sidecar/swarm/internal/objectstore"
)

const (
	// The only source is asked for loneWindow chunks at first, one of several
	// for firstWindow, and from then on for as many as come within the target.
	loneWindow  = 32
	firstWindow = 4
	minWindow   = 2
	maxWindow   = 64
	quickAnswer = 400 * time.Millisecond
	slowAnswer  = 800 * time.Millisecond
	// pipes is how many streams carry the chunks of one source at most, one
	// for every perPipe chunks that it is asked for: one chunk arrives while
	// another is hashed and stored, and on long ways each stream adds to what
	// may be under way.
	pipes   = 16
	perPipe = 2
	// stallTime is how long a source may be silent while it is asked: neither a
	// frame nor signSize bytes of one arrive.
	stallTime = 4 * time.Second
	signSize  = 16 << 10
	// A source that was silent is left alone this long, doubled each time.
	firstPause = time.Second
	maxPause   = 30 * time.Second
	// maxLies is how many chunks a source may announce and not have.
	maxLies = 3
	// maxBusy is how many more times than once in busyInterval a source may
	// say that it is busy: what was held up on the way comes at once.
	maxBusy = 256
)

// source is a neighbour that holds chunks of the object of a download. What is
// not said otherwise is guarded by the download's lock.
type source struct {
	d    *download
	peer peer.ID

	size  int64
	have  objectstore.Bits
	forms []objectstore.Form
	list  []byte // the digests of the chunks, until the object is begun

	asked   map[int]asking // chunks it was asked for
	window  int
	service time.Duration // between two chunks while more are asked; 0: not known
	arrived time.Time     // the last chunk
	member  bool          // when it was met
	proven  bool          // it has sent a chunk since it was last left alone
	lies    int
	pause   time.Duration
	until   time.Time // left alone
	pipes   [pipes]*pipe

	active atomic.Int64 // time of the last sign of life, as sinceStart
}

// asking is a chunk that a source was asked for.
type asking struct {
	at   time.Time
	pipe int
	// next is the source that is asked once this one has let go of it, which
	// it was asked to at the time moved.
	next  *source
	moved time.Time
}

// pipe is one stream to a source.
type pipe struct {
	src    *source
	cancel context.CancelFunc

	mu   sync.Mutex
	out  []byte         // requests to be written
	due  map[uint32]int // answers that are to come, one for each request
	wake chan struct{}
}

// ask requests chunks; the caller holds the download's lock.
func (x *source) ask(numbers []int) {
	t := now()
	if len(x.asked) == 0 {
		x.active.Store(sinceStart(t))
		x.arrived = t
	}
	for _, i := range numbers {
		n := x.freest()
		x.asked[i] = asking{at: t, pipe: n}
		x.d.state[i]++
		x.pipe(n).put(uint32(i))
	}
}

// freest returns the stream on which the fewest chunks are to come: streams
// differ in how much may be under way on them.
func (x *source) freest() int {
	var load [pipes]int
	for _, a := range x.asked {
		load[a.pipe]++
	}
	best := 0
	for n := range min(pipes, max(1, x.window/perPipe)) {
		if load[n] < load[best] {
			best = n
		}
	}
	return best
}

// takeBack cancels a request whose chunk has come from elsewhere; the caller
// holds the download's lock.
func (x *source) takeBack(i int) {
	a, ok := x.asked[i]
	if !ok {
		return
	}
	delete(x.asked, i)
	x.d.state[i]--
	if a.next == nil {
		x.cancel(a, i)
	}
}

// handOver asks the source to let go of a chunk, which next is asked for once
// it has: what is on its way already is not sent twice. The caller holds the
// download's lock.
func (x *source) handOver(i int, next *source) {
	a := x.asked[i]
	x.cancel(a, i)
	a.next, a.moved = next, now()
	x.asked[i] = a
}

func (x *source) cancel(a asking, i int) {
	if p := x.pipes[a.pipe]; p != nil {
		p.put(uint32(i) | cancelBit)
	}
}

// pipe returns stream n, which is opened when it is not there.
func (x *source) pipe(n int) *pipe {
	if x.pipes[n] == nil {
		ctx, cancel := context.WithCancel(x.d.ctx)
		p := &pipe{src: x, cancel: cancel, due: make(map[uint32]int), wake: make(chan struct{}, 1)}
		x.pipes[n] = p
		x.d.running.Go(func() { p.run(ctx) })
	}
	return x.pipes[n]
}

// put queues a number to be written.
func (p *pipe) put(number uint32) {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.out = binary.LittleEndian.AppendUint32(p.out, number)
	if number&cancelBit == 0 {
		p.due[number]++
	}
	select {
	case p.wake <- struct{}{}:
	default:
	}
}

// isDue takes note of an answer and says whether one was to come. A request
// that was taken back is answered as well.
func (p *pipe) isDue(number uint32) bool {
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.due[number] == 0 {
		return false
	}
	if p.due[number]--; p.due[number] == 0 {
		delete(p.due, number)
	}
	return true
}

func (p *pipe) run(ctx context.Context) {
	defer p.cancel()
	d := p.src.d
	stream, err := openChunks(ctx, d.s, p.src.peer, d.root.Bytes())
	if err != nil {
		d.failed(p, err)
		return
	}
	defer func() { _ = stream.Reset() }()
	stop := context.AfterFunc(ctx, func() { _ = stream.Reset() })
	defer stop()
	d.running.Go(func() { p.write(ctx, stream) })
	d.failed(p, p.read(stream))
}

// openChunks opens a stream for chunks and names the object.
func openChunks(ctx context.Context, s *Service, p peer.ID, root []byte) (network.Stream, error) {
	ctx, cancel := context.WithTimeout(ctx, linkTimeout)
	defer cancel()
	stream, err := s.host.NewStream(network.WithNoDial(ctx, "only from neighbours"), p, ChunkProtocol)
	if err != nil {
		return nil, err
	}
	_ = stream.SetWriteDeadline(time.Now().Add(linkTimeout))
	if _, err := stream.Write(root); err != nil {
		_ = stream.Reset()
		return nil, err
	}
	return stream, nil
}

// write sends the queued numbers.
func (p *pipe) write(ctx context.Context, stream network.Stream) {
	for {
		select {
		case <-ctx.Done():
			return
		case <-p.wake:
		}
		p.mu.Lock()
		b := p.out
		p.out = nil
		p.mu.Unlock()
		_ = stream.SetWriteDeadline(time.Now().Add(linkTimeout))
		if _, err := stream.Write(b); err != nil {
			p.cancel()
			return
		}
	}
}

// errConvicted ends a stream whose sender can't be honest.
var errConvicted = errors.New("the peer sends what it can't honestly send")

// read takes frames until the stream ends.
func (p *pipe) read(stream network.Stream) error {
	d := p.src.d
	r := bufio.NewReaderSize(stream, signSize)
	var header [frameHeader]byte
	began, busy := now(), 0
	for {
		if _, err := io.ReadFull(r, header[:]); err != nil {
			return err
		}
		p.src.active.Store(sinceStart(now()))
		number, length := readFrame(header[:])
		switch {
		case number == busyNumber && length == 0:
			if busy++; busy > maxBusy+int(now().Sub(began)/busyInterval) {
				return fmt.Errorf("%w: says %d times that it is busy", errConvicted, busy)
			}
			continue
		case int64(number) >= int64(len(d.object.Leaves())):
			return fmt.Errorf("%w: chunk %d of %d", errConvicted, number, len(d.object.Leaves()))
		case !p.isDue(number):
			return fmt.Errorf("%w: chunk %d, which nobody has asked for", errConvicted, number)
		case length == missingLength:
			d.missing(p.src, int(number))
			continue
		case length == takenLength:
			d.taken(p.src, int(number))
			continue
		case length != uint32(dag.LeafSize(d.object.Size(), int(number))):
			return fmt.Errorf("%w: chunk %d of %d bytes", errConvicted, number, length)
		}
		if err := p.chunk(r, int(number), int(length)); err != nil {
			return err
		}
	}
}

// chunk reads, checks and stores one chunk.
func (p *pipe) chunk(r io.Reader, i, length int) error {
	d := p.src.d
	buf := dag.GetBuffer()
	defer dag.PutBuffer(buf)
	b := buf[:length]
	for rest := b; len(rest) > 0; {
		slice := rest[:min(len(rest), signSize)]
		if _, err := io.ReadFull(r, slice); err != nil {
			return err
		}
		p.src.active.Store(sinceStart(now()))
		rest = rest[len(slice):]
	}
	if sha256.Sum256(b) != d.object.Leaves()[i] {
		return fmt.Errorf("%w: chunk %d does not match its digest", errConvicted, i)
	}
	d.got(p.src, i, b)
	return nil
}

// silent says how long nothing has come while something is asked.
func (x *source) silent(t time.Time) time.Duration {
	if len(x.asked) == 0 {
		return 0
	}
	return time.Duration(sinceStart(t) - x.active.Load())
}

// answered adapts to a chunk that came after the given time.
func (x *source) answered(t time.Time, latency time.Duration) {
	if gap := t.Sub(x.arrived); x.service == 0 {
		x.service = gap
	} else {
		x.service += (gap - x.service) / 4
	}
	x.arrived = t
	switch {
	case latency < quickAnswer && x.window < maxWindow:
		x.window++
	case latency > slowAnswer && x.window > minWindow:
		x.window--
	}
	x.lies, x.proven = 0, true
	// A chunk now and then does not buy back the trust that was lost.
	if x.pause /= 2; x.pause < firstPause {
		x.pause = 0
	}
}

// expected is when the source is likely to have answered another request.
func (x *source) expected() time.Duration {
	service := x.service
	if service == 0 {
		service = 100 * time.Millisecond
	}
	return service * time.Duration(len(x.asked)+1)
}

// close ends the streams; the caller holds the download's lock.
func (x *source) close() {
	for i, p := range x.pipes {
		if p != nil {
			p.cancel()
			x.pipes[i] = nil
		}
	}
}
