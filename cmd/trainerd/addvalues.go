package main

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"

	"github.com/pold-network/pold/dataset"
	"github.com/pold-network/pold/sidecar/swarm"
	"github.com/pold-network/pold/sidecar/verifier"
)

// expand fills in how many columns a table has with the values of a folder in the place of content identifiers, or notes why that is not
// known. A table without such columns stays as it is. The error is one of the folder.
func (d *description) expand(table *dataset.Table, folder string) error {
	cids, err := verifier.Values(table)
	switch {
	case err != nil:
		d.Note = "expanded_columns: " + err.Error()
		return nil //nolint:nilerr // the note says it
	case len(cids) == 0:
		return nil
	case folder == "":
		d.Note = fmt.Sprintf("expanded_columns: not known without the %d values that the table names; give their folder with --values", len(cids))
		return nil
	}
	paths, err := valuesIn(folder, cids)
	if err != nil {
		return fmt.Errorf("--values: %w", err)
	}
	if missing := len(cids) - len(paths); missing > 0 {
		d.Note = fmt.Sprintf("expanded_columns: expected %d values in %s, %d of them missing; the first is %s", len(cids), folder, missing, firstMissing(cids, paths))
		return nil
	}
	expanded, err := table.Expand(func(cid string) ([]byte, error) { return os.ReadFile(paths[cid]) })
	var fault *dataset.Error
	switch {
	case errors.As(err, &fault):
		d.Note = "expanded_columns: " + err.Error()
		return nil
	case err != nil:
		return fmt.Errorf("--values: %w", err)
	}
	d.ExpandedColumns = expanded.Columns()
	return nil
}

// valuesIn finds files by their CIDs in a folder and those below it; what they are called does not matter. It returns the paths of those
// that are there.
func valuesIn(folder string, cids []string) (map[string]string, error) {
	wanted := make(map[string]bool, len(cids))
	for _, cid := range cids {
		wanted[cid] = true
	}
	paths := map[string]string{}
	err := filepath.WalkDir(folder, func(path string, entry fs.DirEntry, err error) error {
		if err != nil || entry.IsDir() {
			return err
		}
		info, err := os.Stat(path) // what a link leads to
		if err != nil || !info.Mode().IsRegular() || info.Size() > verifier.MaxValue {
			return nil //nolint:nilerr // no value
		}
		b, err := os.ReadFile(path)
		if err != nil {
			return err
		}
		cid, err := swarm.CIDOf(b)
		if err == nil && wanted[cid] {
			paths[cid] = path
		}
		return err
	})
	return paths, err
}

// firstMissing returns the first identifier without a path.
func firstMissing(cids []string, paths map[string]string) string {
	for _, cid := range cids {
		if paths[cid] == "" {
			return cid
		}
	}
	return ""
}
