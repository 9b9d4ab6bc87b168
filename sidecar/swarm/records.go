package swarm

import (
	"context"
	"errors"
	"fmt"
	"sync"
	"time"

	"github.com/libp2p/go-libp2p/core/event"
	"github.com/libp2p/go-libp2p/core/peer"
	"github.com/libp2p/go-libp2p/core/record"
	"github.com/libp2p/go-libp2p/p2p/host/eventbus"
)

const (
	// peersKind is the topic on which nodes say where they are.
	peersKind = "peers"
	// recordInterval is how often a node repeats its record.
	recordInterval = time.Minute
	// recordPause is the least time between two records of one peer; more are
	// ignored.
	recordPause = 5 * time.Second
	// maxRecord bounds a record in bytes: MaxAddresses of them and a signature.
	maxRecord = 2 << 10
	// maxPaced bounds the authors whose pace is watched.
	maxPaced = 4096
)

// spreadRecords tells the network where this node is, once a minute and when
// that changes, and fills the book with the records of others.
func (n *Node) spreadRecords() error {
	pace := &pace{last: make(map[peer.ID]time.Time)}
	topic := n.topicName(peersKind)
	err := n.subscribe(topic, func(author peer.ID, data []byte) verdict {
		r, err := parseRecord(author, data)
		switch {
		case errors.Is(err, errClock):
			return ignore // the clock of who passed it on may differ from this one
		case err != nil:
			n.log.Debug("rejected a peer record", "author", author.String(), "cause", err)
			return reject
		case r.Seq <= n.peering.book.sequence(author) || !pace.allow(author, !n.members.isGuest(author)):
			return ignore
		}
		return accept
	}, func(author peer.ID, data []byte) {
		r, err := parseRecord(author, data)
		if err == nil && n.peering.book.add(author, r.Addrs, fromGossip, r.Seq) {
			n.peering.redialNow()
		}
	})
	if err != nil {
		return err
	}
	changes, err := n.host.EventBus().Subscribe(new(event.EvtLocalAddressesUpdated), eventbus.Name("pold-records"))
	if err != nil {
		return fmt.Errorf("follow the addresses of this node: %w", err)
	}
	n.background(func() {
		defer changes.Close()
		n.publishRecords(n.ctx, topic, changes.Out())
	})
	return nil
}

func (n *Node) publishRecords(ctx context.Context, topic string, changes <-chan any) {
	tick := time.NewTicker(recordInterval)
	defer tick.Stop()
	// The first record waits for somebody to hear it.
	soon := time.NewTicker(time.Second)
	defer soon.Stop()
	for {
		select {
		case <-ctx.Done():
			return
		case <-changes:
		case <-tick.C:
		case <-soon.C:
			if len(n.gossip.pubsub.ListPeers(topic)) == 0 {
				continue
			}
			soon.Stop()
		}
		if err := n.publishRecord(topic); err != nil && ctx.Err() == nil {
			n.log.Debug("peer record not published", "cause", err)
		}
	}
}

func (n *Node) publishRecord(topic string) error {
	addrs := announced(n.host.Addrs())
	if len(addrs) == 0 {
		return nil // nobody could do anything with it
	}
	envelope, err := record.Seal(peer.PeerRecordFromAddrInfo(peer.AddrInfo{ID: n.host.ID(), Addrs: addrs}), n.key)
	if err != nil {
		return err
	}
	data, err := envelope.Marshal()
	if err != nil {
		return err
	}
	return n.publish(topic, data)
}

// parseRecord checks a signed peer record: made by its author, with 1 to
// MaxAddresses addresses of this network.
func parseRecord(author peer.ID, data []byte) (*peer.PeerRecord, error) {
	if len(data) > maxRecord {
		return nil, fmt.Errorf("expected at most %d bytes, got %d", maxRecord, len(data))
	}
	r := new(peer.PeerRecord)
	envelope, err := record.ConsumeTypedEnvelope(data, r)
	if err != nil {
		return nil, err
	}
	switch {
	case r.PeerID != author || !author.MatchesPublicKey(envelope.PublicKey):
		return nil, errors.New("expected a record of its author")
	case len(r.Addrs) == 0 || len(r.Addrs) > MaxAddresses:
		return nil, fmt.Errorf("expected 1 to %d addresses, got %d", MaxAddresses, len(r.Addrs))
	case len(usable(r.Addrs)) != len(r.Addrs):
		return nil, errors.New("expected different addresses of this network")
	case r.Seq > maxSeq():
		return nil, errClock
	}
	return r, nil
}

var errClock = errors.New("expected a record of today")

// maxSeq is the greatest sequence number, which is a time in nanoseconds, that
// a clock may give; a greater one could never be replaced.
func maxSeq() uint64 { return uint64(time.Now().Add(24 * time.Hour).UnixNano()) }

// pace limits how often each author is heard.
type pace struct {
	mu   sync.Mutex
	last map[peer.ID]time.Time
}

// allow says whether an author is heard now. Where too many speak, members are
// heard all the same.
func (p *pace) allow(author peer.ID, member bool) bool {
	p.mu.Lock()
	defer p.mu.Unlock()
	now := time.Now()
	if now.Sub(p.last[author]) < recordPause {
		return false
	}
	if len(p.last) >= maxPaced {
		for id, at := range p.last {
			if now.Sub(at) >= recordPause {
				delete(p.last, id)
			}
		}
		if len(p.last) >= maxPaced {
			return member
		}
	}
	p.last[author] = now
	return true
}
