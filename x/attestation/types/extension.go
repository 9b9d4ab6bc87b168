package types

import (
	"bytes"
	"crypto/sha256"
	"sort"

	"github.com/cosmos/gogoproto/proto"
)

const (
	// ExtensionVersion is carried by every extension of a node with a healthy sidecar.
	ExtensionVersion = 1
	// MaxExtensionSize bounds an extension in bytes; it is part of the protocol, not a parameter.
	MaxExtensionSize = 4096
	// MaxExtensionEntries bounds commits, openings and held bits each: no more work than that is open at once.
	MaxExtensionEntries = MaxWork
)

// DecodeExtension decodes an extension and checks its shape; only the canonical encoding is taken, so that nothing
// hides in unknown fields. An empty one is nil and valid: it comes from a node without a sidecar.
func DecodeExtension(b []byte) (*VoteExtension, error) {
	if len(b) == 0 {
		return nil, nil
	}
	if len(b) > MaxExtensionSize {
		return nil, ErrInvalidExtension.Wrapf("expected at most %d bytes, got %d", MaxExtensionSize, len(b))
	}
	var e VoteExtension
	if err := proto.Unmarshal(b, &e); err != nil {
		return nil, ErrInvalidExtension.Wrap(err.Error())
	}
	if err := e.Validate(); err != nil {
		return nil, err
	}
	if canonical, err := proto.Marshal(&e); err != nil || !bytes.Equal(canonical, b) {
		return nil, ErrInvalidExtension.Wrap("encoding: expected canonical protobuf without unknown fields")
	}
	return &e, nil
}

// Validate checks the shape of an extension without looking at any state.
func (e *VoteExtension) Validate() error {
	if e.Version != ExtensionVersion {
		return ErrInvalidExtension.Wrapf("version: expected %d, got %d", ExtensionVersion, e.Version)
	}
	if n := max(len(e.Commits), len(e.Openings), len(e.Held)); n > MaxExtensionEntries {
		return ErrInvalidExtension.Wrapf("expected at most %d entries of a sort, got %d", MaxExtensionEntries, n)
	}
	for i, c := range e.Commits {
		if len(c.Witness) != sha256.Size {
			return ErrInvalidExtension.Wrapf("witness of task %d: expected 32 bytes, got %d", c.TaskId, len(c.Witness))
		}
		if len(c.Personal) != 0 && len(c.Personal) != sha256.Size {
			return ErrInvalidExtension.Wrapf("personal value of task %d: expected 0 or 32 bytes, got %d", c.TaskId, len(c.Personal))
		}
		if i > 0 && e.Commits[i-1].TaskId >= c.TaskId {
			return ErrInvalidExtension.Wrap("commits: expected ascending task ids")
		}
	}
	for i, o := range e.Openings {
		if len(o.Answer) == 0 || len(o.Answer) > MaxAnswerSize {
			return ErrInvalidExtension.Wrapf("answer of task %d: expected 1 to %d bytes, got %d", o.TaskId, MaxAnswerSize, len(o.Answer))
		}
		if i > 0 && e.Openings[i-1].TaskId >= o.TaskId {
			return ErrInvalidExtension.Wrap("openings: expected ascending task ids")
		}
	}
	for i, id := range e.Held {
		if i > 0 && e.Held[i-1] >= id {
			return ErrInvalidExtension.Wrap("held: expected ascending artefact ids")
		}
	}
	return nil
}

// EncodeExtension puts the parts in canonical order and drops what does not fit into MaxExtensionSize:
// held bits are kept first (they are small), then openings, then commits, each from the oldest.
// What is dropped goes into a later extension.
func EncodeExtension(commits []ExtensionCommit, openings []ExtensionOpening, held []uint64) ([]byte, error) {
	sort.Slice(commits, func(i, j int) bool { return commits[i].TaskId < commits[j].TaskId })
	sort.Slice(openings, func(i, j int) bool { return openings[i].TaskId < openings[j].TaskId })
	sort.Slice(held, func(i, j int) bool { return held[i] < held[j] })
	e := VoteExtension{Version: ExtensionVersion}
	const framing = 4 // tag and length of a nested message of less than 16 KiB
	room := MaxExtensionSize - 2*framing
	for _, id := range held {
		if len(e.Held) == MaxExtensionEntries {
			break
		}
		e.Held = append(e.Held, id)
		room -= proto.SizeVarint(id)
	}
	for i := range openings {
		n := openings[i].Size() + framing
		if n > room || len(e.Openings) == MaxExtensionEntries {
			break
		}
		e.Openings = append(e.Openings, openings[i])
		room -= n
	}
	for i := range commits {
		n := commits[i].Size() + framing
		if n > room || len(e.Commits) == MaxExtensionEntries {
			break
		}
		e.Commits = append(e.Commits, commits[i])
		room -= n
	}
	if err := e.Validate(); err != nil {
		return nil, err
	}
	return proto.Marshal(&e)
}
