package dataset

import "fmt"

// checkDuplicates refuses the first row that equals an earlier one.
func (t *Table) checkDuplicates() error {
	rows := newTextIndex(t.Rows(), t.Row)
	for i := range t.Rows() {
		if earlier := rows.add(i); earlier != i {
			return duplicateFault(t.Line(i), t.Line(earlier))
		}
	}
	return nil
}

func duplicateFault(line, earlier int) *Error {
	return &Error{Line: line, Earlier: earlier,
		What: fmt.Sprintf("expected a new row, got the row of line %d again", earlier),
		Why:  "rows are identified by their bytes, so a copy could be neither removed nor split on its own",
		Fix:  fmt.Sprintf("remove line %d or line %d", line, earlier)}
}
