package types

import (
	"bytes"
	"crypto/sha256"
	"errors"
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
	// MaxChallengedSegment bounds the segments that a challenge can name.
	MaxChallengedSegment = 64
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
	if n := max(len(e.Commits), len(e.Openings), len(e.Held), len(e.Challenges)); n > MaxExtensionEntries {
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
	return errors.Join(e.validateBeacon(), e.validateChallenges())
}

// EncodeExtension puts the parts in canonical order and drops what does not fit into MaxExtensionSize: the beacon and held
// bits are kept first (they are small), then openings, then commits, then challenges, each from the oldest. What is dropped
// goes into a later extension.
func EncodeExtension(all VoteExtension) ([]byte, error) {
	sort.Slice(all.Commits, func(i, j int) bool { return all.Commits[i].TaskId < all.Commits[j].TaskId })
	sort.Slice(all.Openings, func(i, j int) bool { return all.Openings[i].TaskId < all.Openings[j].TaskId })
	sort.Slice(all.Held, func(i, j int) bool { return all.Held[i] < all.Held[j] })
	sort.Slice(all.Challenges, func(i, j int) bool { return all.Challenges[i].before(all.Challenges[j]) })
	e := VoteExtension{Version: ExtensionVersion, BeaconCommit: all.BeaconCommit, BeaconReveal: all.BeaconReveal}
	const framing = 4 // tag and length of a nested message of less than 16 KiB
	room := MaxExtensionSize - 2*framing - e.Size()
	for _, id := range all.Held {
		if len(e.Held) == MaxExtensionEntries {
			break
		}
		e.Held = append(e.Held, id)
		room -= proto.SizeVarint(id)
	}
	fits := func(size, entries int) bool {
		if size+framing > room || entries == MaxExtensionEntries {
			return false
		}
		room -= size + framing
		return true
	}
	for i := range all.Openings {
		if !fits(all.Openings[i].Size(), len(e.Openings)) {
			break
		}
		e.Openings = append(e.Openings, all.Openings[i])
	}
	for i := range all.Commits {
		if !fits(all.Commits[i].Size(), len(e.Commits)) {
			break
		}
		e.Commits = append(e.Commits, all.Commits[i])
	}
	for i := range all.Challenges {
		if !fits(all.Challenges[i].Size(), len(e.Challenges)) {
			break
		}
		e.Challenges = append(e.Challenges, all.Challenges[i])
	}
	if err := e.Validate(); err != nil {
		return nil, err
	}
	return proto.Marshal(&e)
}

// before orders challenges by task, then by segment.
func (c ExtensionChallenge) before(d ExtensionChallenge) bool {
	return c.TaskId < d.TaskId || c.TaskId == d.TaskId && c.Segment < d.Segment
}

// validateBeacon checks the shape of the validator's part in the beacon.
func (e *VoteExtension) validateBeacon() error {
	if c := e.BeaconCommit; c != nil && (c.Number == 0 || len(c.Commit) != sha256.Size) {
		return ErrInvalidExtension.Wrapf("beacon commit: expected a number and 32 bytes, got %d and %d bytes", c.Number, len(c.Commit))
	}
	if r := e.BeaconReveal; r != nil && (r.Number == 0 || len(r.Secret) != SecretSize) {
		return ErrInvalidExtension.Wrapf("beacon reveal: expected a number and %d bytes, got %d and %d bytes", SecretSize, r.Number, len(r.Secret))
	}
	return nil
}

func (e *VoteExtension) validateChallenges() error {
	for i, c := range e.Challenges {
		if c.Segment >= MaxChallengedSegment {
			return ErrInvalidExtension.Wrapf("challenge of task %d: expected a segment below %d, got %d", c.TaskId, MaxChallengedSegment, c.Segment)
		}
		if i > 0 && !e.Challenges[i-1].before(c) {
			return ErrInvalidExtension.Wrap("challenges: expected ascending tasks and segments")
		}
	}
	return nil
}
