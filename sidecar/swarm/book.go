package swarm

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"slices"
	"sync"
	"time"

	"github.com/libp2p/go-libp2p/core/peer"
	ma "github.com/multiformats/go-multiaddr"

	"github.com/pold-network/pold/sidecar/atomicfile"
)

const (
	// maxBook bounds the peers that are known without being announced on chain.
	maxBook = 512
	// maxRemembered bounds those that the peers file keeps for the next run.
	maxRemembered = 64
	// A record of gossip that is not renewed is dropped after this.
	recordLife = time.Hour
	// An address that does not answer is tried again after bookRetry, then
	// after twice as long each time up to maxBookRetry.
	bookRetry    = 30 * time.Second
	maxBookRetry = 30 * time.Minute

	peersFileVersion = 1
)

// source is how a peer became known; of two the greater is kept when the book
// is full, because gossip is the cheapest to fake.
type source int

const (
	fromGossip source = iota
	fromNetwork
	fromMemory
)

// contact is one known peer.
type contact struct {
	id     peer.ID
	addrs  []ma.Multiaddr
	source source
	seq    uint64 // of the peer record, 0 without one
	seen   time.Time
	tried  time.Time
	failed int // dials in a row
}

// due says when the contact may be dialled.
func (c contact) due() time.Time {
	if c.failed == 0 {
		return c.tried
	}
	return c.tried.Add(min(bookRetry<<min(c.failed-1, 16), maxBookRetry))
}

// book knows where peers are that the chain does not announce: from the last
// run, from the local network and from gossip.
type book struct {
	mu       sync.Mutex
	contacts map[peer.ID]contact
}

func newBook() *book { return &book{contacts: make(map[peer.ID]contact)} }

// add notes where a peer is and says whether that was new. A record with a
// sequence number replaces only an older one.
func (b *book) add(id peer.ID, addrs []ma.Multiaddr, from source, seq uint64) bool {
	addrs = usable(addrs)
	b.mu.Lock()
	defer b.mu.Unlock()
	now := time.Now()
	old, had := b.contacts[id]
	if len(addrs) == 0 || had && seq > 0 && seq <= old.seq {
		return false
	}
	if !had && len(b.contacts) >= maxBook && !b.makeRoom(from, now) {
		return false
	}
	c := contact{id: id, addrs: addrs, source: max(from, old.source), seq: max(seq, old.seq), seen: now}
	if slices.EqualFunc(addrs, old.addrs, ma.Multiaddr.Equal) {
		c.tried, c.failed = old.tried, old.failed
	}
	b.contacts[id] = c
	return true
}

// makeRoom drops the contact of the least source that was seen longest ago,
// unless all are of a better source than the new one.
func (b *book) makeRoom(from source, now time.Time) bool {
	var worst *contact
	for id, c := range b.contacts {
		if c.source == fromGossip && now.Sub(c.seen) > recordLife {
			delete(b.contacts, id)
			continue
		}
		if worst == nil || c.source < worst.source || c.source == worst.source && c.seen.Before(worst.seen) {
			worst = &c
		}
	}
	if len(b.contacts) < maxBook {
		return true
	}
	if worst.source > from {
		return false
	}
	delete(b.contacts, worst.id)
	return true
}

// sequence returns the sequence number of the newest record of a peer.
func (b *book) sequence(id peer.ID) uint64 {
	b.mu.Lock()
	defer b.mu.Unlock()
	return b.contacts[id].seq
}

// candidates returns the contacts that may be dialled now.
func (b *book) candidates() []contact {
	b.mu.Lock()
	defer b.mu.Unlock()
	now := time.Now()
	var out []contact
	for id, c := range b.contacts {
		if c.source == fromGossip && now.Sub(c.seen) > recordLife {
			delete(b.contacts, id)
		} else if !now.Before(c.due()) {
			out = append(out, c)
		}
	}
	return out
}

// dialled notes how a dial went.
func (b *book) dialled(id peer.ID, err error) {
	b.mu.Lock()
	defer b.mu.Unlock()
	c, ok := b.contacts[id]
	if !ok {
		return
	}
	c.tried = time.Now()
	c.failed++
	if err == nil {
		c.failed = 0
	}
	b.contacts[id] = c
}

// peersFile is what a node remembers for its next start.
type peersFile struct {
	Version int         `json:"version"`
	Peers   []peerEntry `json:"peers"`
}

type peerEntry struct {
	PeerID    string   `json:"peer_id"`
	Addresses []string `json:"addresses"`
}

// load reads the peers file; without one there is nothing to remember.
func (b *book) load(path string) error {
	text, err := os.ReadFile(path)
	if errors.Is(err, fs.ErrNotExist) {
		return nil
	}
	if err != nil {
		return err
	}
	infos, err := parsePeersFile(text)
	if err != nil {
		return err
	}
	for _, info := range infos {
		b.add(info.ID, info.Addrs, fromMemory, 0)
	}
	return nil
}

func parsePeersFile(text []byte) ([]peer.AddrInfo, error) {
	var file peersFile
	dec := json.NewDecoder(bytes.NewReader(text))
	dec.DisallowUnknownFields()
	if err := dec.Decode(&file); err != nil {
		return nil, err
	}
	if file.Version != peersFileVersion {
		return nil, fmt.Errorf("expected version %d, got %d", peersFileVersion, file.Version)
	}
	if len(file.Peers) > maxRemembered {
		return nil, fmt.Errorf("expected at most %d peers, got %d", maxRemembered, len(file.Peers))
	}
	out := make([]peer.AddrInfo, 0, len(file.Peers))
	for _, e := range file.Peers {
		id, addrs, err := parsePeer(PeerInfo{PeerID: e.PeerID, Addresses: e.Addresses})
		if err != nil {
			return nil, err
		}
		out = append(out, peer.AddrInfo{ID: id, Addrs: addrs})
	}
	return out, nil
}

// savePeers writes the peers file.
func savePeers(path string, infos []peer.AddrInfo) error {
	file := peersFile{Version: peersFileVersion, Peers: []peerEntry{}}
	for _, info := range infos[:min(len(infos), maxRemembered)] {
		e := peerEntry{PeerID: info.ID.String()}
		for _, a := range info.Addrs {
			e.Addresses = append(e.Addresses, a.String())
		}
		file.Peers = append(file.Peers, e)
	}
	text, err := json.MarshalIndent(file, "", " ")
	if err != nil {
		return err
	}
	return atomicfile.Write(path, append(text, '\n'), 0o600)
}
