package swarm

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"net"
	"sync"
	"time"

	pubsub "github.com/libp2p/go-libp2p-pubsub"
	"github.com/libp2p/go-libp2p/core/peer"
)

const (
	// maxGossip bounds one message in bytes.
	maxGossip = 64 << 10
	// maxTopics bounds the topics of one peer that this node keeps track of.
	maxTopics = 64
	// appScale stretches the distance of a peer's score from that of an
	// unknown guest to the range of gossip scores.
	appScale = 40

	// Below these gossip scores a peer gets no gossip, no messages, no hearing.
	gossipThreshold   = -10
	publishThreshold  = -20
	graylistThreshold = -40
)

// verdict is what a validator thinks of a message.
type verdict int

const (
	// accept hands the message to the handler and on to others.
	accept verdict = iota
	// ignore drops it without blame: late, or too many.
	ignore
	// reject drops it and blames whoever passed it on: a peer that checked it
	// would not have.
	reject
)

// gossip spreads small signed messages to all nodes of the network.
type gossip struct {
	node   *Node
	pubsub *pubsub.PubSub
	log    *slog.Logger

	mu     sync.Mutex
	topics map[string]*pubsub.Topic
}

// topicName returns the topic of a kind of message, such as "peers".
func (n *Node) topicName(kind string) string {
	if n.cfg.Network == "" {
		return dhtPrefix + "/" + kind + "/1"
	}
	return dhtPrefix + "/" + n.cfg.Network + "/" + kind + "/1"
}

// newGossip starts gossipsub; it ends with the node.
func newGossip(n *Node) (*gossip, error) {
	params := &pubsub.PeerScoreParams{
		SkipAtomicValidation: true,
		AppSpecificScore:     n.gossipScore,
		AppSpecificWeight:    1,
		// Machines at home share an address; a hundred identities do not.
		IPColocationFactorThreshold: 8,
		IPColocationFactorWeight:    -1,
		IPColocationFactorWhitelist: loopbackNets(),
		BehaviourPenaltyWeight:      -1,
		BehaviourPenaltyThreshold:   6,
		BehaviourPenaltyDecay:       0.9,
		DecayInterval:               10 * time.Second,
		DecayToZero:                 0.01,
		RetainScore:                 10 * time.Minute,
		Topics:                      make(map[string]*pubsub.TopicScoreParams),
	}
	ps, err := pubsub.NewGossipSub(n.ctx, n.host,
		pubsub.WithMessageSignaturePolicy(pubsub.StrictSign),
		// Own messages go to all who listen: the first must not wait for a mesh.
		pubsub.WithFloodPublish(true),
		pubsub.WithMaxMessageSize(maxGossip+4<<10), // and the envelope
		pubsub.WithSubscriptionFilter(pubsub.WrapLimitSubscriptionFilter(topicsOf(n.topicName("")), maxTopics)),
		pubsub.WithPeerScore(params, &pubsub.PeerScoreThresholds{
			SkipAtomicValidation: true,
			GossipThreshold:      gossipThreshold, PublishThreshold: publishThreshold, GraylistThreshold: graylistThreshold,
		}))
	if err != nil {
		return nil, fmt.Errorf("start gossip: %w", err)
	}
	return &gossip{node: n, pubsub: ps, log: n.log, topics: make(map[string]*pubsub.Topic)}, nil
}

// gossipScore is 0 for an unknown guest, up to 30 for the best member, and
// -10, the threshold, for a guest that has done nothing but harm.
func (n *Node) gossipScore(p peer.ID) float64 { return (n.scores.score(p) - neutral/2) * appScale }

func loopbackNets() []*net.IPNet {
	return []*net.IPNet{
		{IP: net.IPv4(127, 0, 0, 0).To4(), Mask: net.CIDRMask(8, 32)},
		{IP: net.IPv6loopback, Mask: net.CIDRMask(128, 128)},
	}
}

// topic joins a topic once.
func (g *gossip) topic(name string) (*pubsub.Topic, error) {
	g.mu.Lock()
	defer g.mu.Unlock()
	if t, ok := g.topics[name]; ok {
		return t, nil
	}
	t, err := g.pubsub.Join(name)
	if err != nil {
		return nil, fmt.Errorf("gossip topic %s: %w", name, err)
	}
	err = t.SetScoreParams(&pubsub.TopicScoreParams{
		SkipAtomicValidation:           true,
		TopicWeight:                    1,
		TimeInMeshQuantum:              time.Second, // of weight 0, but divided by
		InvalidMessageDeliveriesWeight: -1,          // squared; strikes ban before this does
		InvalidMessageDeliveriesDecay:  0.95,
	})
	if err != nil {
		return nil, fmt.Errorf("gossip topic %s: %w", name, err)
	}
	g.topics[name] = t
	return t, nil
}

// publish sends data, signed by this node, to all subscribers of a topic (see
// topicName). It does not wait for anybody to receive it, and nobody may when
// the topic is a second old; what matters has to be repeated.
func (n *Node) publish(topic string, data []byte) error {
	if len(data) > maxGossip {
		return fmt.Errorf("gossip topic %s: expected at most %d bytes, got %d", topic, maxGossip, len(data))
	}
	t, err := n.gossip.topic(topic)
	if err != nil {
		return err
	}
	if err := t.Publish(n.ctx, data); err != nil {
		return fmt.Errorf("gossip topic %s: %w", topic, err)
	}
	return nil
}

// subscribe calls handle, one at a time, for each message of a topic that
// validate accepts, until the node closes. Author is who signed the message;
// own messages are left out. Both functions must be quick, and validate safe
// for concurrent use.
func (n *Node) subscribe(topic string, validate func(author peer.ID, data []byte) verdict, handle func(author peer.ID, data []byte)) error {
	t, err := n.gossip.topic(topic)
	if err != nil {
		return err
	}
	self := n.host.ID()
	err = n.gossip.pubsub.RegisterTopicValidator(topic, func(_ context.Context, via peer.ID, m *pubsub.Message) pubsub.ValidationResult {
		if m.GetFrom() == self {
			if via == self {
				return pubsub.ValidationAccept
			}
			return pubsub.ValidationIgnore
		}
		v := reject
		if len(m.Data) <= maxGossip {
			v = validate(m.GetFrom(), m.Data)
		}
		switch v {
		case accept:
			return pubsub.ValidationAccept
		case ignore:
			return pubsub.ValidationIgnore
		}
		n.scores.strike(via, "it passed on an invalid message of "+topic)
		return pubsub.ValidationReject
	}, pubsub.WithValidatorInline(true))
	if err != nil {
		return fmt.Errorf("gossip topic %s: %w", topic, err)
	}
	messages, err := t.Subscribe()
	if err != nil {
		return fmt.Errorf("gossip topic %s: %w", topic, err)
	}
	n.background(func() {
		defer messages.Cancel()
		for {
			m, err := messages.Next(n.ctx)
			if err != nil {
				if n.ctx.Err() == nil && !errors.Is(err, pubsub.ErrSubscriptionCancelled) {
					n.log.Warn("gossip ended", "topic", topic, "cause", err)
				}
				return
			}
			if m.GetFrom() != self {
				handle(m.GetFrom(), m.Data)
			}
		}
	})
	return nil
}
