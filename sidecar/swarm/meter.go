package swarm

import (
	"strings"
	"sync/atomic"
	"time"

	"github.com/libp2p/go-libp2p/core/metrics"
	"github.com/libp2p/go-libp2p/core/peer"
	"github.com/libp2p/go-libp2p/core/protocol"

	"github.com/pold-network/pold/sidecar/swarm/internal/transfer"
)

// Traffic is what a node has exchanged since its start, in bytes.
type Traffic struct {
	// Received and Sent are those of all streams.
	Received, Sent int64
	// Useful and Duplicate are chunks that were needed, and chunks that came
	// although they were here already.
	Useful, Duplicate int64
}

// Traffic returns what the node has exchanged since its start.
func (n *Node) Traffic() Traffic {
	return Traffic{
		Received: n.meter.all.Load(), Sent: n.meter.sent.Load(),
		Useful: n.transfer.Useful(), Duplicate: n.transfer.Duplicate(),
	}
}

// Received returns how many bytes of objects have arrived since the start; a
// download on a slow link is told by it from one that waits.
func (n *Node) Received() int64 { return n.meter.objects.Load() }

// meter counts bytes. It keeps no rates, so it needs no background work.
type meter struct {
	objects, all, sent atomic.Int64
}

func (m *meter) LogRecvMessageStream(n int64, proto protocol.ID, _ peer.ID) {
	m.all.Add(n)
	if proto == transfer.ChunkProtocol || strings.HasPrefix(string(proto), "/ipfs/bitswap") {
		m.objects.Add(n)
	}
}

func (m *meter) LogSentMessageStream(n int64, _ protocol.ID, _ peer.ID) { m.sent.Add(n) }

func (*meter) LogSentMessage(int64)                                  {}
func (*meter) LogRecvMessage(int64)                                  {}
func (*meter) GetBandwidthForPeer(peer.ID) (s metrics.Stats)         { return s }
func (*meter) GetBandwidthForProtocol(protocol.ID) (s metrics.Stats) { return s }
func (*meter) GetBandwidthTotals() (s metrics.Stats)                 { return s }
func (*meter) GetBandwidthByPeer() map[peer.ID]metrics.Stats         { return nil }
func (*meter) GetBandwidthByProtocol() map[protocol.ID]metrics.Stats { return nil }
func (*meter) Reset()                                                {}
func (*meter) TrimIdle(time.Time)                                    {}
