package main

import (
	"context"
	"fmt"
	"net"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"time"

	"github.com/pold-network/pold/sidecar/swarm"
	attestationtypes "github.com/pold-network/pold/x/attestation/types"
)

const (
	// maxProbes bounds the peers that are dialled, parallelProbes those at a time.
	maxProbes      = 64
	parallelProbes = 8
	// probeTimeout bounds one of them.
	probeTimeout = 25 * time.Second
)

// ownPeer is this machine's peer, and the node with which others are dialled.
type ownPeer struct {
	id        string   // empty for a temporary identity
	addresses []string // where it is reached
	node      *swarm.Node
	temporary bool // the node only dials, under an identity of its own
	close     func()
}

// openOverlay opens the node of --home, unless a sidecar runs, and else a temporary one. What a running sidecar says about itself counts
// as this machine's peer.
func (d *doctor) openOverlay(ctx context.Context, keepHome bool) ownPeer {
	var own ownPeer
	if d.sidecar != nil {
		own = ownPeer{id: d.sidecar.PeerId, addresses: d.sidecar.Addresses}
		if len(own.addresses) == 0 {
			d.warn("overlay", "the sidecar's peer listens nowhere and has no place at a relay: others can't reach it; start it with --p2p-listen /ip4/0.0.0.0/tcp/4001")
		}
		return d.openTemporary(ctx, own)
	}
	flags, remove := d.overlay, func() {}
	if !keepHome {
		dir, err := os.MkdirTemp("", "trainerd-doctor-")
		if err != nil {
			d.fail("overlay", "%s", err)
			return own
		}
		flags.home, remove = dir, func() { _ = os.RemoveAll(dir) }
	} else {
		d.checkHome(filepath.Join(flags.home, "swarm"))
	}
	node, err := swarm.Open(ctx, flags.config(d.network(), d.log))
	if err != nil {
		remove()
		d.fail("overlay", "%s", d.explainOpen(err, keepHome))
		return d.openTemporary(ctx, own)
	}
	own = ownPeer{addresses: node.Addresses(), node: node, close: func() {
		node.Close()
		remove()
	}}
	if !keepHome {
		d.ok("overlay", "a peer can listen at %s; this one is temporary, check yours with --home", listed(own.addresses))
		return own
	}
	own.id = node.PeerID()
	d.ok("overlay", "peer %s listens at %s", own.id, listed(own.addresses))
	return own
}

// network is the chain's id as far as it is known.
func (d *doctor) network() string {
	if d.chainID != "" {
		return d.chainID
	}
	return d.node.chainID
}

// explainOpen adds what a person who asks for a diagnosis needs to know.
func (d *doctor) explainOpen(err error, keepHome bool) string {
	if keepHome && strings.Contains(err.Error(), "in use by another process") {
		return fmt.Sprintf("the overlay of %s is in use by another process, but no sidecar answers at %s; name its --listen with --sidecar, or stop that process", d.overlay.home, d.doctorOptions.sidecar)
	}
	return err.Error()
}

// checkHome looks at the permissions of a folder that exists.
func (d *doctor) checkHome(home string) {
	info, err := os.Stat(home)
	switch {
	case os.IsNotExist(err):
		d.ok("home", "%s does not exist yet; it is created with a new identity", home)
	case err != nil:
		d.fail("home", "%s; give a folder of your own with --home", err)
	case !info.IsDir():
		d.fail("home", "%s is not a folder; move it away, or give another folder with --home", home)
	case info.Mode().Perm()&0o022 != 0:
		d.fail("home", "other users of this machine can change %s (mode %04o); run: chmod 700 %s", home, info.Mode().Perm(), home)
	default:
		d.ok("home", "%s", home)
	}
}

// openTemporary opens a node that only dials.
func (d *doctor) openTemporary(ctx context.Context, own ownPeer) ownPeer {
	dir, err := os.MkdirTemp("", "trainerd-doctor-")
	if err != nil {
		d.fail("overlay", "%s", err)
		return own
	}
	flags := d.overlay
	flags.home, flags.listen, flags.announce, flags.mdns = dir, []string{swarm.NoListen}, nil, false
	node, err := swarm.Open(ctx, flags.config(d.network(), d.log))
	if err != nil {
		_ = os.RemoveAll(dir)
		if d.sidecar != nil {
			d.fail("overlay", "%s", err)
		}
		return own // else it has been said
	}
	own.node, own.temporary = node, true
	own.close = func() {
		node.Close()
		_ = os.RemoveAll(dir)
	}
	return own
}

