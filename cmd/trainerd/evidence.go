package main

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os"
	"strconv"
	"strings"
	"time"

	"github.com/spf13/cobra"

	"github.com/pold-network/pold/sidecar/chain"
	"github.com/pold-network/pold/sidecar/verifier"
	poltypes "github.com/pold-network/pold/x/pol/types"
	polslashingtypes "github.com/pold-network/pold/x/slashing/types"
)

func newVerifyEvidenceCommand() *cobra.Command {
	var o recomputeOptions
	cmd := &cobra.Command{
		Use:   "verify-evidence ID",
		Short: "Recompute a fault from the evidence that the chain keeps of it",
		Long: `Verify-evidence asks the chain for one piece of evidence and computes again what it rests on.

  a wrong answer          the answer, from the pinned inputs that are stored with the evidence; it must be the settled one, and the
                          witness of the accused must not be a witness of it
  a wrong personal value  the same through the spot task
  a false claim           the loss of the checkpoint, while the round is kept
  an unproved training    the replay of the transcript, while the round is kept

Of the other faults there is nothing to compute; it says where to look. Files come by CID from announced peers. Exit code 7: the
evidence does not hold, which is a reason to appeal.`,
		Example: `  trainerd verify-evidence 12
  pold q polslashing all-evidence --address polvaloper1…`,
		Args: exactly(1, "the number of a piece of evidence; list them with: pold q polslashing all-evidence"),
		RunE: func(cmd *cobra.Command, args []string) error {
			id, err := strconv.ParseUint(args[0], 10, 64)
			if err != nil || id == 0 {
				return usage("expected the number of a piece of evidence, from 1, got %q", args[0])
			}
			return o.run(cmd, func(ctx context.Context, client *chain.Client, fetch verifier.FetchFunc) error {
				answer, err := client.Evidence(ctx, id)
				if err != nil {
					return err
				}
				r, err := checkEvidence(ctx, client, answer, fetch)
				if err != nil {
					return err
				}
				return r.report(os.Stdout, o.asJSON)
			})
		},
	}
	o.add(cmd, 0)
	return cmd
}

// What a piece of evidence turned out to be.
const (
	evidenceHolds  = "holds"
	evidenceFalse  = "does not hold"
	evidenceNoTask = "nothing to compute"
	evidenceGone   = "can't be computed any more"
)

// checkedEvidence is the outcome of the command.
type checkedEvidence struct {
	ID      uint64 `json:"id"`
	Kind    string `json:"kind"`
	Address string `json:"address"`
	Height  int64  `json:"height"`
	Result  string `json:"result"`
	// Reason says in words why.
	Reason string `json:"reason,omitempty"`
	// Task, Round or Replay is what was computed, by the kind of the fault.
	Task   *verifier.EvidenceFinding `json:"task,omitempty"`
	Round  *verification             `json:"round,omitempty"`
	Replay *replayed                 `json:"replay,omitempty"`
	// Explanation is the chain's own account: what happened, what it cost, how to check it and how to appeal.
	Explanation string `json:"explanation"`
	Next        string `json:"next"`
}

// checkEvidence computes what a piece of evidence rests on.
func checkEvidence(ctx context.Context, client roundReader, answer polslashingtypes.QueryEvidenceResponse, fetch verifier.FetchFunc) (checkedEvidence, error) {
	e := answer.Evidence
	r := checkedEvidence{ID: e.Id, Kind: strings.TrimPrefix(e.Kind.String(), "FAULT_KIND_"), Address: e.Address, Height: e.Height, Explanation: answer.Explanation}
	if e.ChainId != client.ChainID() {
		return r, fmt.Errorf("evidence %d: expected it to be of chain %q, got %q", e.Id, client.ChainID(), e.ChainId)
	}
	var err error
	switch e.Kind {
	case polslashingtypes.FAULT_KIND_WRONG_ANSWER, polslashingtypes.FAULT_KIND_WRONG_PERSONAL:
		err = r.ofTask(ctx, e, fetch)
	case polslashingtypes.FAULT_KIND_FALSE_CLAIM:
		err = r.ofClaim(ctx, client, e, fetch)
	case polslashingtypes.FAULT_KIND_UNPROVED:
		err = r.ofTraining(ctx, client, e, fetch)
	default:
		r.Result, r.Reason = evidenceNoTask, "this fault is an act or an omission that stands in the blocks, not the result of a computation"
	}
	if errors.Is(err, chain.ErrNotFound) && e.Kind.OfRound() {
		r.Result, r.Reason, err = evidenceGone, fmt.Sprintf("the chain no longer keeps all of round %d of group %q: %s", e.Round, e.Group, err), nil
	}
	r.Next = r.next(answer.Penalties)
	return r, err
}

// ofTask recomputes a vote.
func (r *checkedEvidence) ofTask(ctx context.Context, e polslashingtypes.Evidence, fetch verifier.FetchFunc) error {
	v := verifier.New()
	v.Add = nameOnly
	f, err := v.CheckEvidence(ctx, e, fetch)
	if err != nil {
		return fmt.Errorf("%w; try again when other peers are connected: trainerd verify-evidence %d", err, e.Id)
	}
	r.Task, r.Result, r.Reason = &f, evidenceHolds, "the settled answer is the right one, and what the accused had committed to is another"
	if !f.Holds {
		r.Result, r.Reason = evidenceFalse, f.Problem
	}
	return nil
}

