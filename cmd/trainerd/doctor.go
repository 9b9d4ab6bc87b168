package main

import (
	"context"
	"encoding/json"
	"fmt"
	"io"
	"log/slog"
	"os"
	"time"

	"github.com/spf13/cobra"

	"github.com/pold-network/pold/sidecar/api"
	"github.com/pold-network/pold/sidecar/chain"
	attestationtypes "github.com/pold-network/pold/x/attestation/types"
)

// The results of a check; only a failed one changes the exit code.
const (
	resultOK   = "ok"
	resultWarn = "warn"
	resultFail = "fail"
)

// checkup is what was found out about one thing: one sentence, and when something is wrong, what to do.
type checkup struct {
	Check  string `json:"check"`
	Result string `json:"result"`
	Text   string `json:"text"`
}

type doctorOptions struct {
	node    nodeFlags
	key     keyFlags
	overlay overlayFlags
	sidecar string
	asJSON  bool
	wait    time.Duration
}

func newDoctorCommand() *cobra.Command {
	var o doctorOptions
	cmd := &cobra.Command{
		Use:   "doctor",
		Short: "Check what keeps this machine from taking part, and say what to do",
		Long: `Doctor checks the node, the clock, the key, the sidecar, the disk and the way to every announced peer. Each line says what is right, or in one
sentence what is wrong and what to do. A sidecar that runs is asked for its state; without one, and without --home, a temporary identity
is used to dial the peers.
Exit code 0: nothing has failed (there may be warnings, marked with !); 1: something has.`,
		Example: `  trainerd doctor --from validator
  trainerd doctor --node 203.0.113.7:9090 --json`,
		Args: exactly(0, "no arguments"),
		RunE: func(cmd *cobra.Command, _ []string) error {
			d := o.examine(cmd.Context(), cmd.Flags().Changed("home"))
			return d.report(os.Stdout, o.asJSON)
		},
	}
	o.node.add(cmd)
	o.key.add(cmd, "key that announces this peer, to check its funds and its announcement")
	o.overlay.add(cmd)
	home := cmd.Flags().Lookup("home")
	home.Usage, home.DefValue = "folder of the overlay identity and the stored files (default: a temporary one)", ""
	cmd.Flags().StringVar(&o.sidecar, "sidecar", "127.0.0.1:9700", "address of the sidecar that may be running (its --listen)")
	cmd.Flags().DurationVar(&o.wait, "wait", 20*time.Second, "how long to wait for a next block, and for others to say whether this peer can be reached")
	cmd.Flags().BoolVar(&o.asJSON, "json", false, "print JSON")
	return cmd
}

// doctor collects what is found out.
type doctor struct {
	*doctorOptions
	log    *slog.Logger
	checks []checkup

	chainID string                  // empty while the node does not answer
	height  int64                   // of the node's last block
	peers   []attestationtypes.Peer // announced ones
	account string                  // of --from
	sidecar *api.StatusResponse     // nil when none answers
}

func (d *doctor) add(result, check, format string, a ...any) {
	d.checks = append(d.checks, checkup{Check: check, Result: result, Text: fmt.Sprintf(format, a...)})
}

func (d *doctor) ok(check, format string, a ...any)   { d.add(resultOK, check, format, a...) }
func (d *doctor) warn(check, format string, a ...any) { d.add(resultWarn, check, format, a...) }
func (d *doctor) fail(check, format string, a ...any) { d.add(resultFail, check, format, a...) }

// examine makes all checks, in the order in which they should be put right. keepHome says that --home was given.
func (o *doctorOptions) examine(ctx context.Context, keepHome bool) *doctor {
	d := &doctor{doctorOptions: o, log: slog.New(slog.DiscardHandler)}
	client, err := chain.Dial(o.node.node)
	if err != nil {
		d.fail("node", "%s", err)
	} else {
		defer client.Close()
		d.checkNode(ctx, client)
	}
	if d.chainID != "" {
		d.checkChain(ctx, client)
		d.checkKey(ctx, client)
	}
	d.checkSidecar(ctx)
	own := d.openOverlay(ctx, keepHome)
	if own.node != nil {
		defer own.close()
	}
	if d.chainID != "" {
		d.checkDisk(ctx, client, keepHome)
		d.checkAnnouncement(own)
	}
	d.checkPeers(ctx, own)
	d.checkReachability(ctx, own)
	return d
}

// report prints the checks; the error says how many failed.
func (d *doctor) report(w io.Writer, asJSON bool) error {
	failed := 0
	for _, c := range d.checks {
		if c.Result == resultFail {
			failed++
		}
	}
	if asJSON {
		if err := json.NewEncoder(w).Encode(map[string]any{"ok": failed == 0, "checks": d.checks}); err != nil {
			return err
		}
	} else {
		marks := map[string]string{resultOK: "✔", resultWarn: "!", resultFail: "✘"}
		for _, c := range d.checks {
			fmt.Fprintf(w, "%s %-13s %s\n", marks[c.Result], c.Check, c.Text)
		}
	}
	if failed > 0 {
		return fmt.Errorf("%d of %d checks failed", failed, len(d.checks))
	}
	return nil
}
