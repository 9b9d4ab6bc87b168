package verifier

import (
	"context"
	"crypto/sha256"
	"errors"
	"fmt"

	"github.com/pold-network/pold/engine"
	attestationtypes "github.com/pold-network/pold/x/attestation/types"
	poltypes "github.com/pold-network/pold/x/pol/types"
)

// scoreDomain separates the digests of score answers from every other hash of the protocol.
const scoreDomain = "pold/score/v1"

// FetchFunc returns the bytes of a file by content identifier. The verifier checks size and hash itself.
type FetchFunc func(ctx context.Context, cid string, size uint64, sha256 []byte) ([]byte, error)

// Figures are what an evaluation found, before they are bound to a task.
type Figures struct {
	Status poltypes.ScoreStatus
	// Problem says in words why Status is not ScoreValid.
	Problem string
	// ClaimLossE9 and RankLossE9 are losses on the training rows, MetricE9 is the metric on the validation rows; all in 10^-9 and 0
	// unless Status is ScoreValid.
	ClaimLossE9, RankLossE9, MetricE9 uint64
	// training and validation are the digests of the two evaluations, file is the SHA-256 of the weights' file.
	training, validation, file [sha256.Size]byte
}

// answer binds the figures to a task.
func (f Figures) answer(manifestHash []byte) poltypes.ScoreAnswer {
	a := poltypes.ScoreAnswer{Status: f.Status}
	if f.Status != poltypes.ScoreValid {
		copy(a.Digest[:], attestationtypes.HashFields([]byte(scoreDomain), manifestHash, f.file[:]))
		return a
	}
	a.ClaimLossE9, a.RankLossE9, a.MetricE9 = f.ClaimLossE9, f.RankLossE9, f.MetricE9
	copy(a.Digest[:], attestationtypes.HashFields([]byte(scoreDomain), manifestHash, f.training[:], f.validation[:]))
	return a
}

// Score computes the answer of a score task. An error means that this machine must abstain; it never hides a finding.
func (v *Verifier) Score(ctx context.Context, m *poltypes.ScoreManifest, fetch FetchFunc) (poltypes.ScoreAnswer, error) {
	encoded, err := m.Marshal()
	if err != nil {
		return poltypes.ScoreAnswer{}, fmt.Errorf("encode the manifest: %w", err)
	}
	manifestHash := sha256.Sum256(encoded)
	in := ManifestInputs(m)
	spec, err := in.spec()
	if err != nil {
		return poltypes.ScoreAnswer{}, err
	}
	var file []byte
	if m.CheckpointCid == "" {
		if file, err = initialWeights(spec, m.InitSeed); err != nil {
			return poltypes.ScoreAnswer{}, err
		}
	} else {
		if file, err = fetch(ctx, m.CheckpointCid, m.CheckpointSize, m.CheckpointHash); err != nil {
			return poltypes.ScoreAnswer{}, fmt.Errorf("checkpoint %s: %w", m.CheckpointCid, err)
		}
		if err := checkBytes("checkpoint "+m.CheckpointCid, file, m.CheckpointHash, m.CheckpointSize); err != nil {
			return poltypes.ScoreAnswer{}, err
		}
	}
	figures, err := v.Evaluate(ctx, in, file, fetch)
	if err != nil {
		return poltypes.ScoreAnswer{}, err
	}
	return figures.answer(manifestHash[:]), nil
}

// Evaluate computes what validators will find for a file of weights, canonical or not. It fetches the table when it has to.
func (v *Verifier) Evaluate(ctx context.Context, in Inputs, file []byte, fetch FetchFunc) (Figures, error) {
	spec, err := in.spec()
	if err != nil {
		return Figures{}, err
	}
	modelHash, err := in.Model.Hash()
	if err != nil {
		return Figures{}, err
	}
	key := figuresKey{data: in.dataKey(), model: string(modelHash), file: sha256.Sum256(file)}
	if f, ok := v.figures.get(key); ok {
		return f, nil
	}
	rows, err := v.Rows(ctx, in, fetch)
	if errors.Is(err, errUnfitData) {
		return Figures{Status: poltypes.ScoreUnfitData, Problem: err.Error(), file: key.file}, nil
	}
	if err != nil {
		return Figures{}, err
	}
	f, err := evaluate(spec, engine.Objective(in.Objective), rows, file)
	if err != nil {
		return Figures{}, err
	}
	f.file = key.file
	v.figures.put(key, f, 1)
	return f, nil
}

func evaluate(spec *engine.Spec, objective engine.Objective, rows *Rows, file []byte) (Figures, error) {
	model, err := engine.DecodeModel(spec, file)
	switch {
	case errors.Is(err, engine.ErrMalformed), errors.Is(err, engine.ErrNotCanonical):
		return Figures{Status: poltypes.ScoreNotCanonical, Problem: err.Error()}, nil
	case errors.Is(err, engine.ErrWrongTensors):
		return Figures{Status: poltypes.ScoreWrongShape, Problem: err.Error()}, nil
	case errors.Is(err, engine.ErrNonFinite):
		return Figures{Status: poltypes.ScoreNotFinite, Problem: err.Error()}, nil
	case err != nil:
		return Figures{}, err
	}
	training, err := model.Evaluate(rows.Training, objective)
	if err != nil {
		return Figures{}, fmt.Errorf("evaluate the training rows: %w", err)
	}
	validation := training
	if rows.Validation != rows.Training {
		if validation, err = model.Evaluate(rows.Validation, objective); err != nil {
			return Figures{}, fmt.Errorf("evaluate the validation rows: %w", err)
		}
	}
	if !training.Finite || !validation.Finite {
		return Figures{Status: poltypes.ScoreNotFinite, Problem: "an output or a loss is infinite or not a number"}, nil
	}
	return Figures{
		Status: poltypes.ScoreValid, ClaimLossE9: training.LossE9, RankLossE9: training.LossE9, MetricE9: validation.MetricE9,
		training: training.Digest, validation: validation.Digest,
	}, nil
}

// InitialWeights returns the canonical file of the weights that a group starts from.
func (in Inputs) InitialWeights(seed []byte) ([]byte, error) {
	spec, err := in.spec()
	if err != nil {
		return nil, err
	}
	return initialWeights(spec, seed)
}

func initialWeights(spec *engine.Spec, seed []byte) ([]byte, error) {
	if len(seed) != sha256.Size {
		return nil, fmt.Errorf("init_seed: expected %d bytes, got %d", sha256.Size, len(seed))
	}
	model, err := engine.NewModel(spec, [sha256.Size]byte(seed))
	if err != nil {
		return nil, err
	}
	return model.Encode(), nil
}

// Decode returns the model of a canonical file of weights.
func (in Inputs) Decode(file []byte) (*engine.Model, error) {
	spec, err := in.spec()
	if err != nil {
		return nil, err
	}
	return engine.DecodeModel(spec, file)
}
