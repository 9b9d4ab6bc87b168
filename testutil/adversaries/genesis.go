package adversaries

import (
	"bytes"
	"encoding/json"
	"fmt"
	"strings"

	"github.com/stretchr/testify/require"

	"cosmossdk.io/math"

	"github.com/cosmos/cosmos-sdk/codec"
	sdk "github.com/cosmos/cosmos-sdk/types"
	authtypes "github.com/cosmos/cosmos-sdk/x/auth/types"
	banktypes "github.com/cosmos/cosmos-sdk/x/bank/types"

	"github.com/pold-network/pold/app"
	"github.com/pold-network/pold/dataset"
	"github.com/pold-network/pold/testutil/sidecars"
	attestationtypes "github.com/pold-network/pold/x/attestation/types"
	poltypes "github.com/pold-network/pold/x/pol/types"
	polslashingtypes "github.com/pold-network/pold/x/slashing/types"
	trainingsettypes "github.com/pold-network/pold/x/trainingset/types"
)

const (
	nrn        = 1_000_000
	groupStake = 10_000 * nrn
	commitBond = nrn
	segments   = 16
	steps      = 32
	// nominal is less than a round lasts, so that each is paid the whole coinbase however many blocks it took.
	nominal = 15
)

// flowers is a table of three classes that a small network can learn but not at once.
func flowers(state uint32, rows int) []byte {
	var b strings.Builder
	b.WriteString("a,b,c,d,class\n")
	next := func(n uint32) uint32 {
		state = state*1_664_525 + 1_013_904_223
		return (state >> 8) % n
	}
	seen := map[string]bool{}
	for i := 0; len(seen) < rows; i++ {
		class := uint32(i % 3)
		row := fmt.Sprintf("%d,%d,%d,%d,%d\n", class*3+next(7), (2-class)*3+next(8), next(9), class*class+next(6), class)
		if !seen[row] { // a table holds no row twice
			seen[row] = true
			b.WriteString(row)
		}
	}
	return []byte(b.String())
}

// Settings are those of the group before a Config changes them.
func Settings() poltypes.GroupSettings {
	return poltypes.GroupSettings{
		Model: poltypes.ModelSpec{InputShape: []uint32{4}, Normalization: &poltypes.Normalization{DivisorE6: 8_000_000}, Layers: []*poltypes.Layer{
			{Name: "hidden", Kind: "dense", Units: 8}, {Name: "act", Kind: "relu"}, {Name: "out", Kind: "dense", Units: 3},
		}},
		TrainingSet: Group, Objective: poltypes.OBJECTIVE_CROSS_ENTROPY,
		Evaluation: poltypes.EVALUATION_MODE_HOLDOUT, Proof: poltypes.PROOF_MODE_PROVED, Segments: segments,
		Recipe:       poltypes.RecipeBounds{MinSteps: segments, MaxSteps: steps, MaxLearningRateE9: 500_000_000},
		CommitBlocks: 10, RevealBlocks: 10, NominalSeconds: nominal,
		CommitBond: math.NewInt(commitBond), BountyPerRound: math.ZeroInt(), InitSeed: bytes.Repeat([]byte{7}, 32),
	}
}

// Table describes the training set as it is registered.
func (a *Arena) Table() trainingsettypes.Table {
	name, hash := a.Add(a.table)
	parsed, err := dataset.Parse(bytes.NewReader(a.table))
	require.NoError(a.T, err)
	root := parsed.Root()
	return trainingsettypes.Table{Cid: name, Sha256: hash, Size_: uint64(len(a.table)), Rows: uint64(parsed.Rows()), Columns: uint32(parsed.Columns()),
		Targets: 1, Root: root[:], ValidationPermille: 250}
}

func (a *Arena) genesis(c Config) func(codec.JSONCodec, map[string]json.RawMessage) {
	return func(cdc codec.JSONCodec, state map[string]json.RawMessage) {
		sidecars.Genesis(func(p *attestationtypes.Params) {
			p.SpotE6 = 0
			if c.Attest != nil {
				c.Attest(p)
			}
		})(cdc, state)
		var sets trainingsettypes.GenesisState
		cdc.MustUnmarshalJSON(state[trainingsettypes.ModuleName], &sets)
		sets.TrainingSets = []trainingsettypes.TrainingSet{{Name: Group, Table: a.Table(), Status: trainingsettypes.STATUS_PENDING}}
		state[trainingsettypes.ModuleName] = cdc.MustMarshalJSON(&sets)

		var bank banktypes.GenesisState
		cdc.MustUnmarshalJSON(state[banktypes.ModuleName], &bank)
		bank.Balances = append(bank.Balances, banktypes.Balance{
			Address: authtypes.NewModuleAddress(poltypes.ModuleName).String(), Coins: sdk.NewCoins(sdk.NewInt64Coin(app.BaseDenom, groupStake)),
		})
		state[banktypes.ModuleName] = cdc.MustMarshalJSON(&bank)

		var pol poltypes.GenesisState
		cdc.MustUnmarshalJSON(state[poltypes.ModuleName], &pol)
		pol.Params.ReferenceRoundSeconds, pol.Params.StakeFloorNumerator = nominal, 0
		pol.Params.MinGroupStake = math.NewInt(nrn)
		if c.Params != nil {
			c.Params(&pol.Params)
		}
		settings := Settings()
		if c.Settings != nil {
			c.Settings(&settings)
		}
		owner := sdk.AccAddress(bytes.Repeat([]byte{9}, 20)).String()
		pol.Groups = []poltypes.Group{{Name: Group, Creator: owner, Settings: settings, BountyPool: math.ZeroInt()}}
		pol.Bonds = []poltypes.GroupBond{{Group: Group, Address: owner, Amount: math.NewInt(groupStake)}}
		state[poltypes.ModuleName] = cdc.MustMarshalJSON(&pol)

		penalties := polslashingtypes.DefaultGenesis()
		penalties.Params.QueueSeconds = 5
		penalties.Params.DailyPowerE6 = polslashingtypes.MaxDailyPowerE6
		if c.Penalties != nil {
			c.Penalties(&penalties.Params)
		}
		state[polslashingtypes.ModuleName] = cdc.MustMarshalJSON(penalties)
	}
}
