package keeper

import (
	"context"
	"errors"
	"fmt"

	"cosmossdk.io/collections"

	"github.com/pold-network/pold/x/slashing/types"
)

// CheckEvidence reports counts of evidence, or of pinned inputs, that are not those of the evidence that is stored, and evidence that
// nothing would ever remove, or two things would.
func (k Keeper) CheckEvidence(ctx context.Context) error {
	stored, expiring, underPenalty := map[string]uint64{}, 0, 0 // maps are read by key only
	manifests := map[string]uint64{}
	err := k.Evidence.Walk(ctx, nil, func(id uint64, e types.Evidence) (bool, error) {
		stored[e.Address]++
		if len(e.Manifest) > 0 {
			manifests[string(e.Manifest)]++
		}
		indexed, err := k.EvidenceBy.Has(ctx, collections.Join(e.Address, id))
		if err == nil && !indexed {
			err = fmt.Errorf("evidence %d is missing among that against %s", id, e.Address)
		}
		if err != nil {
			return true, err
		}
		expires, err := k.EvidenceExpiry.Has(ctx, collections.Join(e.Unix, id))
		if err != nil {
			return true, err
		}
		goes, err := k.PenaltyOf.Has(ctx, id)
		if err != nil {
			return true, err
		}
		if expires == goes {
			return true, fmt.Errorf("evidence %d: expected it to go by its time or with a penalty, got %t and %t", id, expires, goes)
		}
		if expires {
			expiring++
		} else {
			underPenalty++
		}
		return false, nil
	})
	if err != nil {
		return err
	}
	total := expiring + underPenalty
	return errors.Join(
		k.checkCounts(ctx, stored),
		k.checkManifests(ctx, manifests),
		countSet(ctx, "evidence by address", k.EvidenceBy, total),
		countSet(ctx, "evidence by time", k.EvidenceExpiry, expiring),
		countKeys(ctx, "evidence with a penalty", k.PenaltyOf, underPenalty),
	)
}

func (k Keeper) checkCounts(ctx context.Context, stored map[string]uint64) error {
	err := k.EvidenceCount.Walk(ctx, nil, func(address string, n uint64) (bool, error) {
		if n == 0 || n > types.MaxEvidence || n != stored[address] {
			return true, fmt.Errorf("evidence against %s: expected the %d stored and at most %d, the count says %d", address, stored[address], types.MaxEvidence, n)
		}
		return false, nil
	})
	if err != nil {
		return err
	}
	return countKeys(ctx, "counts of evidence", k.EvidenceCount, len(stored))
}

func (k Keeper) checkManifests(ctx context.Context, used map[string]uint64) error {
	err := k.ManifestUses.Walk(ctx, nil, func(hash []byte, n uint64) (bool, error) {
		if n != used[string(hash)] {
			return true, fmt.Errorf("pinned inputs %X: %d pieces of evidence use them, the count says %d", hash, used[string(hash)], n)
		}
		has, err := k.Manifests.Has(ctx, hash)
		if err == nil && !has {
			err = fmt.Errorf("pinned inputs %X are missing", hash)
		}
		return err != nil, err
	})
	if err != nil {
		return err
	}
	return errors.Join(countKeys(ctx, "uses of pinned inputs", k.ManifestUses, len(used)), countKeys(ctx, "pinned inputs", k.Manifests, len(used)))
}

// CheckPenalties reports a penalty that does not stand in the indexes of its state, a queued one without the evidence that an appeal
// needs, and a validator with more of them than may wait.
func (k Keeper) CheckPenalties(ctx context.Context) error {
	queued, done, waiting := 0, 0, map[string]int{}
	err := k.Penalties.Walk(ctx, nil, func(id uint64, p types.Penalty) (bool, error) {
		if p.Status != types.PENALTY_STATUS_QUEUED {
			done++
			has, err := k.PenaltiesDone.Has(ctx, collections.Join(p.FinishedUnix, id))
			if err == nil && !has {
				err = fmt.Errorf("penalty %d is %s and does not stand among the finished ones", id, p.Status)
			}
			return err != nil, err
		}
		queued++
		waiting[p.Operator]++
		if waiting[p.Operator] > types.MaxQueued {
			return true, fmt.Errorf("penalties of %s: expected at most %d that wait", p.Operator, types.MaxQueued)
		}
		due, err := k.PenaltiesQueue.Has(ctx, collections.Join(p.DueUnix, id))
		if err != nil {
			return true, err
		}
		waits, err := k.PenaltiesWaiting.Has(ctx, collections.Join(p.Operator, id))
		if err != nil {
			return true, err
		}
		of, known, err := find(ctx, k.PenaltyOf, p.EvidenceId)
		if err != nil {
			return true, err
		}
		if !due || !waits || !known || of != id {
			return true, fmt.Errorf("penalty %d waits: expected it in the queue (%t), among those of %s (%t), and as the one of evidence %d (%t, penalty %d)",
				id, due, p.Operator, waits, p.EvidenceId, known, of)
		}
		return false, nil
	})
	if err != nil {
		return err
	}
	return errors.Join(
		countSet(ctx, "penalties by due time", k.PenaltiesQueue, queued),
		countSet(ctx, "waiting penalties by validator", k.PenaltiesWaiting, queued),
		countSet(ctx, "finished penalties", k.PenaltiesDone, done),
	)
}

// CheckDay reports a use of the day's bound on power that does not fit those who were punished: power counts for somebody, and once.
// That the sum was within the bound when it was used is checked by Day.Fits at that time; afterwards total power may have fallen.
func (k Keeper) CheckDay(ctx context.Context) error {
	today, err := k.today(ctx)
	if err != nil {
		return err
	}
	punished := 0
	if err := k.Penalised.Walk(ctx, nil, func(string) (bool, error) { punished++; return false, nil }); err != nil {
		return err
	}
	if today.Power < 0 || today.Power > 0 && punished == 0 {
		return fmt.Errorf("day %d: power %d is used by %d validators", today.Day, today.Power, punished)
	}
	counted := map[string]bool{}
	err = k.Penalties.Walk(ctx, nil, func(_ uint64, p types.Penalty) (bool, error) {
		if p.Status != types.PENALTY_STATUS_EXECUTED || types.DayOf(p.FinishedUnix) != today.Day || counted[p.Operator] {
			return false, nil
		}
		counted[p.Operator] = true
		has, err := k.Penalised.Has(ctx, p.Operator)
		if err == nil && !has {
			err = fmt.Errorf("day %d: penalty %d against %s was carried out and its power does not count", today.Day, p.Id, p.Operator)
		}
		return err != nil, err
	})
	if err == nil && len(counted) > punished {
		err = fmt.Errorf("day %d: expected %d validators that count, got %d", today.Day, len(counted), punished)
	}
	return err
}

// countKeys reports a collection with more or fewer entries than there are records of its sort.
func countKeys[K, V any](ctx context.Context, what string, m collections.Map[K, V], want int) error {
	got := 0
	if err := m.Walk(ctx, nil, func(K, V) (bool, error) { got++; return false, nil }); err != nil {
		return err
	}
	if got != want {
		return fmt.Errorf("%s: expected %d entries, got %d", what, want, got)
	}
	return nil
}

func countSet[K any](ctx context.Context, what string, set collections.KeySet[K], want int) error {
	return countKeys(ctx, what, collections.Map[K, collections.NoValue](set), want)
}
