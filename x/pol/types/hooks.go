package types

import (
	"context"

	"cosmossdk.io/math"
)

// RoundOutcome is what happened in a settled round.
type RoundOutcome struct {
	Group       Group
	Round       Round
	Commitments []Commitment
	Submissions []Submission
	// Losses are the bonds that were burned, or paid to others, in full or in part.
	Losses []Loss
	// Counts says that the group's stake is large enough for reputations to move.
	Counts bool
}

// Loss is a bond that its owner lost for cause.
type Loss struct {
	Address string
	Amount  math.Int
	Cause   LossCause
	// Note says in words why.
	Note string
}

// LossCause is why a bond was lost.
type LossCause uint8

// Causes of a loss.
const (
	LossNotRevealed LossCause = iota + 1
	LossWithheld
	LossFalseClaim // also an invalid checkpoint
	LossUnproved
	LossSealedKey
)

// Hooks are told what happened in rounds. Writes of a call that returns an error are dropped.
type Hooks interface {
	AfterRoundSettled(ctx context.Context, outcome RoundOutcome) error
}
