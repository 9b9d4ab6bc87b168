package transfer

import (
	"bytes"
	"context"
	"errors"
	"io"
	"runtime"
	"testing"
	"time"

	"github.com/libp2p/go-libp2p/core/peer"
	"github.com/stretchr/testify/require"

	"github.com/pold-network/pold/sidecar/swarm/internal/dag"
	"github.com/pold-network/pold/sidecar/swarm/internal/objectstore"
)

// verdict is what becomes of a faulty peer.
type verdict int

const (
	tolerated verdict = iota // it may be slow, or unlucky
	struck
	convicted // it can't be honest
)

// errEnded ends an answer.
var errEnded = errors.New("the actor ends the stream")

// fault is a way in which the holder of an object fails.
type fault struct {
	chunks  func(x sample) func(w io.Writer, number uint32) error
	mapOf   func(x sample) func(want *message) *message
	verdict verdict
	// silent: no chunk is ever asked of it.
	silent bool
}

// wrongly answers requests and nothing else.
func wrongly(x sample, answer func(w io.Writer, number uint32) error) func(io.Writer, uint32) error {
	return func(w io.Writer, number uint32) error {
		if number&cancelBit != 0 {
			return nil
		}
		return answer(w, number)
	}
}

func send(w io.Writer, b []byte) error { _, err := w.Write(b); return err }

