package types

import (
	"fmt"
	"strconv"
	"strings"
)

// SubmissionRef names a submission in tasks and artefacts; an empty trainer means the parent of the round.
type SubmissionRef struct {
	Group   string
	Round   uint64
	Trainer string
}

// Encode returns group/round/trainer; none of them contains a slash.
func (r SubmissionRef) Encode() []byte {
	return []byte(r.Group + "/" + strconv.FormatUint(r.Round, 10) + "/" + r.Trainer)
}

// DecodeSubmissionRef is the inverse of Encode.
func DecodeSubmissionRef(b []byte) (SubmissionRef, error) {
	parts := strings.Split(string(b), "/")
	if len(parts) != 3 {
		return SubmissionRef{}, fmt.Errorf("submission reference %q: expected group/round/trainer", b)
	}
	round, err := strconv.ParseUint(parts[1], 10, 64)
	if err != nil {
		return SubmissionRef{}, fmt.Errorf("submission reference %q: %w", b, err)
	}
	return SubmissionRef{Group: parts[0], Round: round, Trainer: parts[2]}, nil
}

// Purposes of the seeds that a round draws from the beacon.
const (
	DrawOrder = "order"
	DrawScore = "score"
	DrawAudit = "audit"
)

// DrawRef names a draw of a round.
type DrawRef struct {
	Group   string
	Round   uint64
	Purpose string
}

// Encode returns group/round/purpose.
func (r DrawRef) Encode() []byte {
	return SubmissionRef{Group: r.Group, Round: r.Round, Trainer: r.Purpose}.Encode()
}

// DecodeDrawRef is the inverse of Encode.
func DecodeDrawRef(b []byte) (DrawRef, error) {
	r, err := DecodeSubmissionRef(b)
	if err != nil {
		return DrawRef{}, fmt.Errorf("draw %w", err)
	}
	if r.Trainer != DrawOrder && r.Trainer != DrawScore && r.Trainer != DrawAudit {
		return DrawRef{}, fmt.Errorf("draw reference %q: expected the purpose order, score or audit", b)
	}
	return DrawRef{Group: r.Group, Round: r.Round, Purpose: r.Trainer}, nil
}

// AuditRef names an audit of a submission, or the replay of one of its segments that was challenged.
type AuditRef struct {
	SubmissionRef
	Challenge bool
	Segment   uint32
}

// Encode returns group/round/trainer, and /segment for a challenge.
func (r AuditRef) Encode() []byte {
	b := r.SubmissionRef.Encode()
	if r.Challenge {
		b = strconv.AppendUint(append(b, '/'), uint64(r.Segment), 10)
	}
	return b
}

// DecodeAuditRef is the inverse of Encode.
func DecodeAuditRef(b []byte) (AuditRef, error) {
	var r AuditRef
	if strings.Count(string(b), "/") == 3 {
		i := strings.LastIndexByte(string(b), '/')
		segment, err := strconv.ParseUint(string(b[i+1:]), 10, 32)
		if err != nil {
			return AuditRef{}, fmt.Errorf("audit reference %q: %w", b, err)
		}
		r.Challenge, r.Segment = true, uint32(segment)
		b = b[:i]
	}
	var err error
	r.SubmissionRef, err = DecodeSubmissionRef(b)
	return r, err
}
