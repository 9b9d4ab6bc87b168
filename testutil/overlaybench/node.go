package main

import (
	"context"
	"crypto/sha256"
	"errors"
	"fmt"
	"path/filepath"
	"slices"
	"time"

	"github.com/pold-network/pold/sidecar/swarm"
)

// maxObject admits every artefact of this program.
const maxObject = 8 << 30

// connectTimeout is how long nodes may take to find each other.
const connectTimeout = 2 * time.Minute

// nodeRole is a node of the overlay.
type nodeRole struct{ node *swarm.Node }

type openNode struct {
	Home     string
	Listen   []string
	Announce []string
}

func newNodeRole() role {
	r := new(nodeRole)
	return role{
		operations: map[string]operation{
			"open": operate(r.open), "add": operate(r.add), "peers": operate(r.peers), "members": operate(r.members), "download": operate(r.download),
			"hash": operate(r.hash), "remove": operate(r.remove),
		},
		close: func() error {
			if r.node == nil {
				return nil
			}
			return r.node.Close()
		},
	}
}

func (r *nodeRole) open(ctx context.Context, a openNode) (p swarm.PeerInfo, err error) {
	r.node, err = swarm.Open(ctx, swarm.Config{Home: a.Home, Listen: a.Listen, Announce: a.Announce, MaxObject: maxObject, LoopbackOnly: true})
	if err != nil {
		return p, err
	}
	return swarm.PeerInfo{PeerID: r.node.PeerID(), Addresses: r.node.Addresses()}, nil
}

// add stores a file and returns its CID.
func (r *nodeRole) add(ctx context.Context, path string) (string, error) {
	o, err := r.node.AddFile(ctx, path)
	return o.CID, err
}

// peers connects the node to all of a list.
func (r *nodeRole) peers(ctx context.Context, list []swarm.PeerInfo) (none, error) {
	if err := r.node.SetPeers(ctx, list); err != nil {
		return none{}, err
	}
	return none{}, connected(ctx, r.node, list)
}

// members tells the node who belongs to the network, without waiting for connections.
func (r *nodeRole) members(ctx context.Context, list []swarm.PeerInfo) (none, error) {
	return none{}, r.node.SetPeers(ctx, list)
}

// connected waits until a node has connections to all of a list.
func connected(ctx context.Context, n *swarm.Node, list []swarm.PeerInfo) error {
	ctx, cancel := context.WithTimeoutCause(ctx, connectTimeout, errors.New("the nodes did not find each other"))
	defer cancel()
	for {
		have := n.Connected()
		missing := slices.ContainsFunc(list, func(p swarm.PeerInfo) bool { return !slices.Contains(have, p.PeerID) })
		if !missing {
			return nil
		}
		select {
		case <-ctx.Done():
			return context.Cause(ctx)
		case <-time.After(10 * time.Millisecond):
		}
	}
}

// download gets an object and leaves it in the node's store, verified and pinned.
func (r *nodeRole) download(ctx context.Context, id string) (none, error) {
	_, err := r.node.Download(ctx, id, maxObject)
	return none{}, err
}

// hash returns the SHA-256 of a stored object.
func (r *nodeRole) hash(ctx context.Context, id string) (sum [32]byte, err error) {
	h := sha256.New()
	if err := r.node.Export(ctx, id, h); err != nil {
		return sum, err
	}
	return [32]byte(h.Sum(nil)), nil
}

func (r *nodeRole) remove(ctx context.Context, id string) (none, error) {
	if err := r.node.Remove(ctx, id); err != nil && !errors.Is(err, swarm.ErrNotFound) {
		return none{}, err
	}
	return none{}, nil
}

// ours moves artefacts between two nodes of the overlay.
type ours struct {
	pair
	cid    string
	sha256 [32]byte
}

// startOurs starts two nodes with stores under dir and connects them.
func startOurs(ctx context.Context, dir string, p *proxy) (_ *ours, err error) {
	both, err := startPair("node")
	if err != nil {
		return nil, err
	}
	defer func() {
		if err != nil {
			err = errors.Join(err, both.close())
		}
	}()
	port, err := freePort()
	if err != nil {
		return nil, err
	}
	dial, err := p.routePort(port)
	if err != nil {
		return nil, err
	}
	// The holder announces the address of the proxy, or its fetcher would hear of the straight way.
	at := swarm.PeerInfo{}
	open := openNode{Home: filepath.Join(dir, "holder"), Listen: []string{multiaddr(port)}, Announce: []string{multiaddr(dial)}}
	if err := both.holder.call(ctx, "open", open, &at); err != nil {
		return nil, err
	}
	from := swarm.PeerInfo{}
	if err := both.fetcher.call(ctx, "open", openNode{Home: filepath.Join(dir, "fetcher")}, &from); err != nil {
		return nil, err
	}
	// Both are members of the network, but the holder must not find the straight way: nobody listens at that address.
	from.Addresses = []string{multiaddr(1)}
	if err := both.holder.call(ctx, "members", []swarm.PeerInfo{from}, nil); err != nil {
		return nil, err
	}
	return &ours{pair: both}, both.fetcher.call(ctx, "peers", []swarm.PeerInfo{at}, nil)
}

func multiaddr(port int) string { return fmt.Sprintf("/ip4/127.0.0.1/tcp/%d", port) }

func (o *ours) hold(ctx context.Context, a artefact) error {
	o.sha256 = a.sha256
	return o.holder.call(ctx, "add", a.path, &o.cid)
}

func (o *ours) fetch(ctx context.Context) error {
	return o.fetcher.call(ctx, "download", o.cid, nil)
}

// verify hashes what the fetcher has.
func (o *ours) verify(ctx context.Context) error {
	var got [32]byte
	if err := o.fetcher.call(ctx, "hash", o.cid, &got); err != nil {
		return err
	}
	if got != o.sha256 {
		return fmt.Errorf("expected an object with SHA-256 %x, got %x", o.sha256, got)
	}
	return nil
}

func (o *ours) forget(ctx context.Context) error {
	return o.fetcher.call(ctx, "remove", o.cid, nil)
}
