package simulation

import (
	"bytes"
	"encoding/json"
	"time"

	"cosmossdk.io/math"

	"github.com/cosmos/cosmos-sdk/codec"
	sdk "github.com/cosmos/cosmos-sdk/types"
	authtypes "github.com/cosmos/cosmos-sdk/x/auth/types"
	banktypes "github.com/cosmos/cosmos-sdk/x/bank/types"
	govtypes "github.com/cosmos/cosmos-sdk/x/gov/types"
	govv1 "github.com/cosmos/cosmos-sdk/x/gov/types/v1"

	"github.com/pold-network/pold/app"
	"github.com/pold-network/pold/testutil/network"
	"github.com/pold-network/pold/testutil/sidecars"
	attestationtypes "github.com/pold-network/pold/x/attestation/types"
	poltypes "github.com/pold-network/pold/x/pol/types"
	polslashingtypes "github.com/pold-network/pold/x/slashing/types"
	trainingsettypes "github.com/pold-network/pold/x/trainingset/types"
	votingtypes "github.com/pold-network/pold/x/voting/types"
)

// The accounts: trainers come first.
const (
	trainers = 6
	planter  = 6
	staker   = 7
	provider = 8 // and the next
	citizen  = 10
	accounts = 11

	balance    = 1_000_000_000_000
	groupStake = 500_000_000
	// initialLoss is the loss of the weights before the first round.
	initialLoss = 2_300_000_000
)

const (
	scoredGroup = "scored"
	provedGroup = "proved"
	sealedGroup = "sealed"
	playGroup   = "play"
)

// powers are those of the validators; the last two, a sixth of all, are liars.
var powers = []int64{100, 100, 100, 100, 100, 60, 40}

const firstLiar = 5

func table() trainingsettypes.Table {
	id, hash := contentID("table")
	return trainingsettypes.Table{
		Cid: id, Sha256: hash, Size_: 1_000, Rows: 100, Columns: 5, Targets: 1, Root: bytes.Repeat([]byte{2}, 32), ValidationPermille: 200,
	}
}

func settings(group string) poltypes.GroupSettings {
	s := poltypes.GroupSettings{
		Model:       poltypes.ModelSpec{InputShape: []uint32{4}, Layers: []*poltypes.Layer{{Name: "out", Kind: "dense", Units: 3}}},
		TrainingSet: "digits", Objective: poltypes.OBJECTIVE_CROSS_ENTROPY,
		Evaluation: poltypes.EVALUATION_MODE_TRAINING_SET, Proof: poltypes.PROOF_MODE_SCORED,
		CommitBlocks: 10, RevealBlocks: 10, NominalSeconds: 12 * 3_600,
		CommitBond: math.NewInt(1_000_000), BountyPerRound: math.NewInt(500_000), InitSeed: bytes.Repeat([]byte{7}, 32),
	}
	switch group {
	case scoredGroup:
		s.Mapping = true
		s.Model.Layers = append([]*poltypes.Layer{{Name: "map", Kind: "sml"}}, s.Model.Layers...)
	case provedGroup:
		s.Evaluation, s.Proof, s.Segments = poltypes.EVALUATION_MODE_HOLDOUT, poltypes.PROOF_MODE_PROVED, 16
		s.Recipe = poltypes.RecipeBounds{MaxSteps: 64, MaxBatchSize: 32}
	case sealedGroup:
		s.Evaluation = poltypes.EVALUATION_MODE_SEALED
		for i := range 2 {
			s.Providers = append(s.Providers, network.AccountAddress(provider+i))
		}
	case playGroup:
		s.Sandbox, s.CommitBond = true, math.ZeroInt()
	}
	return s
}

