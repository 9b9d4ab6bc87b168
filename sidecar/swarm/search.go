package swarm

import (
	"cmp"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"slices"
	"strings"
	"sync"
	"time"

	"github.com/libp2p/go-libp2p/core/network"
	"github.com/libp2p/go-libp2p/core/peer"

	"github.com/pold-network/pold/sidecar/swarm/internal/dag"
)

const (
	searchProtocol = "/pold/search/1"
	searchTimeout  = 5 * time.Second
	// maxQuestion and maxAnswer bound the messages in bytes, maxFound the
	// objects in an answer, maxAsked the peers that one search asks.
	maxQuestion = 4 << 10
	maxAnswer   = 512 << 10
	maxFound    = 256
	maxAsked    = 32
	// maxSearches bounds the questions that are answered at a time, one of a
	// peer and half of them to guests.
	maxSearches = 16
)

// Found is an object that a search has found.
type Found struct {
	CID  string
	Size int64
	Card Card
	// Peers is how many nodes say that they hold it, Members how many of
	// those the chain knows.
	Peers, Members int
}

// question and answer are the messages of the protocol, as JSON.
type question struct {
	Tags []string `json:"tags"`
}

type answer struct {
	Objects []answered `json:"objects"`
}

type answered struct {
	CID  string   `json:"cid"`
	Size int64    `json:"size"`
	Kind string   `json:"kind"`
	Name string   `json:"name,omitempty"`
	Tags []string `json:"tags"`
}

// Search returns the objects that have all of the tags, those of announced
// nodes first, by kind, the newest first. It asks the nodes that the DHT names for the tags, and the
// connected ones, and waits some seconds at most.
func (n *Node) Search(ctx context.Context, tags ...string) ([]Found, error) {
	ctx, done, err := n.begin(ctx)
	if err != nil {
		return nil, err
	}
	defer done()
	if len(tags) == 0 || len(tags) > maxTags {
		return nil, fmt.Errorf("search: expected 1 to %d tags, got %d", maxTags, len(tags))
	}
	for i := range tags {
		if tags[i], err = NormalTag(tags[i]); err != nil {
			return nil, fmt.Errorf("search: %w", err)
		}
	}
	ctx, cancel := context.WithTimeout(ctx, searchTimeout)
	defer cancel()
	results := make(chan reply)
	var asking sync.WaitGroup
	asked := make(map[peer.ID]bool)
	ask := func(info peer.AddrInfo) {
		if asked[info.ID] || info.ID == n.host.ID() || len(asked) == maxAsked {
			return
		}
		asked[info.ID] = true
		asking.Go(func() {
			found, err := n.askPeer(ctx, info, tags)
			if err != nil {
				n.log.Debug("peer not searched", "peer", info.ID.String(), "cause", err)
			}
			results <- reply{info.ID, found}
		})
	}
	merged := make(map[string]*Found)
	merge := func(found []Found, member bool) {
		for _, f := range found {
			m := merged[f.CID]
			if m == nil {
				m = &f
				merged[f.CID] = m
			}
			m.Peers++
			if member {
				m.Members++
			}
		}
	}
	merge(n.described(tags, maxFound), false)
	go func() {
		defer close(results)
		// Those who have the rarest tag are enough: they filter by the others.
		for info := range n.routing.dht.FindProvidersAsync(ctx, n.tagRecord(tags[0]), maxAsked/2) {
			ask(info)
		}
		for _, p := range n.host.Network().Peers() {
			ask(peer.AddrInfo{ID: p})
		}
		asking.Wait()
	}()
	for r := range results {
		merge(r.found, n.isMember(r.from))
	}
	out := make([]Found, 0, len(merged))
	for _, f := range merged {
		out = append(out, *f)
	}
	slices.SortFunc(out, before)
	return out, nil
}

// before orders what a search has found: what nobody holds whom the chain knows
// comes last, anybody can claim to have that; then by kind, and within a kind
// round 12 before round 7.
func before(a, b Found) int {
	strange := func(f Found) int { return min(f.Members, 1) }
	return cmp.Or(cmp.Compare(strange(b), strange(a)), cmp.Compare(a.Card.Kind, b.Card.Kind), compareNumbered(b.Card.Name, a.Card.Name),
		cmp.Compare(b.Members, a.Members), cmp.Compare(b.Peers, a.Peers), cmp.Compare(a.CID, b.CID))
}

// compareNumbered compares two names, in which numbers count as such.
func compareNumbered(a, b string) int {
	for a != "" && b != "" {
		x, restA := numbered(a)
		y, restB := numbered(b)
		if c := cmp.Or(cmp.Compare(len(x), len(y)), cmp.Compare(x, y)); x != "" && y != "" && c != 0 {
			return c
		}
		if x == "" || y == "" {
			if c := cmp.Compare(a[0], b[0]); c != 0 {
				return c
			}
			restA, restB = a[1:], b[1:]
		}
		a, b = restA, restB
	}
	return cmp.Compare(len(a), len(b))
}

