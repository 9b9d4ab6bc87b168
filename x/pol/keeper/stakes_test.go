package keeper_test

import (
	"testing"

	"github.com/stretchr/testify/require"

	"cosmossdk.io/math"

	attestationtypes "github.com/pold-network/pold/x/attestation/types"
	"github.com/pold-network/pold/x/pol/types"
)

func TestFilesCountByTheStakeOfTheirGroup(t *testing.T) {
	e := staked(t, nil)
	e.createGroup("batch", nil)
	e.bond(4, "batch", 70)
	e.createGroup("sandbox", func(s *types.GroupSettings) { s.Sandbox, s.CommitBond = true, math.ZeroInt() })
	e.createGroup("disabled", nil)
	e.bond(4, "disabled", 90)
	e.must(&types.MsgSetGroupCoinbase{Authority: account(0), Group: "disabled"})
	for name, c := range map[string]struct {
		kind, ref string
		want      int64
	}{
		"a checkpoint":                         {types.ScoreTaskKind, "digits/1/" + account(1), 1_000_000},
		"the states of an audit":               {types.AuditTaskKind, "digits/1/" + account(1), 1_000_000},
		"the states of a challenged segment":   {types.AuditTaskKind, "digits/1/" + account(1) + "/7", 1_000_000},
		"a sealed batch":                       {types.ScoreTaskKind, "batch/digits/1/" + account(1), 1_000_000},
		"a checkpoint of a group called batch": {types.ScoreTaskKind, "batch/1/" + account(1), 70},
		"one of a sandbox":                     {types.ScoreTaskKind, "sandbox/1/" + account(1), 0},
		"one of a group without coinbase":      {types.ScoreTaskKind, "disabled/1/" + account(1), 0},
		"one of no group":                      {types.ScoreTaskKind, "none/1/" + account(1), 0},
		"a file of another module":             {"data-delta", "digits", 0},
		"nothing":                              {types.ScoreTaskKind, "", 0},
	} {
		stake, err := e.k.ArtefactStake(e.ctx, attestationtypes.Artefact{Kind: c.kind, Ref: []byte(c.ref)})
		require.NoError(t, err, name)
		require.Equal(t, c.want, stake.Int64(), name)
	}
	least, err := e.k.MinGroupStake(e.ctx)
	require.NoError(t, err)
	require.Equal(t, int64(1_000), least.Int64())
}
