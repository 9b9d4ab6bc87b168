package keeper_test

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"
	"testing"

	"github.com/cosmos/gogoproto/proto"
	"github.com/stretchr/testify/require"

	"cosmossdk.io/math"

	"github.com/cosmos/cosmos-sdk/codec"
	codectypes "github.com/cosmos/cosmos-sdk/codec/types"
	"github.com/cosmos/cosmos-sdk/runtime"
	storetypes "github.com/cosmos/cosmos-sdk/store/v2/types"
	"github.com/cosmos/cosmos-sdk/testutil"
	sdk "github.com/cosmos/cosmos-sdk/types"
	stakingtypes "github.com/cosmos/cosmos-sdk/x/staking/types"

	"github.com/pold-network/pold/x/attestation/keeper"
	"github.com/pold-network/pold/x/attestation/types"
)

const (
	chainID   = "pold-test-1"
	authority = "governance"
	window    = types.MinWindow
)

// staking is a neighbour with operators op0, op1, … whose powers a test may change between blocks.
type staking struct{ powers []int64 }

func operator(i int) string { return fmt.Sprintf("op%d", i) }

func consensus(i int) sdk.ConsAddress { return sdk.ConsAddress(fmt.Sprintf("consensus%d", i)) }

func (s *staking) validator(i int) stakingtypes.Validator {
	return stakingtypes.Validator{OperatorAddress: operator(i), Tokens: math.NewInt(s.powers[i]), Status: stakingtypes.Bonded}
}

func (s *staking) IterateBondedValidatorsByPower(_ context.Context, fn func(int64, stakingtypes.ValidatorI) bool) error {
	order := make([]int, len(s.powers))
	for i := range order {
		order[i] = i
	}
	slices.SortStableFunc(order, func(a, b int) int { return int(s.powers[b] - s.powers[a]) })
	for n, i := range order {
		if s.powers[i] > 0 && fn(int64(n), s.validator(i)) {
			break
		}
	}
	return nil
}

func (s *staking) GetValidatorByConsAddr(_ context.Context, address sdk.ConsAddress) (stakingtypes.Validator, error) {
	for i := range s.powers {
		if consensus(i).Equals(address) {
			return s.validator(i), nil
		}
	}
	return stakingtypes.Validator{}, stakingtypes.ErrNoValidatorFound
}

func (s *staking) PowerReduction(context.Context) math.Int { return math.OneInt() }

// weights gives every operator a factor of 1 unless a test says otherwise.
type weights map[string]uint64

func (w weights) FactorE6(_ context.Context, operator string) (uint64, error) {
	if f, ok := w[operator]; ok {
		return f, nil
	}
	return types.UnitFactor, nil
}

// owner remembers the outcomes it was told; fault makes it write and then fail.
type owner struct {
	store   storetypes.StoreKey
	settled []types.Task
	expired []types.Task
	judged  []types.Artefact
	fault   string
}

var ownerKey = []byte{0xff}

func (o *owner) outcome(ctx context.Context) error {
	sdk.UnwrapSDKContext(ctx).KVStore(o.store).Set(ownerKey, []byte("written"))
	switch o.fault {
	case "panic":
		panic("owner broke")
	case "error":
		return errors.New("owner refused")
	}
	return nil
}

func (o *owner) TaskSettled(ctx context.Context, t types.Task) error {
	o.settled = append(o.settled, t)
	return o.outcome(ctx)
}

func (o *owner) TaskExpired(ctx context.Context, t types.Task) error {
	o.expired = append(o.expired, t)
	return o.outcome(ctx)
}

func (o *owner) ArtefactJudged(ctx context.Context, a types.Artefact) error {
	o.judged = append(o.judged, a)
	return o.outcome(ctx)
}

// chain is the module alone on a real store, block by block.
type chain struct {
	keeper.Keeper
	t       testing.TB
	ctx     sdk.Context
	store   storetypes.StoreKey
	staking *staking
	weights weights
	owner   *owner
}

func testParams() types.Params {
	return types.Params{
		LiveWindow: window, CommitWindow: window, OpenWindow: window, AvailabilityWindow: window, BudgetWindow: 50,
		Budgets: []types.KindBudget{{Kind: "data", Cost: 100}, {Kind: "score", Cost: 1000}}, Retention: 20, MaxPeerLifetime: 1000,
		BeaconWindow: window,
	}
}

// newChain starts at height 100 with one operator per power and the kinds data and score.
func newChain(t testing.TB, powers ...int64) *chain {
	t.Helper()
	c := emptyChain(t, powers...)
	require.NoError(t, c.InitGenesis(c.ctx, types.GenesisState{Params: testParams()}))
	return c
}

