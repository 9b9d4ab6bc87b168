package types

import (
	"context"

	"cosmossdk.io/math"
)

// AttestationKeeper opens tasks and asks validators for artefacts.
type AttestationKeeper interface {
	OpenTask(ctx context.Context, kind string, ref, manifest []byte, cost uint64, priority math.Int) (uint64, error)
	AskArtefact(ctx context.Context, kind, cid string, sha256 []byte, size uint64, ref []byte) (uint64, error)
}

// Burner destroys a fee and accounts for it.
type Burner interface {
	BurnFee(ctx context.Context, payer string, amount math.Int, reason string) error
}
