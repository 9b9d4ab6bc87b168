package main

import (
	"bytes"
	"context"
	"fmt"
	"strings"

	"github.com/pold-network/pold/dataset"
	poltypes "github.com/pold-network/pold/x/pol/types"
	trainingsettypes "github.com/pold-network/pold/x/trainingset/types"
)

// patchView is what a patch does to a table, for people who decide about it.
type patchView struct {
	dataset.Summary
	// ValidationAdded and ValidationRemoved count the rows that come to and go from those held back for validation.
	ValidationAdded    int    `json:"validation_rows_added"`
	ValidationRemoved  int    `json:"validation_rows_removed"`
	ValidationPermille uint32 `json:"validation_permille"`
	// Unfit says why the model of the group could not read the resulting table; empty when it can.
	Unfit string `json:"unfit,omitempty"`
}

// newPatchView looks at a patch that leads from one table of a set to another.
func newPatchView(set string, described trainingsettypes.Table, base, result *dataset.Table, body []byte) patchView {
	v := patchView{Summary: dataset.Summarize(base, result, int(described.Targets)), ValidationPermille: described.ValidationPermille}
	added, removed := changedRows(body)
	key := described.Key(set)
	for row := range added {
		if dataset.HeldOut(key, described.ValidationPermille, []byte(row)) {
			v.ValidationAdded++
		}
	}
	for row := range removed {
		if dataset.HeldOut(key, described.ValidationPermille, []byte(row)) {
			v.ValidationRemoved++
		}
	}
	return v
}

// unfit says why the model of a group could not read a table, as far as its targets tell. The chain does not look: it would find
// out when no checkpoint can be scored.
func (n node) unfit(ctx context.Context, group string, table *dataset.Table) (string, error) {
	if group == "" {
		return "", nil
	}
	g, err := n.group(ctx, group)
	if err != nil {
		return "", err
	}
	if g.Settings.Objective != poltypes.OBJECTIVE_CROSS_ENTROPY {
		return "", nil
	}
	labels, classes, err := g.Settings.Model.Spec().Classification()
	if err != nil || labels != 1 {
		return "", nil //nolint:nilerr // the chain has checked the model
	}
	if _, err := table.Labels(classes); err != nil {
		return fmt.Sprintf("the model of group %s could not learn from the table: %v", group, err), nil
	}
	return "", nil
}

// changedRows returns the rows that a patch which applies adds and removes. A row that it moves is neither.
func changedRows(body []byte) (added, removed map[string]bool) {
	added, removed = map[string]bool{}, map[string]bool{}
	inHunk := false
	for line := range bytes.Lines(body) {
		row := strings.TrimSuffix(string(line), "\n")
		switch {
		case strings.HasPrefix(row, "@@"):
			inHunk = true
		case !inHunk || row == "":
		case row[0] == '+':
			added[row[1:]] = true
		case row[0] == '-':
			removed[row[1:]] = true
		}
	}
	for row := range added {
		if removed[row] {
			delete(added, row)
			delete(removed, row)
		}
	}
	return added, removed
}

func (v patchView) print(p *printer) {
	p.line("rows        %s -> %s: %s, %s", thousands(uint64(v.RowsBefore)), thousands(uint64(v.RowsAfter)),
		p.paint(green, thousands(uint64(v.RowsAdded))+" added"), p.paint(red, thousands(uint64(v.RowsRemoved))+" removed"))
	v.printValidation(p)
	if v.Relabelled > 0 {
		p.line("relabelled  %s", plural(v.Relabelled, "row", ""))
		for _, r := range v.RelabelledRows {
			p.line("  line %d -> %d: %s -> %s", r.OldLine, r.NewLine, r.OldTarget, r.NewTarget)
		}
		printRest(p, v.Relabelled, len(v.RelabelledRows))
	}
	v.printClasses(p)
	v.printDoubts(p)
	if v.Unfit != "" {
		p.line("%s", p.paint(red, "unfit       "+v.Unfit))
	}
}