// checkAnnouncement compares what the chain says about this peer with what it is.
func (d *doctor) checkAnnouncement(own ownPeer) {
	if d.account == "" && own.id == "" {
		return
	}
	at := slices.IndexFunc(d.peers, func(p attestationtypes.Peer) bool {
		return d.account != "" && p.Address == d.account || d.account == "" && p.PeerId == own.id
	})
	const renew = "a sidecar that runs with --from renews it by itself"
	switch {
	case at < 0 && d.account == "":
		d.warn("announcement", "peer %s is not announced on chain: others treat it as a guest and don't dial it; start the sidecar with --from KEY", own.id)
		return
	case at < 0:
		d.warn("announcement", "account %s has announced no peer, or the announcement has expired; start the sidecar with --from: it announces itself", d.account)
		return
	}
	p := d.peers[at]
	switch {
	case p.Expires < d.height:
		d.fail("announcement", "the announcement of account %s has expired at height %d, the chain is at %d; %s", p.Address, p.Expires, d.height, renew)
	case own.id != "" && p.PeerId != own.id:
		d.fail("announcement", "account %s announces peer %s, but this one is %s: two peers with one key, or the old identity was lost; start only one sidecar with --from, it announces itself",
			p.Address, p.PeerId, own.id)
	case own.id != "" && d.knowsPorts() && !slices.Equal(sorted(p.Addresses), sorted(own.addresses)):
		d.warn("announcement", "the chain says that peer %s is at %s, but it is at %s; others find it when it announces again: %s", p.PeerId, listed(p.Addresses), listed(own.addresses), renew)
	default:
		d.ok("announcement", "account %s announces peer %s at %s until height %d", p.Address, p.PeerId, listed(p.Addresses), p.Expires)
	}
	d.checkReach(p)
}

// knowsPorts says whether this peer is at the same ports whenever it runs.
func (d *doctor) knowsPorts() bool {
	return d.sidecar != nil || !slices.ContainsFunc(d.overlay.listen, func(a string) bool { return strings.Contains(a+"/", "/tcp/0/") || strings.Contains(a+"/", "/udp/0/") })
}

// checkReach warns of addresses that mean nothing to others.
func (d *doctor) checkReach(p attestationtypes.Peer) {
	public := 0
	for _, other := range d.peers {
		if other.PeerId != p.PeerId && reach(other.Addresses) == reachPublic {
			public++
		}
	}
	if public == 0 {
		return
	}
	const advice = "listen on /ip4/0.0.0.0/tcp/4001 (--p2p-listen) and forward the port, or leave relays on"
	switch reach(p.Addresses) {
	case reachLoopback:
		d.fail("announcement", "it announces only addresses of this machine (%s) while %d others are public: nobody can dial it; %s", listed(p.Addresses), public, advice)
	case reachPrivate:
		d.warn("announcement", "it announces only addresses of a private network (%s) while %d others are public: only peers of that network can dial it; %s", listed(p.Addresses), public, advice)
	}
}

// How far the best of some addresses reaches.
const (
	reachLoopback = iota
	reachPrivate
	reachPublic
)

func reach(addresses []string) int {
	best := reachLoopback
	for _, a := range addresses {
		parts := strings.Split(a, "/")
		if len(parts) < 3 {
			continue
		}
		ip := net.ParseIP(parts[2])
		switch {
		case ip == nil && parts[2] != "localhost", ip != nil && !ip.IsLoopback() && !ip.IsPrivate() && !ip.IsLinkLocalUnicast():
			return reachPublic
		case ip != nil && !ip.IsLoopback():
			best = reachPrivate
		}
	}
	return best
}

// checkPeers dials every announced peer and those of --p2p-bootstrap.
func (d *doctor) checkPeers(ctx context.Context, own ownPeer) {
	if own.node == nil {
		return
	}
	targets := d.targets(own)
	if len(targets) == 0 && d.chainID == "" {
		d.fail("peers", "without a node the announced peers are not known, and none is given; put the node right first, or give a peer with --p2p-bootstrap")
		return
	}
	if len(targets) == 0 {
		d.fail("peers", "no other peer is announced on chain and none is given: files can come from nowhere; give one with --p2p-bootstrap, look on the local network with --p2p-mdns, "+
			"or ask a validator to run its sidecar with --from")
		return
	}
	if err := own.node.SetPeers(ctx, targets); err != nil {
		d.log.Debug("some announced peers can't be used", "error", err)
	}
	results := make([]swarm.Diagnosis, len(targets))
	slots := make(chan struct{}, parallelProbes)
	var probes sync.WaitGroup
	for i, target := range targets {
		probes.Go(func() {
			slots <- struct{}{}
			defer func() { <-slots }()
			ctx, cancel := context.WithTimeout(ctx, probeTimeout)
			defer cancel()
			results[i] = own.node.Probe(ctx, target)
		})
	}
	probes.Wait()
	answering := 0
	for i, r := range results {
		switch connected, problem := d.seenBySidecar(r.PeerID); {
		case connected:
			results[i].Cause = swarm.CauseNone
		case r.Cause == swarm.CauseNone && problem != "":
			results[i].Cause, results[i].Problem = swarm.CauseUnknown, "it answers this command, but not the sidecar: "+problem
		}
		if results[i].Cause == swarm.CauseNone {
			answering++
		}
	}
	result := resultFail
	if answering > 0 {
		result = resultWarn // files come from the others
	}
	for _, r := range results {
		switch {
		case r.Cause != swarm.CauseNone:
			d.add(result, "peer", "%s: %s", r.PeerID, r.Problem)
		case r.Transport == "":
			d.ok("peer", "%s: the sidecar is connected to it", r.PeerID)
		case r.Relayed:
			d.ok("peer", "%s: answers through a relay in %s", r.PeerID, r.RTT.Round(100*time.Microsecond))
		default:
			d.ok("peer", "%s: answers over %s in %s", r.PeerID, r.Transport, r.RTT.Round(100*time.Microsecond))
		}
	}
	if answering == 0 {
		advice := "put right what stands beside each"
		if !slices.ContainsFunc(results, func(r swarm.Diagnosis) bool { return r.Cause != swarm.CauseTimeout }) {
			advice = "all time out: look at the firewall of this machine and at its way to the internet"
		}
		d.fail("peers", "none of %d peers answers; %s", len(results), advice)
	}
}

