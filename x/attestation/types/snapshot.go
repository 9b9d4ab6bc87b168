package types

import (
	"fmt"

	"cosmossdk.io/math"
)

// minFactor is the least vote factor in millionths: the weight of a member is 0.8 to 1 times its power, whatever its reputation.
const minFactor = 800_000

// Check reports the first thing in a snapshot that does not fit together. With it no vote weighs more than its power, and the totals
// that a tally divides by are the sums over the members.
func (s Snapshot) Check() error {
	power, weight := math.ZeroInt(), math.ZeroInt()
	for i, m := range s.Members {
		if i > 0 && m.Operator <= s.Members[i-1].Operator {
			return fmt.Errorf("expected operators in ascending order, each once, got %s after %s", m.Operator, s.Members[i-1].Operator)
		}
		if m.Power <= 0 {
			return fmt.Errorf("power of %s: expected more than 0, got %d", m.Operator, m.Power)
		}
		if m.FactorE6 < minFactor || m.FactorE6 > UnitFactor {
			return fmt.Errorf("vote factor of %s: expected %d to %d millionths, got %d", m.Operator, minFactor, UnitFactor, m.FactorE6)
		}
		power, weight = power.AddRaw(m.Power), weight.Add(m.Weight())
	}
	if !power.IsPositive() || !power.Equal(math.NewInt(s.TotalPower)) {
		return fmt.Errorf("total power: expected the sum over the members, %s, got %d", power, s.TotalPower)
	}
	if s.TotalWeight.IsNil() || !weight.Equal(s.TotalWeight) {
		return fmt.Errorf("total weight: expected the sum over the members, %s, got %s", weight, s.TotalWeight)
	}
	return nil
}
