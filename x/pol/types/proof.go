package types

import (
	"crypto/sha256"
	"math/big"
	"slices"
	"strings"

	"cosmossdk.io/math"

	sdk "github.com/cosmos/cosmos-sdk/types"

	trainingsettypes "github.com/pold-network/pold/x/trainingset/types"
)

const (
	// MaxTranscriptSize bounds the file of a transcript in bytes.
	MaxTranscriptSize = 64 << 10
	// MaxProviders bounds the providers of sealed batches of a group.
	MaxProviders = 8
	// maxBatchSize and maxSteps are the limits of the engine.
	maxBatchSize = 65_536
	maxSteps     = 1 << 24
)

// optimizers are the ones that the engine has.
var optimizers = []string{"sgd", "nesterov", "adam", "adamw"}

// checkProof checks what the proof mode needs, and that nothing is set for the other one.
func (s GroupSettings) checkProof() error {
	switch s.Proof {
	case PROOF_MODE_SCORED:
		if s.Segments != 0 {
			return ErrInvalidGroup.Wrapf("segments: proof mode SCORED has no transcripts, expected 0, got %d", s.Segments)
		}
		if s.Recipe.Size() != 0 {
			return ErrInvalidGroup.Wrap("recipe: proof mode SCORED can't see how a checkpoint was trained; expected no bounds")
		}
		return nil
	case PROOF_MODE_PROVED:
		if s.Segments == 0 || s.Segments > MaxSegments {
			return ErrInvalidGroup.Wrapf("segments: expected 1 to %d, got %d", MaxSegments, s.Segments)
		}
		if err := s.Recipe.validate(); err != nil {
			return err
		}
		if s.Segments > s.Recipe.MaxSteps {
			return ErrInvalidGroup.Wrapf("segments: expected at most recipe.max_steps, %d, got %d; a segment without steps proves nothing", s.Recipe.MaxSteps, s.Segments)
		}
		return nil
	}
	return ErrInvalidGroup.Wrapf("proof: expected SCORED (1) or PROVED (2), got %d", s.Proof)
}

// validate checks that some recipe is within the bounds.
func (b RecipeBounds) validate() error {
	for i, name := range b.Optimizers {
		if !slices.Contains(optimizers, name) {
			return ErrInvalidGroup.Wrapf("recipe.optimizers: expected some of %s, got %q", strings.Join(optimizers, ", "), name)
		}
		if slices.Contains(b.Optimizers[:i], name) {
			return ErrInvalidGroup.Wrapf("recipe.optimizers: %q stands there twice", name)
		}
	}
	if b.MaxSteps == 0 {
		return ErrInvalidGroup.Wrap("recipe.max_steps: expected more than 0; it bounds what validators replay")
	}
	for _, r := range []struct {
		name        string
		least, most uint64 // 0: no bound
		limit       uint64
	}{
		{"learning_rate_e9", b.MinLearningRateE9, b.MaxLearningRateE9, 1_000_000 * billion},
		{"batch_size", uint64(b.MinBatchSize), uint64(b.MaxBatchSize), maxBatchSize},
		{"steps", uint64(b.MinSteps), uint64(b.MaxSteps), maxSteps},
	} {
		if r.most > r.limit || r.least > r.limit {
			return ErrInvalidGroup.Wrapf("recipe: %s: expected at most %d, got %d to %d", r.name, r.limit, r.least, r.most)
		}
		if r.most != 0 && r.least > r.most {
			return ErrInvalidGroup.Wrapf("recipe: %s: expected min <= max, got %d and %d", r.name, r.least, r.most)
		}
	}
	return nil
}

// checkEvaluation checks what the evaluation mode needs.
func (s GroupSettings) checkEvaluation() error {
	if s.Evaluation != EVALUATION_MODE_SEALED && len(s.Providers) > 0 {
		return ErrInvalidGroup.Wrapf("providers: only evaluation mode SEALED has some, got %d", len(s.Providers))
	}
	switch s.Evaluation {
	case EVALUATION_MODE_TRAINING_SET:
		return nil
	case EVALUATION_MODE_HOLDOUT:
		if s.Proof != PROOF_MODE_PROVED {
			return ErrInvalidGroup.Wrap("evaluation: HOLDOUT (2) needs proof mode PROVED (2), whose replay shows that the validation rows were not trained on")
		}
		return nil
	case EVALUATION_MODE_SEALED:
		return checkProviders(s.Providers)
	}
	return ErrInvalidGroup.Wrapf("evaluation: expected TRAINING_SET (1), HOLDOUT (2) or SEALED (3), got %d", s.Evaluation)
}