// numbered splits off the number at the beginning, without leading zeros.
func numbered(s string) (number, rest string) {
	rest = strings.TrimLeft(s, "0123456789")
	number = s[:len(s)-len(rest)]
	if number != "" {
		number = cmp.Or(strings.TrimLeft(number, "0"), "0")
	}
	return number, rest
}

type reply struct {
	from  peer.ID
	found []Found
}

// askPeer asks one peer; what it says that can't be true is left out.
func (n *Node) askPeer(ctx context.Context, info peer.AddrInfo, tags []string) ([]Found, error) {
	if n.host.Network().Connectedness(info.ID) != network.Connected {
		if err := n.routing.connect(ctx, info); err != nil {
			return nil, err
		}
	}
	stream, err := n.host.NewStream(ctx, info.ID, searchProtocol)
	if err != nil {
		return nil, err
	}
	defer func() { _ = stream.Reset() }()
	stop := context.AfterFunc(ctx, func() { _ = stream.Reset() })
	defer stop()
	if err := json.NewEncoder(stream).Encode(question{tags}); err != nil {
		return nil, err
	}
	if err := stream.CloseWrite(); err != nil {
		return nil, err
	}
	text, err := io.ReadAll(io.LimitReader(stream, maxAnswer))
	if err != nil {
		return nil, err
	}
	return parseAnswer(text, tags)
}

func parseAnswer(text []byte, tags []string) ([]Found, error) {
	var a answer
	if err := json.Unmarshal(text, &a); err != nil {
		return nil, err
	}
	var out []Found
	seen := make(map[string]bool)
	for _, x := range a.Objects[:min(len(a.Objects), maxFound)] {
		card, err := Card{Kind: x.Kind, Name: strings.ToValidUTF8(x.Name, ""), Tags: x.Tags}.normal()
		if err != nil || seen[x.CID] || slices.ContainsFunc(tags, func(t string) bool { return !slices.Contains(card.Tags, t) }) {
			continue
		}
		c, err := dag.ParseCID(x.CID)
		if err != nil {
			continue
		}
		if _, err := dag.Root(c, x.Size); err != nil {
			continue
		}
		seen[x.CID] = true
		out = append(out, Found{CID: x.CID, Size: x.Size, Card: card})
	}
	return out, nil
}

// answerSearches lets peers search what is kept here.
func (n *Node) answerSearches() {
	var mu sync.Mutex
	asking := make(map[peer.ID]bool) // true: a guest
	enter := func(p peer.ID, guest bool) bool {
		mu.Lock()
		defer mu.Unlock()
		guests := 0
		for _, g := range asking {
			if g {
				guests++
			}
		}
		if _, ok := asking[p]; ok || len(asking) == maxSearches || guest && guests == maxSearches/2 {
			return false
		}
		asking[p] = guest
		return true
	}
	n.host.SetStreamHandler(searchProtocol, func(stream network.Stream) {
		defer func() { _ = stream.Reset() }()
		p := stream.Conn().RemotePeer()
		// Who is slow to ask takes nobody's place.
		tags, err := readQuestion(stream)
		if err != nil {
			n.log.Debug("search not understood", "peer", p.String(), "cause", err)
			return
		}
		if !enter(p, n.members.isGuest(p)) {
			return // the peer asks others
		}
		defer func() {
			mu.Lock()
			defer mu.Unlock()
			delete(asking, p)
		}()
		if err := n.answerSearch(stream, tags); err != nil {
			n.log.Debug("search not answered", "peer", stream.Conn().RemotePeer().String(), "cause", err)
		}
	})
}

func readQuestion(stream network.Stream) ([]string, error) {
	if err := stream.SetReadDeadline(time.Now().Add(searchTimeout)); err != nil {
		return nil, err
	}
	text, err := io.ReadAll(io.LimitReader(stream, maxQuestion))
	if err != nil {
		return nil, err
	}
	var q question
	if err := json.Unmarshal(text, &q); err != nil {
		return nil, err
	}
	if len(q.Tags) == 0 || len(q.Tags) > maxTags {
		return nil, errors.New("no tags, or too many")
	}
	return q.Tags, nil
}

func (n *Node) answerSearch(stream network.Stream, tags []string) error {
	if err := stream.SetWriteDeadline(time.Now().Add(searchTimeout)); err != nil {
		return err
	}
	a := answer{Objects: []answered{}}
	for _, f := range n.described(tags, maxFound) {
		a.Objects = append(a.Objects, answered{f.CID, f.Size, f.Card.Kind, f.Card.Name, f.Card.Tags})
	}
	if err := json.NewEncoder(stream).Encode(a); err != nil {
		return err
	}
	return stream.CloseWrite()
}
