package types

import (
	"crypto/sha256"
	"encoding/binary"
)

// witnessDomain separates witnesses from every other hash of the protocol.
const witnessDomain = "pold/attestation/witness/v1"

// WitnessOf returns the 32-byte witness of an answer. It names its author, so a copy is worthless.
// Each field is preceded by its length as four big-endian bytes.
func WitnessOf(chainID string, taskID uint64, operator string, answer []byte) []byte {
	var id [8]byte
	binary.BigEndian.PutUint64(id[:], taskID)
	return HashFields([]byte(witnessDomain), []byte(chainID), id[:], []byte(operator), answer)
}

// HashFields returns SHA-256 over the fields, each preceded by its length as four big-endian bytes.
func HashFields(fields ...[]byte) []byte {
	h := sha256.New()
	for _, f := range fields {
		var n [4]byte
		binary.BigEndian.PutUint32(n[:], uint32(len(f)))
		h.Write(n[:])
		h.Write(f)
	}
	return h.Sum(nil)
}
