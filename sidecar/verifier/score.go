package verifier

import (
	"context"
	"crypto/sha256"
	"encoding/binary"
	"errors"
	"fmt"

	"github.com/pold-network/pold/engine"
	attestationtypes "github.com/pold-network/pold/x/attestation/types"
	poltypes "github.com/pold-network/pold/x/pol/types"
)

// scoreDomain separates the digests of score answers from every other hash of the protocol.
const scoreDomain = "pold/score/v1"

// FetchFunc returns the object of a CID, which must have this size in bytes and this SHA-256. Of an object of which only the CID is known
// the hash is nil and the size is the most that it may have. The verifier checks all of it again.
type FetchFunc func(ctx context.Context, cid string, size uint64, sha256 []byte) ([]byte, error)

// Figures are what the evaluation of a checkpoint found.
type Figures struct {
	Status poltypes.ScoreStatus
	// Problem says in words why Status is not ScoreValid.
	Problem string
	// ClaimLossE9 is the loss on the training rows, RankLossE9 the one that decides (on the training, validation or sealed rows),
	// MetricE9 is the metric on the validation or sealed rows; all in 10^-9 and 0 unless Status is ScoreValid. With ScoreBadBatch
	// the claim is there too, and MetricE9 is the index of the batch.
	ClaimLossE9, RankLossE9, MetricE9 uint64
	// claim and rank are the digests of the two evaluations, file is the SHA-256 of the weights' file.
	claim, rank, file [sha256.Size]byte
	// rowLosses are the bits of the loss of every training row.
	rowLosses []uint32
}

// answer keys the digests with the hash of the pinned inputs, so that no answer can be taken over from an earlier task.
func (f Figures) answer(manifestHash []byte) poltypes.ScoreAnswer {
	a := poltypes.ScoreAnswer{Status: f.Status}
	switch f.Status {
	case poltypes.ScoreValid:
		a.ClaimLossE9, a.RankLossE9, a.MetricE9 = f.ClaimLossE9, f.RankLossE9, f.MetricE9
		copy(a.Digest[:], attestationtypes.HashFields([]byte(scoreDomain), manifestHash, f.claim[:], f.rank[:]))
	case poltypes.ScoreBadBatch:
		a.ClaimLossE9, a.MetricE9 = f.ClaimLossE9, f.MetricE9
		copy(a.Digest[:], attestationtypes.HashFields([]byte(scoreDomain), manifestHash, f.claim[:]))
	default:
		copy(a.Digest[:], attestationtypes.HashFields([]byte(scoreDomain), manifestHash, f.file[:]))
	}
	return a
}

// Score computes the answer of a score task. An error means that this machine must abstain: a file can't be had, or the inputs need a
// newer release. Whatever is wrong with the checkpoint or a sealed batch is a finding, not an error.
func (v *Verifier) Score(ctx context.Context, m *poltypes.ScoreManifest, fetch FetchFunc) (poltypes.ScoreAnswer, error) {
	a, _, err := v.score(ctx, m, "", fetch)
	return a, err
}

// score also returns the operator's own sample of the computation: the losses of rows that the score seed and the operator's address
// draw, or bytes of the weights' file when there are no losses.
func (v *Verifier) score(ctx context.Context, m *poltypes.ScoreManifest, operator string, fetch FetchFunc) (a poltypes.ScoreAnswer, sample []byte, err error) {
	encoded, err := m.Marshal()
	if err != nil {
		return a, nil, fmt.Errorf("encode the manifest: %w", err)
	}
	manifestHash := sha256.Sum256(encoded)
	in := ManifestInputs(m)
	file, err := in.weights(ctx, m.CheckpointCid, m.CheckpointSize, m.CheckpointHash, fetch)
	if err != nil {
		return a, nil, err
	}
	figures, err := v.Evaluate(ctx, in, file, fetch)
	if err != nil {
		return a, nil, err
	}
	if len(figures.rowLosses) == 0 {
		sample = sampleBytes(m.ScoreSeed, operator, file)
	}
	for _, at := range positions(m.ScoreSeed, operator, len(figures.rowLosses)) {
		sample = binary.LittleEndian.AppendUint32(sample, figures.rowLosses[at])
	}
	return figures.answer(manifestHash[:]), sample, nil
}

// weights fetches the weights of a checkpoint, or makes the initial ones when there is no CID.
func (in Inputs) weights(ctx context.Context, cid string, size uint64, hash []byte, fetch FetchFunc) ([]byte, error) {
	if cid == "" {
		return in.InitialWeights(ctx, fetch)
	}
	file, err := fetch(ctx, cid, size, hash)
	if err != nil {
		return nil, fmt.Errorf("checkpoint %s: %w", cid, err)
	}
	return file, checkBytes("checkpoint "+cid, file, hash, size)
}

// Evaluate computes the figures of weights, given as a canonical file. Trainers use it to know the exact claim.
func (v *Verifier) Evaluate(ctx context.Context, in Inputs, file []byte, fetch FetchFunc) (Figures, error) {
	spec, err := in.spec()
	if err != nil {
		return Figures{}, err
	}
	modelHash, err := in.Model.Hash()
	if err != nil {
		return Figures{}, err
	}
	batches, err := in.batchKey()
	if err != nil {
		return Figures{}, err
	}
	key := figuresKey{data: in.dataKey(), evaluation: in.Evaluation, model: string(modelHash), mapping: string(in.MappingSeed), batches: batches, file: sha256.Sum256(file)}
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
	f, err := v.evaluate(ctx, in, spec, rows, file, fetch)
	if err != nil {
		return Figures{}, err
	}
	f.file = key.file
	v.figures.put(key, f, 256+4*len(f.rowLosses))
	return f, nil
}

func (v *Verifier) evaluate(ctx context.Context, in Inputs, spec *engine.Spec, rows *Rows, file []byte, fetch FetchFunc) (Figures, error) {
	objective := engine.Objective(in.Objective)
	model, err := in.Decode(file)
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
	claim, losses, err := model.EvaluateRows(rows.Training, objective)
	if err != nil {
		return Figures{}, fmt.Errorf("evaluate the training rows: %w", err)
	}
	f := Figures{ClaimLossE9: claim.LossE9, claim: claim.Digest, rowLosses: losses}
	if !claim.Finite {
		return notFinite(losses), nil
	}
	deciding := rows.Validation
	if len(in.Batches) > 0 {
		var bad *badBatch
		deciding, err = v.openBatches(ctx, in, spec, fetch)
		if errors.As(err, &bad) {
			f.Status, f.Problem, f.MetricE9 = poltypes.ScoreBadBatch, bad.Error(), uint64(bad.index)
			return f, nil
		}
		if err != nil {
			return Figures{}, err
		}
	}
	rank := claim
	if deciding != rows.Training {
		if rank, err = model.Evaluate(deciding, objective); err != nil {
			return Figures{}, fmt.Errorf("evaluate the rows that decide: %w", err)
		}
	}
	if !rank.Finite {
		return notFinite(losses), nil
	}
	f.Status, f.MetricE9, f.rank = poltypes.ScoreValid, rank.MetricE9, rank.Digest
	f.RankLossE9 = claim.LossE9
	if in.Evaluation == poltypes.EVALUATION_MODE_HOLDOUT || len(in.Batches) > 0 {
		f.RankLossE9 = rank.LossE9
	}
	return f, nil
}

func notFinite(losses []uint32) Figures {
	return Figures{Status: poltypes.ScoreNotFinite, Problem: "an output or a loss is infinite or not a number", rowLosses: losses}
}
