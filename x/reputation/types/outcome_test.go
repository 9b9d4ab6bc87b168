package types_test

import (
	"math"
	"math/rand"
	"testing"

	"github.com/stretchr/testify/require"

	attestationtypes "github.com/pold-network/pold/x/attestation/types"
	poltypes "github.com/pold-network/pold/x/pol/types"
	"github.com/pold-network/pold/x/reputation/types"
	slashingtypes "github.com/pold-network/pold/x/slashing/types"
)

// moved applies changes to an address all of whose parts have one value, without time passing.
func moved(value uint64, changes ...[]types.Change) types.Score {
	p := types.DefaultParams()
	s := types.Score{Address: "a", StorageE9: value, ModelE9: value, ConductE9: value}
	for _, c := range changes {
		s = s.Apply(p, 1, 0, "", c...)
	}
	return s
}

func TestWhatAnOutcomeDoesToANewcomer(t *testing.T) {
	for name, c := range map[string]struct {
		changes                 []types.Change
		storage, model, conduct uint64
	}{
		"matched":                 {types.Matched(), 500, 505, 500},
		"spot value right":        {types.SpotRight(), 500, 512, 525},
		"held":                    {types.Held(), 510, 500, 500},
		"not held":                {types.NotHeld(), 490, 500, 500},
		"improved by a hair":      {types.Improved(0, false), 500, 502, 505},
		"improved by a tenth":     {types.Improved(100_000, false), 500, 515, 505},
		"improved to nothing":     {types.Improved(1_000_000, false), 500, 525, 505},
		"won by a hair":           {types.Improved(0, true), 500, 505, 505},
		"won by half":             {types.Improved(500_000, true), 500, 550, 505},
		"missing reveal":          {types.OfConduct(attestationtypes.ConductMissingReveal), 500, 500, 475},
		"second witness":          {types.OfConduct(attestationtypes.ConductSecondWitness), 500, 500, 487},
		"early opening":           {types.OfConduct(attestationtypes.ConductEarlyOpening), 500, 500, 475},
		"false opening":           {types.OfConduct(attestationtypes.ConductFalseOpening), 500, 500, 450},
		"false challenge":         {types.OfConduct(attestationtypes.ConductFalseChallenge), 500, 500, 450},
		"an act of a later kind":  {types.OfConduct("something new"), 500, 500, 475},
		"wrong answer":            {types.OfFault(slashingtypes.FAULT_KIND_WRONG_ANSWER), 500, 250, 250},
		"wrong personal value":    {types.OfFault(slashingtypes.FAULT_KIND_WRONG_PERSONAL), 500, 250, 250},
		"missed tasks":            {types.OfFault(slashingtypes.FAULT_KIND_MISSED_TASKS), 500, 500, 400},
		"not revealed":            {types.OfLoss(poltypes.LossNotRevealed), 500, 500, 450},
		"checkpoint withheld":     {types.OfLoss(poltypes.LossWithheld), 460, 500, 400},
		"false claim":             {types.OfLoss(poltypes.LossFalseClaim), 500, 350, 350},
		"failed audit":            {types.OfLoss(poltypes.LossUnproved), 500, 250, 250},
		"sealed key withheld":     {types.OfLoss(poltypes.LossSealedKey), 500, 500, 250},
		"a loss of unknown cause": {types.OfLoss(0), 500, 500, 500},
	} {
		s := moved(billion/2, c.changes)
		require.Equal(t, [3]uint64{c.storage, c.model, c.conduct}, [3]uint64{s.StorageE9 / 1e6, s.ModelE9 / 1e6, s.ConductE9 / 1e6}, name)
		for _, change := range c.changes {
			require.NotEmpty(t, change.Reason, name)
			require.Contains(t, []uint64{0, billion}, change.OutcomeE9, name)
		}
	}
}

// Each kind of fault is counted by one hook: those listed here by another than slashing's.
func TestEveryFaultHasOneWriter(t *testing.T) {
	byOthers := map[slashingtypes.FaultKind]string{
		slashingtypes.FAULT_KIND_UNSPECIFIED:  "nobody",
		slashingtypes.FAULT_KIND_NOT_HELD:     "attestation, AfterArtefactJudged",
		slashingtypes.FAULT_KIND_UNPROVED:     "pol, AfterRoundSettled",
		slashingtypes.FAULT_KIND_NOT_REVEALED: "pol, AfterRoundSettled",
		slashingtypes.FAULT_KIND_WITHHELD:     "pol, AfterRoundSettled",
		slashingtypes.FAULT_KIND_FALSE_CLAIM:  "pol, AfterRoundSettled",
		slashingtypes.FAULT_KIND_SEALED_KEY:   "pol, AfterRoundSettled",
		slashingtypes.FAULT_KIND_BEACON:       "attestation, AfterConduct",
		slashingtypes.FAULT_KIND_CONDUCT:      "attestation, AfterConduct",
	}
	for kind, name := range slashingtypes.FaultKind_name {
		_, other := byOthers[slashingtypes.FaultKind(kind)]
		require.Equal(t, other, types.OfFault(slashingtypes.FaultKind(kind)) == nil, "%s: a new fault needs a row in the table of the README", name)
	}
	for cause := poltypes.LossNotRevealed; cause <= poltypes.LossSealedKey; cause++ {
		require.NotEmpty(t, types.OfLoss(cause), cause)
	}
}

