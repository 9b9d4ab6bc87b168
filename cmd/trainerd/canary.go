package main

import (
	"context"
	"encoding/json"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"time"

	"github.com/spf13/cobra"

	"github.com/pold-network/pold/engine"
	"github.com/pold-network/pold/sidecar/canary"
	"github.com/pold-network/pold/sidecar/server"
	"github.com/pold-network/pold/sidecar/verifier"
	poltypes "github.com/pold-network/pold/x/pol/types"
)

// canaryOptions are shared by plant and open.
type canaryOptions struct {
	node    nodeFlags
	key     keyFlags
	overlay overlayFlags
	group   string
	round   uint64
	trainer string
	asJSON  bool
}

func newCanaryCommand() *cobra.Command {
	cmd := &cobra.Command{
		Use:   "canary",
		Short: "Plant checkpoints of known verdict, to see who votes without computing",
		Long: `A canary is a checkpoint whose verdict its planter knows before. Plant commits to the verdict in phase COMMIT of a round; in the same phase
the checkpoint is handed in like any other: trainerd submit --force, of a group in proof mode SCORED. Open shows after settlement
which one it was, and the chain names the validators whose vote was another. A tenth of the canary bond is burned, the rest returned;
a bond that a confirmed canary's own checkpoint lost is returned too. A canary that is not opened in time loses its bond.`,
		Example: `  trainerd canary plant --group digits --from watcher --trainer pol1… worse.safetensors
  trainerd submit --group digits --from trainer --force worse.safetensors
  trainerd canary open --group digits --from watcher --round 3`,
		Args: func(_ *cobra.Command, args []string) error {
			return usage("expected plant or open, got %q; see trainerd canary --help", strings.Join(args, " "))
		},
		RunE: func(cmd *cobra.Command, _ []string) error { return cmd.Help() },
	}
	cmd.AddCommand(newCanaryPlantCommand(), newCanaryOpenCommand())
	return cmd
}

func (o *canaryOptions) add(cmd *cobra.Command) {
	o.node.add(cmd)
	o.overlay.add(cmd)
	o.key.add(cmd, "key of the planter (required)")
	cmd.Flags().StringVar(&o.group, "group", "", "group (required)")
	cmd.Flags().BoolVar(&o.asJSON, "json", false, "print JSON")
}

func newCanaryPlantCommand() *cobra.Command {
	var o canaryOptions
	cmd := &cobra.Command{
		Use:     "plant FILE",
		Short:   "Commit to the verdict that a checkpoint must get in the current round",
		Example: `  trainerd canary plant --group digits --from watcher --trainer pol1… worse.safetensors`,
		Args:    exactly(1, "the file that will be handed in"),
		RunE: func(cmd *cobra.Command, args []string) error {
			file, err := os.ReadFile(args[0])
			if err != nil {
				return fmt.Errorf("checkpoint: %w", err)
			}
			// What submit --force hands in is the canonical form, if there is one.
			if file, err = canonicalize(args[0], file, true); err != nil {
				return err
			}
			return o.run(cmd.Context(), func(ctx context.Context, p *canary.Planter) error {
				if o.trainer == "" {
					o.trainer = p.Sender.Address()
				}
				e, err := p.Plant(ctx, o.group, o.trainer, file)
				if err != nil {
					return err
				}
				return o.printPlanted(e, args[0])
			})
		},
	}
	o.add(cmd)
	cmd.Flags().StringVar(&o.trainer, "trainer", "", "account that will hand the file in (default: the planter's)")
	return cmd
}

func newCanaryOpenCommand() *cobra.Command {
	var o canaryOptions
	cmd := &cobra.Command{
		Use:     "open",
		Short:   "Wait for settlement, open the canary of a round and say whom it exposed",
		Example: `  trainerd canary open --group digits --from watcher --round 3`,
		Args:    exactly(0, "no arguments"),
		RunE: func(cmd *cobra.Command, _ []string) error {
			if o.round == 0 {
				return usage("--round: expected the round in which the canary was planted, from 1")
			}
			return o.run(cmd.Context(), func(ctx context.Context, p *canary.Planter) error {
				c, err := p.Open(ctx, o.group, o.round)
				if err != nil {
					return err
				}
				return o.printOpened(c)
			})
		},
	}
	o.add(cmd)
	cmd.Flags().Uint64Var(&o.round, "round", 0, "round in which it was planted (required)")
	return cmd
}

func (o *canaryOptions) run(ctx context.Context, work func(context.Context, *canary.Planter) error) error {
	if o.group == "" || o.key.signing.From == "" {
		return usage("expected --group NAME and --from KEY")
	}
	if err := engine.SelfTest(); err != nil {
		return err
	}
	log, err := newLogger("error")
	if err != nil {
		return err
	}
	me, err := openParticipant(ctx, &o.node, &o.key, &o.overlay, log)
	if err != nil {
		return err
	}
	defer me.Close()
	client, account, node := me.client, me.account, me.node
	server.NewPeering(client, node, nil, log).Step(ctx)
	return work(ctx, &canary.Planter{Chain: client, Sender: account, Fetch: node.Fetch, Verifier: verifier.New(),
		Dir: filepath.Join(o.overlay.home, "canaries"), Poll: time.Second})
}

func (o *canaryOptions) printPlanted(e canary.Entry, path string) error {
	if o.asJSON {
		return json.NewEncoder(os.Stdout).Encode(map[string]any{"group": e.Group, "round": e.Round, "trainer": e.Trainer, "finding": poltypes.ScoreStatus(e.Finding).String(),
			"claim_loss_e9": e.ClaimLossE9, "commitment": fmt.Sprintf("%x", e.Commitment())})
	}
	fmt.Printf("group       %s, round %d\nverdict     %s, loss %d e-9\ncommitment  %x\n", e.Group, e.Round, poltypes.ScoreStatus(e.Finding), e.ClaimLossE9, e.Commitment())
	fmt.Printf("next        hand it in while the commit phase lasts, with the key of %s: trainerd submit --group %s --from KEY --force %s\n"+
		"            then: trainerd canary open --group %s --from %s --round %d\n", e.Trainer, e.Group, path, e.Group, o.key.signing.From, e.Round)
	return nil
}

func (o *canaryOptions) printOpened(c poltypes.Canary) error {
	status := strings.ToLower(strings.TrimPrefix(c.Status.String(), "CANARY_STATUS_"))
	if o.asJSON {
		return json.NewEncoder(os.Stdout).Encode(map[string]any{"group": c.Group, "round": c.Round, "status": status, "exposed": c.Exposed, "note": c.Note})
	}
	fmt.Printf("group    %s, round %d\ncanary   %s\n", c.Group, c.Round, status)
	for _, v := range c.Exposed {
		fmt.Printf("exposed  %s\n", v)
	}
	if c.Note != "" {
		fmt.Printf("note     %s\n", c.Note)
	}
	next := fmt.Sprintf("recompute the verdict: trainerd verify --group %s --round %d", c.Group, c.Round)
	switch {
	case c.Status == poltypes.CANARY_STATUS_CONFIRMED && len(c.Exposed) == 0:
		next = "nothing: nobody committed to another verdict"
	case c.Status == poltypes.CANARY_STATUS_CONFIRMED:
		next = "see what it cost them: pold q polslashing all-evidence --address OPERATOR"
	}
	fmt.Printf("next     %s\n", next)
	return nil
}
