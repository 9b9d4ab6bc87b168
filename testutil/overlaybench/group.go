package main

import (
	"context"
	"crypto/sha256"
	"errors"
	"fmt"
	"math/rand/v2"
	"os"
	"path/filepath"
	"slices"

	"github.com/pold-network/pold/sidecar/swarm"
)

// group is nodes of the overlay in this process, whose upload is limited. Nodes that are neighbours are members of the network to each
// other.
type group struct {
	nodes []*swarm.Node
	cid   string // of the artefact
}

// openGroup opens nodes with stores under dir that upload at most limit bytes a second each, and connects neighbours.
func openGroup(ctx context.Context, dir string, neighbours [][]int, limit int64) (_ *group, err error) {
	g := new(group)
	defer func() {
		if err != nil {
			err = errors.Join(err, g.close())
		}
	}()
	infos := make([]swarm.PeerInfo, len(neighbours))
	for i := range neighbours {
		n, err := swarm.Open(ctx, swarm.Config{
			Home: filepath.Join(dir, fmt.Sprintf("node-%d", i)), MaxObject: maxObject, UploadLimit: limit,
			LoopbackOnly: true, NoRelay: true, NoPortMapping: true,
		})
		if err != nil {
			return nil, err
		}
		g.nodes = append(g.nodes, n)
		infos[i] = swarm.PeerInfo{PeerID: n.PeerID(), Addresses: n.Addresses()}
	}
	// All know who is a member before anybody dials, and only one dials at a time: many handshakes at once take too long.
	for _, dial := range []bool{false, true} {
		for i, n := range g.nodes {
			var list []swarm.PeerInfo
			for _, k := range neighbours[i] {
				info := infos[k]
				if !dial {
					info.Addresses = nil
				}
				list = append(list, info)
			}
			if err := n.SetPeers(ctx, list); err != nil {
				return nil, err
			}
			if !dial {
				continue
			}
			if err := connected(ctx, n, list); err != nil {
				return nil, fmt.Errorf("node %d: %w", i, err)
			}
		}
	}
	return g, nil
}

// everybody makes n nodes the neighbours of all others.
func everybody(n int) [][]int {
	neighbours := make([][]int, n)
	for i := range neighbours {
		for k := range n {
			if k != i {
				neighbours[i] = append(neighbours[i], k)
			}
		}
	}
	return neighbours
}

// rings makes neighbours of n nodes that are next to each other in one of some rings in random order. Nobody has more than twice as many
// neighbours as there are rings, and a way leads from everybody to everybody.
func rings(n, count int, seed uint64) [][]int {
	draw := rand.New(rand.NewPCG(seed, 0))
	neighbours := make([][]int, n)
	meet := func(a, b int) {
		if a != b && !slices.Contains(neighbours[a], b) {
			neighbours[a], neighbours[b] = append(neighbours[a], b), append(neighbours[b], a)
		}
	}
	for range count {
		ring := draw.Perm(n)
		for i, a := range ring {
			meet(a, ring[(i+1)%n])
		}
	}
	return neighbours
}

func (g *group) close() error {
	ctx, cancel := context.WithTimeoutCause(context.Background(), transferTimeout, errors.New("closing the nodes took too long"))
	defer cancel()
	return each(ctx, len(g.nodes), func(_ context.Context, i int) error { return g.nodes[i].Close() })
}

func (g *group) hold(ctx context.Context, a artefact, holds func(node, chunk int) bool) (err error) {
	f, err := os.Open(a.path)
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, f.Close()) }()
	for i, n := range g.nodes {
		keep := func(chunk int) bool { return holds(i, chunk) }
		if !slices.ContainsFunc(a.chunks(), keep) {
			continue
		}
		o, err := n.AddPart(ctx, f, a.size, keep)
		if err != nil {
			return fmt.Errorf("node %d: %w", i, err)
		}
		g.cid = o.CID
	}
	return nil
}

func (g *group) fetch(ctx context.Context) error {
	return each(ctx, len(g.nodes), func(ctx context.Context, i int) error {
		_, err := g.nodes[i].Download(ctx, g.cid, maxObject)
		return err
	})
}

func (g *group) verify(ctx context.Context, a artefact) error {
	for i, n := range g.nodes {
		h := sha256.New()
		if err := n.Export(ctx, g.cid, h); err != nil {
			return fmt.Errorf("node %d: %w", i, err)
		}
		if got := [32]byte(h.Sum(nil)); got != a.sha256 {
			return fmt.Errorf("node %d: expected an object with SHA-256 %x, got %x", i, a.sha256, got)
		}
	}
	return nil
}

func (g *group) forget(ctx context.Context) error {
	for i, n := range g.nodes {
		if err := n.Remove(ctx, g.cid); err != nil {
			return fmt.Errorf("node %d: %w", i, err)
		}
	}
	return nil
}

func (g *group) traffic() ([]swarm.Traffic, error) {
	out := make([]swarm.Traffic, len(g.nodes))
	for i, n := range g.nodes {
		out[i] = n.Traffic()
	}
	return out, nil
}
