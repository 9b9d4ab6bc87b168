package main

import (
	"context"
	"errors"
	"fmt"

	"github.com/pold-network/pold/sidecar/chain"
	"github.com/pold-network/pold/sidecar/verifier"
	attestationtypes "github.com/pold-network/pold/x/attestation/types"
	poltypes "github.com/pold-network/pold/x/pol/types"
)

// withPinnedModel returns a group as a round of it was opened, when its model may have been another. Which model that was only the tasks
// of the round know, for as long as the chain keeps them; nothing else that a round's tasks pin can change.
func withPinnedModel(ctx context.Context, client roundReader, g poltypes.Group, r poltypes.Round, submissions []poltypes.Submission) (poltypes.Group, error) {
	if r.ModelVersion == g.ModelVersion {
		return g, nil
	}
	for _, id := range tasksOf(r, submissions) {
		t, err := client.Task(ctx, id)
		if errors.Is(err, chain.ErrNotFound) {
			continue
		}
		if err != nil {
			return g, err
		}
		m, err := scoreManifestOf(client.ChainID(), t)
		if err != nil {
			return g, fmt.Errorf("task %d: %w", id, err)
		}
		if m.Group != r.Group || m.Round != r.Number || m.ModelVersion != r.ModelVersion {
			return g, fmt.Errorf("%w: task %d of the chain is of round %d of group %q with model version %d, expected round %d of %q with %d",
				errMismatch, id, m.Round, m.Group, m.ModelVersion, r.Number, r.Group, r.ModelVersion)
		}
		g.Settings.Model = m.Model
		return g, nil
	}
	return g, absent(fmt.Sprintf("round %d of group %q was opened with model version %d; the group is at version %d, and the chain keeps no task of that round any more, "+
		"so the model of then is not known and nothing of the round can be computed again; choose a later round", r.Number, r.Group, r.ModelVersion, g.ModelVersion))
}

// tasksOf lists the tasks of a round that pin its model.
func tasksOf(r poltypes.Round, submissions []poltypes.Submission) (ids []uint64) {
	note := func(more ...uint64) {
		for _, id := range more {
			if id != 0 {
				ids = append(ids, id)
			}
		}
	}
	if r.ParentVerdict != nil {
		note(r.ParentVerdict.TaskId)
	}
	note(r.ParentTask)
	for _, s := range submissions {
		if s.Verdict != nil {
			note(s.Verdict.TaskId)
		}
		if s.Audit != nil {
			note(s.Audit.TaskId)
		}
		note(s.TaskId, s.AuditTaskId)
	}
	return ids
}

// scoreManifestOf returns the part of a score or audit task that pins model, data and checkpoint.
func scoreManifestOf(chainID string, t attestationtypes.Task) (*poltypes.ScoreManifest, error) {
	if t.Kind == poltypes.AuditTaskKind {
		var m poltypes.AuditManifest
		err := verifier.DecodeManifest(&m, t.Manifest, chainID, &m.Score.ChainId)
		return &m.Score, err
	}
	var m poltypes.ScoreManifest
	err := verifier.DecodeManifest(&m, t.Manifest, chainID, &m.ChainId)
	return &m, err
}
