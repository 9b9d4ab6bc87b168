package main

import (
	"context"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"path/filepath"
	"slices"
	"strings"
	"time"

	"github.com/spf13/cobra"

	"github.com/pold-network/pold/sidecar/chain"
	"github.com/pold-network/pold/sidecar/server"
	"github.com/pold-network/pold/sidecar/swarm"
	trainingsettypes "github.com/pold-network/pold/x/trainingset/types"
)

// proposalPoll is how often a proposal is looked at while its body is given away.
const proposalPoll = 2 * time.Second

// publishOptions are those of somebody who gives files away.
type publishOptions struct {
	node     nodeFlags
	key      keyFlags
	overlay  overlayFlags
	proposal uint64
	card     server.Card
	asJSON   bool
	logLevel string
}

func newPublishCommand() *cobra.Command {
	var o publishOptions
	cmd := &cobra.Command{
		Use:   "publish FILE...",
		Short: "Give files away, such as a table or a delta",
		Long: `Publish stores files, announces on chain where this peer is, prints how each file is named, and gives the files away to whoever asks for
them by CID, until it is stopped with Ctrl-C. With --proposal it ends by itself once that proposal no longer needs it: validators hold
the delta and found that it applies, or the proposal is closed.

The chain keeps one peer for each account: a sidecar that runs at the same time needs a key of its own.`,
		Example: `  trainerd publish birds.csv --from alice
  trainerd publish birds.diff --from alice --proposal 7
  trainerd publish embedding.safetensors --from alice --kind embedding --tag birds --tag embedding`,
		Args: func(cmd *cobra.Command, args []string) error {
			switch {
			case len(args) == 0:
				return usage("expected at least one file; see %s --help", cmd.CommandPath())
			case o.key.signing.From == "":
				return usage("--from: expected the key that announces this peer, got none")
			case !slices.Contains(swarm.Kinds, o.card.Kind):
				return usage("--kind: expected one of %s, got %q", strings.Join(swarm.Kinds, ", "), o.card.Kind)
			case len(o.card.Tags) == 0 && (cmd.Flags().Changed("kind") || cmd.Flags().Changed("name")):
				return usage("--kind and --name are for those who search: expected a word to find the files by as well (--tag)")
			case cmd.Flags().Changed("proposal") && o.proposal == 0:
				return usage("--proposal: expected the number of a proposal, from 1; list them with: pold q trainingset proposals NAME")
			}
			return nil
		},
		RunE: func(cmd *cobra.Command, args []string) error { return o.run(cmd.Context(), cmd.OutOrStdout(), args) },
	}
	o.node.add(cmd)
	o.overlay.add(cmd)
	o.key.add(cmd, "key that announces this peer on chain (required)")
	cmd.Flags().Uint64Var(&o.proposal, "proposal", 0, "end once this proposal no longer needs the files (default: stay until stopped)")
	cmd.Flags().StringSliceVar(&o.card.Tags, "tag", nil, "word under which others find the files with trainerd search; repeatable")
	cmd.Flags().StringVar(&o.card.Kind, "kind", "other", "what the files are, for those who search: "+strings.Join(swarm.Kinds, ", "))
	cmd.Flags().StringVar(&o.card.Name, "name", "", "name of the files, for those who search (default: the file's name)")
	cmd.Flags().BoolVar(&o.asJSON, "json", false, "print one JSON object per file")
	cmd.Flags().StringVar(&o.logLevel, "log-level", "warn", "debug, info, warn or error")
	return cmd
}

// published names a file that is given away.
type published struct {
	File   string `json:"file"`
	CID    string `json:"cid"`
	SHA256 string `json:"sha256"`
	Size   int    `json:"size"`
}

func (o *publishOptions) run(ctx context.Context, out io.Writer, paths []string) error {
	log, err := newLogger(o.logLevel)
	if err != nil {
		return err
	}
	me, err := openParticipant(ctx, &o.node, &o.key, &o.overlay, log)
	if err != nil {
		return err
	}
	defer me.Close()
	client, account, node := me.client, me.account, me.node
	files, err := storeFiles(ctx, node, paths)
	if err != nil {
		return err
	}
	if err := o.describe(ctx, node, files); err != nil {
		return err
	}
	if o.proposal != 0 {
		if err := checkProposal(ctx, client, o.proposal, files); err != nil {
			return err
		}
	}
	warnOfOtherPeer(ctx, client, account.Address(), node.PeerID(), log)
	return whileAnnounced(ctx, client, node, account, log, func(ctx context.Context) error {
		for _, f := range files {
			if err := node.Provide(ctx, f.CID); err != nil {
				log.Debug("not announced to the overlay yet", "cid", f.CID, "error", err)
			}
		}
		if err := o.printFiles(out, files); err != nil {
			return err
		}
		if o.proposal == 0 {
			<-ctx.Done()
			return ctx.Err()
		}
		p, err := awaitProposal(ctx, client, o.proposal, proposalPoll, log)
		if err != nil {
			return err
		}
		return o.printEnd(out, p)
	})
}

