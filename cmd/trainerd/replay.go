package main

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"os"

	"github.com/spf13/cobra"

	"github.com/pold-network/pold/sidecar/chain"
	"github.com/pold-network/pold/sidecar/training"
	"github.com/pold-network/pold/sidecar/verifier"
	poltypes "github.com/pold-network/pold/x/pol/types"
)

func newReplayCommand() *cobra.Command {
	var o recomputeOptions
	var group, trainer string
	var number uint64
	var segment uint32
	cmd := &cobra.Command{
		Use:   "replay",
		Short: "Train a round's transcript again and name the first wrong step",
		Long: `Replay does the proof of training again, as any validator could have done it. It fetches the parent, the table and the transcript by CID
from announced peers, checks header, recipe and both ends, and trains every segment. Each starts from the end of the one before it,
so nobody has to hold a state any more. With --segment only that one is trained, from its start state if somebody still holds it and
otherwise from the parent. A wrong segment is bisected, with the trainer's own files, to the first wrong step and tensor.

Results do not depend on --backend or --threads. Exit code 7: a segment, the header or an end is wrong, or the chain says otherwise.`,
		Example: `  trainerd replay --group digits --round 3
  trainerd replay --group digits --round 3 --trainer pol1… --segment 5 --json`,
		Args: exactly(0, "no arguments"),
		RunE: func(cmd *cobra.Command, _ []string) error {
			if group == "" || number == 0 {
				return usage("expected --group NAME and --round NUMBER (from 1)")
			}
			var options verifier.ReplayOptions
			if cmd.Flags().Changed("segment") {
				options.Segment = &segment
			}
			return o.run(cmd, func(ctx context.Context, client *chain.Client, fetch verifier.FetchFunc) error {
				return replayAndReport(ctx, client, group, number, trainer, options, o.asJSON, fetch)
			})
		},
	}
	o.add(cmd, 0)
	cmd.Flags().StringVar(&group, "group", "", "group (required)")
	cmd.Flags().Uint64Var(&number, "round", 0, "number of the round (required)")
	cmd.Flags().StringVar(&trainer, "trainer", "", "whose transcript (default: the winner's, else that of the first one audited)")
	cmd.Flags().Uint32Var(&segment, "segment", 0, "replay this segment only, counted from 0 (default: all)")
	return cmd
}

// replayed is the outcome of the command.
type replayed struct {
	Group      string `json:"group"`
	Round      uint64 `json:"round"`
	Trainer    string `json:"trainer"`
	Winner     bool   `json:"winner"`
	Transcript string `json:"transcript_cid"`
	Checkpoint string `json:"checkpoint_cid"`
	verifier.TranscriptFinding
	Chain verifier.ChainAudit `json:"chain"`
	// Equal says that everything replayed is right and the chain does not say otherwise.
	Equal bool   `json:"equal"`
	Next  string `json:"next"`
}

func replayAndReport(ctx context.Context, client roundReader, group string, number uint64, trainer string, o verifier.ReplayOptions, asJSON bool, fetch verifier.FetchFunc) error {
	live := training.NewLive(os.Stderr, isTerminal(os.Stderr))
	g, err := client.Group(ctx, group)
	if err != nil {
		return err
	}
	segments := g.Settings.Segments
	if o.Segment != nil && *o.Segment >= segments && segments > 0 {
		return usage("--segment: transcripts of group %q have segments 0 to %d, got %d", group, segments-1, *o.Segment)
	}
	o.Progress = func(segment uint32, step int) {
		if live.Due() {
			live.Show(fmt.Sprintf("segment %d of 0-%d, step %d", segment, segments-1, step))
		}
	}
	if !asJSON {
		o.Done = func(s verifier.SegmentFinding) {
			live.Clear()
			printSegment(os.Stdout, s)
		}
	}
	r, err := replayRound(ctx, client, g, number, trainer, o, fetch, func(r replayed) {
		if !asJSON {
			printReplayHead(os.Stdout, r)
		}
	})
	live.Clear()
	if err != nil {
		return err
	}
	if asJSON {
		err = json.NewEncoder(os.Stdout).Encode(r)
	} else {
		r.print(os.Stdout)
	}
	if err == nil {
		err = r.mismatch()
	}
	return err
}

// mismatch turns a finding into the error behind exit code 7.
func (r replayed) mismatch() error {
	switch {
	case r.Equal:
		return nil
	case !r.Passed():
		return fmt.Errorf("%w: the transcript of %s in round %d of group %q: %s", errMismatch, r.Trainer, r.Round, r.Group, r.Problem)
	}
	return fmt.Errorf("%w: the transcript of %s in round %d of group %q replays to the same bits, but the chain says: %s", errMismatch, r.Trainer, r.Round, r.Group, r.Chain.Verdict)
}

