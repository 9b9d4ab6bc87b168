package types

import "slices"

// NewScore returns the reputation of an address of which nothing is known.
func (p Params) NewScore(address string, unix int64) Score {
	return Score{Address: address, StorageE9: p.InitialE9, ModelE9: p.InitialE9, ConductE9: p.InitialE9, UpdatedUnix: unix}
}

// At returns the reputation as it is at a time, without changing the record. Times before the last change count as it.
func (s Score) At(p Params, unix int64) Score {
	unix = max(unix, s.UpdatedUnix)
	elapsed := uint64(unix - s.UpdatedUnix)
	for _, v := range []*uint64{&s.StorageE9, &s.ModelE9, &s.ConductE9} {
		*v = Decay(*v, p.InitialE9, elapsed, p.HalfLifeSeconds)
	}
	s.UpdatedUnix = unix
	return s
}

// Value returns one part in billionths; 0 for an unknown part.
func (s Score) Value(part Part) uint64 {
	switch part {
	case PART_STORAGE:
		return s.StorageE9
	case PART_MODEL:
		return s.ModelE9
	case PART_CONDUCT:
		return s.ConductE9
	}
	return 0
}

// Apply returns the reputation at a time after an outcome, with one more event for each change. The record that it was
// called on stays as it was.
func (s Score) Apply(p Params, height, unix int64, ref string, changes ...Change) Score {
	s = s.At(p, unix)
	s.Events = slices.Clone(s.Events)
	for _, c := range changes {
		after := Move(s.Value(c.Part), c.OutcomeE9, p.Rate(c.Part), c.WeightE6)
		switch c.Part {
		case PART_STORAGE:
			s.StorageE9 = after
		case PART_MODEL:
			s.ModelE9 = after
		case PART_CONDUCT:
			s.ConductE9 = after
		}
		s.Events = append(s.Events, Event{
			Height: height, Unix: unix, Part: c.Part, OutcomeE9: c.OutcomeE9, WeightE6: c.WeightE6, AfterE9: after, Reason: c.Reason, Ref: ref,
		})
		s.Count++
	}
	s.trim(int(p.MaxEvents))
	return s
}

// trim drops events above the bound, oldest first, of good or bad ones whichever have more than half of it: many good
// outcomes must not push the few bad ones out of sight, nor the other way round.
func (s *Score) trim(limit int) {
	bad := 0
	for _, e := range s.Events {
		if e.OutcomeE9 == 0 {
			bad++
		}
	}
	for len(s.Events) > limit {
		dropBad := bad > (limit+1)/2
		i := slices.IndexFunc(s.Events, func(e Event) bool { return (e.OutcomeE9 == 0) == dropBad })
		if dropBad {
			bad--
		}
		s.Events = slices.Delete(s.Events, i, i+1)
	}
}

// MeanE9 returns the mean of the three parts, rounded down.
func (s Score) MeanE9() uint64 { return (s.StorageE9 + s.ModelE9 + s.ConductE9) / 3 }

// FactorE6 returns the vote factor in millionths, from min_factor_e6 for the worst reputation to a million for the best.
func (s Score) FactorE6(p Params) uint64 {
	return p.MinFactorE6 + (Million-p.MinFactorE6)*s.MeanE9()/Billion
}

// ExtraSegments returns how many segments more than the base count a trainer has to prove, from 0 for the best mean of
// model and conduct to max_extra_segments for the worst, rounded to the nearest.
func (s Score) ExtraSegments(p Params) uint32 {
	missing := Billion - (s.ModelE9+s.ConductE9)/2
	return uint32((uint64(p.MaxExtraSegments)*missing + Billion/2) / Billion)
}

// Validate reports the first value that is out of range.
func (s Score) Validate() error {
	if s.Address == "" {
		return ErrInvalidScore.Wrap("expected an address")
	}
	for _, part := range Parts {
		if v := s.Value(part); v > Billion {
			return ErrInvalidScore.Wrapf("%s: %s: expected at most %d billionths, got %d", s.Address, part.Word(), Billion, v)
		}
	}
	if s.UpdatedUnix < 0 {
		return ErrInvalidScore.Wrapf("%s: updated_unix: expected a time since 1970, got %d", s.Address, s.UpdatedUnix)
	}
	if len(s.Events) > MaxEvents || uint64(len(s.Events)) > s.Count {
		return ErrInvalidScore.Wrapf("%s: expected at most %d events and no more than its count of %d, got %d", s.Address, MaxEvents, s.Count, len(s.Events))
	}
	for i, e := range s.Events {
		if !slices.Contains(Parts, e.Part) {
			return ErrInvalidScore.Wrapf("%s: event %d: unknown part %d", s.Address, i, e.Part)
		}
		if e.OutcomeE9 > Billion || e.AfterE9 > Billion {
			return ErrInvalidScore.Wrapf("%s: event %d: expected at most %d billionths, got %d and %d", s.Address, i, Billion, e.OutcomeE9, e.AfterE9)
		}
		if e.Unix < 0 || e.Unix > s.UpdatedUnix || (i > 0 && e.Unix < s.Events[i-1].Unix) {
			return ErrInvalidScore.Wrapf("%s: event %d: expected times in ascending order up to updated_unix, got %d", s.Address, i, e.Unix)
		}
	}
	return nil
}
