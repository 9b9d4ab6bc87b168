package main

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os"
	"time"

	"github.com/spf13/cobra"

	"github.com/pold-network/pold/engine"
	"github.com/pold-network/pold/sidecar/chain"
	"github.com/pold-network/pold/sidecar/server"
	"github.com/pold-network/pold/sidecar/verifier"
	poltypes "github.com/pold-network/pold/x/pol/types"
)

type verifyOptions struct {
	node    nodeFlags
	overlay overlayFlags
	group   string
	round   uint64
	asJSON  bool

	timeout, fetchTimeout time.Duration
}

func newVerifyCommand() *cobra.Command {
	var o verifyOptions
	cmd := &cobra.Command{
		Use:   "verify",
		Short: "Fetch a round's files and recompute its verdict",
		Long: `Verify fetches the data, the parent and the checkpoints of a settled round by CID from announced peers, recomputes every figure on
which validators agreed, and compares. It trusts the node only for what the chain says. Exit code 7: a figure differs.`,
		Example: `  trainerd verify --group digits --round 3`,
		Args:    exactly(0, "no arguments"),
		RunE: func(cmd *cobra.Command, _ []string) error {
			if o.group == "" || o.round == 0 {
				return usage("expected --group NAME and --round NUMBER (from 1)")
			}
			ctx, cancel := context.WithTimeout(cmd.Context(), o.timeout)
			defer cancel()
			return o.run(ctx, cmd.Flags().Changed("home"))
		},
	}
	o.node.add(cmd)
	o.overlay.add(cmd)
	cmd.Flags().Lookup("home").Usage = "folder to keep the fetched files in (default: a temporary one)"
	cmd.Flags().Lookup("home").DefValue = ""
	cmd.Flags().StringVar(&o.group, "group", "", "group (required)")
	cmd.Flags().Uint64Var(&o.round, "round", 0, "number of the round (required)")
	cmd.Flags().BoolVar(&o.asJSON, "json", false, "print JSON")
	cmd.Flags().DurationVar(&o.timeout, "timeout", 10*time.Minute, "give up after this long")
	cmd.Flags().DurationVar(&o.fetchTimeout, "fetch-timeout", 20*time.Second, "give up on one file after this long")
	return cmd
}

// figure is one number of a verdict, as the chain has it and as it was computed here.
type figure struct {
	Name     string `json:"name"`
	Chain    string `json:"chain"`
	Computed string `json:"computed"`
	Equal    bool   `json:"equal"`
}

// finding compares one checkpoint.
type finding struct {
	Who     string   `json:"who"`
	CID     string   `json:"checkpoint_cid,omitempty"`
	LossE9  uint64   `json:"loss_e9"`
	Problem string   `json:"problem,omitempty"`
	Figures []figure `json:"figures"`
	Equal   bool     `json:"equal"`
}

// verification is the result for a round.
type verification struct {
	Group    string    `json:"group"`
	Round    uint64    `json:"round"`
	Winner   string    `json:"winner,omitempty"`
	Findings []finding `json:"findings"`
	Equal    bool      `json:"equal"`
}

func (o *verifyOptions) run(ctx context.Context, keep bool) error {
	if err := engine.SelfTest(); err != nil {
		return err
	}
	client, err := o.node.dial(ctx)
	if err != nil {
		return err
	}
	defer client.Close()
	group, err := client.Group(ctx, o.group)
	if err != nil {
		return err
	}
	round, err := client.Round(ctx, o.group, o.round)
	if err != nil {
		return err
	}
	if round.Phase != poltypes.ROUND_PHASE_SETTLED {
		return fmt.Errorf("round %d of group %q is not settled yet; wait, or choose an earlier one", o.round, o.group)
	}
	if !keep {
		dir, err := os.MkdirTemp("", "trainerd-verify-")
		if err != nil {
			return err
		}
		defer os.RemoveAll(dir)
		o.overlay.home = dir
	}
	log, err := newLogger("error")
	if err != nil {
		return err
	}
	node, err := o.overlay.open(ctx, log)
	if err != nil {
		return err
	}
	defer node.Close()
	server.NewPeering(client, node, nil, log).Step(ctx)

	fetch := func(ctx context.Context, cid string, size uint64, sha256 []byte) ([]byte, error) {
		ctx, cancel := context.WithTimeout(ctx, o.fetchTimeout)
		defer cancel()
		return node.Fetch(ctx, cid, size, sha256)
	}
	result, err := recompute(ctx, client, fetch, group, round)
	if err != nil {
		return err
	}
	if o.asJSON {
		err = json.NewEncoder(os.Stdout).Encode(result)
	} else {
		result.print(os.Stdout)
	}
	if err == nil && !result.Equal {
		err = fmt.Errorf("%w: round %d of group %q: what was computed here differs from the chain's verdict", errMismatch, o.round, o.group)
	}
	return err
}

