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

// countUpTo counts the keys of a set, looking at no more than limit.
func countUpTo(ctx context.Context, set collections.KeySet[uint64], limit int) (int, error) {
	n := 0
	err := set.Walk(ctx, nil, func(uint64) (bool, error) {
		n++
		return n >= limit, nil
	})
	return n, err
}

// firstKeys returns up to limit keys of a set, lowest first.
func firstKeys(ctx context.Context, set collections.KeySet[uint64], limit int) ([]uint64, error) {
	var ids []uint64
	err := set.Walk(ctx, nil, func(id uint64) (bool, error) {
		ids = append(ids, id)
		return len(ids) >= limit, nil
	})
	return ids, err
}
