package devnet

import (
	"crypto/sha256"
	"encoding/json"
	"fmt"

	"cosmossdk.io/math"

	"github.com/cosmos/cosmos-sdk/codec"
	sdk "github.com/cosmos/cosmos-sdk/types"
	authtypes "github.com/cosmos/cosmos-sdk/x/auth/types"
	banktypes "github.com/cosmos/cosmos-sdk/x/bank/types"

	"github.com/pold-network/pold/app"
	"github.com/pold-network/pold/dataset/digits"
	poltypes "github.com/pold-network/pold/x/pol/types"
)

// GroupSettings returns the settings of the devnet's group: a small network on 8x8 images. Its training is proved and the
// rows that nobody may train on decide, unless the group is to be scored only.
func GroupSettings(scored bool) poltypes.GroupSettings {
	seed := sha256.Sum256([]byte("pold devnet digits"))
	s := poltypes.GroupSettings{
		Model: poltypes.ModelSpec{
			InputShape:    []uint32{digits.Features},
			Normalization: &poltypes.Normalization{DivisorE6: digits.MaxValue * 1_000_000},
			Layers: []*poltypes.Layer{
				{Name: "hidden", Kind: "dense", Units: 32},
				{Name: "act", Kind: "relu"},
				{Name: "logits", Kind: "dense", Units: digits.Classes},
			},
		},
		TrainingSet: digits.Name, Objective: poltypes.OBJECTIVE_CROSS_ENTROPY,
		Evaluation: poltypes.EVALUATION_MODE_TRAINING_SET, Proof: poltypes.PROOF_MODE_SCORED,
		CommitBlocks: commitBlocks, RevealBlocks: revealBlocks, NominalSeconds: nominalSeconds,
		CommitBond: math.NewInt(commitBond), MinImprovementE9: 1_000, MaxSteps: maxSteps,
		BountyPerRound: math.ZeroInt(), InitSeed: seed[:],
	}
	if !scored {
		s.Evaluation, s.Proof = poltypes.EVALUATION_MODE_HOLDOUT, poltypes.PROOF_MODE_PROVED
		s.Segments = segments
		s.Recipe = poltypes.RecipeBounds{MinSteps: segments, MaxSteps: maxSteps, MaxBatchSize: 512, MaxLearningRateE9: 1_000_000_000}
	}
	return s
}

// stakes are behind the group from the start. Neither of the two has two thirds.
var stakes = []struct {
	name   string
	amount int64
}{{"alice", 180_000 * nrn}, {"bob", 95_000 * nrn}}

// addGroup opens the group at genesis, with stake behind it taken from the balances of its stakeholders.
func addGroup(cdc codec.Codec, state map[string]json.RawMessage, owner string, list []Account, settings poltypes.GroupSettings) error {
	g := poltypes.DefaultGenesis()
	g.Params.ReferenceRoundSeconds = nominalSeconds
	g.Params.StakeFloorNumerator = 0
	g.Params.MinGroupStake = math.NewInt(nrn)
	g.Params.CreationFee = math.NewInt(10 * nrn)
	g.Params.UnbondingSeconds = 120
	g.Params.StoreIntervalBlocks = storeBlocks
	g.Groups = []poltypes.Group{{
		Name: Group, Creator: owner, Settings: settings, BountyPool: math.ZeroInt(),
	}}
	bank := banktypes.GetGenesisStateFromAppState(cdc, state)
	held := sdk.NewCoins()
	for _, x := range stakes {
		who, stake := address(list, x.name), sdk.NewInt64Coin(app.BaseDenom, x.amount)
		g.Bonds = append(g.Bonds, poltypes.GroupBond{Group: Group, Address: who, Amount: stake.Amount})
		held = held.Add(stake)
		for i := range bank.Balances {
			if bank.Balances[i].Address != who {
				continue
			}
			rest, negative := bank.Balances[i].Coins.SafeSub(stake)
			if negative {
				return fmt.Errorf("group stake: %s has only %s", who, bank.Balances[i].Coins)
			}
			bank.Balances[i].Coins = rest
		}
	}
	state[poltypes.ModuleName] = cdc.MustMarshalJSON(g)
	bank.Balances = append(bank.Balances, banktypes.Balance{Address: authtypes.NewModuleAddress(poltypes.ModuleName).String(), Coins: held})
	bank.Balances = banktypes.SanitizeGenesisBalances(bank.Balances)
	state[banktypes.ModuleName] = cdc.MustMarshalJSON(bank)
	return nil
}
