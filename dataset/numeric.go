package dataset

import (
	"bytes"
	"fmt"
	"strconv"
)

// Numeric returns the cells as float32, each the nearest to its decimal text (ties
// to even). The last targets columns go to targetsOut (rows × targets), the others
// to features (rows × (columns − targets)), both row by row. An error means that
// targets is negative or leaves no feature column, or that a column holds content
// identifiers.
func (t *Table) Numeric(targets int) (features, targetsOut []float32, err error) {
	if targets < 0 || targets >= t.Columns() {
		return nil, nil, fmt.Errorf("expected 0 to %d target columns, got %d: the table has %d columns and one must be left as a feature; correct the number of targets",
			t.Columns()-1, targets, t.Columns())
	}
	if columns := t.CIDColumns(); len(columns) > 0 {
		return nil, nil, t.unexpandedFault(columns[0])
	}
	inputs := t.Columns() - targets
	features = make([]float32, 0, t.Rows()*inputs)
	targetsOut = make([]float32, 0, t.Rows()*targets)
	for i := range t.Rows() {
		text := t.Row(i)
		for column := range t.Columns() {
			var cell []byte
			cell, text, _ = cutCell(text)
			value, err := strconv.ParseFloat(string(cell), 32)
			if err != nil {
				return nil, nil, fmt.Errorf("line %d, column %d (%s): %w", t.Line(i), column+1, t.header[column], err)
			}
			if column < inputs {
				features = append(features, float32(value))
			} else {
				targetsOut = append(targetsOut, float32(value))
			}
		}
	}
	return features, targetsOut, nil
}

// Labels returns the last column as class indices 0..classes−1. The first cell that
// is anything else is reported as an [*Error] with its line.
func (t *Table) Labels(classes int) ([]uint32, error) {
	if classes < 1 || classes > MaxRows {
		return nil, fmt.Errorf("expected 1 to %d classes, got %d: labels are 0 up to one less than the number of classes; correct the number of classes", MaxRows, classes)
	}
	if last := t.Columns() - 1; t.cids != nil && t.cids[last] {
		return nil, t.unexpandedFault(last)
	}
	labels := make([]uint32, t.Rows())
	for i := range labels {
		row := t.Row(i)
		cell := row[bytes.LastIndexByte(row, ',')+1:]
		label, err := strconv.ParseUint(string(cell), 10, 32)
		if err != nil || label >= uint64(classes) {
			return nil, &Error{Line: t.Line(i), Column: t.Columns(), Name: t.header[t.Columns()-1],
				What: fmt.Sprintf("expected a class from 0 to %d, got %s", classes-1, excerpt(cell)),
				Why:  fmt.Sprintf("the last column is one of %d classes", classes),
				Fix:  "correct the cell or the number of classes"}
		}
		labels[i] = uint32(label)
	}
	return labels, nil
}

// ClassBalance counts the examples of each class 0..classes−1. Errors are those of
// [Table.Labels].
func (t *Table) ClassBalance(classes int) ([]int, error) {
	labels, err := t.Labels(classes)
	if err != nil {
		return nil, err
	}
	balance := make([]int, classes)
	for _, label := range labels {
		balance[label]++
	}
	return balance, nil
}
