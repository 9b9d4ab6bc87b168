package verifier

import (
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
	TrainingSet   string // its name; the key of the split
	Table         trainingsettypes.Table
	EngineVersion string
}

// RoundInputs returns the inputs that a round of a group has pinned.
func RoundInputs(g poltypes.Group, r poltypes.Round) Inputs {
	return Inputs{Model: g.Settings.Model, Objective: g.Settings.Objective, Evaluation: g.Settings.Evaluation,
		TrainingSet: r.TrainingSet, Table: r.Table, EngineVersion: r.EngineVersion}
}

// ManifestInputs returns the inputs that a score task has pinned.
func ManifestInputs(m *poltypes.ScoreManifest) Inputs {
	return Inputs{Model: m.Model, Objective: m.Objective, Evaluation: m.Evaluation,
		TrainingSet: m.TrainingSet, Table: m.Table, EngineVersion: m.EngineVersion}
}

// spec parses the model and refuses inputs that this program does not know how to evaluate.
func (in Inputs) spec() (*engine.Spec, error) {
	if in.EngineVersion != engine.Version {
		return nil, fmt.Errorf("engine version: expected %q, which this program implements, got %q; install the release that implements it",
			engine.Version, in.EngineVersion)
	}
	if in.Evaluation != poltypes.EVALUATION_MODE_TRAINING_SET {
		return nil, fmt.Errorf("evaluation mode: expected %s, got %s; install a newer release",
			poltypes.EVALUATION_MODE_TRAINING_SET, in.Evaluation)
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

// dataKey names the parsed rows of a table: equal keys give equal data, and equal findings about it.
type dataKey struct {
	table     string // hash, root, size, rows and columns as pinned
	name      string
	targets   uint32
	permille  uint32
	objective poltypes.Objective
	// What the rows are checked against.
	inputs, outputs, labels, vocabulary int
}

func (in Inputs) dataKey() dataKey {
	t, spec := in.Table, in.Model.Spec()
	return dataKey{table: fmt.Sprintf("%x/%x/%d/%d/%d", t.Sha256, t.Root, t.Size_, t.Rows, t.Columns), name: in.TrainingSet, targets: in.Table.Targets,
		permille: in.Table.ValidationPermille, objective: in.Objective,
		inputs: spec.Inputs(), outputs: spec.Outputs(), labels: spec.LabelsPerRow(), vocabulary: spec.Vocabulary()}
}
