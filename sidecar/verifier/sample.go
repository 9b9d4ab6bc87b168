package verifier

import (
	"encoding/binary"

	attestationtypes "github.com/pold-network/pold/x/attestation/types"
)

const (
	sampleDomain = "pold/sample/v1"
	// samples is how many values of a computation a validator has to know of its own.
	samples = 16
)

// positions draws the places of an operator's own sample among n values, each from a hash of its own; the same place may come twice.
func positions(seed []byte, operator string, n int) []int {
	if n == 0 {
		return nil
	}
	at := make([]int, samples)
	for i := range at {
		h := attestationtypes.HashFields([]byte(sampleDomain), seed, []byte(operator), binary.BigEndian.AppendUint64(nil, uint64(i)))
		at[i] = int(binary.BigEndian.Uint64(h) % uint64(n))
	}
	return at
}

// sampleBytes is the sample of a file: what is left to show when its content gives no values.
func sampleBytes(seed []byte, operator string, file []byte) []byte {
	var b []byte
	for _, at := range positions(seed, operator, len(file)) {
		b = append(b, file[at])
	}
	return b
}
