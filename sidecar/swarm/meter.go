package swarm

import (
	"strings"
	"sync/atomic"
	"time"

	"github.com/libp2p/go-libp2p/core/metrics"
	"github.com/libp2p/go-libp2p/core/peer"
	"github.com/libp2p/go-libp2p/core/protocol"
)

// meter counts the bytes that arrive on bitswap streams. A download on a slow
// link uses it to tell "a large block is on its way" from "nothing happens".
// It keeps no rates, so it needs no background work.
type meter struct {
	received atomic.Int64
}

// Received returns how many bytes of blocks have arrived since the start.
func (n *Node) Received() int64 { return n.meter.received.Load() }

func (m *meter) LogRecvMessageStream(n int64, proto protocol.ID, _ peer.ID) {
	if strings.HasPrefix(string(proto), "/ipfs/bitswap") {
		m.received.Add(n)
	}
}

func (*meter) LogSentMessage(int64)                                  {}
func (*meter) LogRecvMessage(int64)                                  {}
func (*meter) LogSentMessageStream(int64, protocol.ID, peer.ID)      {}
func (*meter) GetBandwidthForPeer(peer.ID) (s metrics.Stats)         { return s }
func (*meter) GetBandwidthForProtocol(protocol.ID) (s metrics.Stats) { return s }
func (*meter) GetBandwidthTotals() (s metrics.Stats)                 { return s }
func (*meter) GetBandwidthByPeer() map[peer.ID]metrics.Stats         { return nil }
func (*meter) GetBandwidthByProtocol() map[protocol.ID]metrics.Stats { return nil }
func (*meter) Reset()                                                {}
func (*meter) TrimIdle(time.Time)                                    {}
