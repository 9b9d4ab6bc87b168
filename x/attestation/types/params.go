package types

import (
	"fmt"
	"sort"
)

const (
	// MinWindow is the least length of a window in heights: a proposer may drop single votes,
	// so a vote needs several proposers to reach the chain.
	MinWindow = 10
	// MaxAnswerSize bounds an answer in bytes.
	MaxAnswerSize = 256
	// MaxManifestSize bounds the pinned inputs of a task in bytes.
	MaxManifestSize = 64 << 10
	// MaxWork bounds how many tasks, and how many artefacts, are unfinished and open at once.
	MaxWork = 256
	// MaxHeights bounds every length of time in heights, so that none added to a height overflows.
	MaxHeights = 1_000_000_000
	// UnitFactor is a vote factor of 1 in millionths.
	UnitFactor = 1_000_000
)

// DefaultParams returns the parameters of a public network.
func DefaultParams() Params {
	return Params{
		LiveWindow:         100,
		MinLiveValidators:  21,
		CommitWindow:       20,
		OpenWindow:         20,
		AvailabilityWindow: 20,
		BudgetWindow:       50,
		Budgets: []KindBudget{
			{Kind: "audit", Cost: 100_000_000_000_000},
			{Kind: "data-delta", Cost: 10_000_000_000},
			{Kind: "score", Cost: 100_000_000_000_000},
			{Kind: SpotTaskKind, Cost: 100_000_000_000_000},
			{Kind: "store", Cost: 1_000_000_000},
		},
		Retention:       10_000,
		MaxPeerLifetime: 1_000_000,
		BeaconWindow:    20,
		SpotE6:          100_000,
	}
}

// Validate reports the first parameter that is out of range.
func (p Params) Validate() error {
	for _, w := range []struct {
		name  string
		value int64
	}{
		{"commit_window", p.CommitWindow}, {"open_window", p.OpenWindow}, {"availability_window", p.AvailabilityWindow},
		{"beacon_window", p.BeaconWindow},
	} {
		if w.value < MinWindow || w.value > 1_000_000 {
			return ErrInvalidParams.Wrapf("%s: expected %d to 1000000 heights, got %d", w.name, MinWindow, w.value)
		}
	}
	for _, w := range []struct {
		name  string
		value int64
	}{
		{"live_window", p.LiveWindow}, {"budget_window", p.BudgetWindow}, {"retention", p.Retention}, {"max_peer_lifetime", p.MaxPeerLifetime},
	} {
		if w.value < 1 || w.value > MaxHeights {
			return ErrInvalidParams.Wrapf("%s: expected 1 to %d heights, got %d", w.name, int64(MaxHeights), w.value)
		}
	}
	if p.SpotE6 > 1_000_000 {
		return ErrInvalidParams.Wrapf("spot_e6: expected at most 1000000 millionths, got %d", p.SpotE6)
	}
	if !sort.SliceIsSorted(p.Budgets, func(i, j int) bool { return p.Budgets[i].Kind < p.Budgets[j].Kind }) {
		return ErrInvalidParams.Wrap("budgets: expected kinds in ascending order")
	}
	for i, b := range p.Budgets {
		if b.Kind == "" || b.Cost == 0 {
			return ErrInvalidParams.Wrapf("budgets: expected a kind and a positive cost, got %q and %d", b.Kind, b.Cost)
		}
		if i > 0 && p.Budgets[i-1].Kind == b.Kind {
			return ErrInvalidParams.Wrapf("budgets: kind %q appears twice", b.Kind)
		}
	}
	return nil
}

// Budget returns the cost that tasks of a kind may have in one budget window.
func (p Params) Budget(kind string) (uint64, error) {
	for _, b := range p.Budgets {
		if b.Kind == kind {
			return b.Cost, nil
		}
	}
	return 0, fmt.Errorf("%w: no budget for kind %q", ErrUnknownKind, kind)
}

// RequiredLive returns how many validators of a snapshot of n members must be live for a task to settle.
func (p Params) RequiredLive(n int) int {
	if p.MinLiveValidators > 0 {
		return int(p.MinLiveValidators)
	}
	return (2*n + 2) / 3
}
