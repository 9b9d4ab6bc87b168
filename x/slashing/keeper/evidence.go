package keeper

import (
	"context"
	"crypto/sha256"
	"errors"
	"fmt"

	"cosmossdk.io/collections"
	"cosmossdk.io/math"

	sdk "github.com/cosmos/cosmos-sdk/types"

	"github.com/pold-network/pold/x/slashing/types"
)

// addEvidence stores a fault, tells the listeners, and returns the evidence as stored. A listener that fails loses its
// own writes only.
func (k Keeper) addEvidence(ctx sdk.Context, e types.Evidence) (types.Evidence, error) {
	var err error
	if e.Id, err = k.NextEvidence.Next(ctx); err != nil {
		return e, err
	}
	e.Height, e.Unix, e.ChainId = ctx.BlockHeight(), ctx.BlockTime().Unix(), ctx.ChainID()
	if e.Lost.IsNil() {
		e.Lost = math.ZeroInt()
	}
	if err := k.dropOldest(ctx, e.Address); err != nil {
		return e, err
	}
	if err := k.storeEvidence(ctx, e); err != nil {
		return e, err
	}
	if err := k.EvidenceExpiry.Set(ctx, collections.Join(e.Unix, e.Id)); err != nil {
		return e, err
	}
	emit(ctx, &types.EventFault{EvidenceId: e.Id, Kind: e.Kind, Address: e.Address, Note: e.Note})
	try(ctx, fmt.Sprintf("listeners of evidence %d", e.Id), func(ctx sdk.Context) error { return k.listener.hooks.AfterFault(ctx, e) })
	return e, nil
}

// storeEvidence writes evidence and what is counted by address; pinned inputs are kept once for all who were wrong
// about them.
func (k Keeper) storeEvidence(ctx context.Context, e types.Evidence) error {
	if len(e.Manifest) > 0 {
		hash := sha256.Sum256(e.Manifest)
		uses, _, err := find(ctx, k.ManifestUses, hash[:])
		if err != nil {
			return err
		}
		if uses == 0 {
			if err := k.Manifests.Set(ctx, hash[:], e.Manifest); err != nil {
				return err
			}
		}
		if err := k.ManifestUses.Set(ctx, hash[:], uses+1); err != nil {
			return err
		}
		e.Manifest = hash[:]
	}
	count, _, err := find(ctx, k.EvidenceCount, e.Address)
	if err != nil {
		return err
	}
	if err := k.EvidenceCount.Set(ctx, e.Address, count+1); err != nil {
		return err
	}
	if err := k.EvidenceBy.Set(ctx, collections.Join(e.Address, e.Id)); err != nil {
		return err
	}
	return k.Evidence.Set(ctx, e.Id, e)
}

// withManifest replaces the hash of the pinned inputs, as stored, by the inputs.
func (k Keeper) withManifest(ctx context.Context, e types.Evidence) (types.Evidence, error) {
	if len(e.Manifest) == 0 {
		return e, nil
	}
	manifest, err := k.Manifests.Get(ctx, e.Manifest)
	e.Manifest = manifest
	return e, err
}

// dropOldest makes room for one more piece of evidence against an address. What stands under a queued penalty stays:
// it can still be appealed.
func (k Keeper) dropOldest(ctx sdk.Context, address string) error {
	count, _, err := find(ctx, k.EvidenceCount, address)
	if err != nil || count < types.MaxEvidence {
		return err
	}
	var oldest uint64
	err = k.EvidenceBy.Walk(ctx, collections.NewPrefixedPairRange[string, uint64](address), func(key collections.Pair[string, uint64]) (bool, error) {
		oldest = key.K2()
		queued, err := k.underQueued(ctx, oldest)
		return !queued, err // at most MaxQueued are, so this ends soon
	})
	if err != nil {
		return err
	}
	return k.removeEvidence(ctx, oldest)
}

func (k Keeper) underQueued(ctx context.Context, evidence uint64) (bool, error) {
	id, ok, err := find(ctx, k.PenaltyOf, evidence)
	if err != nil || !ok {
		return false, err
	}
	p, err := k.Penalties.Get(ctx, id)
	return p.Status == types.PENALTY_STATUS_QUEUED, err
}

// removeEvidence removes evidence with everything that leads to it; evidence that is gone is no error.
func (k Keeper) removeEvidence(ctx context.Context, id uint64) error {
	e, ok, err := find(ctx, k.Evidence, id)
	if err != nil || !ok {
		return err
	}
	if err := k.releaseManifest(ctx, e.Manifest); err != nil {
		return err
	}
	count, err := k.EvidenceCount.Get(ctx, e.Address)
	if err != nil {
		return err
	}
	if count > 1 {
		err = k.EvidenceCount.Set(ctx, e.Address, count-1)
	} else {
		err = k.EvidenceCount.Remove(ctx, e.Address)
	}
	if err != nil {
		return err
	}
	if err := k.EvidenceBy.Remove(ctx, collections.Join(e.Address, id)); err != nil {
		return err
	}
	if err := k.EvidenceExpiry.Remove(ctx, collections.Join(e.Unix, id)); err != nil {
		return err
	}
	if err := k.PenaltyOf.Remove(ctx, id); err != nil {
		return err
	}
	return k.Evidence.Remove(ctx, id)
}

func (k Keeper) releaseManifest(ctx context.Context, hash []byte) error {
	if len(hash) == 0 {
		return nil
	}
	uses, err := k.ManifestUses.Get(ctx, hash)
	if err != nil {
		return err
	}
	if uses > 1 {
		return k.ManifestUses.Set(ctx, hash, uses-1)
	}
	if err := k.ManifestUses.Remove(ctx, hash); err != nil {
		return err
	}
	return k.Manifests.Remove(ctx, hash)
}

// find reads a value and says whether it exists.
func find[K, V any](ctx context.Context, m collections.Map[K, V], key K) (V, bool, error) {
	v, err := m.Get(ctx, key)
	if errors.Is(err, collections.ErrNotFound) {
		return v, false, nil
	}
	return v, err == nil, err
}
