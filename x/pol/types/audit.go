package types

import (
	"encoding/binary"
	"fmt"
	"slices"

	attestationtypes "github.com/pold-network/pold/x/attestation/types"
)

const (
	// AuditTaskKind is the kind of task that replays segments of a transcript.
	AuditTaskKind = "audit"
	// MaxSegments is into how many parts a transcript can be cut.
	MaxSegments = 64
)

const (
	commonDomain = "pold/pol/common-segments/v1"
	ownDomain    = "pold/pol/own-segments/v1"
	orderDomain  = "pold/pol/order/v1"
	mapDomain    = "pold/pol/mapping/v1"
)

// CommonSegments returns the count segments of a candidate that every validator replays, ascending and different.
func CommonSegments(auditSeed []byte, trainer string, segments, count uint32) []uint32 {
	return drawSegments(commonDomain, auditSeed, trainer, "", segments, count, nil)
}

// OwnSegments returns the segments that one validator replays beside the common ones: two, or one of transcripts of
// fewer than 16 segments; none when the common ones are all.
func OwnSegments(auditSeed []byte, trainer, operator string, segments uint32, common []uint32) []uint32 {
	return drawSegments(ownDomain, auditSeed, trainer, operator, segments, OwnCount(segments), common)
}

// OwnCount returns how many segments a validator replays beside the common ones, if so many are left.
func OwnCount(segments uint32) uint32 {
	if segments < 16 {
		return 1
	}
	return 2
}

// drawSegments picks different numbers below segments that are not among the taken ones, each from a hash of its own.
func drawSegments(domain string, seed []byte, trainer, operator string, segments, count uint32, taken []uint32) []uint32 {
	var free []uint32
	for s := range min(segments, MaxSegments) {
		if !slices.Contains(taken, s) {
			free = append(free, s)
		}
	}
	var drawn []uint32
	for i := uint64(0); len(free) > 0 && uint32(len(drawn)) < count; i++ {
		h := attestationtypes.HashFields([]byte(domain), seed, []byte(trainer), []byte(operator), binary.BigEndian.AppendUint64(nil, i))
		at := binary.BigEndian.Uint64(h) % uint64(len(free))
		drawn = append(drawn, free[at])
		free = slices.Delete(free, int(at), int(at)+1)
	}
	slices.Sort(drawn)
	return drawn
}

// TrainerSeed returns the 32-byte seed of a trainer's batch order and dropout in proof mode PROVED.
func TrainerSeed(orderSeed []byte, trainer string) []byte {
	return attestationtypes.HashFields([]byte(orderDomain), orderSeed, []byte(trainer))
}

// MappingSeed returns the 32-byte seed of a trainer's secure mapping layer in one round.
func MappingSeed(chainID, group string, round uint64, trainer string) []byte {
	return attestationtypes.HashFields([]byte(mapDomain), []byte(chainID), []byte(group), binary.BigEndian.AppendUint64(nil, round), []byte(trainer))
}

// TranscriptContext returns the 32 bytes that bind a transcript to the place where it competes.
func TranscriptContext(chainID, group string, round uint64, trainer string) []byte {
	return attestationtypes.HashFields([]byte("pold/pol/transcript/v1"), []byte(chainID), []byte(group), binary.BigEndian.AppendUint64(nil, round), []byte(trainer))
}

// AuditStatus is the finding of an audit task.
type AuditStatus uint8

// Findings of an audit task; their numbers are part of the protocol.
const (
	AuditPassed AuditStatus = 0
	// AuditNotCanonical: the file is no transcript.
	AuditNotCanonical AuditStatus = 1
	// AuditWrongHeader: chain, group, round, trainer, model, data, parent, seed or number of segments are not the pinned ones.
	AuditWrongHeader AuditStatus = 2
	// AuditRecipe: the recipe is outside the group's bounds.
	AuditRecipe AuditStatus = 3
	// AuditWrongStart and AuditWrongEnd: the first state is not the parent's, the last weights are not the checkpoint.
	AuditWrongStart AuditStatus = 4
	AuditWrongEnd   AuditStatus = 5
	// AuditWrongState: the file of a start state is not what the transcript says.
	AuditWrongState AuditStatus = 6
	// AuditMismatch: the replay of a segment ends elsewhere.
	AuditMismatch AuditStatus = 7
	// AuditDiverged: the replay ended in values that are not finite.
	AuditDiverged AuditStatus = 8
)

// String says the finding in words.
func (s AuditStatus) String() string {
	words := [...]string{
		"passed", "not a canonical transcript", "the header names other inputs than the round", "the recipe is outside the group's bounds",
		"the training does not start at the parent", "the training does not end at the checkpoint", "a state is not the one in the transcript",
		"the replay of a segment ends elsewhere", "the replay of a segment diverges",
	}
	if int(s) < len(words) {
		return words[s]
	}
	return fmt.Sprintf("unknown finding %d", uint8(s))
}

// AuditAnswer is the answer of an audit task.
type AuditAnswer struct {
	Status AuditStatus
	// Segment is the first wrong one, counted from 0; 0 unless the finding is about a segment.
	Segment uint32
	// Digest covers per-step losses and gradient norms of the replayed segments: a yes or no alone could be guessed.
	Digest [32]byte
}

const (
	auditAnswerVersion = 1
	// AuditAnswerSize is the length of an encoded answer in bytes: version, status, big-endian segment, digest.
	AuditAnswerSize = 2 + 4 + 32
)

// Encode returns the canonical bytes of the answer.
func (a AuditAnswer) Encode() []byte {
	b := append(make([]byte, 0, AuditAnswerSize), auditAnswerVersion, byte(a.Status))
	b = binary.BigEndian.AppendUint32(b, a.Segment)
	return append(b, a.Digest[:]...)
}

// DecodeAuditAnswer is the inverse of Encode.
func DecodeAuditAnswer(b []byte) (AuditAnswer, error) {
	var a AuditAnswer
	if len(b) != AuditAnswerSize || b[0] != auditAnswerVersion {
		return a, fmt.Errorf("audit answer: expected %d bytes of version %d, got %d bytes", AuditAnswerSize, auditAnswerVersion, len(b))
	}
	a.Status = AuditStatus(b[1])
	if a.Status > AuditDiverged {
		return a, fmt.Errorf("audit answer: unknown finding %d", b[1])
	}
	a.Segment = binary.BigEndian.Uint32(b[2:])
	if a.Segment >= MaxSegments {
		return a, fmt.Errorf("audit answer: expected a segment below %d, got %d", MaxSegments, a.Segment)
	}
	copy(a.Digest[:], b[6:])
	return a, nil
}
