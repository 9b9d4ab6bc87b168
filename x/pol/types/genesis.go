package types

import (
	"cosmossdk.io/math"
)

// DefaultGenesis returns an empty state with the parameters of a public network.
func DefaultGenesis() *GenesisState {
	return &GenesisState{Params: DefaultParams(), Totals: ZeroTotals(), NextChange: 1}
}

// ZeroTotals returns totals that are computed from the supply at genesis.
func ZeroTotals() Totals {
	return Totals{GenesisSupply: math.ZeroInt(), Coinbase: math.ZeroInt(), Burned: math.ZeroInt(), Bonded: math.ZeroInt(), Slashed: math.ZeroInt()}
}

// Validate reports the first inconsistency of a genesis state.
func (g GenesisState) Validate() error {
	if err := g.Params.Validate(); err != nil {
		return err
	}
	groups := map[string]bool{}
	for _, x := range g.Groups {
		if err := ValidateGroupName(x.Name); err != nil {
			return err
		}
		if groups[x.Name] {
			return ErrGroupExists.Wrapf("%q appears twice", x.Name)
		}
		groups[x.Name] = true
		if _, err := x.Settings.Validate(g.Params); err != nil {
			return err
		}
	}
	for _, r := range g.Rounds {
		if !groups[r.Group] {
			return ErrGroupNotFound.Wrapf("round %d of %q", r.Number, r.Group)
		}
	}
	bonded := math.ZeroInt()
	for _, b := range g.Bonds {
		if !groups[b.Group] {
			return ErrGroupNotFound.Wrapf("bond of %s in %q", b.Address, b.Group)
		}
		if b.Amount.IsNil() || !b.Amount.IsPositive() {
			return ErrInvalidAmount.Wrapf("bond of %s in %q: expected more than 0 unrn", b.Address, b.Group)
		}
		bonded = bonded.Add(b.Amount)
	}
	for _, d := range g.Due {
		if !groups[d.Group] {
			return ErrGroupNotFound.Wrapf("due entry of %q", d.Group)
		}
	}
	for _, u := range g.Unbondings {
		if u.Id >= g.NextUnbondingId || u.Amount.IsNil() || !u.Amount.IsPositive() {
			return ErrInvalidAmount.Wrapf("unbonding %d: expected an id below %d and more than 0 unrn", u.Id, g.NextUnbondingId)
		}
	}
	if err := g.validateEscrows(groups); err != nil {
		return err
	}
	for _, c := range g.Changes {
		if !groups[c.Group] || c.Id == 0 || c.Id >= g.NextChange {
			return ErrInvalidChange.Wrapf("%d of %q: expected a known group and a number below next_change %d", c.Id, c.Group, g.NextChange)
		}
	}
	for _, p := range g.PeriodStakes {
		if !groups[p.Group] {
			return ErrGroupNotFound.Wrapf("period stake of %q", p.Group)
		}
	}
	if err := g.validateTurns(); err != nil {
		return err
	}
	t := g.Totals
	for _, v := range []math.Int{t.GenesisSupply, t.Coinbase, t.Burned, t.Bonded, t.Slashed} {
		if v.IsNil() || v.IsNegative() {
			return ErrInvalidAmount.Wrap("totals: expected 0 or more unrn")
		}
	}
	if t.GenesisSupply.IsPositive() && !t.Bonded.Equal(bonded) {
		return ErrInvalidAmount.Wrapf("totals: %s unrn bonded, the bonds add up to %s", t.Bonded, bonded)
	}
	return nil
}

// validateEscrows checks what providers and planters have at stake.
func (g GenesisState) validateEscrows(groups map[string]bool) error {
	positive := func(what, group, address string, amount math.Int) error {
		if !groups[group] {
			return ErrGroupNotFound.Wrapf("%s of %s in %q", what, address, group)
		}
		if amount.IsNil() || !amount.IsPositive() {
			return ErrInvalidAmount.Wrapf("%s of %s in %q: expected more than 0 unrn", what, address, group)
		}
		return nil
	}
	for _, b := range g.Batches {
		if !groups[b.Group] {
			return ErrGroupNotFound.Wrapf("sealed batch %d of %s in %q", b.Round, b.Provider, b.Group)
		}
	}
	for _, b := range g.ProviderBonds {
		if err := positive("provider bond", b.Group, b.Provider, b.Amount); err != nil {
			return err
		}
	}
	for _, c := range g.Canaries {
		if !groups[c.Group] || c.Bond.IsNil() || c.Bond.IsNegative() {
			return ErrInvalidCanary.Wrapf("of %s in %q: expected a known group and a bond of 0 or more unrn", c.Planter, c.Group)
		}
	}
	for _, h := range g.HeldLosses {
		if err := positive("held loss", h.Group, h.Trainer, h.Amount); err != nil {
			return err
		}
	}
	return nil
}

// validateTurns checks that store tasks are scheduled for groups that can have them, once for each.
func (g GenesisState) validateTurns() error {
	open := map[string]bool{}
	for _, x := range g.Groups {
		open[x.Name] = !x.Settings.Sandbox
	}
	for _, t := range g.StoreTurns {
		if !open[t.Group] {
			return ErrGroupNotFound.Wrapf("store turn of %q: expected one for each group that is no sandbox", t.Group)
		}
		open[t.Group] = false
	}
	return nil
}
