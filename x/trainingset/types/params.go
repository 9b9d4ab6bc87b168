package types

import "cosmossdk.io/math"

const (
	day = 24 * 3_600
	// maxSeconds keeps sums of times within 64 bits.
	maxSeconds = 100 * 366 * day
)

// DefaultParams returns the parameters of a public network.
func DefaultParams() Params {
	return Params{
		RegistrationFee: math.NewInt(10_000_000), MaxSize: 1 << 30, MaxRows: 4 << 20,
		ProposalDeposit: math.NewInt(10_000_000), ExpiryBurnE6: 100_000, MaxDeltaSize: 64 << 20, MaxOpenProposals: 1_000,
		OpenSeconds: 28 * day, RetentionSeconds: 56 * day, QuorumE6: 100_000, CheckedProposals: 3,
	}
}

// Validate reports the first parameter that is out of range.
func (p Params) Validate() error {
	for _, a := range []struct {
		name  string
		value math.Int
	}{{"registration_fee", p.RegistrationFee}, {"proposal_deposit", p.ProposalDeposit}} {
		if a.value.IsNil() || a.value.IsNegative() {
			return ErrInvalidParams.Wrapf("%s: expected 0 or more unrn, got %s", a.name, a.value)
		}
	}
	if p.MaxSize == 0 || p.MaxRows == 0 || p.MaxDeltaSize == 0 {
		return ErrInvalidParams.Wrap("max_size, max_rows and max_delta_size: expected more than 0")
	}
	if p.ExpiryBurnE6 > million || p.QuorumE6 > million {
		return ErrInvalidParams.Wrapf("expiry_burn_e6 and quorum_e6: expected at most %d, got %d and %d", million, p.ExpiryBurnE6, p.QuorumE6)
	}
	if p.OpenSeconds == 0 || p.OpenSeconds > maxSeconds || p.RetentionSeconds > maxSeconds {
		return ErrInvalidParams.Wrapf("open_seconds and retention_seconds: expected 1 to %d and at most as many, got %d and %d", maxSeconds, p.OpenSeconds, p.RetentionSeconds)
	}
	// The leaders are looked for among all open proposals of a set.
	if p.MaxOpenProposals == 0 || p.MaxOpenProposals > 10_000 || p.CheckedProposals == 0 || p.CheckedProposals > 16 {
		return ErrInvalidParams.Wrapf("expected 1 to 10000 open and 1 to 16 checked proposals, got %d and %d", p.MaxOpenProposals, p.CheckedProposals)
	}
	return nil
}
