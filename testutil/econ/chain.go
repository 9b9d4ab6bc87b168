package econ

import (
	"context"
	"fmt"
	"strings"
	"time"

	cmtproto "github.com/cometbft/cometbft/proto/tendermint/types"
	dbm "github.com/cosmos/cosmos-db"

	corestore "cosmossdk.io/core/store"
	"cosmossdk.io/log/v2"

	"github.com/cosmos/cosmos-sdk/codec"
	"github.com/cosmos/cosmos-sdk/codec/address"
	codectypes "github.com/cosmos/cosmos-sdk/codec/types"
	"github.com/cosmos/cosmos-sdk/runtime"
	"github.com/cosmos/cosmos-sdk/store/v2"
	storetypes "github.com/cosmos/cosmos-sdk/store/v2/types"
	sdk "github.com/cosmos/cosmos-sdk/types"

	attestationkeeper "github.com/pold-network/pold/x/attestation/keeper"
	attestationtypes "github.com/pold-network/pold/x/attestation/types"
	polkeeper "github.com/pold-network/pold/x/pol/keeper"
	poltypes "github.com/pold-network/pold/x/pol/types"
	reputationkeeper "github.com/pold-network/pold/x/reputation/keeper"
	reputationtypes "github.com/pold-network/pold/x/reputation/types"
	slashingkeeper "github.com/pold-network/pold/x/slashing/keeper"
	slashingtypes "github.com/pold-network/pold/x/slashing/types"
	trainingsettypes "github.com/pold-network/pold/x/trainingset/types"
	votingkeeper "github.com/pold-network/pold/x/voting/keeper"
	votingtypes "github.com/pold-network/pold/x/voting/types"
)

const (
	chainID    = "pold-econ-1"
	governance = "governance"
	dataset    = "data"
)

// chain is the four keepers that decide about money, wired as the application wires them, over a store in memory. Bank, staking
// and training sets are neighbours written by hand. Blocks are never committed: heights and times are whatever the caller says.
type chain struct {
	ctx         sdk.Context
	bank        *bank
	staking     *staking
	table       *table
	pol         polkeeper.Keeper
	msg         poltypes.MsgServer
	attestation attestationkeeper.Keeper
	reputation  reputationkeeper.Keeper
	slashing    slashingkeeper.Keeper
	voting      votingkeeper.Keeper
	// told is called with every settled round.
	told func(poltypes.RoundOutcome)
	// blocks counts the executed ones.
	blocks int
}

// genesis is the state that a chain starts with.
type genesis struct {
	time        time.Time
	pol         poltypes.Params
	attestation attestationtypes.Params
	reputation  reputationtypes.Params
	slashing    slashingtypes.Params
}

// AfterRoundSettled passes an outcome on.
func (c *chain) AfterRoundSettled(_ context.Context, o poltypes.RoundOutcome) error {
	if c.told != nil {
		c.told(o)
	}
	return nil
}

// table is a training set. While it is not verified no round opens, by which the simulation keeps the groups in step.
type table struct{ waits bool }

func (t *table) Verified(context.Context, string) (trainingsettypes.TrainingSet, error) {
	if t.waits {
		return trainingsettypes.TrainingSet{}, trainingsettypes.ErrNotVerified
	}
	return trainingsettypes.TrainingSet{
		Name: dataset, Version: 1, Status: trainingsettypes.STATUS_VERIFIED,
		Table: trainingsettypes.Table{Rows: 1_000, Columns: 5, Targets: 1, Size_: 20_000},
	}, nil
}

// Adopt and Fork are for votes on data, which nobody casts here.
func (t *table) Adopt(context.Context, string, string, string) error { return nil }

func (t *table) Fork(context.Context, string, string, string, string) error {
	return trainingsettypes.ErrNotGoverned
}

// newChain returns a chain without state; initialise follows once accounts are funded.
func newChain(now time.Time) (*chain, error) {
	config := sdk.GetConfig()
	config.SetBech32PrefixForAccount("pol", "polpub")
	config.SetBech32PrefixForValidator("polvaloper", "polvaloperpub")

	names := []string{"bank", attestationtypes.StoreKey, poltypes.StoreKey, reputationtypes.StoreKey, slashingtypes.StoreKey, votingtypes.StoreKey}
	keys := storetypes.NewKVStoreKeys(names...)
	stores := store.NewCommitMultiStore(dbm.NewMemDB(), log.NewNopLogger())
	for _, name := range names {
		// No app hash is asked for, so a plain store does instead of a tree.
		stores.MountStoreWithDB(keys[name], storetypes.StoreTypeDB, dbm.NewMemDB())
	}
	if err := stores.LoadLatestVersion(); err != nil {
		return nil, err
	}
	service := func(name string) corestore.KVStoreService { return runtime.NewKVStoreService(keys[name]) }
	accounts, operators := address.NewBech32Codec("pol"), address.NewBech32Codec("polvaloper")
	cdc := codec.NewProtoCodec(codectypes.NewInterfaceRegistry())

	c := &chain{bank: newBank(service("bank")), table: &table{}}
	c.staking = &staking{bank: c.bank}
	c.reputation = reputationkeeper.NewKeeper(cdc, service(reputationtypes.StoreKey), governance, &c.pol, accounts, operators)
	remembers := reputationkeeper.Hooks{Keeper: c.reputation}
	c.attestation = attestationkeeper.NewKeeper(cdc, service(attestationtypes.StoreKey), governance, c.staking, remembers, operators)
	c.slashing = slashingkeeper.NewKeeper(cdc, service(slashingtypes.StoreKey), governance, operators, slashingkeeper.Neighbours{
		Staking: c.staking, Slashing: c.staking, Bank: c.bank, Pol: &c.pol, Attestation: c.attestation,
	})
	c.voting = votingkeeper.NewKeeper(cdc, service(votingtypes.StoreKey), governance, &c.pol)
	c.pol = polkeeper.NewKeeper(cdc, service(poltypes.StoreKey), governance, c.bank, c.attestation, c.table, c.voting, c.reputation, operators,
		poltypes.MultiHooks{c.slashing.Hooks(), remembers, c})
	c.attestation.SetHooks(attestationtypes.MultiHooks{c.slashing.Hooks(), remembers})
	c.slashing.SetHooks(remembers)
	outcomes := polkeeper.Outcomes{Keeper: c.pol}
	c.attestation.RegisterKind(attestationtypes.Kind{Name: poltypes.ScoreTaskKind, MaxAnswer: poltypes.ScoreAnswerSize, Personal: true}, outcomes)
	c.attestation.RegisterKind(attestationtypes.Kind{Name: poltypes.AuditTaskKind, MaxAnswer: poltypes.AuditAnswerSize, Personal: true}, outcomes)
	c.msg = polkeeper.NewMsgServer(c.pol)
	c.ctx = sdk.NewContext(stores, cmtproto.Header{ChainID: chainID, Height: 1, Time: now}, false, log.NewNopLogger())
	return c, nil
}

