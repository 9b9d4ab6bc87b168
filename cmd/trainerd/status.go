package main

import (
	"context"
	"encoding/json"
	"fmt"
	"io"
	"os"
	"time"

	"github.com/dustin/go-humanize"
	"github.com/spf13/cobra"
	"google.golang.org/grpc"
	"google.golang.org/grpc/credentials/insecure"

	"github.com/cosmos/cosmos-sdk/codec"
	codectypes "github.com/cosmos/cosmos-sdk/codec/types"

	"github.com/pold-network/pold/sidecar/api"
	"github.com/pold-network/pold/sidecar/chain"
)

func newStatusCommand() *cobra.Command {
	var address string
	var asJSON bool
	cmd := &cobra.Command{
		Use:     "status",
		Short:   "Ask a running sidecar how it is",
		Example: `  trainerd status --sidecar 127.0.0.1:9700`,
		Args:    exactly(0, "no arguments"),
		RunE: func(cmd *cobra.Command, _ []string) error {
			r, err := sidecarStatus(cmd.Context(), address)
			if err != nil {
				return fmt.Errorf("%w: no sidecar answers at %s (%w); start one with: trainerd serve", chain.ErrUnreachable, address, err)
			}
			if asJSON {
				return json.NewEncoder(os.Stdout).Encode(r)
			}
			printStatus(os.Stdout, r)
			return nil
		},
	}
	cmd.Flags().StringVar(&address, "sidecar", "127.0.0.1:9700", "address of the sidecar (its --listen)")
	cmd.Flags().BoolVar(&asJSON, "json", false, "print JSON")
	return cmd
}

func sidecarStatus(ctx context.Context, address string) (*api.StatusResponse, error) {
	cdc := codec.NewProtoCodec(codectypes.NewInterfaceRegistry())
	conn, err := grpc.NewClient("passthrough:///"+address, grpc.WithTransportCredentials(insecure.NewCredentials()),
		grpc.WithDefaultCallOptions(grpc.ForceCodec(cdc.GRPCCodec())))
	if err != nil {
		return nil, err
	}
	defer conn.Close()
	ctx, cancel := context.WithTimeout(ctx, 3*time.Second)
	defer cancel()
	return api.NewSidecarClient(conn).Status(ctx, &api.StatusRequest{})
}

func printStatus(w io.Writer, r *api.StatusResponse) {
	ready := "ready to vote"
	if !r.Ready {
		ready = "not voting: " + r.Problem
	}
	fmt.Fprintf(w, "%s\nchain     %s\nengine    %s\npeer      %s, connected to %d\nanswers   %d\nartefacts %d held of those that open tasks need\n",
		ready, r.ChainId, r.EngineVersion, r.PeerId, r.ConnectedPeers, r.Answers, r.Artefacts)
	if s := r.Storage; s != nil {
		fmt.Fprintf(w, "storage   %d files of %s in %s, %s pinned", s.Files, humanize.IBytes(s.UsedBytes), s.Home, humanize.IBytes(s.PinnedBytes))
		if s.QuotaBytes > 0 {
			fmt.Fprintf(w, ", quota %s", humanize.IBytes(s.QuotaBytes))
		}
		fmt.Fprintln(w)
	}
	if r.Reachability != "" {
		fmt.Fprintf(w, "reached   %s, at:\n", reachedBy(r))
	}
	for _, a := range r.Addresses {
		fmt.Fprintf(w, "  %s/p2p/%s\n", a, r.PeerId)
	}
	if len(r.Peers) > 0 {
		fmt.Fprintln(w, "peers")
	}
	for _, p := range r.Peers {
		fmt.Fprintf(w, "  %s  %-6s  %s\n", p.PeerId, p.Class, peerLine(p))
	}
}

// reachedBy says who can dial the peer.
func reachedBy(r *api.StatusResponse) string {
	switch {
	case r.Reachability == "private" && reach(r.Addresses) == reachLoopback:
		return "by peers on this machine"
	case r.Reachability == "private":
		return "by peers of its own network and through relays"
	case r.Reachability == "public":
		return "by everybody"
	}
	return "not known by whom"
}

// peerLine says how it stands with a peer.
func peerLine(p *api.PeerStatus) string {
	switch {
	case p.BannedUntilUnix != 0:
		return "banned until " + time.Unix(p.BannedUntilUnix, 0).Format(time.TimeOnly)
	case !p.Connected && p.Problem != "":
		return "not connected: " + p.Problem
	case !p.Connected:
		return "not connected"
	}
	how := p.Transport
	if p.Relayed {
		how = "through a relay"
	}
	return fmt.Sprintf("connected, %s, %s, score %.2f", how, (time.Duration(p.RttUs) * time.Microsecond).Round(100*time.Microsecond), float64(p.ScoreE6)/1e6)
}
