package voteext_test

import (
	"crypto/sha256"
	"encoding/json"
	"testing"

	abci "github.com/cometbft/cometbft/abci/types"
	"github.com/stretchr/testify/require"

	"cosmossdk.io/math"

	"github.com/cosmos/cosmos-sdk/codec"

	"github.com/pold-network/pold/testutil/network"
	"github.com/pold-network/pold/testutil/sidecars"
	attestationtypes "github.com/pold-network/pold/x/attestation/types"
)

// withWork starts a network with queued tasks and waiting artefacts, all of a real kind.
func withWork(t testing.TB, tasks, artefacts int, config network.Config) *network.Network {
	t.Helper()
	config.Genesis = func(cdc codec.JSONCodec, state map[string]json.RawMessage) {
		sidecars.Genesis(nil)(cdc, state)
		var g attestationtypes.GenesisState
		cdc.MustUnmarshalJSON(state[attestationtypes.ModuleName], &g)
		for ; g.NextTaskId <= uint64(tasks); g.NextTaskId++ {
			manifest := []byte{byte(g.NextTaskId)}
			hash := sha256.Sum256(manifest)
			g.Tasks = append(g.Tasks, attestationtypes.Task{
				Id: g.NextTaskId, Kind: "data-delta", Manifest: manifest, ManifestHash: hash[:], Cost: 1,
				Priority: math.ZeroInt(), Status: attestationtypes.TASK_STATUS_QUEUED,
			})
		}
		for ; g.NextArtefactId <= uint64(artefacts); g.NextArtefactId++ {
			g.Artefacts = append(g.Artefacts, attestationtypes.Artefact{
				Id: g.NextArtefactId, Kind: "data-delta", Cid: "bafy", Sha256: make([]byte, 32), Status: attestationtypes.ARTEFACT_STATUS_ASKED,
			})
		}
		state[attestationtypes.ModuleName] = cdc.MustMarshalJSON(&g)
	}
	return network.New(t, config)
}

func task(t testing.TB, n *network.Network, id uint64) attestationtypes.Task {
	t.Helper()
	found, err := n.App.AttestationKeeper.Tasks.Get(n.Ctx(), id)
	require.NoError(t, err)
	return found
}

func artefact(t testing.TB, n *network.Network, id uint64) attestationtypes.Artefact {
	t.Helper()
	found, err := n.App.AttestationKeeper.Artefacts.Get(n.Ctx(), id)
	require.NoError(t, err)
	return found
}

// agree is an oracle by which everybody has the same answer at once.
func agree(_ int, task attestationtypes.Task) []byte { return []byte{byte(task.Id), 1} }

// carried decodes the commit that a block carries.
func carried(t testing.TB, txs [][]byte) abci.ExtendedCommitInfo {
	t.Helper()
	require.NotEmpty(t, txs)
	var commit abci.ExtendedCommitInfo
	require.NoError(t, commit.Unmarshal(txs[0]))
	return commit
}

func encode(t testing.TB, commit abci.ExtendedCommitInfo) []byte {
	t.Helper()
	b, err := commit.Marshal()
	require.NoError(t, err)
	return b
}
