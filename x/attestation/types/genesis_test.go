package types_test

import (
	"crypto/sha256"
	"testing"

	"github.com/stretchr/testify/require"

	sdkmath "cosmossdk.io/math"

	"github.com/pold-network/pold/x/attestation/types"
)

func genesis() types.GenesisState {
	manifest := []byte("inputs")
	hash := sha256.Sum256(manifest)
	task := types.Task{
		Id: 1, Kind: "score", Manifest: manifest, ManifestHash: hash[:], Priority: sdkmath.ZeroInt(),
		Status: types.TASK_STATUS_COMMIT, Snapshot: 5,
	}
	queued := task
	queued.Id, queued.Status, queued.Snapshot = 2, types.TASK_STATUS_QUEUED, 0
	return types.GenesisState{
		Params: types.DefaultParams(), NextTaskId: 3, NextArtefactId: 3,
		Tasks:     []types.Task{task, queued},
		Snapshots: []types.Snapshot{{Height: 5, References: 2, TotalWeight: sdkmath.ZeroInt()}},
		Artefacts: []types.Artefact{
			{Id: 1, Status: types.ARTEFACT_STATUS_ASKED, AskedHeight: 5, Snapshot: 5},
			{Id: 2, Status: types.ARTEFACT_STATUS_ASKED},
		},
		Witnesses: []types.WitnessEntry{{TaskId: 1}},
		Openings:  []types.OpeningEntry{{TaskId: 1}},
		Held:      []types.HeldEntry{{ArtefactId: 1}},
	}
}

func TestGenesisValidate(t *testing.T) {
	require.NoError(t, types.DefaultGenesis().Validate())
	require.NoError(t, genesis().Validate())
	for _, c := range []struct {
		name, want string
		corrupt    func(*types.GenesisState)
	}{
		{"params out of range", "live_window", func(g *types.GenesisState) { g.Params.LiveWindow = 0 }},
		{"a task twice", "unique id", func(g *types.GenesisState) { g.Tasks[1].Id = 1 }},
		{"a task without an id", "unique id", func(g *types.GenesisState) { g.Tasks[0].Id = 0 }},
		{"a task of the future", "unique id", func(g *types.GenesisState) { g.Tasks[1].Id = 3 }},
		{"another manifest than the hash", "manifest hash", func(g *types.GenesisState) { g.Tasks[0].Manifest = []byte("other") }},
		{"an unknown status of a task", "unknown status", func(g *types.GenesisState) { g.Tasks[0].Status = 6 }},
		{"no status of a task", "unknown status", func(g *types.GenesisState) { g.Tasks[0].Status = 0 }},
		{"no priority", "priority", func(g *types.GenesisState) { g.Tasks[1].Priority = sdkmath.Int{} }},
		{"a negative priority", "priority", func(g *types.GenesisState) { g.Tasks[1].Priority = sdkmath.NewInt(-1) }},
		{"a task without its snapshot", "snapshot of height 6 is missing", func(g *types.GenesisState) { g.Tasks[0].Snapshot = 6 }},
		{"an artefact without its snapshot", "snapshot of height 6 is missing", func(g *types.GenesisState) { g.Artefacts[0].Snapshot = 6 }},
		{"a snapshot twice", "appears twice", func(g *types.GenesisState) { g.Snapshots = append(g.Snapshots, g.Snapshots[0]) }},
		{"a snapshot with too few references", "expected 2 references, got 1", func(g *types.GenesisState) { g.Snapshots[0].References = 1 }},
		{"a snapshot that nobody uses", "expected 0 references, got 1", func(g *types.GenesisState) {
			g.Snapshots = append(g.Snapshots, types.Snapshot{Height: 9, References: 1})
		}},
		{"an artefact twice", "unique id", func(g *types.GenesisState) { g.Artefacts[1].Id = 1 }},
		{"an unknown status of an artefact", "unknown status", func(g *types.GenesisState) { g.Artefacts[0].Status = 9 }},
		{"a witness of no task", "witness of unknown task", func(g *types.GenesisState) { g.Witnesses[0].TaskId = 9 }},
		{"an opening of no task", "opening of unknown task", func(g *types.GenesisState) { g.Openings[0].TaskId = 9 }},
		{"a holder of no artefact", "holder of unknown artefact", func(g *types.GenesisState) { g.Held[0].ArtefactId = 9 }},
	} {
		t.Run(c.name, func(t *testing.T) {
			g := genesis()
			c.corrupt(&g)
			require.ErrorContains(t, g.Validate(), c.want)
		})
	}
}
