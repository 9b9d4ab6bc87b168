package types

import (
	"math/bits"

	attestationtypes "github.com/pold-network/pold/x/attestation/types"
	poltypes "github.com/pold-network/pold/x/pol/types"
	slashingtypes "github.com/pold-network/pold/x/slashing/types"
)

// Change is what one outcome does to one part of a reputation.
type Change struct {
	Part Part
	// OutcomeE9 is what the part moves towards: 0 or a billion.
	OutcomeE9 uint64
	// WeightE6 is how much of the part's rate it counts, in millionths.
	WeightE6 uint64
	// Reason says in words what happened; it stands in the event.
	Reason string
}

func up(part Part, weightE6 uint64, reason string) Change {
	return Change{Part: part, OutcomeE9: Billion, WeightE6: weightE6, Reason: reason}
}

func down(part Part, weightE6 uint64, reason string) Change {
	return Change{Part: part, WeightE6: weightE6, Reason: reason}
}

// Matched is what a validator earns whose witness was for the settled answer of a task.
func Matched() []Change {
	return []Change{up(PART_MODEL, 200_000, "its witness was for the settled answer")}
}

// SpotRight is what a validator earns whose personal value a spot task found right.
func SpotRight() []Change {
	const reason = "a spot task found its personal value right"
	return []Change{up(PART_MODEL, 500_000, reason), up(PART_CONDUCT, Million, reason)}
}

// Held is what a validator earns that held a file the chain asked for.
func Held() []Change {
	return []Change{up(PART_STORAGE, Million, "held a file that the chain asked for")}
}

// NotHeld is what a live validator loses that did not hold a file which more than two thirds held. It weighs as much as
// holding one, so that the storage part tends to the part of the files that a validator holds.
func NotHeld() []Change {
	return []Change{down(PART_STORAGE, Million, "did not hold a file that more than two thirds held")}
}

// Produced is what a validator earns whose witness shows that it had the chunks of a store task: as much as for holding a file.
func Produced() []Change {
	return []Change{up(PART_STORAGE, Million, "produced chunks that the chain asked for")}
}

// NotProduced is what a live validator loses that has no witness for what more than two thirds produced.
func NotProduced() []Change {
	return []Change{down(PART_STORAGE, Million, "did not produce chunks that more than two thirds produced")}
}

// Improved is what a trainer earns for a valid checkpoint, proved where the group wants proof, that beats its parent:
// between a tenth and the whole of the rate of the model part, whole from a gain of 18 % on; a winner earns twice that.
func Improved(gainE6 uint64, winner bool) []Change {
	model := 100_000 + min(5*min(gainE6, Million), 900_000)
	reason := "its checkpoint beat the parent"
	if winner {
		model, reason = 2*model, "its checkpoint won the round"
	}
	return []Change{up(PART_MODEL, model, reason), up(PART_CONDUCT, 200_000, reason)}
}

// GainE6 returns by which part of the parent's loss a loss is lower, in millionths, rounded down; 0 when it is not.
func GainE6(parentLossE9, lossE9 uint64) uint64 {
	if lossE9 >= parentLossE9 {
		return 0
	}
	hi, lo := bits.Mul64(parentLossE9-lossE9, Million)
	gain, _ := bits.Div64(hi, lo, parentLossE9) // at most a million, because the gain is at most the loss
	return gain
}

// OfConduct is what an act costs that is no fault in stake.
func OfConduct(kind attestationtypes.ConductKind) []Change {
	weight := uint64(Million)
	switch kind {
	case attestationtypes.ConductSecondWitness: // mostly a restart or a failover
		weight = 500_000
	case attestationtypes.ConductFalseOpening, attestationtypes.ConductFalseChallenge:
		weight = 2 * Million
	}
	return []Change{down(PART_CONDUCT, weight, string(kind))}
}

// OfFault is what a proved fault costs; nothing for the kinds that another hook has counted.
func OfFault(kind slashingtypes.FaultKind) []Change {
	switch kind {
	case slashingtypes.FAULT_KIND_WRONG_ANSWER:
		return lie("committed to another answer than the settled one")
	case slashingtypes.FAULT_KIND_WRONG_PERSONAL:
		return lie("a spot task found its personal value wrong")
	case slashingtypes.FAULT_KIND_MISSED_TASKS:
		return []Change{down(PART_CONDUCT, 4*Million, "missed too many open tasks while live")}
	}
	return nil
}

// lie is what saying something wrong costs: half of both parts with the default rates.
func lie(reason string) []Change {
	return []Change{down(PART_MODEL, 10*Million, reason), down(PART_CONDUCT, 10*Million, reason)}
}

// OfLoss is what a bond that was lost for cause costs beside the coins.
func OfLoss(cause poltypes.LossCause) []Change {
	switch cause {
	case poltypes.LossNotRevealed:
		return []Change{down(PART_CONDUCT, 2*Million, "committed to a checkpoint and did not reveal it")}
	case poltypes.LossWithheld:
		const reason = "withheld its checkpoint after the reveal"
		return []Change{down(PART_STORAGE, 4*Million, reason), down(PART_CONDUCT, 4*Million, reason)}
	case poltypes.LossFalseClaim:
		const reason = "its checkpoint was invalid or its claimed loss false"
		return []Change{down(PART_MODEL, 6*Million, reason), down(PART_CONDUCT, 6*Million, reason)}
	case poltypes.LossUnproved:
		return lie("its checkpoint failed the audit")
	case poltypes.LossSealedKey:
		return []Change{down(PART_CONDUCT, 10*Million, "withheld or falsified the key of a sealed batch")}
	}
	return nil
}
