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

	"github.com/pold-network/pold/sidecar/chain"
	"github.com/pold-network/pold/sidecar/verifier"
	attestationtypes "github.com/pold-network/pold/x/attestation/types"
	poltypes "github.com/pold-network/pold/x/pol/types"
)

func newVerifyCommand() *cobra.Command {
	var o recomputeOptions
	var group string
	var number uint64
	cmd := &cobra.Command{
		Use:   "verify",
		Short: "Fetch a round's files and recompute its verdict",
		Long: `Verify fetches the data, the parent and the checkpoints of a settled round by CID from announced peers, recomputes every figure on
which validators agreed, and compares. It trusts the node only for what the chain says. The model of a round from before a change of
the group's model is known only while the chain keeps a task of that round. Exit code 7: a figure differs; 3: the chain has forgotten it.`,
		Example: `  trainerd verify --group digits --round 3`,
		Args:    exactly(0, "no arguments"),
		RunE: func(cmd *cobra.Command, _ []string) error {
			if group == "" || number == 0 {
				return usage("expected --group NAME and --round NUMBER (from 1)")
			}
			return o.run(cmd, func(ctx context.Context, client *chain.Client, fetch verifier.FetchFunc) error {
				g, r, err := settledRound(ctx, client, group, number)
				if err != nil {
					return err
				}
				result, err := recompute(ctx, client, fetch, g, r, "")
				if err != nil {
					return err
				}
				return result.report(o.asJSON)
			})
		},
	}
	o.add(cmd, 10*time.Minute)
	cmd.Flags().StringVar(&group, "group", "", "group (required)")
	cmd.Flags().Uint64Var(&number, "round", 0, "number of the round (required)")
	return cmd
}

// roundReader is what the chain is asked about a round.
type roundReader interface {
	ChainID() string
	Group(ctx context.Context, name string) (poltypes.Group, error)
	Round(ctx context.Context, group string, number uint64) (poltypes.Round, error)
	Submissions(ctx context.Context, group string, number uint64) ([]poltypes.Submission, error)
	Task(ctx context.Context, id uint64) (attestationtypes.Task, error)
}

// settledRound returns a round whose verdict is final.
func settledRound(ctx context.Context, client roundReader, group string, number uint64) (poltypes.Group, poltypes.Round, error) {
	g, err := client.Group(ctx, group)
	if err != nil {
		return g, poltypes.Round{}, err
	}
	r, err := client.Round(ctx, group, number)
	if err == nil && r.Phase != poltypes.ROUND_PHASE_SETTLED {
		err = fmt.Errorf("round %d of group %q is not settled yet; wait, or choose an earlier one", number, group)
	}
	return g, r, err
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

	answer poltypes.ScoreAnswer
}

// verification is the result for a round.
type verification struct {
	Group    string    `json:"group"`
	Round    uint64    `json:"round"`
	Winner   string    `json:"winner,omitempty"`
	Findings []finding `json:"findings"`
	Equal    bool      `json:"equal"`
}

// report prints the result; figures that differ are an error.
func (v verification) report(asJSON bool) error {
	if asJSON {
		if err := json.NewEncoder(os.Stdout).Encode(v); err != nil {
			return err
		}
	} else {
		v.print(os.Stdout)
	}
	if !v.Equal {
		return fmt.Errorf("%w: round %d of group %q: what was computed here differs from the chain's verdict", errMismatch, v.Round, v.Group)
	}
	return nil
}

// recompute evaluates the parent and every judged checkpoint of a round, or only that of one trainer.
func recompute(ctx context.Context, client roundReader, fetch verifier.FetchFunc, group poltypes.Group, round poltypes.Round, only string) (verification, error) {
	v := verifier.New()
	result := verification{Group: group.Name, Round: round.Number, Winner: round.Winner, Equal: true}
	submissions, err := client.Submissions(ctx, group.Name, round.Number)
	if err != nil {
		return result, err
	}
	if group, err = withPinnedModel(ctx, client, group, round, submissions); err != nil {
		return result, err
	}
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
	if only == "" {
		if err := check(parent, "", round.Parent, round.ParentVerdict); err != nil {
			return result, err
		}
	}
	for _, s := range submissions {
		if only != "" && s.Trainer != only {
			continue
		}
		c := poltypes.Checkpoint{Cid: s.CheckpointCid, Sha256: s.CheckpointHash, Size_: s.Size_}
		err := check(s.Trainer, s.Trainer, c, s.Verdict)
		// Validators forget losing checkpoints after some rounds; the winner and its parent are kept.
		if err != nil && only == "" && s.Status != poltypes.SUBMISSION_STATUS_WINNER && !errors.Is(err, errMismatch) && ctx.Err() == nil {
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
func pinned(ctx context.Context, client roundReader, g poltypes.Group, r poltypes.Round, trainer string, c poltypes.Checkpoint, task uint64) (*poltypes.ScoreManifest, error) {
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
	f := finding{Who: who, CID: cid, LossE9: a.RankLossE9, Problem: problem, Equal: true, answer: a}
	if a.Status == poltypes.ScoreBadBatch { // of the provider, not of the checkpoint: the verdict is the claim and names no problem
		problem, a.RankLossE9, a.MetricE9 = "", a.ClaimLossE9, 0
	}
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