func (v patchView) printValidation(p *printer) {
	if v.ValidationPermille == 0 {
		p.line("validation  the set holds no rows back for it")
		return
	}
	var said []string
	if v.RowsAdded > 0 {
		said = append(said, fmt.Sprintf("%s of %s fall into it", thousands(uint64(v.ValidationAdded)), plural(v.RowsAdded, "added row", "")))
	}
	if v.RowsRemoved > 0 {
		said = append(said, fmt.Sprintf("%s of %s came from it", thousands(uint64(v.ValidationRemoved)), plural(v.RowsRemoved, "removed row", "")))
	}
	p.line("validation  %s", strings.Join(said, ", "))
}

// barWidth is the length of the longest bar.
const barWidth = 16

// printClasses draws the class balance before and after.
func (v patchView) printClasses(p *printer) {
	if len(v.Classes) == 0 {
		return
	}
	most := 1
	for _, c := range v.Classes {
		most = max(most, c.Before, c.After)
	}
	bar := func(n int) string { return strings.Repeat("█", (n*barWidth+most-1)/most) }
	rows := make([][]string, len(v.Classes))
	for i, c := range v.Classes {
		change := ""
		if d := c.After - c.Before; d != 0 {
			change = fmt.Sprintf("%+d", d)
		}
		rows[i] = []string{fmt.Sprint(c.Class), thousands(uint64(c.Before)), bar(c.Before), thousands(uint64(c.After)), bar(c.After), change}
	}
	p.table([]string{">CLASS", ">BEFORE", "", ">AFTER", "", ">CHANGE"}, rows)
}

// printDoubts lists what may be wrong with the added rows.
func (v patchView) printDoubts(p *printer) {
	if v.Conflicting > 0 {
		p.line("conflicts   %s the features of another row with other targets", plural(v.Conflicting, "added row has", "added rows have"))
		for _, c := range v.ConflictingRows {
			p.line("  line %d says %s, line %d says %s", c.Line, c.Target, c.OtherLine, c.OtherTarget)
		}
		printRest(p, v.Conflicting, len(v.ConflictingRows))
	}
	if v.NearDuplicates > 0 {
		p.line("duplicates  %s from another row in one cell at most", plural(v.NearDuplicates, "added row differs", "added rows differ"))
		for _, d := range v.NearDuplicateRows {
			where := "in the targets alone"
			if d.Column != "" {
				where = "in " + d.Column
			}
			p.line("  line %d and line %d, %s", d.Line, d.OtherLine, where)
		}
		printRest(p, v.NearDuplicates, len(v.NearDuplicateRows))
	}
	if v.NearDuplicatesSkipped != "" {
		p.line("duplicates  not looked for: %s", v.NearDuplicatesSkipped)
	}
	if v.Outliers > 0 {
		p.line("outliers    %s outside of what the column held before", plural(v.Outliers, "added cell is", "added cells are"))
		for _, o := range v.OutlierCells {
			p.line("  line %d, %s = %s, before %s to %s", o.Line, o.Column, o.Value, o.Min, o.Max)
		}
		printRest(p, v.Outliers, len(v.OutlierCells))
	}
}

// printRest says how many entries of a list were left out.
func printRest(p *printer, all, shown int) {
	if all > shown {
		p.line("  … and %s more", thousands(uint64(all-shown)))
	}
}

// patch prints a patch: as it is for programs, and safe to look at, with colours, on a terminal. Nobody but its author has read it yet.
func (p *printer) patch(body []byte) error {
	if !isTerminal(p.out) {
		_, err := p.out.Write(body)
		return err
	}
	for line := range bytes.Lines(body) {
		text := plain(strings.TrimSuffix(string(line), "\n"))
		switch {
		case strings.HasPrefix(text, "+"):
			text = p.paint(green, text)
		case strings.HasPrefix(text, "-"):
			text = p.paint(red, text)
		}
		p.line("%s", text)
	}
	return nil
}
