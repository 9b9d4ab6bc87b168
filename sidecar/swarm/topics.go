package swarm

import (
	"strings"

	pubsub "github.com/libp2p/go-libp2p-pubsub"
	pubsubpb "github.com/libp2p/go-libp2p-pubsub/pb"
	"github.com/libp2p/go-libp2p/core/peer"
)

// topicFilter ignores what others subscribe to outside of this network, so
// that nobody fills the memory with names.
type topicFilter struct{ prefix, suffix string }

// topicsOf makes a filter from the topic of the empty kind.
func topicsOf(empty string) topicFilter {
	prefix, suffix, _ := strings.Cut(empty, "//")
	return topicFilter{prefix + "/", "/" + suffix}
}

// CanSubscribe says whether a topic belongs to this network.
func (f topicFilter) CanSubscribe(topic string) bool {
	kind, ok := strings.CutPrefix(topic, f.prefix)
	kind, is := strings.CutSuffix(kind, f.suffix)
	return ok && is && kind != "" && !strings.Contains(kind, "/")
}

// FilterIncomingSubscriptions keeps the topics of this network.
func (f topicFilter) FilterIncomingSubscriptions(_ peer.ID, subscriptions []*pubsubpb.RPC_SubOpts) ([]*pubsubpb.RPC_SubOpts, error) {
	return pubsub.FilterSubscriptions(subscriptions, f.CanSubscribe), nil
}
