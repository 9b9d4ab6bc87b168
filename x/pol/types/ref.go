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
