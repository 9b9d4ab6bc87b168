package main

import (
	"context"
	"encoding/hex"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/pold-network/pold/dataset/digits"
	"github.com/pold-network/pold/engine"
	"github.com/pold-network/pold/sidecar/chain"
	"github.com/pold-network/pold/sidecar/trainer"
	poltypes "github.com/pold-network/pold/x/pol/types"
)

func TestErrorsHaveTheExitCodesOfTheManual(t *testing.T) {
	for _, c := range []struct {
		err  error
		code int
	}{
		{errors.New("anything"), 1},
		{usage("--round: expected a number"), 2},
		{chain.ErrNotFound, 3},
		{&fs.PathError{Op: "open", Path: "x", Err: os.ErrNotExist}, 3},
		{chain.ErrUnknownKey, 3},
		{chain.ErrRejected, 4},
		{chain.ErrUnfunded, 4},
		{chain.ErrTimeout, 5},
		{context.DeadlineExceeded, 5},
		{chain.ErrUnreachable, 6},
		{fmt.Errorf("%w: x", errMismatch), 7},
	} {
		require.Equal(t, c.code, exitCode(fmt.Errorf("wrapped: %w", c.err)), c.err)
	}
}

func TestWrongUsageIsToldFromOtherErrors(t *testing.T) {
	for _, args := range []string{"nope", "serve --nope", "serve extra", "train", "train --group g --rate -1 --from a", "submit", "verify --group g", "add", "train --group g",
		"publish", "publish x", "publish x --from a --proposal 0", "publish x --from a --kind bird", "publish x --from a --kind table",
		"get bafkreigx74jucairqk326nztwia2sgooul76adzf74r3usgf46i5v75uta -o .", "get bafkreigx74jucairqk326nztwia2sgooul76adzf74r3usgf46i5v75uta -o nowhere/y",
		"get QmYwAPJzv5CZsnA625s3Xf2nemtYgPpHdWEz79ojWnPbdG -o y", "get", "get x -o y", "get bafkreigx74jucairqk326nztwia2sgooul76adzf74r3usgf46i5v75uta",
		"get bafkreigx74jucairqk326nztwia2sgooul76adzf74r3usgf46i5v75uta -o y --size 1", "get bafkreigx74jucairqk326nztwia2sgooul76adzf74r3usgf46i5v75uta -o y --size 1 --sha256 0a"} {
		cmd := newRootCommand()
		cmd.SetArgs(strings.Fields(args))
		err := cmd.ExecuteContext(t.Context())
		require.ErrorIs(t, err, errUsage, args)
	}
}

func TestEveryCommandHasAnExample(t *testing.T) {
	for _, cmd := range newRootCommand().Commands() {
		require.NotEmpty(t, cmd.Example, cmd.Name())
	}
}

func TestAddDescribesTablesDeltasCheckpointsAndOtherFiles(t *testing.T) {
	d, err := describe(digits.CSV(), "")
	require.NoError(t, err)
	require.Equal(t, description{CID: "bafkreigx74jucairqk326nztwia2sgooul76adzf74r3usgf46i5v75uta", SHA256: digits.SHA256, Size: len(digits.CSV()), Kind: "table", Canonical: true,
		Rows: digits.Rows, Columns: digits.Features + 1, Root: digits.Root}, d)

	checkpoint, err := engine.EncodeSafetensors([]engine.Tensor{engine.NewTensor("a", []int{1}, []float32{1})})
	require.NoError(t, err)
	d, err = describe(checkpoint, "")
	require.NoError(t, err)
	require.Equal(t, "safetensors", d.Kind)
	require.True(t, d.Canonical)

	d, err = describe([]byte("--- a/x\n+++ b/x\n@@ -2,2 +2,3 @@\n-1,2\n+1,3\n+1,4\n 5,6\n"), "")
	require.NoError(t, err)
	require.Equal(t, "delta", d.Kind)
	require.Equal(t, 2, d.RowsAdded)
	require.Equal(t, 1, d.RowsRemoved)

	d, err = describe([]byte("x,y\n1,cat\n"), "")
	require.NoError(t, err)
	require.Equal(t, "file", d.Kind)
	require.Contains(t, d.Note, "line 2")
}

func TestEveryFigureOfAVerdictIsCompared(t *testing.T) {
	answer := poltypes.ScoreAnswer{ClaimLossE9: 1, RankLossE9: 2, MetricE9: 3, Digest: [32]byte{4}}
	verdict := poltypes.Verdict{ClaimLossE9: 1, RankLossE9: 2, MetricE9: 3, Digest: answer.Digest[:]}
	require.True(t, compare("x", "cid", verdict, answer).Equal)
	for name, change := range map[string]func(*poltypes.Verdict){
		"claim":   func(v *poltypes.Verdict) { v.ClaimLossE9++ },
		"loss":    func(v *poltypes.Verdict) { v.RankLossE9++ },
		"metric":  func(v *poltypes.Verdict) { v.MetricE9-- },
		"digest":  func(v *poltypes.Verdict) { v.Digest, _ = hex.DecodeString("05") },
		"problem": func(v *poltypes.Verdict) { v.Problem = "weights or loss are not finite" },
	} {
		changed := verdict
		change(&changed)
		f := compare("x", "cid", changed, answer)
		require.False(t, f.Equal, name)
		var text strings.Builder
		verification{Findings: []finding{f}}.print(&text)
		require.Equal(t, 1, strings.Count(text.String(), "✘"), name)
	}
}

func TestOnlyScoredCheckpointsAreASuccess(t *testing.T) {
	for status, want := range map[poltypes.SubmissionStatus]error{
		poltypes.SUBMISSION_STATUS_WINNER:      nil,
		poltypes.SUBMISSION_STATUS_VALID:       nil,
		poltypes.SUBMISSION_STATUS_FALSE_CLAIM: chain.ErrRejected,
		poltypes.SUBMISSION_STATUS_INVALID:     chain.ErrRejected,
		poltypes.SUBMISSION_STATUS_WITHHELD:    chain.ErrRejected,
		poltypes.SUBMISSION_STATUS_DUPLICATE:   chain.ErrRejected,
	} {
		require.ErrorIs(t, judge(trainer.Outcome{Revealed: true, Status: status}), want, status)
	}
	require.ErrorIs(t, judge(trainer.Outcome{}), chain.ErrTimeout)
}

func TestPartsEndTogether(t *testing.T) {
	wait := func(ctx context.Context) error { <-ctx.Done(); return ctx.Err() }
	failure := errors.New("failed")
	require.ErrorIs(t, together(t.Context(), wait, func(context.Context) error { return failure }), failure)
	require.NoError(t, together(t.Context(), wait, func(context.Context) error { return errDone }))
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	require.ErrorIs(t, together(ctx, wait), context.Canceled)
}
