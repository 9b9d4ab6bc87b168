package simulation_test

import (
	"context"
	"testing"

	"github.com/stretchr/testify/require"

	"cosmossdk.io/collections"
	"cosmossdk.io/math"

	sdk "github.com/cosmos/cosmos-sdk/types"

	"github.com/pold-network/pold/app"
	"github.com/pold-network/pold/testutil/simulation"
	attestationtypes "github.com/pold-network/pold/x/attestation/types"
	poltypes "github.com/pold-network/pold/x/pol/types"
	polslashingtypes "github.com/pold-network/pold/x/slashing/types"
)

// first returns the key and value of the first record that fits.
func first[K, V any](t *testing.T, ctx context.Context, m collections.Map[K, V], fits func(V) bool) (key K, value V) {
	t.Helper()
	found := false
	require.NoError(t, m.Walk(ctx, nil, func(k K, v V) (bool, error) {
		if found = fits == nil || fits(v); found {
			key, value = k, v
		}
		return found, nil
	}))
	require.True(t, found, "the state has no such record")
	return key, value
}

func TestAnInvariantNoticesWhen(t *testing.T) {
	s := simulation.New(t, simulation.Config{Seed: 2})
	s.Run(120)
	for _, c := range []struct {
		name, want string
		spoil      func(t *testing.T, ctx sdk.Context, a *app.App) error
	}{
		{"a vote weighs more than its power", "attestation/snapshots: snapshot of height", func(t *testing.T, ctx sdk.Context, a *app.App) error {
			height, snapshot := first(t, ctx, a.AttestationKeeper.Snapshots, nil)
			snapshot.Members[0].FactorE6 = 1_000_001
			return a.AttestationKeeper.Snapshots.Set(ctx, height, snapshot)
		}},
		{"a total is not the sum", "total power: expected the sum", func(t *testing.T, ctx sdk.Context, a *app.App) error {
			height, snapshot := first(t, ctx, a.AttestationKeeper.Snapshots, nil)
			snapshot.TotalPower--
			return a.AttestationKeeper.Snapshots.Set(ctx, height, snapshot)
		}},
		{"a snapshot is counted once too often", "it counts", func(t *testing.T, ctx sdk.Context, a *app.App) error {
			height, snapshot := first(t, ctx, a.AttestationKeeper.Snapshots, nil)
			snapshot.References++
			return a.AttestationKeeper.Snapshots.Set(ctx, height, snapshot)
		}},
		{"a snapshot is missing", "are missing that open work refers to", func(t *testing.T, ctx sdk.Context, a *app.App) error {
			height, _ := first(t, ctx, a.AttestationKeeper.Snapshots, nil)
			return a.AttestationKeeper.Snapshots.Remove(ctx, height)
		}},
		{"a finished task would be kept for ever", "stands not in the index", func(t *testing.T, ctx sdk.Context, a *app.App) error {
			id, task := first(t, ctx, a.AttestationKeeper.Tasks, func(x attestationtypes.Task) bool { return x.FinishedHeight > 0 })
			return a.AttestationKeeper.TasksFinished.Remove(ctx, collections.Join(task.FinishedHeight, id))
		}},
		{"a witness is about a task that is gone", "which is gone", func(t *testing.T, ctx sdk.Context, a *app.App) error {
			_, witness := first(t, ctx, a.AttestationKeeper.Witnesses, nil)
			return a.AttestationKeeper.Witnesses.Set(ctx, collections.Join(uint64(1e9), "x"), witness)
		}},
		{"a bond has no coins behind it", "pol/escrow", func(t *testing.T, ctx sdk.Context, a *app.App) error {
			key, bond := first(t, ctx, a.PolKeeper.Bonds, nil)
			bond.Amount = bond.Amount.AddRaw(1)
			return a.PolKeeper.Bonds.Set(ctx, key, bond)
		}},
		{"a group's stake is not its bonds", "pol/stakes", func(t *testing.T, ctx sdk.Context, a *app.App) error {
			return a.PolKeeper.Stakes.Set(ctx, "scored", math.OneInt())
		}},
		{"coins come from nowhere", "pol/supply", func(t *testing.T, ctx sdk.Context, a *app.App) error {
			return a.BankKeeper.MintCoins(ctx, poltypes.ModuleName, sdk.NewCoins(sdk.NewInt64Coin(app.BaseDenom, 1e15)))
		}},
		{"a group has nothing to do any more", "pol/schedule: group scored", func(t *testing.T, ctx sdk.Context, a *app.App) error {
			return a.PolKeeper.DueByGroup.Remove(ctx, "scored")
		}},
		{"a group would get no store task any more", "pol/store-turns: group", func(t *testing.T, ctx sdk.Context, a *app.App) error {
			return a.PolKeeper.StoreDue.Clear(ctx, nil)
		}},
		{"a submission is of a round that is gone", "pol/schedule: submission", func(t *testing.T, ctx sdk.Context, a *app.App) error {
			_, x := first(t, ctx, a.PolKeeper.Submissions, nil)
			return a.PolKeeper.Submissions.Set(ctx, collections.Join3("scored", uint64(1e9), "x"), x)
		}},
		{"a reputation is above 1", "reputation/scores", func(t *testing.T, ctx sdk.Context, a *app.App) error {
			key, score := first(t, ctx, a.ReputationKeeper.Scores, nil)
			score.ModelE9 = 1_000_000_001
			return a.ReputationKeeper.Scores.Set(ctx, key, score)
		}},
		{"a reputation would never be forgotten", "does not stand there", func(t *testing.T, ctx sdk.Context, a *app.App) error {
			return a.ReputationKeeper.ByDay.Clear(ctx, nil)
		}},
		{"evidence is counted wrongly", "polslashing/evidence: evidence against", func(t *testing.T, ctx sdk.Context, a *app.App) error {
			key, n := first(t, ctx, a.PolSlashingKeeper.EvidenceCount, nil)
			return a.PolSlashingKeeper.EvidenceCount.Set(ctx, key, n+1)
		}},
		{"evidence would never be removed", "expected it to go by its time or with a penalty", func(t *testing.T, ctx sdk.Context, a *app.App) error {
			return a.PolSlashingKeeper.EvidenceExpiry.Clear(ctx, nil)
		}},
		{"pinned inputs are gone", "pinned inputs", func(t *testing.T, ctx sdk.Context, a *app.App) error {
			key, _ := first(t, ctx, a.PolSlashingKeeper.Manifests, nil)
			return a.PolSlashingKeeper.Manifests.Remove(ctx, key)
		}},
		{"a queued penalty would never be carried out", "polslashing/penalties: penalty", func(t *testing.T, ctx sdk.Context, a *app.App) error {
			first(t, ctx, a.PolSlashingKeeper.Penalties, func(p polslashingtypes.Penalty) bool { return p.Status == polslashingtypes.PENALTY_STATUS_QUEUED })
			return a.PolSlashingKeeper.PenaltiesQueue.Clear(ctx, nil)
		}},
		{"power was punished that belongs to nobody", "polslashing/day: day", func(t *testing.T, ctx sdk.Context, a *app.App) error {
			if err := a.PolSlashingKeeper.Penalised.Clear(ctx, nil); err != nil {
				return err
			}
			return a.PolSlashingKeeper.Today.Set(ctx, polslashingtypes.Day{Day: 1, Power: 7})
		}},
	} {
		t.Run(c.name, func(t *testing.T) {
			ctx := s.Ctx() // writes to it are lost
			require.NoError(t, s.App.CheckInvariants(ctx))
			require.NoError(t, c.spoil(t, ctx, s.App))
			require.ErrorContains(t, s.App.CheckInvariants(ctx), c.want)
		})
	}
}
