package types

import (
	"cosmossdk.io/math"

	attestationtypes "github.com/pold-network/pold/x/attestation/types"
)

const (
	// HalvingInterval is four years of 365.25 days, in seconds.
	HalvingInterval = 126_230_400
	// million and billion are the denominators of the _e6 and _e9 parameters.
	million = 1_000_000
	billion = 1_000_000_000
	// EngineVersion names the definition of the arithmetic that this release's sidecars implement.
	EngineVersion = "pold-engine/1"
)

// DefaultParams returns the parameters of a public network.
func DefaultParams() Params {
	return Params{
		WinnerRateE9:           10_000,
		VerifierRateE9:         2_000,
		ReferenceRoundSeconds:  3_600,
		HalvingIntervalSeconds: HalvingInterval,
		StakeFloorNumerator:    1,
		StakeFloorDenominator:  3,
		MinGroupStake:          math.NewInt(1_000_000_000),
		CreationFee:            math.NewInt(100_000_000),
		SandboxFee:             math.NewInt(1_000_000),
		UnbondingSeconds:       21 * 24 * 3_600,
		NoRevealLossE6:         500_000,
		WithheldLossE6:         500_000,
		MaxCandidates:          16,
		MaxCommitments:         256,
		MinPhaseBlocks:         10,
		MaxPhaseBlocks:         100_000,
		MaxNominalSeconds:      24 * 3_600,
		MaxGroupCost:           1_000_000_000_000,
		MaxGroupsPerBlock:      64,
		RoundRetention:         1_000,
		EngineVersion:          EngineVersion,
		AuditCandidates:        3,
		AuditSegments:          3,
		MaxChallenges:          8,
		KeyBlocks:              20,
		ProviderBondE6:         2 * million,
		CanaryBond:             math.NewInt(10_000_000),
		CanaryBlocks:           1_000,
		ProposerRateE9:         1_000,
		ReferencePeriodSeconds: 7 * 24 * 3_600,
		ActivationSeconds:      24 * 3_600,
		ChangeStakeE6:          10_000,
		ChangePeriods:          4,
		StoreIntervalBlocks:    3_600,
		StoreChunks:            4,
		MaxStoreTasks:          4,
	}
}

