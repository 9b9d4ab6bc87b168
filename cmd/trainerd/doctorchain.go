package main

import (
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"syscall"
	"time"

	"github.com/dustin/go-humanize"

	"github.com/pold-network/pold/sidecar/api"
	"github.com/pold-network/pold/sidecar/chain"
)

const (
	// maxClockSkew is how far a block may lie in the future by the clock of this machine.
	maxClockSkew = 5 * time.Second
	// staleBlock is the age of a last block at which the chain may have stopped.
	staleBlock = time.Minute
	// blockPoll is how often the node is asked whether it has made another block.
	blockPoll = 200 * time.Millisecond
)

// checkNode finds out whether the node answers, and for which chain.
func (d *doctor) checkNode(ctx context.Context, client *chain.Client) {
	if err := client.Identify(ctx, d.node.chainID); err != nil {
		d.fail("node", "%s", err)
		return
	}
	d.chainID = client.ChainID()
	d.ok("node", "the node at %s answers for chain %s", d.node.node, d.chainID)
}

// checkChain compares the last block with the clock of this machine, and reads the announced peers.
func (d *doctor) checkChain(ctx context.Context, client *chain.Client) {
	s, err := client.NodeStatus(ctx)
	if err != nil {
		d.fail("chain", "%s", err)
		return
	}
	d.height = s.Height
	age := time.Since(s.Time)
	switch {
	case s.Syncing:
		d.warn("chain", "the node is catching up, at block %d of %s; wait until it has, before that nothing here is up to date", s.Height, s.Time.Format(time.DateTime))
	case age < -maxClockSkew:
		d.ok("chain", "block %d", s.Height)
		d.fail("clock", "the clock of this machine is %s behind the chain; set it, for example with: timedatectl set-ntp true", (-age).Round(time.Second))
	case age > staleBlock && d.grows(ctx, client):
		d.ok("chain", "block %d", d.height)
		d.fail("clock", "the clock of this machine is %s ahead of the chain; set it, for example with: timedatectl set-ntp true", age.Round(time.Second))
	case age > staleBlock:
		d.fail("chain", "the last block, %d, is %s old and no other came within %s: the chain has stopped, or the node has lost its peers; look at its log and at: pold status",
			s.Height, age.Round(time.Second), d.wait)
	default:
		d.ok("chain", "block %d, made %s ago by the clock of this machine", s.Height, max(age, 0).Round(100*time.Millisecond))
	}
	if d.peers, err = client.Peers(ctx); err != nil {
		d.fail("announcements", "%s", err)
	}
}

// grows says whether the node makes another block.
func (d *doctor) grows(ctx context.Context, client *chain.Client) bool {
	ctx, cancel := context.WithTimeout(ctx, d.wait)
	defer cancel()
	for ctx.Err() == nil {
		if s, err := client.NodeStatus(ctx); err == nil && s.Height > d.height {
			d.height = s.Height
			return true
		}
		select {
		case <-ctx.Done():
		case <-time.After(blockPoll):
		}
	}
	return false
}

// checkKey looks for the key of --from and what its account can pay.
func (d *doctor) checkKey(ctx context.Context, client *chain.Client) {
	if d.key.signing.From == "" {
		return
	}
	account, err := d.key.open(client)
	if err != nil {
		d.fail("key", "%s", err)
		return
	}
	d.account = account.Address()
	amount, exists, err := client.Funds(ctx, d.account)
	switch {
	case err != nil:
		d.fail("key", "%s", err)
	case !exists:
		d.fail("key", "the chain has never seen account %s, so it can't announce a peer; send it some NRN: pold tx bank send FROM %s 1000000unrn --chain-id %s", d.account, d.account, d.chainID)
	case amount.IsZero() && d.key.signing.GasPrices != "0"+chain.Denom:
		d.fail("key", "account %s has nothing to pay fees with; send it some NRN: pold tx bank send FROM %s 1000000unrn --chain-id %s", d.account, d.account, d.chainID)
	case amount.IsZero():
		d.warn("key", "account %s has nothing; it can announce this peer while nodes ask for no fee, but can bond nothing", d.account)
	default:
		d.ok("key", "account %s has %s unrn", d.account, amount)
	}
}

