package main

import (
	"context"
	"fmt"
	"log/slog"
	"math"
	"os"
	"path/filepath"
	"strings"

	"github.com/dustin/go-humanize"
	"github.com/spf13/cobra"

	"github.com/pold-network/pold/sidecar/api"
	"github.com/pold-network/pold/sidecar/server"
	"github.com/pold-network/pold/sidecar/swarm"
	"github.com/pold-network/pold/sidecar/weightdelta"
	trainingsettypes "github.com/pold-network/pold/x/trainingset/types"
)

// overlayFlags say how the swarm node is reached.
type overlayFlags struct {
	home          string
	listen        []string
	announce      []string
	bootstrap     []string
	mdns          bool
	privateKey    string
	allowList     string
	noRelay       bool
	noPortMapping bool
	quota         byteCount
	uploadLimit   byteCount
}

func (f *overlayFlags) add(cmd *cobra.Command) {
	cmd.Flags().StringVar(&f.home, "home", defaultHome(), "folder of the overlay identity, the stored files and the journals")
	cmd.Flags().StringSliceVar(&f.listen, "p2p-listen", []string{"/ip4/127.0.0.1/tcp/0"}, "multiaddr to listen on, such as /ip4/0.0.0.0/tcp/4001 or /ip4/0.0.0.0/udp/4001/quic-v1, or none to dial only; repeatable")
	cmd.Flags().StringSliceVar(&f.announce, "p2p-announce", nil, "multiaddr to announce instead, when behind a forwarded port; repeatable")
	cmd.Flags().StringSliceVar(&f.bootstrap, "p2p-bootstrap", nil, "multiaddr of a peer to start from, ending in /p2p/ID, beside those that the chain announces; repeatable")
	cmd.Flags().BoolVar(&f.mdns, "p2p-mdns", false, "find peers on the local network, and be found there")
	cmd.Flags().StringVar(&f.privateKey, "p2p-private-key-file", "", "key of a private network (swarm.key): only peers with the same key connect, by TCP")
	cmd.Flags().StringVar(&f.allowList, "p2p-allow-list", "", "connect to no others: \"announced\" for the peers that the chain announces, or a file of peer ids")
	cmd.Flags().BoolVar(&f.noRelay, "p2p-no-relay", false, "neither use nor offer relays")
	cmd.Flags().Var(&f.quota, "storage-quota", "most that the stored files may take, such as 50GiB: what nothing refers to goes first (default: no limit but the disk)")
	cmd.Flags().Var(&f.uploadLimit, "upload-limit", "most that is sent to other peers in a second, such as 2MB (default: no limit)")
	cmd.Flags().BoolVar(&f.noPortMapping, "p2p-no-port-mapping", false, "don't ask the router to forward the ports")
}

func (f *overlayFlags) config(network string, log *slog.Logger) swarm.Config {
	return swarm.Config{
		Home: filepath.Join(f.home, "swarm"), Network: network, Listen: f.listen, Announce: f.announce, Bootstrap: f.bootstrap, MDNS: f.mdns,
		PrivateKeyFile: f.privateKey, AllowList: f.allowList, NoRelay: f.noRelay, NoPortMapping: f.noPortMapping, Logger: log,
		Quota: int64(f.quota), UploadLimit: int64(f.uploadLimit), ApplyDelta: weightdelta.ApplyVerified,
	}
}

// byteCount is a flag such as 500MB or 50GiB; 0 stands for none.
type byteCount int64

func (b *byteCount) String() string {
	if *b == 0 {
		return ""
	}
	return humanize.IBytes(uint64(*b))
}

// Set reads an amount.
func (b *byteCount) Set(s string) error {
	n, err := humanize.ParseBytes(strings.TrimSuffix(s, "/s"))
	if err != nil || n == 0 || n > math.MaxInt64 {
		return fmt.Errorf("expected an amount such as 500MB or 50GiB, got %q", s)
	}
	*b = byteCount(n)
	return nil
}

// Type names the flag's value in help texts.
func (*byteCount) Type() string { return "bytes" }

// open starts the node of a chain; without a chain id it meets only others that know none either.
func (f *overlayFlags) open(ctx context.Context, chainID string, log *slog.Logger) (*overlay, error) {
	node, err := swarm.Open(ctx, f.config(chainID, log))
	if err != nil {
		return nil, err
	}
	home, err := filepath.Abs(f.home)
	if err != nil {
		home = f.home
	}
	return &overlay{node: node, log: log, home: home}, nil
}

