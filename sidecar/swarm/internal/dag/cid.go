package dag

import (
	"crypto/sha256"
	"errors"
	"fmt"

	"github.com/ipfs/go-cid"
	mh "github.com/multiformats/go-multihash"
)

var (
	// ErrMismatch says that content is not what its name or its sender says.
	ErrMismatch = errors.New("content differs from what was expected")
	// ErrTooLarge says that an object exceeds a limit.
	ErrTooLarge = errors.New("object too large")
)

// Digest is the SHA-256 of a leaf, in the order of the leaves the list of
// which is all there is to know of an object besides its size and its bytes.
type Digest = [sha256.Size]byte

// CIDSize is the size in bytes of the binary form of every CID here.
const CIDSize = 4 + sha256.Size

// ParseCID accepts the one spelling the network uses: CIDv1 in base32, raw or
// dag-pb, sha2-256.
func ParseCID(s string) (cid.Cid, error) {
	c, err := cid.Decode(s)
	if err != nil {
		return cid.Undef, fmt.Errorf("cid %.80q: %w", s, err)
	}
	if err := CheckCID(c); err != nil {
		return cid.Undef, fmt.Errorf("cid %.80q: %w", s, err)
	}
	if c.String() != s {
		return cid.Undef, fmt.Errorf("cid %.80q: expected its base32 form %s", s, c)
	}
	return c, nil
}

// CastCID reads the binary form of a CID.
func CastCID(b []byte) (cid.Cid, error) {
	if len(b) != CIDSize {
		return cid.Undef, fmt.Errorf("cid: expected %d bytes, got %d", CIDSize, len(b))
	}
	c, err := cid.Cast(b)
	if err != nil {
		return cid.Undef, fmt.Errorf("cid: %w", err)
	}
	return c, CheckCID(c)
}

// CheckCID says whether c is of the kinds that the network uses.
func CheckCID(c cid.Cid) error {
	if !c.Defined() {
		return errors.New("expected a CID, got none")
	}
	p := c.Prefix()
	if p.Version != 1 || p.MhType != mh.SHA2_256 || p.MhLength != sha256.Size || (p.Codec != cid.Raw && p.Codec != cid.DagProtobuf) {
		return errors.New("expected CIDv1, raw or dag-pb, sha2-256")
	}
	return nil
}

// LeafCID is the CID of the leaf with the given digest.
func LeafCID(d Digest) cid.Cid { return cidOf(cid.Raw, d) }

func cidOf(codec uint64, d Digest) cid.Cid {
	hash, err := mh.Encode(d[:], mh.SHA2_256)
	if err != nil {
		panic(err) // only an unknown code or a wrong length
	}
	return cid.NewCidV1(codec, hash)
}

// DigestOf returns the digest inside a CID that CheckCID accepts.
func DigestOf(c cid.Cid) Digest {
	hash := c.Hash()
	return Digest(hash[len(hash)-sha256.Size:])
}
