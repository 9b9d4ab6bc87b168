package types_test

import (
	"math"
	"testing"

	"github.com/stretchr/testify/require"

	sdkmath "cosmossdk.io/math"

	errorsmod "cosmossdk.io/errors"

	"github.com/pold-network/pold/x/pol/types"
)

func TestParamsThatAreRefused(t *testing.T) {
	require.NoError(t, types.DefaultParams().Validate())
	for says, change := range map[string]func(*types.Params){
		"reference_round_seconds: expected more than 0":                                                    func(p *types.Params) { p.ReferenceRoundSeconds = 0 },
		"reference_round_seconds: expected at most":                                                        func(p *types.Params) { p.ReferenceRoundSeconds = math.MaxUint64 },
		"halving_interval_seconds: expected more than 0":                                                   func(p *types.Params) { p.HalvingIntervalSeconds = 0 },
		"halving_interval_seconds: expected at most":                                                       func(p *types.Params) { p.HalvingIntervalSeconds = math.MaxInt64 },
		"stake_floor_denominator: expected more than 0":                                                    func(p *types.Params) { p.StakeFloorNumerator, p.StakeFloorDenominator = 0, 0 },
		"stake floor: expected at most 1, got 4/3":                                                         func(p *types.Params) { p.StakeFloorNumerator = 4 },
		"unbonding_seconds: expected more than 0":                                                          func(p *types.Params) { p.UnbondingSeconds = 0 },
		"unbonding_seconds: expected at most":                                                              func(p *types.Params) { p.UnbondingSeconds = math.MaxInt64 },
		"max_candidates: expected more than 0":                                                             func(p *types.Params) { p.MaxCandidates = 0 },
		"max_commitments: expected more than 0":                                                            func(p *types.Params) { p.MaxCommitments = 0 },
		"max_nominal_seconds: expected more than 0":                                                        func(p *types.Params) { p.MaxNominalSeconds = 0 },
		"max_nominal_seconds: expected at most":                                                            func(p *types.Params) { p.MaxNominalSeconds = math.MaxUint64 / 2 },
		"max_group_cost: expected more than 0":                                                             func(p *types.Params) { p.MaxGroupCost = 0 },
		"max_groups_per_block: expected more than 0":                                                       func(p *types.Params) { p.MaxGroupsPerBlock = 0 },
		"round_retention: expected more than 0":                                                            func(p *types.Params) { p.RoundRetention = 0 },
		"rates: expected at most 1000000 billionths (0.1 %) each, got 1000001, 2000 and 1000":              func(p *types.Params) { p.WinnerRateE9 = 1_000_001 },
		"rates: expected at most 1000000 billionths (0.1 %) each, got 10000, 1000001 and 1000":             func(p *types.Params) { p.VerifierRateE9 = 1_000_001 },
		"each, got 10000, 2000 and 1000001":                                                                func(p *types.Params) { p.ProposerRateE9 = 1_000_001 },
		"change_periods: expected 1000 to 1000000 and at most 52, got 999 and 4":                           func(p *types.Params) { p.ChangeStakeE6 = 999 },
		"at most 52, got 10000 and 53":                                                                     func(p *types.Params) { p.ChangePeriods = 53 },
		"reference_period_seconds: expected more than 0":                                                   func(p *types.Params) { p.ReferencePeriodSeconds = 0 },
		"losses: expected at most 1000000 millionths, got 1000001 and 500000":                              func(p *types.Params) { p.NoRevealLossE6 = 1_000_001 },
		"losses: expected at most 1000000 millionths, got 500000 and 1000001":                              func(p *types.Params) { p.WithheldLossE6 = 1_000_001 },
		"phase blocks: expected 10 <= min":                                                                 func(p *types.Params) { p.MinPhaseBlocks = 9 },
		"phase blocks: expected 10 <= min <= max <= 10000000":                                              func(p *types.Params) { p.MaxPhaseBlocks = 10_000_001 },
		"<= max <= 10000000, got 10 and 9":                                                                 func(p *types.Params) { p.MaxPhaseBlocks = 9 },
		"bounds on block work: expected at most 64 candidates":                                             func(p *types.Params) { p.MaxCandidates = 65 },
		"candidates, 4096 commitments and 4096 groups, got 16, 4097":                                       func(p *types.Params) { p.MaxCommitments = 4_097 },
		"and 4096 groups, got 16, 256 and 4097":                                                            func(p *types.Params) { p.MaxGroupsPerBlock = 4_097 },
		"min_group_stake: expected 0 or more unrn":                                                         func(p *types.Params) { p.MinGroupStake = sdkmath.Int{} },
		"audit_candidates: expected more than 0":                                                           func(p *types.Params) { p.AuditCandidates = 0 },
		"audit_segments: expected more than 0":                                                             func(p *types.Params) { p.AuditSegments = 0 },
		"canary_blocks: expected more than 0":                                                              func(p *types.Params) { p.CanaryBlocks = 0 },
		"canary_blocks: expected at most 10000000":                                                         func(p *types.Params) { p.CanaryBlocks = 1 << 60 },
		"bounds on audits: expected at most 64 candidates, 64 segments and 64 challenges, got 65, 3 and 8": func(p *types.Params) { p.AuditCandidates = 65 },
		"and 64 challenges, got 3, 65 and 8":                                                               func(p *types.Params) { p.AuditSegments = 65 },
		"and 64 challenges, got 3, 3 and 65":                                                               func(p *types.Params) { p.MaxChallenges = 65 },
		"store_interval_blocks: expected 0 for no store tasks, or 10 to 10000000, got 9":                   func(p *types.Params) { p.StoreIntervalBlocks = 9 },
		"or 10 to 10000000, got 10000001":                                                                  func(p *types.Params) { p.StoreIntervalBlocks = 10_000_001 },
		"store_chunks: expected 1 to 16, got 0":                                                            func(p *types.Params) { p.StoreChunks = 0 },
		"store_chunks: expected 1 to 16, got 17":                                                           func(p *types.Params) { p.StoreChunks = 17 },
		"max_store_tasks: expected 1 to 16, got 0":                                                         func(p *types.Params) { p.MaxStoreTasks = 0 },
		"max_store_tasks: expected 1 to 16, got 17":                                                        func(p *types.Params) { p.MaxStoreTasks = 17 },
		"key_blocks: expected 10 to 10000000, got 9":                                                       func(p *types.Params) { p.KeyBlocks = 9 },
		"key_blocks: expected 10 to 10000000, got 10000001":                                                func(p *types.Params) { p.KeyBlocks = 10_000_001 },
		"provider_bond_e6: expected at most 1000000000":                                                    func(p *types.Params) { p.ProviderBondE6 = math.MaxUint64 },
		"canary_bond: expected 0 or more unrn":                                                             func(p *types.Params) { p.CanaryBond = sdkmath.NewInt(-1) },
		"creation_fee: expected 0 or more unrn":                                                            func(p *types.Params) { p.CreationFee = sdkmath.NewInt(-1) },
		"sandbox_fee: expected 0 or more unrn":                                                             func(p *types.Params) { p.SandboxFee = sdkmath.NewInt(-1) },
		"genesis_unix: expected a time since 1970, got -1":                                                 func(p *types.Params) { p.GenesisUnix = -1 },
		"engine_version: expected a name such as pold-engine/1":                                            func(p *types.Params) { p.EngineVersion = "" },
	} {
		p := types.DefaultParams()
		change(&p)
		err := p.Validate()
		require.ErrorIs(t, err, types.ErrInvalidParams, says)
		require.ErrorContains(t, err, says)
	}
}