func checkProviders(providers []string) error {
	if len(providers) == 0 || len(providers) > MaxProviders {
		return ErrInvalidGroup.Wrapf("providers: expected 1 to %d accounts, got %d", MaxProviders, len(providers))
	}
	for i, p := range providers {
		if _, err := sdk.AccAddressFromBech32(p); err != nil {
			return ErrInvalidGroup.Wrapf("providers: %q: %s", p, err)
		}
		if slices.Contains(providers[:i], p) {
			return ErrInvalidGroup.Wrapf("providers: %q stands there twice", p)
		}
	}
	return nil
}

// checkTranscript checks the fields of a reveal that concern the transcript.
func (s GroupSettings) checkTranscript(m *MsgSubmitCheckpoint) error {
	if s.Proof != PROOF_MODE_PROVED {
		if len(m.TranscriptRoot) != 0 || m.TranscriptCid != "" || m.TranscriptSize != 0 {
			return ErrInvalidCheckpoint.Wrapf("transcript_root: group %q asks for no transcript, expected neither root nor cid nor size, got %d bytes, %q and %d",
				m.Group, len(m.TranscriptRoot), m.TranscriptCid, m.TranscriptSize)
		}
		return nil
	}
	if len(m.TranscriptRoot) != sha256.Size {
		return ErrInvalidCheckpoint.Wrapf("transcript_root: group %q asks for a transcript, expected 32 bytes, got %d", m.Group, len(m.TranscriptRoot))
	}
	if err := trainingsettypes.ValidateCID(m.TranscriptCid); err != nil {
		return ErrInvalidCheckpoint.Wrapf("transcript_cid: %s", err)
	}
	if m.TranscriptSize == 0 || m.TranscriptSize > MaxTranscriptSize {
		return ErrInvalidCheckpoint.Wrapf("transcript_size: expected 1 to %d bytes, got %d", MaxTranscriptSize, m.TranscriptSize)
	}
	return nil
}

// CheckReveal checks the shape of a reveal in a group of these settings.
func (s GroupSettings) CheckReveal(m *MsgSubmitCheckpoint) error {
	if err := trainingsettypes.ValidateCID(m.CheckpointCid); err != nil {
		return ErrInvalidCheckpoint.Wrap(err.Error())
	}
	if len(m.CheckpointHash) != sha256.Size {
		return ErrInvalidCheckpoint.Wrapf("checkpoint_hash: expected 32 bytes, got %d", len(m.CheckpointHash))
	}
	if len(m.Salt) < MinSaltSize || len(m.Salt) > MaxSaltSize {
		return ErrInvalidCheckpoint.Wrapf("salt: expected %d to %d bytes, got %d", MinSaltSize, MaxSaltSize, len(m.Salt))
	}
	if err := s.checkTranscript(m); err != nil {
		return err
	}
	shape, err := s.Shape()
	if err != nil {
		return err
	}
	if m.Size_ == 0 || m.Size_ > uint64(shape.MaxCheckpointSize()) {
		return ErrInvalidCheckpoint.Wrapf("size: expected 1 to %d bytes for this model, got %d", shape.MaxCheckpointSize(), m.Size_)
	}
	return nil
}

// RoundBond returns what each commitment of a round escrows. In proof mode PROVED it makes forging a loss: one wrong
// segment of n meets the k common ones with the chance p = k/n, and bond >= gain * (1-p)/p makes the forger's expected gain
// (1-p)*gain - p*bond at most 0. What validators replay beside the common segments only lowers it further.
func (s GroupSettings) RoundBond(p Params, maxCoinbase, maxBounty math.Int) math.Int {
	if s.Proof != PROOF_MODE_PROVED || s.Sandbox {
		return s.CommitBond
	}
	common := int64(min(p.AuditSegments, s.Segments))
	gain := new(big.Int).Add(maxCoinbase.BigInt(), maxBounty.BigInt())
	bond := product(gain, big.NewInt(int64(s.Segments)-common))
	bond.Add(bond, big.NewInt(common-1)).Quo(bond, big.NewInt(common)) // rounded up
	return math.MaxInt(s.CommitBond, math.NewIntFromBigInt(bond))
}
