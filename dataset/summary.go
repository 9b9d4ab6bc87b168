package dataset

import (
	"bytes"
	"slices"
	"strconv"
)

// SummaryRows is how many rows or cells each list of a [Summary] holds at most.
const SummaryRows = 20

// Summary is what a person should see of a change before deciding about it. Lines
// count from 1, the header, in the table they belong to; targets are the target cells
// with commas between them. Every list is in the order of the file that its first line
// number belongs to, and ends after [SummaryRows] entries; the number next to it counts
// all.
type Summary struct {
	RowsBefore  int `json:"rows_before"`
	RowsAfter   int `json:"rows_after"`
	RowsAdded   int `json:"rows_added"`   // rows that only the new table has
	RowsRemoved int `json:"rows_removed"` // rows that only the old table has

	// Relabelled counts removed rows for which a row with the same features and other
	// targets was added. Both are counted above as well.
	Relabelled     int       `json:"relabelled"`
	RelabelledRows []Relabel `json:"relabelled_rows,omitempty"`

	// Classes is the class balance in ascending order. It is empty unless there is one
	// target column with at most 100 different values, all of them integers from 0 to
	// 2^32−1.
	Classes []ClassCount `json:"classes,omitempty"`

	// Conflicting counts added rows to whose features the new table gives other targets
	// as well.
	Conflicting     int        `json:"conflicting"`
	ConflictingRows []Conflict `json:"conflicting_rows,omitempty"`

	// NearDuplicates counts added rows from whose features those of another row of the
	// new table differ in at most one cell. They were not looked for if
	// NearDuplicatesSkipped gives a reason.
	NearDuplicates        int             `json:"near_duplicates"`
	NearDuplicateRows     []NearDuplicate `json:"near_duplicate_rows,omitempty"`
	NearDuplicatesSkipped string          `json:"near_duplicates_skipped,omitempty"`

	// Outliers counts cells of added rows, targets included, that are smaller or larger
	// than everything in their column of the old table.
	Outliers     int       `json:"outliers"`
	OutlierCells []Outlier `json:"outlier_cells,omitempty"`
}

// Relabel is a row whose targets were changed.
type Relabel struct {
	OldLine   int    `json:"old_line"`
	NewLine   int    `json:"new_line"`
	OldTarget string `json:"old_target"`
	NewTarget string `json:"new_target"`
}

// ClassCount is the number of rows of one class.
type ClassCount struct {
	Class  int `json:"class"`
	Before int `json:"before"`
	After  int `json:"after"`
}

// Conflict is an added row and another row of the new table with the same features.
type Conflict struct {
	Line        int    `json:"line"`
	OtherLine   int    `json:"other_line"`
	Target      string `json:"target"`
	OtherTarget string `json:"other_target"`
}

// NearDuplicate is an added row and another row of the new table whose features are
// equal but for one cell.
type NearDuplicate struct {
	Line      int    `json:"line"`
	OtherLine int    `json:"other_line"`
	Column    string `json:"column,omitempty"` // name of the column that differs; empty if only targets do
}

// Outlier is a cell of an added row outside the range of its column in the old table.
type Outlier struct {
	Line   int    `json:"line"`
	Column string `json:"column"`
	Value  string `json:"value"`
	Min    string `json:"min"`
	Max    string `json:"max"`
}

// Summarize compares a table with the one that shall replace it. The last targets
// columns are the targets; a number that leaves no feature column counts as 0. Cells
// are compared as texts, of which a value has only one, and so are content
// identifiers, which have no range. If the headers differ only the rows are counted.
func Summarize(old, new *Table, targets int) Summary {
	s := Summary{RowsBefore: old.Rows(), RowsAfter: new.Rows()}
	added, removed := exclusiveRows(old, new)
	s.RowsAdded, s.RowsRemoved = len(added), len(removed)
	if !slices.Equal(old.header, new.header) {
		s.NearDuplicatesSkipped = "the columns are not the same"
		return s
	}
	if targets < 0 || targets >= new.Columns() {
		targets = 0
	}
	if targets == 1 {
		s.Classes = classCounts(old, new)
	}
	if len(added) > 0 {
		groups := groupByFeatures(new, added, targets)
		s.relabelled(old, groups, removed)
		s.conflicts(groups)
		s.nearDuplicates(groups)
		s.outliers(old, new, added)
	}
	return s
}

// exclusiveRows returns the rows that only one of the tables has.
func exclusiveRows(old, new *Table) (added, removed []int) {
	rows := newTextIndex(old.Rows(), old.Row)
	for i := range old.Rows() {
		rows.add(i)
	}
	kept := make([]bool, old.Rows())
	for i := range new.Rows() {
		if found := rows.find(new.Row(i)); found >= 0 {
			kept[found] = true
		} else {
			added = append(added, i)
		}
	}
	for i, stays := range kept {
		if !stays {
			removed = append(removed, i)
		}
	}
	return added, removed
}