func TestErrorCodesNeverMove(t *testing.T) {
	for code, err := range map[uint32]*errorsmod.Error{
		2: types.ErrInvalidParams, 3: types.ErrInvalidGroup, 4: types.ErrGroupExists, 5: types.ErrGroupNotFound, 6: types.ErrInvalidModel,
		7: types.ErrTooCostly, 8: types.ErrWrongPhase, 9: types.ErrWrongRound, 10: types.ErrInvalidCommitment, 11: types.ErrAlreadyCommitted,
		12: types.ErrNotCommitted, 13: types.ErrMismatch, 14: types.ErrUsedCheckpoint, 15: types.ErrNotAllowed, 16: types.ErrInvalidAmount,
		17: types.ErrInsufficientBond, 18: types.ErrInvalidCheckpoint, 19: types.ErrRoundFull, 20: types.ErrTooManyUnbondings,
		21: types.ErrInvalidBatch, 22: types.ErrInvalidCanary,
	} {
		require.Equal(t, code, err.ABCICode(), err.Error())
		require.Equal(t, "pol", err.Codespace())
	}
}

func TestGenesisStatesThatAreRefused(t *testing.T) {
	require.NoError(t, types.DefaultGenesis().Validate())
	bond := types.GroupBond{Group: "digits", Address: account(1), Amount: sdkmath.NewInt(5)}
	for says, change := range map[string]func(*types.GenesisState){
		"round_retention":        func(g *types.GenesisState) { g.Params.RoundRetention = 0 },
		`name "X"`:               func(g *types.GenesisState) { g.Groups[0].Name = "X" },
		`"digits" appears twice`: func(g *types.GenesisState) { g.Groups = append(g.Groups, g.Groups[0]) },
		"init_seed":              func(g *types.GenesisState) { g.Groups[0].Settings.InitSeed = nil },
		`round 1 of "other"`:     func(g *types.GenesisState) { g.Rounds = []types.Round{{Group: "other", Number: 1}} },
		`in "other"`:             func(g *types.GenesisState) { g.Bonds[0].Group = "other" },
		"expected more than 0":   func(g *types.GenesisState) { g.Bonds[0].Amount = sdkmath.ZeroInt() },
		`due entry of "other"`:   func(g *types.GenesisState) { g.Due = []types.DueEntry{{Group: "other", Height: 1}} },
		"unbonding 3: expected an id below 3": func(g *types.GenesisState) {
			g.NextUnbondingId, g.Unbondings = 3, []types.Unbonding{{Id: 3, Amount: sdkmath.OneInt()}}
		},
		`store turn of "other"`: func(g *types.GenesisState) { g.StoreTurns = []types.StoreTurn{{Group: "other"}} },
		`store turn of "digits": expected one`: func(g *types.GenesisState) {
			g.StoreTurns = []types.StoreTurn{{Group: "digits"}, {Group: "digits", Due: 5}}
		},
		"totals: expected 0 or more": func(g *types.GenesisState) { g.Totals.Burned = sdkmath.NewInt(-1) },
		"totals: 4 unrn bonded, the bonds add up to 5": func(g *types.GenesisState) {
			g.Totals.GenesisSupply, g.Totals.Bonded = sdkmath.NewInt(100), sdkmath.NewInt(4)
		},
	} {
		g := types.DefaultGenesis()
		g.Groups = []types.Group{{Name: "digits", Settings: digitsSettings()}}
		g.Bonds = []types.GroupBond{bond}
		require.NoError(t, g.Validate())
		change(g)
		require.ErrorContains(t, g.Validate(), says)
	}
}
