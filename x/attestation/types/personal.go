package types

import "encoding/binary"

const (
	personalDomain = "pold/attestation/personal/v1"
	beaconDomain   = "pold/attestation/beacon/v1"
	drawDomain     = "pold/attestation/draw/v1"
)

// SecretSize is the length of a beacon secret in bytes.
const SecretSize = 32

// PersonalOf returns the 32-byte personal value of an operator for a task. The values are the operator's own sample of
// the computation, in the encoding of the kind; only who has computed knows them.
func PersonalOf(chainID string, taskID uint64, operator string, values []byte) []byte {
	return HashFields([]byte(personalDomain), []byte(chainID), number(taskID), []byte(operator), values)
}

// BeaconCommitOf returns the 32-byte commit to a secret. It names its author, so a copy is worthless.
func BeaconCommitOf(chainID string, beacon uint64, operator string, secret []byte) []byte {
	return HashFields([]byte(beaconDomain), []byte(chainID), number(beacon), []byte(operator), secret)
}

// DrawSeed returns the 32-byte seed of one draw from that of the beacon.
func DrawSeed(chainID string, beaconSeed []byte, drawID uint64) []byte {
	return HashFields([]byte(drawDomain), []byte(chainID), beaconSeed, number(drawID))
}

// number is an integer as eight big-endian bytes.
func number(v uint64) []byte { return binary.BigEndian.AppendUint64(nil, v) }