// targets returns whom to dial.
func (d *doctor) targets(own ownPeer) []swarm.PeerInfo {
	var out []swarm.PeerInfo
	known := map[string]bool{own.id: true}
	for _, p := range d.peers {
		if !known[p.PeerId] && p.Address != d.accountOf(own) {
			known[p.PeerId] = true
			out = append(out, swarm.PeerInfo{PeerID: p.PeerId, Addresses: p.Addresses, Reputation: 0.5})
		}
	}
	for _, s := range d.overlay.bootstrap {
		at := strings.LastIndex(s, "/p2p/")
		if at < 0 {
			continue // the node was not opened with it
		}
		id := s[at+len("/p2p/"):]
		if known[id] {
			continue
		}
		known[id] = true
		out = append(out, swarm.PeerInfo{PeerID: id, Addresses: []string{s[:at]}})
	}
	return out[:min(len(out), maxProbes)]
}

// accountOf returns the account whose announcement is about this peer, so that an outdated one is not dialled.
func (d *doctor) accountOf(own ownPeer) string {
	if own.id == "" {
		return ""
	}
	return d.account
}

// seenBySidecar says whether a running sidecar is connected to a peer, and why not.
func (d *doctor) seenBySidecar(peerID string) (connected bool, problem string) {
	if d.sidecar == nil {
		return false, ""
	}
	for _, p := range d.sidecar.Peers {
		if p.PeerId == peerID {
			return p.Connected, p.Problem
		}
	}
	return false, ""
}

// checkReachability says whether others reach this peer from outside.
func (d *doctor) checkReachability(ctx context.Context, own ownPeer) {
	var state string
	var addresses []string
	switch {
	case d.sidecar != nil:
		state, addresses = d.sidecar.Reachability, d.sidecar.Addresses
	case own.node != nil && !own.temporary:
		state, addresses = own.node.Reachability(), own.addresses
		for end := time.Now().Add(d.wait); state == "unknown" && reach(addresses) == reachPublic && time.Now().Before(end) && ctx.Err() == nil; state = own.node.Reachability() {
			time.Sleep(blockPoll)
		}
	default:
		return
	}
	relayed := slices.ContainsFunc(addresses, func(a string) bool { return strings.HasSuffix(a, "/p2p-circuit") })
	switch {
	case state == "public":
		d.ok("reachability", "others reach this peer directly")
	case relayed:
		d.ok("reachability", "others reach this peer through a relay; files come faster when the port is forwarded")
	case reach(addresses) == reachLoopback && len(d.peers) > 0 && !slices.ContainsFunc(d.peers, func(p attestationtypes.Peer) bool { return reach(p.Addresses) != reachLoopback }):
		d.ok("reachability", "all peers are on this machine")
	case state == "private" && reach(addresses) == reachLoopback:
		d.warn("reachability", "this peer listens on this machine alone, so others can't dial it; it can fetch, and serves those it dials itself; listen on /ip4/0.0.0.0/tcp/4001 to serve all")
	case state == "private":
		d.warn("reachability", "others can't reach this peer at %s: a firewall or a NAT is in between and no relay is found yet; forward the port and name it with --p2p-announce", listed(addresses))
	case reach(addresses) == reachPublic:
		d.warn("reachability", "nobody has said yet whether this peer can be reached; it takes a few public peers and a minute")
	default:
		d.ok("reachability", "not asked: this peer has no public address")
	}
}

func sorted(list []string) []string {
	out := slices.Clone(list)
	slices.Sort(out)
	return out
}

func listed(addresses []string) string {
	if len(addresses) == 0 {
		return "no address"
	}
	return strings.Join(addresses, ", ")
}
