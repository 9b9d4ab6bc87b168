package types

import (
	"encoding/binary"
	"fmt"
	"strconv"
	"strings"

	attestationtypes "github.com/pold-network/pold/x/attestation/types"
)

const (
	canaryDomain = "pold/pol/canary/v1"
	// MaxCanaries bounds the canaries of a round: each may take a score slot at little cost.
	MaxCanaries = 4
	// CanaryFee is the part of a canary's bond that is burned when it is opened: one in so many.
	CanaryFee = 10
)

// CanaryCommitmentOf returns the 32-byte commitment of a canary. It covers who planted it, under which account the
// checkpoint is handed in, and what the verdict must be; integers have eight big-endian bytes.
func CanaryCommitmentOf(chainID, group string, round uint64, planter, trainer string, finding uint32, claimLossE9 uint64, salt []byte) []byte {
	integer := func(v uint64) []byte { return binary.BigEndian.AppendUint64(nil, v) }
	return attestationtypes.HashFields([]byte(canaryDomain), []byte(chainID), []byte(group), integer(round), []byte(planter), []byte(trainer),
		integer(uint64(finding)), integer(claimLossE9), salt)
}

// BatchRef names a sealed batch in artefacts.
type BatchRef struct {
	Group    string
	Round    uint64
	Provider string
}

// Encode returns batch/group/round/provider; none of them contains a slash.
func (r BatchRef) Encode() []byte {
	return []byte("batch/" + r.Group + "/" + strconv.FormatUint(r.Round, 10) + "/" + r.Provider)
}

// DecodeBatchRef is the inverse of Encode.
func DecodeBatchRef(b []byte) (BatchRef, error) {
	parts := strings.Split(string(b), "/")
	if len(parts) != 4 || parts[0] != "batch" {
		return BatchRef{}, fmt.Errorf("batch reference %q: expected batch/group/round/provider", b)
	}
	round, err := strconv.ParseUint(parts[2], 10, 64)
	if err != nil {
		return BatchRef{}, fmt.Errorf("batch reference %q: %w", b, err)
	}
	return BatchRef{Group: parts[1], Round: round, Provider: parts[3]}, nil
}
