package transfer

import (
	"bytes"
	"fmt"
	"io"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/pold-network/pold/sidecar/swarm/internal/dag"
)

// stallers are ways to keep a chunk without sending it.
var stallers = map[string]func(x sample, w io.Writer, number uint32) error{
	"silent": func(sample, io.Writer, uint32) error { return nil },
	"busy": func(_ sample, w io.Writer, _ uint32) error {
		for range 20 {
			if err := send(w, frame(busyNumber, 0, nil)); err != nil {
				return err
			}
			time.Sleep(busyInterval)
		}
		return nil
	},
	"trickling": func(x sample, w io.Writer, number uint32) error {
		b := frame(number, uint32(len(x.chunk(int(number)))), x.chunk(int(number)))
		for len(b) > 0 {
			if err := send(w, b[:1]); err != nil {
				return err
			}
			b = b[1:]
			time.Sleep(time.Second)
		}
		return nil
	},
}

// Many that announce everything and send nothing don't keep a download from a
// holder that does, whether the network knows them or not.
func TestManyStallersBesideOneHolder(t *testing.T) {
	const count = 8
	for how, stall := range stallers {
		for _, chunks := range []int{1, 12} {
			for _, guests := range []bool{true, false} {
				t.Run(fmt.Sprintf("%s, %d chunks, guests %v", how, chunks, guests), func(t *testing.T) {
					t.Parallel()
					seeker, holder := newNode(t, 0), newNode(t, 0)
					x := newSample(t, t.Name(), chunks*dag.ChunkSize-9)
					holder.add(x.data, all)
					for range count {
						a := newActor(t)
						a.mapOf = x.wholeMap
						a.chunks = wrongly(x, func(w io.Writer, number uint32) error { return stall(x, w, number) })
						seeker.peers.guests[a.host.ID()] = guests
						connect(t, seeker.host, a.host)
					}
					connect(t, seeker.host, holder.host)
					began := time.Now()
					data, err := seeker.download(within(t, 2*time.Minute), x.root)
					require.NoError(t, err)
					require.True(t, bytes.Equal(x.data, data))
					t.Logf("took %s", time.Since(began).Round(time.Millisecond))
				})
			}
		}
	}
}

// A guest whose map comes first has the only chunk for a moment, not for longer
// than it takes to see that it sends nothing.
func TestAGuestThatIsFirstHoldsNobodyUp(t *testing.T) {
	t.Parallel()
	seeker, holder, a := newNode(t, 0), newNode(t, 0), newActor(t)
	x := newSample(t, t.Name(), 9936)
	holder.add(x.data, all)
	a.mapOf = x.wholeMap
	a.chunks = wrongly(x, func(w io.Writer, number uint32) error { return stallers["busy"](x, w, number) })
	seeker.peers.guests[a.host.ID()] = true
	connect(t, seeker.host, a.host)
	done := make(chan error, 1)
	go func() {
		r := seeker.request(x.root)
		r.Size = int64(len(x.data)) // as the chain tells
		o, err := seeker.service.Download(within(t, time.Minute), r)
		if err == nil {
			o.Release()
		}
		done <- err
	}()
	<-a.first
	connect(t, seeker.host, holder.host)
	require.NoError(t, <-done, "the guest is not waited for, although it says that it is busy")
}