func faults() map[string]fault {
	chunk := func(fn func(x sample, w io.Writer, number uint32) error) func(sample) func(io.Writer, uint32) error {
		return func(x sample) func(io.Writer, uint32) error {
			return wrongly(x, func(w io.Writer, number uint32) error { return fn(x, w, number) })
		}
	}
	maps := func(fn func(x sample, want *message) *message) func(sample) func(*message) *message {
		return func(x sample) func(*message) *message {
			return func(want *message) *message { return fn(x, want) }
		}
	}
	return map[string]fault{
		"it has none of what it announces": {chunks: chunk(func(_ sample, w io.Writer, number uint32) error {
			return send(w, frame(number, missingLength, nil))
		}), verdict: struck},
		"it never answers": {chunks: chunk(func(sample, io.Writer, uint32) error { return nil })},
		"it is busy for ever": {chunks: chunk(func(_ sample, w io.Writer, _ uint32) error {
			for range 5 {
				if err := send(w, frame(busyNumber, 0, nil)); err != nil {
					return err
				}
				time.Sleep(busyInterval)
			}
			return nil
		})},
		"it says that it is busy all the time": {chunks: chunk(func(_ sample, w io.Writer, _ uint32) error {
			for {
				if err := send(w, bytes.Repeat(frame(busyNumber, 0, nil), 4096)); err != nil {
					return err
				}
			}
		}), verdict: convicted},
		"it sends a byte from time to time": {chunks: chunk(func(x sample, w io.Writer, number uint32) error {
			b := frame(number, uint32(len(x.chunk(int(number)))), x.chunk(int(number)))
			for len(b) > 0 {
				if err := send(w, b[:1]); err != nil {
					return err
				}
				b = b[1:]
				time.Sleep(100 * time.Millisecond)
			}
			return nil
		})},
		"it ends every stream": {chunks: chunk(func(sample, io.Writer, uint32) error { return errEnded })},
		"it ends every stream in a chunk": {chunks: chunk(func(x sample, w io.Writer, number uint32) error {
			return errors.Join(send(w, frame(number, dag.ChunkSize, x.chunk(0)[:1000])), errEnded)
		})},
		"it sends wrong bytes": {chunks: chunk(func(x sample, w io.Writer, number uint32) error {
			b := bytes.Clone(x.chunk(int(number)))
			b[len(b)-1] ^= 1
			return send(w, frame(number, uint32(len(b)), b))
		}), verdict: convicted},
		"it sends another chunk under the number": {chunks: chunk(func(x sample, w io.Writer, number uint32) error {
			b := x.chunk((int(number) + 1) % (len(x.leaves) - 1))
			return send(w, frame(number, uint32(len(b)), b))
		}), verdict: convicted},
		"it sends a chunk too short": {chunks: chunk(func(x sample, w io.Writer, number uint32) error {
			return send(w, frame(number, uint32(len(x.chunk(int(number))))-1, x.chunk(int(number))[1:]))
		}), verdict: convicted},
		"it says that a chunk is huge": {chunks: chunk(func(x sample, w io.Writer, number uint32) error {
			return send(w, frame(number, 1<<31, nil))
		}), verdict: convicted},
		"it sends chunks beyond the end": {chunks: chunk(func(x sample, w io.Writer, number uint32) error {
			return send(w, frame(uint32(len(x.leaves)), dag.ChunkSize, x.chunk(0)))
		}), verdict: convicted},
		"it sends digests that nobody asked for": {chunks: chunk(func(x sample, w io.Writer, _ uint32) error {
			list := objectstore.AppendLeaves(nil, x.leaves)
			return send(w, frame(leavesNumber, uint32(len(list)), list))
		}), verdict: convicted},
		"it sends good chunks twice": {chunks: chunk(func(x sample, w io.Writer, number uint32) error {
			return errors.Join(x.honest(w, number), x.honest(w, number))
		}), verdict: convicted},
		"it sends one good chunk for ever": {chunks: chunk(func(x sample, w io.Writer, number uint32) error {
			for {
				if err := x.honest(w, number); err != nil {
					return err
				}
			}
		}), verdict: convicted},
		"it sends what it was not asked for": {chunks: chunk(func(x sample, w io.Writer, number uint32) error {
			for i := range x.leaves { // one of them was asked for on another stream
				if err := x.honest(w, uint32(i)); err != nil {
					return err
				}
			}
			return nil
		}), verdict: convicted},
		"it takes back what nobody took back": {chunks: chunk(func(_ sample, w io.Writer, number uint32) error {
			for {
				if err := send(w, frame(number, takenLength, nil)); err != nil {
					return err
				}
			}
		}), verdict: convicted},
		"it sends wrong digests in its map": {mapOf: maps(func(x sample, want *message) *message {
			m := x.wholeMap(want)
			if m.leaves != nil {
				m.leaves[40] ^= 1
			}
			return m
		}), verdict: convicted, silent: true},
		"it sends digests in another order": {mapOf: maps(func(x sample, want *message) *message {
			m := x.wholeMap(want)
			if m.leaves != nil {
				m.leaves = objectstore.AppendLeaves(nil, append(x.leaves[1:len(x.leaves):len(x.leaves)], x.leaves[0]))
			}
			return m
		}), verdict: convicted, silent: true},
		"it declares a size too large": {mapOf: maps(func(x sample, want *message) *message {
			m := x.wholeMap(want)
			m.size++
			return m
		}), verdict: convicted, silent: true},
		"it declares a terabyte": {mapOf: maps(func(_ sample, want *message) *message {
			return &message{kind: msgMap, root: want.root, size: dag.MaxSize, have: objectstore.AllBits(dag.Leaves(dag.MaxSize))}
		}), verdict: convicted},
		"it has a chunk now and then not": {mapOf: func(x sample) func(*message) *message {
			flip := false
			return func(want *message) *message {
				if flip = !flip; flip {
					return x.wholeMap(want)
				}
				return &message{kind: msgMap, root: want.root, size: -1}
			}
		}},
	}
}

// await waits until the fault has shown.
func await(t *testing.T, n *node, a *actor, f fault) {
	t.Helper()
	switch {
	case f.verdict == convicted:
		eventually(t, "the conviction", func() bool { return n.peers.isFatal(a.host.ID()) })
	case f.verdict == struck:
		eventually(t, "a strike", func() bool { return len(n.peers.reasons(a.host.ID())) > 0 })
	case !f.silent:
		eventually(t, "a request", func() bool { a.mu.Lock(); defer a.mu.Unlock(); return a.asked > 0 })
	}
}

func (f fault) actor(t *testing.T, x sample) *actor {
	a := newActor(t)
	a.chunks = x.honest
	a.mapOf = x.wholeMap
	if f.chunks != nil {
		a.chunks = f.chunks(x)
	}
	if f.mapOf != nil {
		a.mapOf = f.mapOf(x)
	}
	return a
}

