package econ

import (
	"errors"
	"fmt"

	"cosmossdk.io/math"

	sdk "github.com/cosmos/cosmos-sdk/types"

	poltypes "github.com/pold-network/pold/x/pol/types"
)

// cast returns the trainers: how many there are of each strategy, and where.
func (w *world) cast() {
	add := func(group string, strategy Strategy, count, accounts int) {
		for range count {
			a := &Agent{Name: fmt.Sprintf("trainer-%02d", len(w.trainers)+1), Strategy: strategy, Group: group, start: int64(accounts) * purse * NRN}
			for i := range accounts {
				a.accounts = append(a.accounts, accountOf(fmt.Sprint(a.Name, i)))
			}
			w.trainers = append(w.trainers, a)
		}
	}
	if w.HonestOnly {
		add("open", HonestTrainer, 2, 1)
		return
	}
	add("main", HonestTrainer, 3, 1)
	add("main", CopyAsIs, 1, 1)
	add("main", CopyRescaled, 1, 1)
	add("main", SybilTrainer, 1, sybilAccounts)
	add("main", ForgingTrainer, 1, 1)
	add("main", TrustedForger, 1, 1)
	add("open", HonestTrainer, 2, 1)
	add("open", CopyRescaled, 1, 1)
	add("open", SybilTrainer, 1, sybilAccounts)
	add("sealed", HonestTrainer, 2, 1)
	add("sealed", FriendTrainer, 1, 1)
	add("own", SelfDealer, 1, 1)
}

// fund gives everybody what they start with; the rest of the supply lies still.
func (w *world) fund() error {
	give := func(address string, nrn int64) error {
		to, err := sdk.AccAddressFromBech32(address)
		if err != nil {
			return err
		}
		return w.bank.change(w.ctx, to, math.NewInt(nrn).MulRaw(NRN))
	}
	var errs []error
	w.validators = newValidators(w.HonestOnly)
	for _, v := range w.validators {
		errs = append(errs, w.staking.bond(w.ctx, v.operator, math.NewInt(validatorStake*NRN)))
	}
	for _, a := range w.trainers {
		for _, account := range a.accounts {
			errs = append(errs, give(account, purse))
		}
	}
	for _, g := range w.groups {
		errs = append(errs, give(accountOf("stakeholder of "+g.name), g.stake+1_000))
	}
	errs = append(errs, give(accountOf("provider"), purse))
	rest := supplyAtStart - w.bank.get(w.ctx, supplyKey).QuoRaw(NRN).Int64()
	if rest < 0 {
		return fmt.Errorf("genesis: expected at most %d NRN, got %d more", supplyAtStart, -rest)
	}
	return errors.Join(append(errs, give(accountOf("others"), rest))...)
}

// open creates the groups and stakes them.
func (w *world) open() error {
	for _, g := range w.groups {
		who := accountOf("stakeholder of " + g.name)
		err := errors.Join(
			w.send(&poltypes.MsgCreateGroup{Sender: who, Name: g.name, Settings: g.settings}),
			w.send(&poltypes.MsgBondGroup{Sender: who, Group: g.name, Amount: math.NewInt(g.stake).MulRaw(NRN)}))
		if err != nil {
			return fmt.Errorf("group %s: %w", g.name, err)
		}
	}
	if w.HonestOnly {
		return nil
	}
	return w.provide()
}
