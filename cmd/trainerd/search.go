package main

import (
	"context"
	"encoding/json"
	"fmt"
	"io"
	"os"
	"slices"
	"strings"
	"text/tabwriter"
	"time"

	"github.com/dustin/go-humanize"
	"github.com/spf13/cobra"

	"github.com/pold-network/pold/sidecar/swarm"
)

// searchOptions say what is looked for.
type searchOptions struct {
	node    nodeFlags
	overlay overlayFlags
	kind    string
	wait    time.Duration
	asJSON  bool
}

func newSearchCommand() *cobra.Command {
	var o searchOptions
	cmd := &cobra.Command{
		Use:   "search WORD...",
		Short: "Find training sets, checkpoints and other files by words",
		Long: `Search asks the peers that the overlay names for the words, and prints what they hold that has all of them: training sets and their
changes, checkpoints, transcripts, and what people have published with words of their own. The name of a group or of a training set is
a word, so is the kind of a file; newer ones stand before older ones of the same kind. What stands beside a CID is what its publisher says; the CID is what get checks.`,
		Example: `  trainerd search digits
  trainerd search digits --kind checkpoint --json`,
		Args: func(cmd *cobra.Command, args []string) error {
			if len(args) == 0 {
				return usage("expected a word such as digits; see %s --help", cmd.CommandPath())
			}
			for _, a := range args {
				if _, err := swarm.NormalTag(a); err != nil {
					return usage("%w", err)
				}
			}
			if o.kind != "" && !slices.Contains(swarm.Kinds, o.kind) {
				return usage("--kind: expected one of %s, got %q", strings.Join(swarm.Kinds, ", "), o.kind)
			}
			return nil
		},
		RunE: func(cmd *cobra.Command, args []string) error { return o.run(cmd, args) },
	}
	o.node.add(cmd)
	o.overlay.add(cmd)
	temporaryHome(cmd)
	cmd.Flags().StringVar(&o.kind, "kind", "", "only files of this kind: "+strings.Join(swarm.Kinds, ", "))
	cmd.Flags().DurationVar(&o.wait, "wait", 10*time.Second, "how long to look for peers to ask")
	cmd.Flags().BoolVar(&o.asJSON, "json", false, "print JSON")
	return cmd
}

func (o *searchOptions) run(cmd *cobra.Command, words []string) error {
	var found []swarm.Found
	connected := 0
	err := visit(cmd, &o.node, &o.overlay, func(ctx context.Context, node *overlay) (err error) {
		found, err = search(ctx, node, words, o.wait)
		connected = node.Connected()
		return err
	})
	if err != nil {
		return err
	}
	if o.kind != "" {
		found = slices.DeleteFunc(found, func(f swarm.Found) bool { return f.Card.Kind != o.kind })
	}
	if o.asJSON {
		return printFoundJSON(cmd.OutOrStdout(), found)
	}
	if len(found) == 0 {
		return fmt.Errorf("%w of %d connected peers holds anything for %s; see who can be reached: trainerd doctor", errNothing, connected, strings.Join(words, " "))
	}
	if err := printFound(cmd.OutOrStdout(), found); err != nil {
		return err
	}
	node := ""
	if cmd.Flags().Changed("node") {
		node = " --node " + o.node.node
	}
	_, err = fmt.Fprintf(os.Stderr, "fetch one with: trainerd get CID -o FILE%s\n", node)
	return err
}

// search asks until something is found or no time is left: a node that has just started knows nobody yet.
func search(ctx context.Context, node *overlay, words []string, wait time.Duration) ([]swarm.Found, error) {
	for end := time.Now().Add(wait); ; {
		found, err := node.node.Search(ctx, words...)
		if err != nil || len(found) > 0 || time.Now().After(end) {
			return found, err
		}
		select {
		case <-ctx.Done():
			return nil, ctx.Err()
		case <-time.After(500 * time.Millisecond):
		}
	}
}

func printFound(w io.Writer, found []swarm.Found) error {
	t := tabwriter.NewWriter(w, 0, 0, 2, ' ', 0)
	fmt.Fprintln(t, "KIND\tNAME\tSIZE\tHELD BY\tCID")
	for _, f := range found {
		fmt.Fprintf(t, "%s\t%s\t%s\t%d (%d announced)\t%s\n", f.Card.Kind, printable(f.Card.Name), humanize.IBytes(uint64(f.Size)), f.Peers, f.Members, f.CID)
	}
	return t.Flush()
}

// printable leaves out of a stranger's text what would steer a terminal.
func printable(s string) string {
	return strings.Map(func(r rune) rune {
		if r < ' ' || r == 0x7f || r >= 0x80 && r < 0xa0 {
			return -1
		}
		return r
	}, s)
}

func printFoundJSON(w io.Writer, found []swarm.Found) error {
	type line struct {
		CID       string   `json:"cid"`
		Size      int64    `json:"size"`
		Kind      string   `json:"kind"`
		Name      string   `json:"name"`
		Tags      []string `json:"tags"`
		HeldBy    int      `json:"held_by"`
		Announced int      `json:"announced"`
	}
	lines := make([]line, len(found))
	for i, f := range found {
		lines[i] = line{f.CID, f.Size, f.Card.Kind, f.Card.Name, f.Card.Tags, f.Peers, f.Members}
	}
	return json.NewEncoder(w).Encode(lines)
}