// cutTargets splits a row before its last targets cells.
func cutTargets(row []byte, targets int) (features, target []byte) {
	if targets == 0 {
		return row, nil
	}
	at := len(row)
	for range targets {
		at = bytes.LastIndexByte(row[:at], ',')
	}
	return row[:at], row[at+1:]
}

// featureGroups are the added rows, those with equal features together, and the rows
// of the new table that have these features.
type featureGroups struct {
	table    *Table
	targets  int
	added    []int      // rows of the table
	group    []int      // group of each added row
	members  [][]int    // added rows of each group
	first    []int      // first row of the table with the group's features
	second   []int      // the next one, or −1
	features *textIndex // over added
	groupOf  []int      // by place in added, for those that the index returns
}

func groupByFeatures(t *Table, added []int, targets int) *featureGroups {
	g := &featureGroups{table: t, targets: targets, added: added, group: make([]int, len(added)), groupOf: make([]int, len(added))}
	g.features = newTextIndex(len(added), func(i int) []byte { return g.featuresOf(added[i]) })
	for i, row := range added {
		known := g.features.add(i)
		if known == i {
			g.groupOf[i] = len(g.members)
			g.members = append(g.members, nil)
			g.first, g.second = append(g.first, -1), append(g.second, -1)
		}
		g.group[i] = g.groupOf[known]
		g.members[g.group[i]] = append(g.members[g.group[i]], row)
	}
	for row := range t.Rows() {
		switch group := g.find(g.featuresOf(row)); {
		case group < 0:
		case g.first[group] < 0:
			g.first[group] = row
		case g.second[group] < 0:
			g.second[group] = row
		}
	}
	return g
}

func (g *featureGroups) featuresOf(row int) []byte {
	features, _ := cutTargets(g.table.Row(row), g.targets)
	return features
}

// find returns the group with these features, or −1.
func (g *featureGroups) find(features []byte) int {
	if i := g.features.find(features); i >= 0 {
		return g.groupOf[i]
	}
	return -1
}

// twin returns another row of the table with the features of added row i, or −1.
func (g *featureGroups) twin(i int) int {
	group := g.group[i]
	if g.first[group] != g.added[i] {
		return g.first[group]
	}
	return g.second[group]
}

// relabelled pairs removed with added rows of the same features, in file order.
func (s *Summary) relabelled(old *Table, g *featureGroups, removed []int) {
	paired := make([]int, len(g.members))
	for _, row := range removed {
		features, target := cutTargets(old.Row(row), g.targets)
		group := g.find(features)
		if group < 0 || paired[group] == len(g.members[group]) {
			continue
		}
		successor := g.members[group][paired[group]]
		paired[group]++
		s.Relabelled++
		if len(s.RelabelledRows) < SummaryRows {
			_, newTarget := cutTargets(g.table.Row(successor), g.targets)
			s.RelabelledRows = append(s.RelabelledRows, Relabel{OldLine: old.Line(row), NewLine: g.table.Line(successor), OldTarget: string(target), NewTarget: string(newTarget)})
		}
	}
}

// conflicts counts added rows that have a twin; as rows are unique, its targets differ.
func (s *Summary) conflicts(g *featureGroups) {
	for i, row := range g.added {
		twin := g.twin(i)
		if twin < 0 {
			continue
		}
		s.Conflicting++
		if len(s.ConflictingRows) < SummaryRows {
			_, target := cutTargets(g.table.Row(row), g.targets)
			_, other := cutTargets(g.table.Row(twin), g.targets)
			s.ConflictingRows = append(s.ConflictingRows, Conflict{Line: g.table.Line(row), OtherLine: g.table.Line(twin), Target: string(target), OtherTarget: string(other)})
		}
	}
}

// classCounts counts the values of the last column, or returns nil if they are not
// classes, or too many.
func classCounts(old, new *Table) []ClassCount {
	const most = 100
	counts := make(map[string]*ClassCount)
	for i, t := range []*Table{old, new} {
		for row := range t.Rows() {
			_, cell := cutTargets(t.Row(row), 1)
			count := counts[string(cell)]
			if count == nil {
				class, err := strconv.ParseUint(string(cell), 10, 32)
				if err != nil || len(counts) == most {
					return nil
				}
				count = &ClassCount{Class: int(class)}
				counts[string(cell)] = count
			}
			if i == 0 {
				count.Before++
			} else {
				count.After++
			}
		}
	}
	sorted := make([]ClassCount, 0, len(counts))
	for _, count := range counts {
		sorted = append(sorted, *count)
	}
	slices.SortFunc(sorted, func(a, b ClassCount) int { return a.Class - b.Class })
	return sorted
}