// Validate reports the first parameter that is out of range.
func (p Params) Validate() error {
	positive := []struct {
		name  string
		value uint64
	}{
		{"reference_round_seconds", p.ReferenceRoundSeconds}, {"halving_interval_seconds", p.HalvingIntervalSeconds},
		{"stake_floor_denominator", p.StakeFloorDenominator}, {"unbonding_seconds", p.UnbondingSeconds},
		{"max_candidates", uint64(p.MaxCandidates)}, {"max_commitments", uint64(p.MaxCommitments)},
		{"max_nominal_seconds", p.MaxNominalSeconds}, {"max_group_cost", p.MaxGroupCost},
		{"max_groups_per_block", uint64(p.MaxGroupsPerBlock)}, {"round_retention", p.RoundRetention},
		{"audit_candidates", uint64(p.AuditCandidates)}, {"audit_segments", uint64(p.AuditSegments)},
		{"canary_blocks", p.CanaryBlocks}, {"reference_period_seconds", p.ReferencePeriodSeconds}, {"change_periods", p.ChangePeriods},
	}
	for _, f := range positive {
		if f.value == 0 {
			return ErrInvalidParams.Wrapf("%s: expected more than 0", f.name)
		}
	}
	if p.WinnerRateE9 > billion/1_000 || p.VerifierRateE9 > billion/1_000 || p.ProposerRateE9 > billion/1_000 {
		return ErrInvalidParams.Wrapf("rates: expected at most %d billionths (0.1 %%) each, got %d, %d and %d", billion/1_000, p.WinnerRateE9, p.VerifierRateE9, p.ProposerRateE9)
	}
	// An account needs a noticeable stake to propose a change of a group: that bounds how many are open.
	if p.ChangeStakeE6 < 1_000 || p.ChangeStakeE6 > million || p.ChangePeriods > 52 {
		return ErrInvalidParams.Wrapf("change_stake_e6 and change_periods: expected 1000 to %d and at most 52, got %d and %d", million, p.ChangeStakeE6, p.ChangePeriods)
	}
	if p.StakeFloorNumerator > p.StakeFloorDenominator {
		return ErrInvalidParams.Wrapf("stake floor: expected at most 1, got %d/%d", p.StakeFloorNumerator, p.StakeFloorDenominator)
	}
	if p.NoRevealLossE6 > million || p.WithheldLossE6 > million {
		return ErrInvalidParams.Wrapf("losses: expected at most %d millionths, got %d and %d", million, p.NoRevealLossE6, p.WithheldLossE6)
	}
	if p.GenesisUnix < 0 {
		return ErrInvalidParams.Wrapf("genesis_unix: expected a time since 1970, got %d", p.GenesisUnix)
	}
	const century = 100 * 366 * 24 * 3_600 // keeps sums of times within 64 bits
	for _, f := range []struct {
		name  string
		value uint64
	}{
		{"reference_round_seconds", p.ReferenceRoundSeconds}, {"halving_interval_seconds", p.HalvingIntervalSeconds},
		{"unbonding_seconds", p.UnbondingSeconds}, {"max_nominal_seconds", p.MaxNominalSeconds},
		{"reference_period_seconds", p.ReferencePeriodSeconds}, {"activation_seconds", p.ActivationSeconds},
	} {
		if f.value > century {
			return ErrInvalidParams.Wrapf("%s: expected at most %d (100 years), got %d", f.name, century, f.value)
		}
	}
	const minPhase = 10 // a proposer may drop single votes, so a window needs several proposers
	if p.MinPhaseBlocks < minPhase || p.MaxPhaseBlocks < p.MinPhaseBlocks || p.MaxPhaseBlocks > 10_000_000 {
		return ErrInvalidParams.Wrapf("phase blocks: expected %d <= min <= max <= 10000000, got %d and %d", minPhase, p.MinPhaseBlocks, p.MaxPhaseBlocks)
	}
	if p.MaxCandidates > 64 || p.MaxCommitments > 4_096 || p.MaxGroupsPerBlock > 4_096 {
		return ErrInvalidParams.Wrapf("bounds on block work: expected at most 64 candidates, 4096 commitments and 4096 groups, got %d, %d and %d",
			p.MaxCandidates, p.MaxCommitments, p.MaxGroupsPerBlock)
	}
	if err := p.validateProofs(); err != nil {
		return err
	}
	if err := p.validateStore(); err != nil {
		return err
	}
	for _, f := range []struct {
		name  string
		value math.Int
	}{{"min_group_stake", p.MinGroupStake}, {"creation_fee", p.CreationFee}, {"sandbox_fee", p.SandboxFee}, {"canary_bond", p.CanaryBond}} {
		if f.value.IsNil() || f.value.IsNegative() {
			return ErrInvalidParams.Wrapf("%s: expected 0 or more unrn", f.name)
		}
	}
	if p.EngineVersion == "" {
		return ErrInvalidParams.Wrap("engine_version: expected a name such as " + EngineVersion)
	}
	return nil
}

// validateProofs checks what concerns audits, sealed batches and canaries.
func (p Params) validateProofs() error {
	if p.AuditCandidates > 64 || p.AuditSegments > MaxSegments || p.MaxChallenges > MaxSegments {
		return ErrInvalidParams.Wrapf("bounds on audits: expected at most 64 candidates, %d segments and %d challenges, got %d, %d and %d",
			MaxSegments, MaxSegments, p.AuditCandidates, p.AuditSegments, p.MaxChallenges)
	}
	const minKeys, most = 10, 10_000_000 // a proposer may leave out single transactions, so providers need several blocks
	if p.KeyBlocks < minKeys || p.KeyBlocks > most {
		return ErrInvalidParams.Wrapf("key_blocks: expected %d to %d, got %d", minKeys, most, p.KeyBlocks)
	}
	if p.CanaryBlocks > most {
		return ErrInvalidParams.Wrapf("canary_blocks: expected at most %d, got %d", most, p.CanaryBlocks)
	}
	if p.ProviderBondE6 > 1_000*million {
		return ErrInvalidParams.Wrapf("provider_bond_e6: expected at most %d (1000 times the coinbase), got %d", 1_000*million, p.ProviderBondE6)
	}
	return nil
}

// validateStore checks what concerns store tasks.
func (p Params) validateStore() error {
	const most = 10_000_000
	if n := p.StoreIntervalBlocks; n != 0 && n < attestationtypes.MinWindow || n > most {
		return ErrInvalidParams.Wrapf("store_interval_blocks: expected 0 for no store tasks, or %d to %d, got %d", attestationtypes.MinWindow, most, n)
	}
	if p.StoreChunks == 0 || p.StoreChunks > MaxStoreChunks {
		return ErrInvalidParams.Wrapf("store_chunks: expected 1 to %d, got %d", MaxStoreChunks, p.StoreChunks)
	}
	if p.MaxStoreTasks == 0 || p.MaxStoreTasks > MaxStoreTasks {
		return ErrInvalidParams.Wrapf("max_store_tasks: expected 1 to %d, got %d", MaxStoreTasks, p.MaxStoreTasks)
	}
	return nil
}