// recompute evaluates the parent and every judged checkpoint of a round.
func recompute(ctx context.Context, client *chain.Client, fetch verifier.FetchFunc, group poltypes.Group, round poltypes.Round) (verification, error) {
	v := verifier.New()
	result := verification{Group: group.Name, Round: round.Number, Winner: round.Winner, Equal: true}
	check := func(who, trainer string, c poltypes.Checkpoint, verdict *poltypes.Verdict) error {
		if verdict == nil {
			return nil
		}
		m, err := pinned(ctx, client, group, round, trainer, c, verdict.TaskId)
		if err != nil {
			return err
		}
		a, err := v.Score(ctx, m, fetch)
		if err != nil {
			return fmt.Errorf("%s: %w", who, err)
		}
		f := compare(who, c.Cid, *verdict, a)
		result.Findings = append(result.Findings, f)
		result.Equal = result.Equal && f.Equal
		return nil
	}
	parent := "parent"
	if round.Parent.Cid == "" {
		parent = "parent (the initial weights, from the group's seed)"
	}
	if err := check(parent, "", round.Parent, round.ParentVerdict); err != nil {
		return result, err
	}
	submissions, err := client.Submissions(ctx, group.Name, round.Number)
	if err != nil {
		return result, err
	}
	for _, s := range submissions {
		c := poltypes.Checkpoint{Cid: s.CheckpointCid, Sha256: s.CheckpointHash, Size_: s.Size_}
		err := check(s.Trainer, s.Trainer, c, s.Verdict)
		// Validators forget losing checkpoints after some rounds; the winner and its parent are kept.
		if err != nil && s.Status != poltypes.SUBMISSION_STATUS_WINNER && !errors.Is(err, errMismatch) && ctx.Err() == nil {
			result.Findings = append(result.Findings, finding{Who: s.Trainer, CID: c.Cid, Problem: "not checked: " + err.Error(), Equal: true})
			continue
		}
		if err != nil {
			return result, err
		}
	}
	if len(result.Findings) == 0 {
		return result, fmt.Errorf("round %d of group %q has no verdict to check: %s", round.Number, group.Name, round.Note)
	}
	return result, nil
}

// pinned returns the inputs of a score task, put together from the round, and checks that the chain's task, while it is kept, pins the
// same; an empty trainer means the parent.
func pinned(ctx context.Context, client *chain.Client, g poltypes.Group, r poltypes.Round, trainer string, c poltypes.Checkpoint, task uint64) (*poltypes.ScoreManifest, error) {
	m := poltypes.NewScoreManifest(client.ChainID(), g, r, trainer, c)
	t, err := client.Task(ctx, task)
	if errors.Is(err, chain.ErrNotFound) {
		return m, nil
	}
	if err != nil {
		return nil, err
	}
	want, err := m.Marshal()
	if err != nil {
		return nil, err
	}
	if bytes.Equal(want, t.Manifest) {
		return m, nil
	}
	// A sealed batch that was found to be false is marked in the round after its task was opened, so the task has the last word on it.
	var of poltypes.ScoreManifest
	if err := of.Unmarshal(t.Manifest); err == nil && r.KeysWithheld {
		m.Batches = of.Batches
		if want, err = m.Marshal(); err == nil && bytes.Equal(want, t.Manifest) {
			return m, nil
		}
	}
	return nil, fmt.Errorf("%w: task %d of the chain does not pin the inputs of its round", errMismatch, task)
}

func compare(who, cid string, v poltypes.Verdict, a poltypes.ScoreAnswer) finding {
	problem := ""
	if a.Status != poltypes.ScoreValid {
		problem = a.Status.String()
	}
	f := finding{Who: who, CID: cid, LossE9: a.RankLossE9, Problem: problem, Equal: true}
	add := func(name, chain, computed string) {
		f.Figures = append(f.Figures, figure{name, chain, computed, chain == computed})
		f.Equal = f.Equal && chain == computed
	}
	if v.Problem != "" || problem != "" {
		add("problem", v.Problem, problem)
	}
	add("claim_loss_e9", fmt.Sprint(v.ClaimLossE9), fmt.Sprint(a.ClaimLossE9))
	add("loss_e9", fmt.Sprint(v.RankLossE9), fmt.Sprint(a.RankLossE9))
	add("metric_e9", fmt.Sprint(v.MetricE9), fmt.Sprint(a.MetricE9))
	add("digest", fmt.Sprintf("%x", v.Digest), fmt.Sprintf("%x", a.Digest))
	return f
}

func (v verification) print(w io.Writer) {
	for _, f := range v.Findings {
		role := ""
		if f.Who == v.Winner {
			role = " (winner)"
		}
		fmt.Fprintf(w, "%s%s %s\n", f.Who, role, f.CID)
		if len(f.Figures) == 0 {
			fmt.Fprintf(w, "  - %s\n", f.Problem)
		}
		for _, x := range f.Figures {
			if x.Equal {
				fmt.Fprintf(w, "  ✔ %-13s %s\n", x.Name, x.Computed)
			} else {
				fmt.Fprintf(w, "  ✘ %-13s chain %s, computed here %s\n", x.Name, x.Chain, x.Computed)
			}
		}
	}
}