func emptyChain(t testing.TB, powers ...int64) *chain {
	t.Helper()
	key := storetypes.NewKVStoreKey(types.StoreKey)
	c := &chain{
		t: t, store: key, staking: &staking{powers: powers}, weights: weights{}, owner: &owner{store: key},
		ctx: testutil.DefaultContext(key, storetypes.NewTransientStoreKey("transient")).WithChainID(chainID).WithBlockHeight(100),
	}
	cdc := codec.NewProtoCodec(codectypes.NewInterfaceRegistry())
	c.Keeper = keeper.NewKeeper(cdc, runtime.NewKVStoreService(key), authority, c.staking, c.weights, nil)
	c.RegisterKind(types.Kind{Name: "score", MaxAnswer: 64}, c.owner)
	c.RegisterKind(types.Kind{Name: "data", MaxAnswer: 64}, c.owner)
	return c
}

// block makes the next block, which carries extensions signed at the height before.
func (c *chain) block(extensions ...keeper.SignedExtension) {
	c.t.Helper()
	c.ctx = c.ctx.WithBlockHeight(c.ctx.BlockHeight() + 1).WithEventManager(sdk.NewEventManager())
	require.NoError(c.t, c.RecordExtensions(c.ctx, c.ctx.BlockHeight()-1, extensions))
	require.NoError(c.t, c.EndBlock(c.ctx))
}

// blocks makes blocks in which all operators are live but say nothing.
func (c *chain) blocks(n int) {
	c.t.Helper()
	for range n {
		c.block(c.alive()...)
	}
}

func (c *chain) alive() []keeper.SignedExtension {
	var all []keeper.SignedExtension
	for i := range c.staking.powers {
		all = append(all, sign(i, types.VoteExtension{}))
	}
	return all
}

func sign(i int, e types.VoteExtension) keeper.SignedExtension {
	e.Version = types.ExtensionVersion
	return keeper.SignedExtension{Operator: operator(i), Extension: &e}
}

func commit(i int, task uint64, answer string) keeper.SignedExtension {
	witness := types.WitnessOf(chainID, task, operator(i), []byte(answer))
	return sign(i, types.VoteExtension{Commits: []types.ExtensionCommit{{TaskId: task, Witness: witness}}})
}

func open(i int, task uint64, answer string) keeper.SignedExtension {
	return sign(i, types.VoteExtension{Openings: []types.ExtensionOpening{{TaskId: task, Answer: []byte(answer)}}})
}

func hold(i int, artefacts ...uint64) keeper.SignedExtension {
	return sign(i, types.VoteExtension{Held: artefacts})
}

// openTask queues a score task of cost 1 and makes the block in which it opens.
func (c *chain) openTask() uint64 {
	c.t.Helper()
	id := c.queue("score", 1, 0)
	c.block()
	require.Equal(c.t, types.TASK_STATUS_COMMIT, c.task(id).Status)
	c.block() // what is signed from now on counts
	return id
}

func (c *chain) queue(kind string, cost uint64, priority int64) uint64 {
	c.t.Helper()
	id, err := c.OpenTask(c.ctx, kind, []byte("ref"), []byte("inputs"), cost, math.NewInt(priority))
	require.NoError(c.t, err)
	return id
}

func (c *chain) ask() uint64 {
	c.t.Helper()
	id, err := c.AskArtefact(c.ctx, "score", "bafy", make([]byte, 32), 10, []byte("ref"))
	require.NoError(c.t, err)
	return id
}

func (c *chain) task(id uint64) types.Task {
	c.t.Helper()
	task, err := c.Tasks.Get(c.ctx, id)
	require.NoError(c.t, err)
	return task
}

func (c *chain) artefact(id uint64) types.Artefact {
	c.t.Helper()
	a, err := c.Artefacts.Get(c.ctx, id)
	require.NoError(c.t, err)
	return a
}

// events returns the events of the last block that have the type of the given message.
func (c *chain) events(of proto.Message) []sdk.Event {
	var found []sdk.Event
	for _, e := range c.ctx.EventManager().Events() {
		if e.Type == proto.MessageName(of) {
			found = append(found, e)
		}
	}
	return found
}

// said returns an attribute of an event without its quotes.
func said(e sdk.Event, key string) string {
	a, _ := e.GetAttribute(key)
	return strings.Trim(a.Value, `"`)
}

// prefixes returns how many keys of the store begin with each prefix.
func (c *chain) prefixes() map[byte]int {
	n := map[byte]int{}
	it := c.ctx.KVStore(c.store).Iterator(nil, nil)
	defer it.Close()
	for ; it.Valid(); it.Next() {
		n[it.Key()[0]]++
	}
	return n
}