// ofClaim recomputes the loss of the checkpoint for which a bond was lost.
func (r *checkedEvidence) ofClaim(ctx context.Context, client roundReader, e polslashingtypes.Evidence, fetch verifier.FetchFunc) error {
	g, round, err := settledRound(ctx, client, e.Group, e.Round)
	if err != nil {
		return err
	}
	submissions, err := client.Submissions(ctx, e.Group, e.Round)
	if err != nil {
		return err
	}
	v, err := recompute(ctx, client, fetch, g, round, e.Address)
	if err != nil {
		return err
	}
	r.Round = &v
	for _, s := range submissions {
		if s.Trainer != e.Address {
			continue
		}
		// The chain's own rule says what the computed answer costs.
		judged := poltypes.Submission{ClaimedLossE9: s.ClaimedLossE9}
		judged.Judge(v.Findings[0].answer, 0)
		switch judged.Status {
		case poltypes.SUBMISSION_STATUS_INVALID:
			r.Result, r.Reason = evidenceHolds, "the checkpoint is invalid: "+judged.Note
		case poltypes.SUBMISSION_STATUS_FALSE_CLAIM:
			r.Result, r.Reason = evidenceHolds, fmt.Sprintf("it claimed a loss of %d e-9, and the exact one is %d e-9", s.ClaimedLossE9, judged.Verdict.ClaimLossE9)
		default:
			r.Result, r.Reason = evidenceFalse, fmt.Sprintf("the claim of %d e-9 is exact, and the checkpoint is as valid as its round allows", s.ClaimedLossE9)
		}
		if r.Result == evidenceHolds && !v.Equal {
			r.Reason += "; the chain's verdict has other figures, see: trainerd verify"
		}
	}
	return nil
}

// ofTraining replays the transcript for which a bond was lost.
func (r *checkedEvidence) ofTraining(ctx context.Context, client roundReader, e polslashingtypes.Evidence, fetch verifier.FetchFunc) error {
	g, _, err := settledRound(ctx, client, e.Group, e.Round)
	if err != nil {
		return err
	}
	f, err := replayRound(ctx, client, g, e.Round, e.Address, verifier.ReplayOptions{}, fetch, func(replayed) {})
	if err != nil {
		return err
	}
	r.Replay = &f
	switch {
	case !f.Passed():
		r.Result, r.Reason = evidenceHolds, f.Problem
	case f.Chain.Agreement == verifier.Silent:
		r.Result, r.Reason = evidenceNoTask, "the bond was lost for files that were withheld when they were asked for; what can be had now replays to the same bits"
	default:
		r.Result, r.Reason = evidenceFalse, "the transcript replays to the same bits"
	}
	return nil
}

// next says what to do with the result.
func (r checkedEvidence) next(penalties []polslashingtypes.Penalty) string {
	for _, p := range penalties {
		if p.Status == polslashingtypes.PENALTY_STATUS_QUEUED && r.Result == evidenceFalse {
			return fmt.Sprintf("appeal before %s with the message above: docs/how-to/check-a-proof.md says how", time.Unix(p.DueUnix, 0).UTC().Format(time.RFC3339))
		}
	}
	switch r.Result {
	case evidenceHolds:
		return "nothing; an appeal would have to show another reason"
	case evidenceFalse:
		return "nothing is queued that an appeal could stop; show this output, which anybody can reproduce"
	}
	return "look where the chain says, see above"
}

// report prints the result; evidence that does not hold is an error.
func (r checkedEvidence) report(w io.Writer, asJSON bool) error {
	if asJSON {
		if err := json.NewEncoder(w).Encode(r); err != nil {
			return err
		}
	} else {
		r.print(w)
	}
	if r.Result == evidenceFalse {
		return fmt.Errorf("%w: evidence %d does not hold: %s", errMismatch, r.ID, r.Reason)
	}
	return nil
}

func (r checkedEvidence) print(w io.Writer) {
	fmt.Fprintf(w, "evidence   %d, %s, block %d\naccused    %s\n", r.ID, r.Kind, r.Height, r.Address)
	if r.Task != nil {
		for _, x := range r.Task.Figures {
			mark := "✔"
			if !x.Holds {
				mark = "✘"
			}
			fmt.Fprintf(w, "%s %-16s in the evidence %s\n%-19scomputed here   %s\n", mark, x.Name, x.Evidence, "", x.Computed)
		}
	}
	if r.Round != nil {
		r.Round.print(w)
	}
	if r.Replay != nil {
		for _, s := range r.Replay.Replayed {
			printSegment(w, s)
		}
		fmt.Fprintf(w, "here       %s\n", r.Replay.here())
	}
	fmt.Fprintf(w, "result     %s: %s\n\n%s\n\nnext       %s\n", r.Result, r.Reason, r.Explanation, r.Next)
}

var _ roundReader = (*chain.Client)(nil)
