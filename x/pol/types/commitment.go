package types

import (
	"crypto/sha256"
	"encoding/binary"
)

// commitmentDomain separates commitments from every other hash of the protocol.
const commitmentDomain = "pold/pol/commitment/v1"

const (
	// MinSaltSize and MaxSaltSize bound the salt of a commitment in bytes.
	MinSaltSize = 16
	MaxSaltSize = 64
)

// CommitmentOf returns the 32-byte commitment to a checkpoint. It covers chain, group, round and trainer, so a copy is
// worthless to anybody else. Each field is preceded by its length as four big-endian bytes; integers have eight.
func CommitmentOf(chainID, group string, round uint64, trainer string, checkpointHash, transcriptRoot []byte, claimedLossE9 uint64, salt []byte) []byte {
	h := sha256.New()
	field := func(b []byte) {
		var n [4]byte
		binary.BigEndian.PutUint32(n[:], uint32(len(b)))
		h.Write(n[:])
		h.Write(b)
	}
	integer := func(v uint64) { field(binary.BigEndian.AppendUint64(nil, v)) }
	field([]byte(commitmentDomain))
	field([]byte(chainID))
	field([]byte(group))
	integer(round)
	field([]byte(trainer))
	field(checkpointHash)
	field(transcriptRoot)
	integer(claimedLossE9)
	field(salt)
	return h.Sum(nil)
}
