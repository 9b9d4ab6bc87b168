package keeper

import (
	"context"
	"sort"

	"cosmossdk.io/collections"

	"github.com/pold-network/pold/x/attestation/types"
)

// snapshotCache decodes each snapshot once a block, whatever the number of votes that refer to it.
type snapshotCache struct {
	k       Keeper
	members map[int64]map[string]bool
}

func newSnapshotCache(k Keeper) *snapshotCache {
	return &snapshotCache{k: k, members: map[int64]map[string]bool{}}
}

func (c *snapshotCache) has(ctx context.Context, height int64, operator string) (bool, error) {
	set, ok := c.members[height]
	if !ok {
		s, err := c.k.Snapshots.Get(ctx, height)
		if err != nil {
			return false, err
		}
		set = make(map[string]bool, len(s.Members))
		for _, m := range s.Members {
			set[m.Operator] = true
		}
		c.members[height] = set
	}
	return set[operator], nil
}

func sortMembers(members []types.Member) {
	sort.Slice(members, func(i, j int) bool { return members[i].Operator < members[j].Operator })
}

// firstKeys returns up to limit keys of a set, lowest first.
func firstKeys[K any](ctx context.Context, set collections.KeySet[K], limit int) ([]K, error) {
	return firstOf(ctx, set, nil, limit)
}

// firstOf returns up to limit keys of a part of a set, lowest first.
func firstOf[K any](ctx context.Context, set collections.KeySet[K], part collections.Ranger[K], limit int) ([]K, error) {
	if limit <= 0 {
		return nil, nil
	}
	var keys []K
	err := set.Walk(ctx, part, func(key K) (bool, error) {
		keys = append(keys, key)
		return len(keys) >= limit, nil
	})
	return keys, err
}
