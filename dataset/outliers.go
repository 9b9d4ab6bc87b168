package dataset

import "bytes"

// columnRange is the smallest and the largest cell of a column.
type columnRange struct {
	min, max []byte
}

// ranges returns the range of each column; that of a column of content identifiers is
// empty.
func (t *Table) ranges() []columnRange {
	ranges := make([]columnRange, t.Columns())
	for i := range t.Rows() {
		text := t.Row(i)
		for column := range ranges {
			var cell []byte
			cell, text, _ = cutCell(text)
			if t.cids != nil && t.cids[column] {
				continue
			}
			r := &ranges[column]
			if i == 0 || compareNumbers(cell, r.min) < 0 {
				r.min = cell
			}
			if i == 0 || compareNumbers(cell, r.max) > 0 {
				r.max = cell
			}
		}
	}
	return ranges
}

// outliers compares the added rows with the ranges of the old table.
func (s *Summary) outliers(old, new *Table, added []int) {
	ranges := old.ranges()
	for _, row := range added {
		text := new.Row(row)
		for column, r := range ranges {
			var cell []byte
			cell, text, _ = cutCell(text)
			if r.min == nil || compareNumbers(cell, r.min) >= 0 && compareNumbers(cell, r.max) <= 0 {
				continue
			}
			s.Outliers++
			if len(s.OutlierCells) < SummaryRows {
				s.OutlierCells = append(s.OutlierCells, Outlier{Line: new.Line(row), Column: new.header[column], Value: string(cell), Min: string(r.min), Max: string(r.max)})
			}
		}
	}
}

// compareNumbers orders canonical numbers by their exact values: −1, 0 or 1.
func compareNumbers(a, b []byte) int {
	negativeA, negativeB := a[0] == '-', b[0] == '-'
	switch {
	case negativeA && negativeB:
		return compareNumbers(b[1:], a[1:])
	case negativeA:
		return -1
	case negativeB:
		return 1
	}
	integerA, integerB := digits(a), digits(b)
	if integerA != integerB {
		if integerA < integerB {
			return -1
		}
		return 1
	}
	// Digits of the same weight stand at the same place, and no fraction ends in 0.
	return bytes.Compare(a, b)
}