// warnOfOtherPeer says that an account has announced another peer, which may still run: the two would replace each other again and again.
func warnOfOtherPeer(ctx context.Context, client server.PeerChain, account, peerID string, log *slog.Logger) {
	peers, err := client.Peers(ctx)
	if err != nil {
		return // whoever announces says so
	}
	for _, p := range peers {
		if p.Address == account && p.PeerId != peerID {
			log.Warn("this account has announced another peer; if that still runs, give one of them another key with --from", "account", account, "peer", p.PeerId, "expires", p.Expires)
		}
	}
}

// storeFiles stores the files, one at a time, without loading them.
func storeFiles(ctx context.Context, node *overlay, paths []string) ([]published, error) {
	var files []published
	for _, path := range paths {
		object, err := node.node.AddFile(ctx, path)
		if err != nil {
			return nil, fmt.Errorf("publish: %w", err)
		}
		files = append(files, published{File: path, CID: object.CID, SHA256: hex.EncodeToString(object.SHA256[:]), Size: int(object.Size)})
	}
	return files, nil
}

// describe lets others find the files, if there are words for them.
func (o *publishOptions) describe(ctx context.Context, node *overlay, files []published) error {
	if len(o.card.Tags) == 0 {
		return nil
	}
	for _, f := range files {
		card := o.card
		if card.Name == "" {
			card.Name = filepath.Base(f.File)
		}
		if err := node.Describe(ctx, f.CID, card); err != nil {
			return usage("--tag, --kind, --name: %w", err)
		}
	}
	return nil
}

func (o *publishOptions) printFiles(w io.Writer, files []published) error {
	for _, f := range files {
		if o.asJSON {
			if err := json.NewEncoder(w).Encode(f); err != nil {
				return err
			}
			continue
		}
		fmt.Fprintf(w, "%s: cid %s, sha256 %s, %d bytes\n", f.File, f.CID, f.SHA256, f.Size)
	}
	if !o.asJSON {
		until := "this is stopped with Ctrl-C"
		if o.proposal != 0 {
			until = fmt.Sprintf("proposal %d no longer needs it", o.proposal)
		}
		fmt.Fprintf(w, "giving away until %s\n", until)
		if len(o.card.Tags) > 0 {
			fmt.Fprintf(w, "others find it with: trainerd search %s\n", strings.Join(o.card.Tags, " "))
		}
		fmt.Fprintf(w, "others fetch it with: trainerd get %s -o FILE\n", files[0].CID)
	}
	return nil
}

// proposals is what the chain is asked about a proposal.
type proposals interface {
	Proposal(ctx context.Context, id uint64) (trainingsettypes.Proposal, error)
}

// checkProposal refuses files of which none is the body of the proposal: nobody would fetch them.
func checkProposal(ctx context.Context, client proposals, id uint64, files []published) error {
	p, err := client.Proposal(ctx, id)
	if err != nil {
		return err
	}
	if !slices.ContainsFunc(files, func(f published) bool { return f.CID == p.Delta.Cid }) {
		return usage("--proposal: the body of proposal %d is %s; expected it among the files, got others", id, p.Delta.Cid)
	}
	return nil
}

// awaitProposal waits until a proposal no longer needs its body from here, and returns it as it then is. A proposal that the chain has
// forgotten comes back without a status.
func awaitProposal(ctx context.Context, client proposals, id uint64, poll time.Duration, log *slog.Logger) (trainingsettypes.Proposal, error) {
	for said := false; ; {
		p, err := client.Proposal(ctx, id)
		switch {
		case errors.Is(err, chain.ErrNotFound):
			return trainingsettypes.Proposal{Id: id, Note: "the chain has forgotten it: it was closed some time ago"}, nil
		case err == nil && (p.Held || p.Status >= trainingsettypes.PROPOSAL_STATUS_APPLICABLE): // all later ones are ends
			return p, nil
		case err != nil && ctx.Err() == nil && !transient(err):
			return p, err
		case err != nil && !said:
			log.Warn("the node can't answer; trying again", "error", err)
			said = true
		}
		select {
		case <-ctx.Done():
			return trainingsettypes.Proposal{}, ctx.Err()
		case <-time.After(poll):
		}
	}
}

// printEnd says why a proposal needs the files no longer.
func (o *publishOptions) printEnd(w io.Writer, p trainingsettypes.Proposal) error {
	status := strings.ToLower(strings.TrimPrefix(p.Status.String(), "PROPOSAL_STATUS_"))
	if p.Status == trainingsettypes.PROPOSAL_STATUS_UNSPECIFIED {
		status = "forgotten"
	}
	if o.asJSON {
		return json.NewEncoder(w).Encode(map[string]any{"proposal": p.Id, "status": status, "note": p.Note})
	}
	_, err := fmt.Fprintf(w, "proposal %d is %s: %s\n", p.Id, status, p.Note)
	if err == nil && p.Status.Open() {
		_, err = fmt.Fprintln(w, "validators hold the body now and give it away")
	}
	return err
}