// genesis is a state with a training set and groups with stake, in which everything takes little time.
func genesis(config Config) func(codec.JSONCodec, map[string]json.RawMessage) {
	return func(cdc codec.JSONCodec, state map[string]json.RawMessage) {
		sidecars.Genesis(func(p *attestationtypes.Params) {
			p.Retention, p.SpotE6, p.LiveWindow = config.Retention, 400_000, 20
		})(cdc, state)

		var sets trainingsettypes.GenesisState
		cdc.MustUnmarshalJSON(state[trainingsettypes.ModuleName], &sets)
		owner := sdk.AccAddress(bytes.Repeat([]byte{9}, 20)).String()
		sets.Params.ProposalDeposit, sets.Params.OpenSeconds, sets.Params.RetentionSeconds = math.NewInt(1_000_000), 14*3_600, 6*3_600
		sets.TrainingSets = []trainingsettypes.TrainingSet{{Name: "digits", Owner: owner, Table: table()}}
		state[trainingsettypes.ModuleName] = cdc.MustMarshalJSON(&sets)

		var pol poltypes.GenesisState
		cdc.MustUnmarshalJSON(state[poltypes.ModuleName], &pol)
		p := &pol.Params
		p.ReferenceRoundSeconds, p.StakeFloorNumerator, p.MinGroupStake = 12*3_600, 0, math.NewInt(1_000_000)
		p.HalvingIntervalSeconds, p.UnbondingSeconds = 5*24*3_600, 6*3_600
		p.RoundRetention, p.KeyBlocks, p.CanaryBlocks = config.RoundRetention, 10, 30
		p.StoreIntervalBlocks, p.MaxStoreTasks = 15, 2
		p.ReferencePeriodSeconds, p.ActivationSeconds, p.ChangePeriods, p.CreationFee = 7*3_600, 3_600, 2, math.NewInt(1_000_000)
		held := math.ZeroInt()
		for _, name := range []string{scoredGroup, provedGroup, sealedGroup} {
			pol.Groups = append(pol.Groups, poltypes.Group{Name: name, Creator: owner, Settings: settings(name), BountyPool: math.ZeroInt()})
			pol.Bonds = append(pol.Bonds, poltypes.GroupBond{Group: name, Address: owner, Amount: math.NewInt(groupStake)})
			held = held.AddRaw(groupStake)
		}
		for _, who := range voters { // scoredGroup is the first of the owner's groups, so it governs the data
			pol.Bonds = append(pol.Bonds, poltypes.GroupBond{Group: scoredGroup, Address: network.AccountAddress(who), Amount: math.NewInt(2 * groupStake)})
			held = held.AddRaw(2 * groupStake)
		}
		state[poltypes.ModuleName] = cdc.MustMarshalJSON(&pol)

		var bank banktypes.GenesisState
		cdc.MustUnmarshalJSON(state[banktypes.ModuleName], &bank)
		bank.Balances = append(bank.Balances, banktypes.Balance{
			Address: authtypes.NewModuleAddress(poltypes.ModuleName).String(), Coins: sdk.NewCoins(sdk.NewCoin(app.BaseDenom, held)),
		})
		state[banktypes.ModuleName] = cdc.MustMarshalJSON(&bank)

		var ballots votingtypes.GenesisState
		cdc.MustUnmarshalJSON(state[votingtypes.ModuleName], &ballots)
		ballots.Params.DefaultPeriodSeconds, ballots.Params.MinPeriodSeconds, ballots.Params.MaxPeriodSeconds = 7*3_600, 3_600, 12*3_600
		ballots.Params.CheckSeconds, ballots.Params.GraceSeconds = 3*3_600, 6*3_600
		state[votingtypes.ModuleName] = cdc.MustMarshalJSON(&ballots)

		var slashing polslashingtypes.GenesisState
		cdc.MustUnmarshalJSON(state[polslashingtypes.ModuleName], &slashing)
		slashing.Params = polslashingtypes.Params{
			WindowSeconds: 86_400, SlashE6: 5_000, JailAfter: 3, JailSeconds: 3_600, QueueSeconds: 4 * 3_600, DailyPowerE6: 200_000,
			MissedWindow: 20, MissedTasks: 8, RetentionSeconds: 86_400,
		}
		state[polslashingtypes.ModuleName] = cdc.MustMarshalJSON(&slashing)

		var gov govv1.GenesisState
		cdc.MustUnmarshalJSON(state[govtypes.ModuleName], &gov)
		voting, expedited := time.Hour, 30*time.Minute
		gov.Params.VotingPeriod, gov.Params.ExpeditedVotingPeriod = &voting, &expedited
		state[govtypes.ModuleName] = cdc.MustMarshalJSON(&gov)
	}
}
