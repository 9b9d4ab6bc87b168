package main

import (
	"bytes"
	"context"
	"crypto/sha256"
	"encoding/hex"
	"fmt"
	"os"
	"path/filepath"

	"github.com/pold-network/pold/dataset"
	trainingsettypes "github.com/pold-network/pold/x/trainingset/types"
)

// file names a file of the network by content.
type file struct {
	what   string // for people: "the table of version 3"
	cid    string
	sha256 []byte
	size   uint64
}

func tableFile(what string, t trainingsettypes.Table) file {
	return file{what: what, cid: t.Cid, sha256: t.Sha256, size: t.Size_}
}

func deltaFile(what string, d trainingsettypes.Delta) file {
	return file{what: what, cid: d.Cid, sha256: d.Sha256, size: d.Size_}
}

// check reports bytes that are not those of the file.
func (f file) check(b []byte) error {
	if uint64(len(b)) != f.size {
		return fail(exitMismatch, "%s: expected %d bytes, got %d", f.what, f.size, len(b))
	}
	if got := sha256.Sum256(b); !bytes.Equal(got[:], f.sha256) {
		return fail(exitMismatch, "%s: expected SHA-256 %x, got %x", f.what, f.sha256, got)
	}
	return nil
}

// files hands out files of the network.
type files interface {
	get(ctx context.Context, f file) ([]byte, error)
}

// library keeps files in a folder, under their SHA-256. What it hands out was checked, however it came there.
type library struct {
	dir   string
	fetch func(ctx context.Context, f file, path string) error
	say   func(format string, a ...any)
}

var _ files = (*library)(nil)

func newLibrary(home string, t *trainerd, p *printer) *library {
	return &library{dir: filepath.Join(home, "data", "files"), fetch: t.get, say: p.progress}
}

// path is where a file is kept.
func (l *library) path(hash []byte) string { return filepath.Join(l.dir, hex.EncodeToString(hash)) }

// get implements files.
func (l *library) get(ctx context.Context, f file) ([]byte, error) {
	if len(f.sha256) != sha256.Size {
		return nil, fail(exitError, "%s: expected a hash of 32 bytes, got %d", f.what, len(f.sha256))
	}
	path := l.path(f.sha256)
	if b, err := os.ReadFile(path); err == nil && f.check(b) == nil {
		return b, nil
	}
	// What is there is cut off or damaged: it is fetched again.
	if err := os.MkdirAll(l.dir, 0o755); err != nil {
		return nil, fmt.Errorf("folder of fetched files: %w", err)
	}
	l.say("fetching %s (%s)", f.what, showBytes(f.size))
	part := path + ".part"
	defer os.Remove(part)
	if err := l.fetch(ctx, f, part); err != nil {
		return nil, fmt.Errorf("%s: %w", f.what, err)
	}
	b, err := os.ReadFile(part)
	if err != nil {
		return nil, fmt.Errorf("%s: %w", f.what, err)
	}
	if err := f.check(b); err != nil {
		return nil, err
	}
	return b, os.Rename(part, path)
}

// keep stores bytes that this program made and returns their path.
func (l *library) keep(b []byte) (string, error) {
	hash := sha256.Sum256(b)
	path := l.path(hash[:])
	if err := os.MkdirAll(l.dir, 0o755); err != nil {
		return "", fmt.Errorf("folder of fetched files: %w", err)
	}
	part := path + ".part"
	defer os.Remove(part)
	if err := os.WriteFile(part, b, 0o644); err != nil {
		return "", err
	}
	return path, os.Rename(part, path)
}

// getTable fetches a table and checks everything that the chain says of it.
func getTable(ctx context.Context, from files, what string, t trainingsettypes.Table) (*dataset.Table, error) {
	b, err := from.get(ctx, tableFile(what, t))
	if err != nil {
		return nil, err
	}
	table, err := dataset.Parse(bytes.NewReader(b))
	if err != nil {
		return nil, fail(exitMismatch, "%s is not a canonical table: %w", what, err)
	}
	return table, checkTable(what, table, t)
}

// checkTable compares a table with what the chain says of it, its content identifier aside.
func checkTable(what string, table *dataset.Table, want trainingsettypes.Table) error {
	if root := table.Root(); !bytes.Equal(root[:], want.Root) {
		return fail(exitMismatch, "%s: expected root %x, got %x", what, want.Root, root)
	}
	if uint64(table.Rows()) != want.Rows || uint64(table.Columns()) != uint64(want.Columns) {
		return fail(exitMismatch, "%s: expected %d rows of %d columns, got %d of %d", what, want.Rows, want.Columns, table.Rows(), table.Columns())
	}
	return tableFile(what, want).check(table.Bytes())
}

// getDelta fetches the body of a delta and reads it.
func getDelta(ctx context.Context, from files, what string, d trainingsettypes.Delta) ([]byte, *dataset.Delta, error) {
	b, err := from.get(ctx, deltaFile(what, d))
	if err != nil {
		return nil, nil, err
	}
	parsed, err := dataset.ParseDelta(b)
	if err != nil {
		return b, nil, fail(exitMismatch, "%s is no delta: %w", what, err)
	}
	return b, parsed, nil
}
