package verifier

import (
	"crypto/sha256"
	"fmt"

	"github.com/pold-network/pold/engine"
	poltypes "github.com/pold-network/pold/x/pol/types"
	trainingsettypes "github.com/pold-network/pold/x/trainingset/types"
)

// Inputs are what fixes the loss of a checkpoint, apart from its weights.
type Inputs struct {
	Model         poltypes.ModelSpec
	Objective     poltypes.Objective
	Evaluation    poltypes.EvaluationMode
	TrainingSet   string // its name
	Table         trainingsettypes.Table
	EngineVersion string
	// MappingSeed gives the secure mapping layer that the weights work with; empty for none.
	MappingSeed []byte
	// Batches are the sealed batches with their keys. Evaluation mode SEALED without any ranks by the claimed loss.
	Batches []poltypes.SealedBatch
	// InitSeed (32 bytes) and Carried, which may be nil, give the initial weights; InitSeed is empty where a checkpoint is pinned.
	InitSeed []byte
	Carried  *poltypes.CarriedWeights
}

// RoundInputs returns the inputs that a round of a group has pinned, for the checkpoint of a trainer. Batches are still sealed while
// somebody trains, so they are left out.
func RoundInputs(chainID string, g poltypes.Group, r poltypes.Round, trainer string) Inputs {
	in := ManifestInputs(poltypes.NewScoreManifest(chainID, g, r, trainer, poltypes.Checkpoint{}))
	in.Batches = nil
	return in
}

// ParentInputs returns the inputs for the parent of a round, from which a round without one gets its initial weights.
func ParentInputs(chainID string, g poltypes.Group, r poltypes.Round) Inputs {
	in := ManifestInputs(poltypes.NewScoreManifest(chainID, g, r, "", r.Parent))
	in.Batches = nil
	return in
}

// ManifestInputs returns the inputs that a score task has pinned.
func ManifestInputs(m *poltypes.ScoreManifest) Inputs {
	return Inputs{Model: m.Model, Objective: m.Objective, Evaluation: m.Evaluation,
		TrainingSet: m.TrainingSet, Table: m.Table, EngineVersion: m.EngineVersion, MappingSeed: m.MappingSeed, Batches: m.Batches,
		InitSeed: m.InitSeed, Carried: m.Carried}
}

// spec parses the model and refuses inputs that this program does not know how to evaluate.
func (in Inputs) spec() (*engine.Spec, error) {
	if in.EngineVersion != engine.Version {
		return nil, fmt.Errorf("engine version: expected %q, which this program implements, got %q; install the release that implements it",
			engine.Version, in.EngineVersion)
	}
	if in.Evaluation < poltypes.EVALUATION_MODE_TRAINING_SET || in.Evaluation > poltypes.EVALUATION_MODE_SEALED {
		return nil, fmt.Errorf("evaluation mode: expected TRAINING_SET, HOLDOUT or SEALED, got %s; install a newer release", in.Evaluation)
	}
	if err := engine.Objective(in.Objective).Validate(); err != nil {
		return nil, fmt.Errorf("%w; install a newer release", err)
	}
	b, err := in.Model.Marshal()
	if err != nil {
		return nil, fmt.Errorf("encode the model spec: %w", err)
	}
	return engine.ParseSpec(b)
}

// mapping returns the secure mapping of the weights, nil for none.
func (in Inputs) mapping(spec *engine.Spec) (*engine.Mapping, error) {
	if len(in.MappingSeed) == 0 {
		return nil, nil
	}
	if len(in.MappingSeed) != sha256.Size {
		return nil, fmt.Errorf("mapping seed: expected %d bytes, got %d", sha256.Size, len(in.MappingSeed))
	}
	return engine.NewMapping(spec.Inputs(), [sha256.Size]byte(in.MappingSeed))
}

// Decode reads weights, which then see their inputs through the mapping.
func (in Inputs) Decode(file []byte) (*engine.Model, error) {
	spec, err := in.spec()
	if err != nil {
		return nil, err
	}
	model, err := engine.DecodeModel(spec, file)
	if err != nil {
		return nil, err
	}
	mapping, err := in.mapping(spec)
	if err == nil && mapping != nil {
		err = model.SetMapping(mapping)
	}
	return model, err
}

// Rebase moves a model to the mapping of these inputs, so that it computes the same function; nothing happens without one.
func (in Inputs) Rebase(model *engine.Model) error {
	spec, err := in.spec()
	if err != nil {
		return err
	}
	mapping, err := in.mapping(spec)
	if err != nil || mapping == nil {
		return err
	}
	return model.Rebase(mapping)
}

// dataKey names the parsed rows of a table: equal keys give equal data, and equal findings about it.
type dataKey struct {
	table     string // hash, root, size, rows and columns as pinned
	split     string // the key of the split
	targets   uint32
	permille  uint32
	objective poltypes.Objective
	// What the rows are checked against.
	inputs, outputs, labels, vocabulary int
}

func (in Inputs) dataKey() dataKey {
	t, spec := in.Table, in.Model.Spec()
	return dataKey{table: fmt.Sprintf("%x/%x/%d/%d/%d", t.Sha256, t.Root, t.Size_, t.Rows, t.Columns), split: string(t.Key(in.TrainingSet)), targets: t.Targets,
		permille: t.ValidationPermille, objective: in.Objective,
		inputs: spec.Inputs(), outputs: spec.Outputs(), labels: spec.LabelsPerRow(), vocabulary: spec.Vocabulary()}
}