// goodFor counts the outcomes that bring a part back to where it was before a bad one.
func goodFor(part types.Part, from uint64, bad, good []types.Change) int {
	s := moved(from, bad)
	for n := 0; ; n++ {
		if s.Value(part) >= from || n == 100_000 {
			return n
		}
		s = s.Apply(types.DefaultParams(), 1, 0, "", good...)
	}
}

// The numbers of the README: what one lie costs in honest work.
func TestOneLieCostsManyGoodOutcomes(t *testing.T) {
	wrong := types.OfFault(slashingtypes.FAULT_KIND_WRONG_ANSWER)
	unproved := types.OfLoss(poltypes.LossUnproved)
	spot, win, tenth := types.SpotRight(), types.Improved(500_000, true), types.Improved(20_000, false)
	for _, c := range []struct {
		name      string
		part      types.Part
		from      uint64
		bad, good []types.Change
		want      int
	}{
		{"a wrong answer of a newcomer, in matched tasks", types.PART_MODEL, 500_000_000, wrong, types.Matched(), 41},
		{"of a validator at 0.8", types.PART_MODEL, 800_000_000, wrong, types.Matched(), 110},
		{"of a validator at 0.95", types.PART_MODEL, 950_000_000, wrong, types.Matched(), 234},
		{"of a newcomer, in spot tasks", types.PART_CONDUCT, 500_000_000, wrong, spot, 8},
		{"of a validator at 0.8, in spot tasks", types.PART_CONDUCT, 800_000_000, wrong, spot, 22},
		{"a forged training of a newcomer, in big wins", types.PART_MODEL, 500_000_000, unproved, win, 4},
		{"a forged training of a newcomer, in gains of 2 %", types.PART_MODEL, 500_000_000, unproved, tenth, 41},
		{"a forged training of a trainer at 0.8, in big wins", types.PART_MODEL, 800_000_000, unproved, win, 11},
	} {
		require.Equal(t, c.want, goodFor(c.part, c.from, c.bad, c.good), c.name)
	}
}

func TestTheBetterTheReputationTheMoreALieCosts(t *testing.T) {
	wrong := types.OfFault(slashingtypes.FAULT_KIND_WRONG_ANSWER)
	last := 0
	for from := uint64(50_000_000); from < billion; from += 50_000_000 {
		n := goodFor(types.PART_MODEL, from, wrong, types.Matched())
		require.GreaterOrEqual(t, n, last)
		last = n
	}
	require.Equal(t, 234, last)
}

func TestGain(t *testing.T) {
	for name, c := range map[string]struct{ parent, loss, want uint64 }{
		"a tenth":                {1_000, 900, 100_000},
		"nothing":                {1_000, 1_000, 0},
		"worse":                  {1_000, 1_001, 0},
		"to zero":                {1_000, 0, 1_000_000},
		"a parent without loss":  {0, 0, 0},
		"the largest numbers":    {math.MaxUint64, 0, 1_000_000},
		"less than a millionth":  {10_000_000, 9_999_999, 0},
		"one of the largest two": {math.MaxUint64, math.MaxUint64 - 1, 0},
	} {
		require.Equal(t, c.want, types.GainE6(c.parent, c.loss), name)
	}
	r := rand.New(rand.NewSource(3))
	for range 10_000 {
		parent, loss := wide(r), wide(r)
		gain := types.GainE6(parent, loss)
		require.LessOrEqual(t, gain, uint64(types.Million))
		if loss > 0 && loss < parent {
			require.GreaterOrEqual(t, types.GainE6(parent, loss-1), gain, "a lower loss is worth as much or more")
		}
		for _, winner := range []bool{false, true} {
			for _, c := range types.Improved(r.Uint64()>>r.Intn(64), winner) {
				require.LessOrEqual(t, c.WeightE6, uint64(2*types.Million))
			}
		}
	}
}