func TestAFaultyHolderBesideAnHonestOne(t *testing.T) {
	x := newSample(t, "faulty", 9*dag.ChunkSize+77)
	for name, f := range faults() {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			seeker, holder := newNode(t, 0), newNode(t, 0)
			holder.add(x.data, all)
			a := f.actor(t, x)
			cutOff(seeker)
			connect(t, seeker.host, a.host)
			type result struct {
				data []byte
				err  error
			}
			done := make(chan result, 1)
			go func() {
				data, err := seeker.download(within(t, time.Minute), x.root)
				done <- result{data, err}
			}()
			await(t, seeker, a, f)
			connect(t, seeker.host, holder.host)
			r := <-done
			require.NoError(t, r.err)
			require.True(t, bytes.Equal(x.data, r.data))
			require.Empty(t, seeker.peers.reasons(holder.host.ID()), "the honest one is not blamed")
			require.Equal(t, f.verdict == convicted, seeker.peers.isFatal(a.host.ID()))
			require.Equal(t, f.verdict != tolerated, len(seeker.peers.reasons(a.host.ID())) > 0, "%v", seeker.peers.reasons(a.host.ID()))
		})
	}
}

func TestAFaultyHolderAlone(t *testing.T) {
	x := newSample(t, "faulty", 9*dag.ChunkSize+77)
	patience := errors.New("the user waits no longer")
	run := func(t *testing.T, f fault) {
		seeker := newNode(t, 0)
		a := f.actor(t, x)
		cutOff(seeker)
		connect(t, seeker.host, a.host)
		ctx, cancel := context.WithCancelCause(t.Context())
		done := make(chan error, 1)
		go func() {
			o, err := seeker.service.Download(ctx, seeker.request(x.root))
			if err == nil {
				o.Release()
			}
			done <- err
		}()
		await(t, seeker, a, f)
		cancel(patience)
		if err := <-done; f.mapOf == nil || f.verdict == convicted {
			require.ErrorIs(t, err, patience)
		}
		require.False(t, seeker.service.Wants(x.root))
		eventually(t, "all streams for chunks to end", func() bool { return noStreams(seeker, a.host.ID(), ChunkProtocol) })
		seeker.service.Close()
		seeker.host.Close()
		a.host.Close()
	}
	run(t, fault{}) // starts what lives as long as the process
	before := settled()
	for name, f := range faults() {
		t.Run(name, func(t *testing.T) { run(t, f) })
	}
	defer func() {
		if t.Failed() {
			buf := make([]byte, 1<<20)
			t.Log(string(buf[:runtime.Stack(buf, true)]))
		}
	}()
	eventually(t, "all goroutines to end", func() bool { return runtime.NumGoroutine() <= before+2 })
}

// settled returns the number of goroutines once it no longer falls.
func settled() int {
	last := runtime.NumGoroutine()
	for still := 0; still < 5; {
		time.Sleep(50 * time.Millisecond)
		if n := runtime.NumGoroutine(); n < last {
			last, still = n, 0
		} else {
			still++
		}
	}
	return last
}

// cutOff disconnects peers that are convicted, as the node does.
func cutOff(n *node) {
	n.peers.mu.Lock()
	defer n.peers.mu.Unlock()
	n.peers.onFatal = func(p peer.ID) { go n.host.Network().ClosePeer(p) }
}

func (c *conduct) reasons(p peer.ID) []string {
	c.mu.Lock()
	defer c.mu.Unlock()
	return append([]string(nil), c.strikes[p]...)
}

// eventually waits for something that needs no fixed time; the limit only ends
// a test that would hang.
func eventually(t testing.TB, what string, done func() bool) {
	t.Helper()
	for end := time.Now().Add(time.Minute); time.Now().Before(end); time.Sleep(5 * time.Millisecond) {
		if done() {
			return
		}
	}
	t.Fatalf("waited in vain for: %s", what)
}

// noStreams says that nothing of the protocol is open between two hosts.
func noStreams(n *node, p peer.ID, protocol string) bool {
	for _, c := range n.host.Network().ConnsToPeer(p) {
		for _, s := range c.GetStreams() {
			if string(s.Protocol()) == protocol {
				return false
			}
		}
	}
	return true
}
