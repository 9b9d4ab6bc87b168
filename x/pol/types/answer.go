package types

import (
	"encoding/binary"
	"fmt"
)

// ScoreStatus is the first finding of a score task.
type ScoreStatus uint8

// Findings of a score task; their numbers are part of the protocol.
const (
	ScoreValid        ScoreStatus = 0
	ScoreNotCanonical ScoreStatus = 1
	ScoreWrongShape   ScoreStatus = 2
	ScoreNotFinite    ScoreStatus = 3
	// ScoreUnfitData says nothing about the checkpoint: no score can be computed, for example because a label is not
	// one of the model's classes.
	ScoreUnfitData ScoreStatus = 4
	// ScoreBadBatch: an attested sealed batch does not open to what its provider committed to. The claimed loss was computed
	// all the same; MetricE9 holds the index of the first such batch, counted from 0.
	ScoreBadBatch ScoreStatus = 5
)

// String says the finding in words.
func (s ScoreStatus) String() string {
	switch s {
	case ScoreValid:
		return "valid"
	case ScoreNotCanonical:
		return "not a canonical safetensors file"
	case ScoreWrongShape:
		return "tensors do not fit the model"
	case ScoreNotFinite:
		return "weights or loss are not finite"
	case ScoreUnfitData:
		return "the training set does not suit the model"
	case ScoreBadBatch:
		return "a sealed batch is not what its provider committed to"
	}
	return fmt.Sprintf("unknown finding %d", uint8(s))
}

// ScoreAnswer is the answer of a score task.
type ScoreAnswer struct {
	Status      ScoreStatus
	ClaimLossE9 uint64
	RankLossE9  uint64
	MetricE9    uint64
	// Digest covers every per-row output, so that a loss alone can't be guessed.
	Digest [32]byte
}

const (
	scoreAnswerVersion = 1
	// ScoreAnswerSize is the length of an encoded answer in bytes: version, status, three big-endian integers, digest.
	ScoreAnswerSize = 2 + 3*8 + 32
)

// Encode returns the canonical bytes of the answer.
func (a ScoreAnswer) Encode() []byte {
	b := make([]byte, 0, ScoreAnswerSize)
	b = append(b, scoreAnswerVersion, byte(a.Status))
	b = binary.BigEndian.AppendUint64(b, a.ClaimLossE9)
	b = binary.BigEndian.AppendUint64(b, a.RankLossE9)
	b = binary.BigEndian.AppendUint64(b, a.MetricE9)
	return append(b, a.Digest[:]...)
}

// DecodeScoreAnswer is the inverse of Encode.
func DecodeScoreAnswer(b []byte) (ScoreAnswer, error) {
	var a ScoreAnswer
	if len(b) != ScoreAnswerSize || b[0] != scoreAnswerVersion {
		return a, fmt.Errorf("score answer: expected %d bytes of version %d, got %d bytes", ScoreAnswerSize, scoreAnswerVersion, len(b))
	}
	a.Status = ScoreStatus(b[1])
	if a.Status > ScoreBadBatch {
		return a, fmt.Errorf("score answer: unknown finding %d", b[1])
	}
	a.ClaimLossE9 = binary.BigEndian.Uint64(b[2:])
	a.RankLossE9 = binary.BigEndian.Uint64(b[10:])
	a.MetricE9 = binary.BigEndian.Uint64(b[18:])
	copy(a.Digest[:], b[26:])
	return a, nil
}
