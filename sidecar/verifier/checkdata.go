package verifier

import (
	"bytes"
	"context"
	"crypto/sha256"
	"encoding/binary"
	"errors"
	"fmt"
	"strings"

	"github.com/pold-network/pold/dataset"
	attestationtypes "github.com/pold-network/pold/x/attestation/types"
	trainingsettypes "github.com/pold-network/pold/x/trainingset/types"
)

// dataDomain separates the digests of data answers from every other hash of the protocol.
const dataDomain = "pold/data/v1"

// CheckData computes the answer of a data-delta task without a delta: what the registered bytes hold, and how many columns they make with
// the values that they name. An error means that these are not the registered bytes, or that a value can't be had, and that this machine
// must abstain; a table that breaks the format, or whose values do, is an answer.
func CheckData(ctx context.Context, m *trainingsettypes.DataManifest, file, manifestHash []byte, fetch FetchFunc) (trainingsettypes.DataAnswer, error) {
	var a trainingsettypes.DataAnswer
	if err := checkBytes("table", file, m.Table.Sha256, m.Table.Size_); err != nil {
		return a, err
	}
	table, err := dataset.Parse(bytes.NewReader(file))
	if err != nil {
		var fault *dataset.Error
		if !errors.As(err, &fault) {
			return a, err
		}
		return finding(findingOf(fault, lineOf(file, fault.Line)), manifestHash, m.Table.Sha256), nil
	}
	expanded, status, err := expandedColumns(ctx, table, m.Table.Targets, fetch)
	if err != nil {
		return a, fmt.Errorf("values of the table: %w", err)
	}
	if status != trainingsettypes.DataValid {
		return finding(status, manifestHash, m.Table.Sha256), nil
	}
	a.Rows, a.Columns, a.Root = uint64(table.Rows()), uint32(table.Columns()), table.Root()
	a.Expanded = expanded
	a.Digest = digestRows(table, manifestHash)
	return a, nil
}

// finding is the answer about what is no table: all figures are zero but the digest, which covers domain, manifest hash and the hashes of
// the files that were looked at.
func finding(status trainingsettypes.DataStatus, manifestHash []byte, files ...[]byte) trainingsettypes.DataAnswer {
	a := trainingsettypes.DataAnswer{Status: status}
	copy(a.Digest[:], attestationtypes.HashFields(append([][]byte{[]byte(dataDomain), manifestHash}, files...)...))
	return a
}

// digestRows hashes domain, manifest hash and every row, each after its length as four big-endian bytes. Keyed by the manifest, it
// can't be taken over from an earlier task.
func digestRows(table *dataset.Table, manifestHash []byte) (digest [sha256.Size]byte) {
	h := sha256.New()
	field := func(b []byte) {
		var n [4]byte
		binary.BigEndian.PutUint32(n[:], uint32(len(b)))
		h.Write(n[:])
		h.Write(b)
	}
	field([]byte(dataDomain))
	field(manifestHash)
	for i := range table.Rows() {
		field(table.Row(i))
	}
	h.Sum(digest[:0])
	return digest
}

// findingOf maps the first fault of a table to a finding; row is the text of the line with the fault.
func findingOf(fault *dataset.Error, row []byte) trainingsettypes.DataStatus {
	switch {
	case fault.Line > 1 && fault.Column == 0 && fault.Earlier > 0:
		return trainingsettypes.DataDuplicateRow
	case strings.HasSuffix(fault.Name, ":cid"): // of its cells none is a number
		return trainingsettypes.DataNotCanonical
	case fault.Line > 1 && fault.Column > 0 && notNumeric(row, fault.Column):
		return trainingsettypes.DataNotNumeric
	}
	return trainingsettypes.DataNotCanonical
}

// notNumeric reports whether a cell of a row has no value at all, rather than an unusual spelling of one.
func notNumeric(row []byte, column int) bool {
	cells := bytes.Split(row, []byte{','})
	if len(cells) < column || len(row) == 0 {
		return false
	}
	_, _, err := dataset.Canonicalize(bytes.NewReader(append(append([]byte("x\n"), cells[column-1]...), '\n')))
	return err != nil
}

// lineOf returns a line of a text, counted from 1, without its LF; nothing when there is none.
func lineOf(text []byte, number int) []byte {
	if number < 1 {
		return nil
	}
	for ; number > 1; number-- {
		at := bytes.IndexByte(text, '\n')
		if at < 0 {
			return nil
		}
		text = text[at+1:]
	}
	line, _, _ := bytes.Cut(text, []byte{'\n'})
	return line
}
