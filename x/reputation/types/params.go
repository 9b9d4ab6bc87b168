package types

const (
	// Million and Billion are the denominators of the _e6 and _e9 values.
	Million = 1_000_000
	Billion = 1_000_000_000
	// MinFactorE6 is the least vote factor that governance may set: the protocol bounds it to 0.8-1.0.
	MinFactorE6 = 800_000
	// MaxEvents bounds how many events may be kept for each address.
	MaxEvents = 256
	// MaxExtraSegments bounds how many segments reputation may add to an audit.
	MaxExtraSegments = 16
	// MaxHalfLife is 100 years in seconds; it keeps products within 64 bits.
	MaxHalfLife = 100 * 366 * 24 * 3_600
)

// DefaultParams returns the parameters of a public network.
func DefaultParams() Params {
	return Params{
		StorageRateE9:    20_000_000,
		ModelRateE9:      50_000_000,
		ConductRateE9:    50_000_000,
		InitialE9:        500_000_000,
		HalfLifeSeconds:  30 * 24 * 3_600,
		MinFactorE6:      MinFactorE6,
		MaxEvents:        32,
		MaxExtraSegments: 3,
	}
}

// Validate reports the first parameter that is out of range.
func (p Params) Validate() error {
	for _, r := range []struct {
		name  string
		value uint64
	}{{"storage_rate_e9", p.StorageRateE9}, {"model_rate_e9", p.ModelRateE9}, {"conduct_rate_e9", p.ConductRateE9}} {
		if r.value == 0 || r.value > Billion {
			return ErrInvalidParams.Wrapf("%s: expected 1 to %d billionths, got %d", r.name, Billion, r.value)
		}
	}
	if p.InitialE9 > Billion {
		return ErrInvalidParams.Wrapf("initial_e9: expected at most %d billionths, got %d", Billion, p.InitialE9)
	}
	if p.HalfLifeSeconds == 0 || p.HalfLifeSeconds > MaxHalfLife {
		return ErrInvalidParams.Wrapf("half_life_seconds: expected 1 to %d (100 years), got %d", MaxHalfLife, p.HalfLifeSeconds)
	}
	if p.MinFactorE6 < MinFactorE6 || p.MinFactorE6 > Million {
		return ErrInvalidParams.Wrapf("min_factor_e6: expected %d to %d millionths, got %d", MinFactorE6, Million, p.MinFactorE6)
	}
	if p.MaxEvents == 0 || p.MaxEvents > MaxEvents {
		return ErrInvalidParams.Wrapf("max_events: expected 1 to %d, got %d", MaxEvents, p.MaxEvents)
	}
	if p.MaxExtraSegments > MaxExtraSegments {
		return ErrInvalidParams.Wrapf("max_extra_segments: expected at most %d, got %d", MaxExtraSegments, p.MaxExtraSegments)
	}
	return nil
}

// Rate returns the weight of one new outcome of a part, in billionths; 0 for an unknown part.
func (p Params) Rate(part Part) uint64 {
	switch part {
	case PART_STORAGE:
		return p.StorageRateE9
	case PART_MODEL:
		return p.ModelRateE9
	case PART_CONDUCT:
		return p.ConductRateE9
	}
	return 0
}