// replayRound chooses a transcript of a round, replays it and puts the chain's verdict beside the result. begin is called before the work.
func replayRound(ctx context.Context, client roundReader, g poltypes.Group, number uint64, trainer string, o verifier.ReplayOptions, fetch verifier.FetchFunc, begin func(replayed)) (replayed, error) {
	if g.Settings.Proof != poltypes.PROOF_MODE_PROVED {
		return replayed{}, usage("group %q is in proof mode SCORED: its checkpoints have no transcript; recompute their losses with: trainerd verify --group %s --round %d", g.Name, g.Name, number)
	}
	round, err := client.Round(ctx, g.Name, number)
	if err != nil {
		return replayed{}, err
	}
	submissions, err := client.Submissions(ctx, g.Name, number)
	if err != nil {
		return replayed{}, err
	}
	s, err := chooseTranscript(submissions, trainer)
	if err != nil {
		return replayed{}, fmt.Errorf("round %d of group %q: %w", number, g.Name, err)
	}
	if g, err = withPinnedModel(ctx, client, g, round, submissions); err != nil {
		return replayed{}, err
	}
	m := poltypes.NewAuditManifest(client.ChainID(), g, round, s)
	common, err := auditedSegments(ctx, client, m, s)
	if err != nil {
		return replayed{}, err
	}
	r := replayed{Group: g.Name, Round: number, Trainer: s.Trainer, Winner: s.Trainer == round.Winner, Transcript: s.TranscriptCid, Checkpoint: s.CheckpointCid}
	begin(r)
	if r.TranscriptFinding, err = verifier.New().ReplayTranscript(ctx, m, o, fetch); err != nil {
		return r, err
	}
	r.Chain = verifier.CompareAudit(s, common, r.TranscriptFinding)
	r.Equal = r.Passed() && r.Chain.Agreement != verifier.Differs
	r.Next = r.next(o.Segment != nil)
	return r, nil
}

// absent says in words what a round does not have.
type absent string

func (a absent) Error() string { return string(a) }
func (a absent) Unwrap() error { return chain.ErrNotFound }

// chooseTranscript returns the submission of the trainer, by default the winner's, else the first one audited.
func chooseTranscript(submissions []poltypes.Submission, trainer string) (poltypes.Submission, error) {
	var chosen *poltypes.Submission
	for i, s := range submissions {
		switch {
		case trainer != "":
			if s.Trainer == trainer {
				chosen = &submissions[i]
			}
		case s.Status == poltypes.SUBMISSION_STATUS_WINNER:
			return s, nil
		case chosen == nil && s.Audit != nil:
			chosen = &submissions[i]
		}
	}
	switch {
	case chosen == nil && trainer != "":
		return poltypes.Submission{}, absent(trainer + " revealed no checkpoint in it; see who did: pold q pol submissions GROUP ROUND")
	case chosen == nil:
		return poltypes.Submission{}, absent("nobody won it and nothing was audited; choose a transcript with --trainer")
	case chosen.TranscriptCid == "":
		return *chosen, absent(chosen.Trainer + " handed in no transcript")
	}
	return *chosen, nil
}

// auditedSegments returns the segments that all validators replayed, nil when the chain has forgotten the task. A task that pins other
// inputs than its round is a mismatch.
func auditedSegments(ctx context.Context, client roundReader, m *poltypes.AuditManifest, s poltypes.Submission) ([]uint32, error) {
	if s.Audit == nil || s.Audit.TaskId == 0 {
		return nil, nil
	}
	t, err := client.Task(ctx, s.Audit.TaskId)
	if errors.Is(err, chain.ErrNotFound) {
		return nil, nil
	}
	if err != nil {
		return nil, err
	}
	var of poltypes.AuditManifest
	if err := verifier.DecodeManifest(&of, t.Manifest, client.ChainID(), &of.Score.ChainId); err != nil {
		return nil, fmt.Errorf("audit task %d: %w", s.Audit.TaskId, err)
	}
	// Which segments were drawn is the chain's own; sealed batches have no part in a replay, and one found false is marked in the round later.
	want, got := *m, of
	want.Common, want.Own, want.Score.Batches = nil, false, nil
	got.Common, got.Own, got.Score.Batches = nil, false, nil
	a, err := want.Marshal()
	if err != nil {
		return nil, err
	}
	b, err := got.Marshal()
	if err != nil {
		return nil, err
	}
	if !bytes.Equal(a, b) {
		return nil, fmt.Errorf("%w: audit task %d of the chain does not pin the inputs of its round", errMismatch, s.Audit.TaskId)
	}
	return of.Common, nil
}
