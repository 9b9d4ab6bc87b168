package types

import (
	"crypto/sha256"
	"regexp"

	"cosmossdk.io/math"

	sdk "github.com/cosmos/cosmos-sdk/types"

	trainingsettypes "github.com/pold-network/pold/x/trainingset/types"
)

// maxAllowed bounds the allow list of a group.
const maxAllowed = 256

var groupName = regexp.MustCompile(`^[a-z][a-z0-9-]{1,31}$`)

// ValidateGroupName checks the name of a group.
func ValidateGroupName(name string) error {
	if !groupName.MatchString(name) {
		return ErrInvalidGroup.Wrapf("name %q: expected 2 to 32 of a-z, 0-9 and -, starting with a letter", name)
	}
	return nil
}

// Validate checks what can be checked without the training set.
func (s GroupSettings) Validate(p Params) (ModelShape, error) {
	shape, err := s.Shape()
	if err != nil {
		return shape, err
	}
	if err := trainingsettypes.ValidateName(s.TrainingSet); err != nil {
		return shape, err
	}
	if err := s.checkObjective(); err != nil {
		return shape, err
	}
	if err := s.checkEvaluation(); err != nil {
		return shape, err
	}
	if err := s.checkProof(); err != nil {
		return shape, err
	}
	for _, b := range []struct {
		name  string
		value uint64
	}{{"commit_blocks", s.CommitBlocks}, {"reveal_blocks", s.RevealBlocks}} {
		if b.value < p.MinPhaseBlocks || b.value > p.MaxPhaseBlocks {
			return shape, ErrInvalidGroup.Wrapf("%s: expected %d to %d, got %d", b.name, p.MinPhaseBlocks, p.MaxPhaseBlocks, b.value)
		}
	}
	if s.NominalSeconds == 0 || s.NominalSeconds > p.MaxNominalSeconds {
		return shape, ErrInvalidGroup.Wrapf("nominal_seconds: expected 1 to %d, got %d", p.MaxNominalSeconds, s.NominalSeconds)
	}
	for _, a := range []struct {
		name  string
		value math.Int
	}{{"commit_bond", s.CommitBond}, {"bounty_per_round", s.BountyPerRound}} {
		if a.value.IsNil() || a.value.IsNegative() {
			return shape, ErrInvalidGroup.Wrapf("%s: expected 0 or more unrn", a.name)
		}
	}
	if s.Sandbox && !s.CommitBond.IsZero() {
		return shape, ErrInvalidGroup.Wrapf("commit_bond: a sandbox group has none, got %s", s.CommitBond)
	}
	if len(s.AllowList) > maxAllowed {
		return shape, ErrInvalidGroup.Wrapf("allow_list: expected at most %d accounts, got %d", maxAllowed, len(s.AllowList))
	}
	for _, a := range s.AllowList {
		if _, err := sdk.AccAddressFromBech32(a); err != nil {
			return shape, ErrInvalidGroup.Wrapf("allow_list: %q: %s", a, err)
		}
	}
	if len(s.InitSeed) != sha256.Size {
		return shape, ErrInvalidGroup.Wrapf("init_seed: expected 32 bytes, got %d", len(s.InitSeed))
	}
	return shape, nil
}

// checkObjective checks that there is such an objective and that it can read the outputs of the model.
func (s GroupSettings) checkObjective() error {
	var err error
	switch s.Objective {
	case OBJECTIVE_MEAN_SQUARED_ERROR: // any outputs will do
	case OBJECTIVE_CROSS_ENTROPY:
		_, _, err = s.Model.Spec().Classification()
	case OBJECTIVE_BINARY_CROSS_ENTROPY:
		err = s.Model.Spec().CheckBinary()
	default:
		return ErrInvalidGroup.Wrapf("objective: expected cross-entropy (1), mean squared error (2) or binary cross-entropy (3), got %d", s.Objective)
	}
	if err != nil {
		return ErrInvalidGroup.Wrapf("objective: %s", reason(err))
	}
	return nil
}

// Fits checks that a table has the features and targets of the model.
func (s GroupSettings) Fits(shape ModelShape, t trainingsettypes.Table) error {
	targets := shape.Outputs
	if s.Objective == OBJECTIVE_CROSS_ENTROPY {
		targets = shape.Labels
	}
	if int64(t.Targets) != targets {
		return ErrInvalidGroup.Wrapf("training set %q has %d target columns, the model needs %d", s.TrainingSet, t.Targets, targets)
	}
	if int64(t.Width()-t.Targets) != shape.Inputs {
		return ErrInvalidGroup.Wrapf("training set %q has %d feature columns, the model has %d inputs", s.TrainingSet, t.Width()-t.Targets, shape.Inputs)
	}
	if s.Evaluation == EVALUATION_MODE_HOLDOUT && t.ValidationPermille == 0 {
		return ErrInvalidGroup.Wrapf("training set %q holds no rows back, evaluation mode HOLDOUT needs validation_permille above 0", s.TrainingSet)
	}
	return nil
}

// Allows reports whether an account may commit in the group.
func (s GroupSettings) Allows(address string) bool {
	if len(s.AllowList) == 0 {
		return true
	}
	for _, a := range s.AllowList {
		if a == address {
			return true
		}
	}
	return false
}