// temporaryHome makes the flag --home optional for commands that only fetch.
func temporaryHome(cmd *cobra.Command) {
	home := cmd.Flags().Lookup("home")
	home.Usage, home.DefValue = "folder to keep the fetched files in (default: a temporary one)", ""
}

// openTemporary opens a node in a folder that cleanUp removes, unless the command was given one.
func (f *overlayFlags) openTemporary(ctx context.Context, cmd *cobra.Command, chainID string, log *slog.Logger) (node *overlay, cleanUp func(), err error) {
	remove := func() {}
	if !cmd.Flags().Changed("home") {
		if f.home, err = os.MkdirTemp("", "trainerd-"+cmd.Name()+"-"); err != nil {
			return nil, nil, err
		}
		remove = func() { _ = os.RemoveAll(f.home) }
	}
	if node, err = f.open(ctx, chainID, log); err != nil {
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
	home string
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

// Chunk returns a chunk of an object that is stored here.
func (o *overlay) Chunk(ctx context.Context, cid string, _, index int64) ([]byte, error) {
	return o.node.Chunk(ctx, cid, int(index))
}

// Holds says whether an object is stored here, without reading it.
func (o *overlay) Holds(cid string) bool { return o.node.Holds(cid) }

// Pin says whether an object stays whatever the quota.
func (o *overlay) Pin(ctx context.Context, cid string, pinned bool) error {
	return o.node.Pin(ctx, cid, pinned)
}

// Describe lets others find an object.
func (o *overlay) Describe(ctx context.Context, cid string, c server.Card) error {
	return o.node.Describe(ctx, cid, swarm.Card{Kind: c.Kind, Name: c.Name, Tags: c.Tags})
}

// OfferDelta lets those who hold base fetch only the change that leads to file, if that is smaller; all is stored here.
func (o *overlay) OfferDelta(ctx context.Context, file, base string) error {
	full, err := o.node.Get(ctx, file)
	if err != nil {
		return err
	}
	from, err := o.node.Get(ctx, base)
	if err != nil {
		return err
	}
	delta, smaller := weightdelta.Encode(from, full)
	if !smaller {
		return nil
	}
	object, err := o.node.Add(ctx, delta)
	if err != nil {
		return err
	}
	o.log.Debug("a checkpoint can be had as a delta", "cid", file, "base", base, "bytes", len(delta), "of", len(full))
	return o.node.OfferDelta(ctx, file, base, object.CID)
}

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
func (o *overlay) Reachability() string                          { return o.node.Reachability() }
func (o *overlay) Close() error                                  { return o.node.Close() }

// Storage returns what the node keeps.
func (o *overlay) Storage() *api.StorageStatus {
	s := o.node.Storage()
	return &api.StorageStatus{
		Home: o.home, Files: uint64(s.Objects), UsedBytes: uint64(s.Used), PinnedBytes: uint64(s.Pinned), QuotaBytes: uint64(s.Quota),
	}
}

// PeerStates returns what the node knows of its peers.
func (o *overlay) PeerStates() []*api.PeerStatus {
	var out []*api.PeerStatus
	for _, p := range o.node.Peers() {
		s := &api.PeerStatus{
			PeerId: p.PeerID, Class: p.Class, Connected: p.Connected, Transport: p.Transport, Relayed: p.Relayed,
			RttUs: uint64(p.RTT.Microseconds()), ScoreE6: uint32(p.Score * 1e6), Problem: p.LastError,
		}
		if !p.BannedUntil.IsZero() {
			s.BannedUntilUnix = p.BannedUntil.Unix()
		}
		out = append(out, s)
	}
	return out
}

func (o *overlay) SetPeers(peers []server.AnnouncedPeer) {
	list := make([]swarm.PeerInfo, len(peers))
	for i, p := range peers {
		list[i] = swarm.PeerInfo{PeerID: p.PeerId, Addresses: p.Addresses, Reputation: p.Reputation}
	}
	if err := o.node.SetPeers(context.Background(), list); err != nil {
		o.log.Debug("some announced peers can't be used", "error", err)
	}
}
