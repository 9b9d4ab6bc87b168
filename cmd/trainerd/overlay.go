package main

import (
	"context"
	"fmt"
	"log/slog"
	"math"
	"os"
	"path/filepath"

	"github.com/spf13/cobra"

	"github.com/pold-network/pold/sidecar/swarm"
	attestationtypes "github.com/pold-network/pold/x/attestation/types"
	trainingsettypes "github.com/pold-network/pold/x/trainingset/types"
)

// overlayFlags say how the swarm node is reached.
type overlayFlags struct {
	home     string
	listen   []string
	announce []string
}

func (f *overlayFlags) add(cmd *cobra.Command) {
	cmd.Flags().StringVar(&f.home, "home", defaultHome(), "folder of the overlay identity, the stored files and the journals")
	cmd.Flags().StringSliceVar(&f.listen, "p2p-listen", []string{"/ip4/127.0.0.1/tcp/0"}, "multiaddr to listen on; repeatable")
	cmd.Flags().StringSliceVar(&f.announce, "p2p-announce", nil, "multiaddr to announce instead, when behind a forwarded port; repeatable")
}

func (f *overlayFlags) open(ctx context.Context, log *slog.Logger) (*overlay, error) {
	node, err := swarm.Open(ctx, swarm.Config{Home: filepath.Join(f.home, "swarm"), Listen: f.listen, Announce: f.announce, Logger: log})
	if err != nil {
		return nil, err
	}
	return &overlay{node: node, log: log}, nil
}

// temporaryHome makes the flag --home optional for commands that only fetch.
func temporaryHome(cmd *cobra.Command) {
	home := cmd.Flags().Lookup("home")
	home.Usage, home.DefValue = "folder to keep the fetched files in (default: a temporary one)", ""
}

// openTemporary opens a node in a folder that cleanUp removes, unless the command was given one.
func (f *overlayFlags) openTemporary(ctx context.Context, cmd *cobra.Command, log *slog.Logger) (node *overlay, cleanUp func(), err error) {
	remove := func() {}
	if !cmd.Flags().Changed("home") {
		if f.home, err = os.MkdirTemp("", "trainerd-"+cmd.Name()+"-"); err != nil {
			return nil, nil, err
		}
		remove = func() { _ = os.RemoveAll(f.home) }
	}
	if node, err = f.open(ctx, log); err != nil {
		remove()
		return nil, nil, err
	}
	return node, func() {
		_ = node.Close()
		remove()
	}, nil
}

// overlay fits a swarm node to the small interfaces of the other packages.
type overlay struct {
	node *swarm.Node
	log  *slog.Logger
}

// Fetch gets an object; without a hash it is known by its CID alone, and the size is the most that it may have.
func (o *overlay) Fetch(ctx context.Context, cid string, size uint64, sha256 []byte) ([]byte, error) {
	if size > math.MaxInt64 {
		return nil, fmt.Errorf("fetch %s: expected the size of a file, got %d bytes", cid, size)
	}
	if sha256 == nil {
		return o.node.FetchCID(ctx, cid, int64(size))
	}
	if len(sha256) != 32 {
		return nil, fmt.Errorf("fetch %s: expected a hash of 32 bytes, got %d", cid, len(sha256))
	}
	return o.node.Fetch(ctx, cid, swarm.Expect{Size: int64(size), SHA256: [32]byte(sha256)})
}

// Local returns an object that is stored here.
func (o *overlay) Local(ctx context.Context, cid string) ([]byte, error) { return o.node.Get(ctx, cid) }

func (o *overlay) Add(ctx context.Context, file []byte) (string, error) {
	object, err := o.node.Add(ctx, file)
	return object.CID, err
}

// nameOnly is for those who recompute what validators found: the table that a delta leads to gets its CID and is forgotten.
func nameOnly(_ context.Context, _ *trainingsettypes.DataManifest, file []byte) (cid string, err error) {
	return swarm.CIDOf(file)
}

func (o *overlay) Provide(ctx context.Context, cid string) error { return o.node.Provide(ctx, cid) }
func (o *overlay) Remove(cid string) error                       { return o.node.Remove(context.Background(), cid) }
func (o *overlay) PeerID() string                                { return o.node.PeerID() }
func (o *overlay) Addresses() []string                           { return o.node.Addresses() }
func (o *overlay) Sign(message []byte) ([]byte, error)           { return o.node.Sign(message) }
func (o *overlay) Connected() int                                { return len(o.node.Connected()) }
func (o *overlay) Received() int64                               { return o.node.Received() }
func (o *overlay) Close() error                                  { return o.node.Close() }

func (o *overlay) SetPeers(peers []attestationtypes.Peer) {
	list := make([]swarm.PeerInfo, len(peers))
	for i, p := range peers {
		list[i] = swarm.PeerInfo{PeerID: p.PeerId, Addresses: p.Addresses}
	}
	if err := o.node.SetPeers(context.Background(), list); err != nil {
		o.log.Debug("some announced peers can't be used", "error", err)
	}
}