// checkSidecar asks a running sidecar how it is.
func (d *doctor) checkSidecar(ctx context.Context) {
	r, err := sidecarStatus(ctx, d.doctorOptions.sidecar)
	if err != nil {
		d.warn("sidecar", "no sidecar answers at %s; what follows is checked without it (start one with: trainerd serve, or name its --listen with --sidecar)", d.doctorOptions.sidecar)
		return
	}
	d.sidecar = r
	switch {
	case d.chainID != "" && r.ChainId != d.chainID:
		d.fail("sidecar", "the sidecar serves chain %s, the node is on %s; start one of them with the other's --chain-id", r.ChainId, d.chainID)
	case !r.Ready:
		d.fail("sidecar", "the sidecar does not vote: %s", r.Problem)
	case r.ConnectedPeers == 0 && lastProblem(r) != "":
		d.fail("sidecar", "the sidecar is connected to no peer, so no file reaches it: %s", lastProblem(r))
	case r.ConnectedPeers == 0:
		d.warn("sidecar", "the sidecar is ready, but connected to no peer, so no file reaches it yet; peer %s", r.PeerId)
	default:
		d.ok("sidecar", "the sidecar is ready; peer %s, connected to %d", r.PeerId, r.ConnectedPeers)
	}
}

// lastProblem returns why the sidecar is not connected to one of the peers that it knows, the most frequent reason.
func lastProblem(r *api.StatusResponse) string {
	count, most := map[string]int{}, ""
	for _, p := range r.Peers {
		if p.Problem == "" || p.Connected {
			continue
		}
		if count[p.Problem]++; count[p.Problem] > count[most] {
			most = p.Problem
		}
	}
	return most
}

// checkDisk compares the free space and the quota with what the chain refers to now: the tables of all sets and the best weights of all
// groups.
func (d *doctor) checkDisk(ctx context.Context, client *chain.Client, keepHome bool) {
	home, quota := os.TempDir(), uint64(d.overlay.quota)
	switch {
	case d.sidecar != nil && d.sidecar.Storage != nil:
		home, quota = d.sidecar.Storage.Home, d.sidecar.Storage.QuotaBytes
	case keepHome:
		home = existing(d.overlay.home)
	}
	free, err := freeBytes(home)
	if err != nil {
		d.warn("disk", "can't read the free space of %s: %s", home, err)
		return
	}
	need, err := referenced(ctx, client)
	switch {
	case err != nil:
		d.warn("disk", "%s; %s are free in %s", err, humanize.IBytes(free), home)
	case quota > 0 && quota < need:
		d.fail("disk", "--storage-quota is %s, the files that the chain refers to have %s; start the sidecar with a larger one", humanize.IBytes(quota), humanize.IBytes(need))
	case free < need:
		d.fail("disk", "%s are free in %s, the files that the chain refers to have %s; free some space, or give another disk with --home", humanize.IBytes(free), home, humanize.IBytes(need))
	case free/2 < need:
		d.warn("disk", "%s are free in %s, the files that the chain refers to have %s, and each round adds some; free some space", humanize.IBytes(free), home, humanize.IBytes(need))
	default:
		d.ok("disk", "%s are free in %s, the files that the chain refers to have %s", humanize.IBytes(free), home, humanize.IBytes(need))
	}
}

func referenced(ctx context.Context, client *chain.Client) (bytes uint64, err error) {
	sets, err := client.TrainingSets(ctx)
	if err != nil {
		return 0, err
	}
	groups, err := client.Groups(ctx)
	if err != nil {
		return 0, err
	}
	for _, s := range sets {
		bytes += s.Table.Size_
	}
	for _, g := range groups {
		bytes += g.Parent.Size_
	}
	return bytes, nil
}

// existing returns the folder, or the nearest one above it that exists.
func existing(dir string) string {
	for {
		if _, err := os.Stat(dir); !errors.Is(err, os.ErrNotExist) || dir == filepath.Dir(dir) {
			return dir
		}
		dir = filepath.Dir(dir)
	}
}

func freeBytes(dir string) (uint64, error) {
	var st syscall.Statfs_t
	if err := syscall.Statfs(dir, &st); err != nil {
		return 0, fmt.Errorf("free space of %s: %w", dir, err)
	}
	return st.Bavail * uint64(st.Bsize), nil
}