// initialise writes the genesis of the modules. The supply is what has been funded so far.
func (c *chain) initialise(g genesis) error {
	p := poltypes.DefaultGenesis()
	p.Params = g.pol
	p.Params.GenesisUnix = g.time.Unix()
	if err := p.Validate(); err != nil {
		return err
	}
	if err := c.pol.InitGenesis(c.ctx, *p); err != nil {
		return err
	}
	if err := c.attestation.InitGenesis(c.ctx, attestationtypes.GenesisState{Params: g.attestation}); err != nil {
		return err
	}
	if err := c.voting.InitGenesis(c.ctx, *votingtypes.DefaultGenesis()); err != nil {
		return err
	}
	r := reputationtypes.DefaultGenesis()
	r.Params = g.reputation
	if err := c.reputation.InitGenesis(c.ctx, *r); err != nil {
		return err
	}
	s := slashingtypes.DefaultGenesis()
	s.Params = g.slashing
	return c.slashing.InitGenesis(c.ctx, *s)
}

// block makes one block: what validators signed about the last state, messages, and the end of the block in the order of the
// application. A block item that fails is a fault of the simulation or of a keeper.
func (c *chain) block(heights int64, later time.Duration, signed []attestationkeeper.SignedExtension, messages func() error) error {
	c.blocks++
	c.ctx = c.ctx.WithBlockHeight(c.ctx.BlockHeight() + heights).WithBlockTime(c.ctx.BlockTime().Add(later)).
		WithEventManager(sdk.NewEventManager())
	c.staking.release(c.ctx.BlockTime())
	if err := c.attestation.RecordExtensions(c.ctx, c.ctx.BlockHeight()-1, signed); err != nil {
		return err
	}
	if err := messages(); err != nil {
		return err
	}
	for _, end := range []func(context.Context) error{c.slashing.EndBlock, c.attestation.EndBlock, c.pol.EndBlock, c.reputation.EndBlock} {
		if err := end(c.ctx); err != nil {
			return err
		}
	}
	for _, e := range c.ctx.EventManager().Events() {
		if strings.HasSuffix(e.Type, "EventItemFailed") || strings.HasSuffix(e.Type, "EventCallbackFailed") {
			return fmt.Errorf("an item of height %d failed: %v", c.ctx.BlockHeight(), e)
		}
	}
	return c.checkSupply()
}

// checkSupply compares the supply with genesis + coinbase - burns, to the last unrn.
func (c *chain) checkSupply() error {
	t, err := c.pol.Totals.Get(c.ctx)
	if err != nil {
		return err
	}
	want := t.GenesisSupply.Add(t.Coinbase).Sub(t.Burned)
	if !t.Slashed.IsNil() {
		want = want.Sub(t.Slashed)
	}
	if supply := c.bank.get(c.ctx, supplyKey); !supply.Equal(want) {
		return fmt.Errorf("supply at height %d: expected genesis %s + coinbase %s - burned %s - slashed %s = %s unrn, got %s",
			c.ctx.BlockHeight(), t.GenesisSupply, t.Coinbase, t.Burned, t.Slashed, want, supply)
	}
	return nil
}

// send runs a message; an error undoes what it did.
func (c *chain) send(m sdk.Msg) error {
	cached, write := c.ctx.CacheContext()
	var err error
	switch m := m.(type) {
	case *poltypes.MsgCreateGroup:
		_, err = c.msg.CreateGroup(cached, m)
	case *poltypes.MsgBondGroup:
		_, err = c.msg.BondGroup(cached, m)
	case *poltypes.MsgCommitCheckpoint:
		_, err = c.msg.CommitCheckpoint(cached, m)
	case *poltypes.MsgSubmitCheckpoint:
		_, err = c.msg.SubmitCheckpoint(cached, m)
	case *poltypes.MsgProvideBatches:
		_, err = c.msg.ProvideBatches(cached, m)
	case *poltypes.MsgRevealBatchKey:
		_, err = c.msg.RevealBatchKey(cached, m)
	default:
		err = fmt.Errorf("expected a message that agents send, got %T", m)
	}
	if err == nil {
		write()
	}
	return err
}
