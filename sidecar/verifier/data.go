package verifier

import (
	"bytes"
	"context"
	"crypto/sha256"
	"errors"
	"fmt"
	"strconv"

	"github.com/pold-network/pold/dataset"
	"github.com/pold-network/pold/engine"
	poltypes "github.com/pold-network/pold/x/pol/types"
	trainingsettypes "github.com/pold-network/pold/x/trainingset/types"
)

// Rows are the two sides of a table, ready for the engine.
type Rows struct {
	// Training is what trainers learn from; claims are losses on these rows.
	Training *engine.Data
	// Validation is what the metric is computed on, and the rank in evaluation mode HOLDOUT. It equals Training when the table holds nothing back.
	Validation *engine.Data
}

// size is the memory that the rows take, in bytes.
func (r *Rows) size() int {
	n := len(r.Training.X) + len(r.Training.Y) + len(r.Training.Labels)
	if r.Validation != r.Training {
		n += len(r.Validation.X) + len(r.Validation.Y) + len(r.Validation.Labels)
	}
	return 4 * n
}

// parsePinned parses a table and refuses it unless it is exactly the one that was pinned.
func parsePinned(file []byte, pinned trainingsettypes.Table) (*dataset.Table, error) {
	if err := checkBytes("table", file, pinned.Sha256, pinned.Size_); err != nil {
		return nil, err
	}
	table, err := dataset.Parse(bytes.NewReader(file))
	if err != nil {
		return nil, fmt.Errorf("the pinned table is not canonical: %w", err)
	}
	root := table.Root()
	if !bytes.Equal(root[:], pinned.Root) {
		return nil, fmt.Errorf("table root: expected %x, got %x", pinned.Root, root)
	}
	if uint64(table.Rows()) != pinned.Rows || uint64(table.Columns()) != uint64(pinned.Columns) {
		return nil, fmt.Errorf("table: expected %d rows and %d columns, got %d and %d", pinned.Rows, pinned.Columns, table.Rows(), table.Columns())
	}
	return table, nil
}

// checkBytes reports bytes that are not the ones named by hash and size.
func checkBytes(what string, b, hash []byte, size uint64) error {
	if uint64(len(b)) != size {
		return fmt.Errorf("%s: expected %d bytes, got %d", what, size, len(b))
	}
	if got := sha256.Sum256(b); !bytes.Equal(got[:], hash) {
		return fmt.Errorf("%s: expected SHA-256 %x, got %x", what, hash, got)
	}
	return nil
}

// errUnfitData is a finding about the pinned table, not a fault of this machine.
var errUnfitData = errors.New("unfit training set")

// load turns the pinned table into the two sides that the engine reads, with the values themselves in place of content identifiers. A
// row's side follows from its text in the pinned table. A side without rows (nothing is held back, or the table is tiny) is replaced by
// all rows, so that every table has a loss and a metric.
func (in Inputs) load(ctx context.Context, spec *engine.Spec, file []byte, fetch FetchFunc) (*Rows, error) {
	table, err := parsePinned(file, in.Table)
	if err != nil {
		return nil, err
	}
	expanded, err := expand(ctx, table, in.Table.Targets, fetch)
	if err != nil {
		return nil, err
	}
	// From here on, what is wrong is wrong for everybody: the pinned table does not suit the group.
	all, err := in.data(expanded)
	if err != nil {
		return nil, fmt.Errorf("%w: %w", errUnfitData, err)
	}
	if err := all.Validate(spec, engine.Objective(in.Objective)); err != nil {
		return nil, fmt.Errorf("%w: %w", errUnfitData, err)
	}
	training, validation := table.Split(in.Table.Key(in.TrainingSet), in.Table.ValidationPermille)
	if len(training) == 0 || len(validation) == 0 {
		return &Rows{Training: all, Validation: all}, nil
	}
	return &Rows{Training: all.Select(training), Validation: all.Select(validation)}, nil
}

// data reads all rows of a table in file order.
func (in Inputs) data(table *dataset.Table) (*engine.Data, error) {
	targets := int(in.Table.Targets)
	x, y, err := table.Numeric(targets)
	if err != nil {
		return nil, err
	}
	d := &engine.Data{Features: table.Columns() - targets, Targets: targets, X: x}
	if in.Objective == poltypes.OBJECTIVE_CROSS_ENTROPY {
		labels, classes, err := in.Model.Spec().Classification()
		if err != nil {
			return nil, err
		}
		if targets != labels {
			return nil, fmt.Errorf("cross-entropy: expected %d target column(s), one class for each prediction of the model, got %d", labels, targets)
		}
		d.Labels, err = classesOf(table, labels, classes)
		return d, err
	}
	d.Y = y
	return d, nil
}

// classesOf reads the last columns of a table as classes 0 to classes-1, row after row.
func classesOf(table *dataset.Table, columns, classes int) ([]uint32, error) {
	if columns == 1 {
		return table.Labels(classes)
	}
	labels := make([]uint32, 0, table.Rows()*columns)
	for i := range table.Rows() {
		cells := bytes.Split(table.Row(i), []byte{','})
		first := len(cells) - columns
		for j, cell := range cells[first:] {
			label, err := strconv.ParseUint(string(cell), 10, 32)
			if err != nil || label >= uint64(classes) {
				return nil, fmt.Errorf("line %d, column %d (%s): expected a class from 0 to %d, got %q; correct the cell or the number of classes",
					table.Line(i), first+j+1, table.Header()[first+j], classes-1, cell)
			}
			labels = append(labels, uint32(label))
		}
	}
	return labels, nil
}
