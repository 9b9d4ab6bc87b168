package keeper_test

import (
	"context"
	"errors"
	"fmt"
	"testing"
	"time"

	"github.com/cosmos/gogoproto/proto"
	"github.com/stretchr/testify/require"

	"cosmossdk.io/collections"
	"cosmossdk.io/math"

	"github.com/cosmos/cosmos-sdk/codec"
	"github.com/cosmos/cosmos-sdk/codec/address"
	codectypes "github.com/cosmos/cosmos-sdk/codec/types"
	"github.com/cosmos/cosmos-sdk/crypto/keys/ed25519"
	"github.com/cosmos/cosmos-sdk/runtime"
	storetypes "github.com/cosmos/cosmos-sdk/store/v2/types"
	"github.com/cosmos/cosmos-sdk/testutil"
	sdk "github.com/cosmos/cosmos-sdk/types"
	slashingtypes "github.com/cosmos/cosmos-sdk/x/slashing/types"
	stakingtypes "github.com/cosmos/cosmos-sdk/x/staking/types"

	attestationtypes "github.com/pold-network/pold/x/attestation/types"
	"github.com/pold-network/pold/x/slashing/keeper"
	"github.com/pold-network/pold/x/slashing/types"
)

const (
	chainID   = "pold-test-1"
	authority = "governance"
	reduction = 1_000 // unrn for a unit of power
	day       = 86_400
)

var (
	operators = address.NewBech32Codec("polvaloper")
	start     = time.Date(2026, 3, 2, 9, 0, 0, 0, time.UTC)
)

func operator(i int) string {
	s, err := operators.BytesToString(fmt.Appendf(nil, "operator-%011d", i))
	if err != nil {
		panic(err)
	}
	return s
}

// staking is a neighbour whose validators a test may change between blocks. It keeps the supply and the signing infos.
type staking struct {
	validators []stakingtypes.Validator
	info       map[string]slashingtypes.ValidatorSigningInfo
	supply     math.Int
	extra      int64 // burned beside what Slash returns, as of stake that unbonds
	slashed    []string
	heights    []int64
	jailed     []string
	counted    math.Int
	broken     error
	stakes     map[uint64][2]int64
}

func newStaking(t testing.TB, powers ...int64) *staking {
	s := &staking{info: map[string]slashingtypes.ValidatorSigningInfo{}, counted: math.ZeroInt(), supply: math.NewInt(1_000_000_000), stakes: map[uint64][2]int64{}}
	for i, p := range powers {
		key := ed25519.GenPrivKeyFromSecret(fmt.Appendf(nil, "validator %d", i)).PubKey()
		v, err := stakingtypes.NewValidator(operator(i), key, stakingtypes.Description{})
		require.NoError(t, err)
		v.Status, v.Tokens = stakingtypes.Bonded, math.NewInt(p*reduction)
		s.validators = append(s.validators, v)
		s.info[string(s.consensus(i))] = slashingtypes.ValidatorSigningInfo{JailedUntil: time.Unix(0, 0).UTC()}
	}
	return s
}

func (s *staking) consensus(i int) sdk.ConsAddress {
	a, err := s.validators[i].GetConsAddr()
	if err != nil {
		panic(err)
	}
	return a
}

func (s *staking) at(a sdk.ConsAddress) int {
	for i := range s.validators {
		if s.consensus(i).Equals(a) {
			return i
		}
	}
	panic("unknown validator")
}

func (s *staking) GetValidator(_ context.Context, a sdk.ValAddress) (stakingtypes.Validator, error) {
	o, err := operators.BytesToString(a)
	if err != nil {
		return stakingtypes.Validator{}, err
	}
	for _, v := range s.validators {
		if v.OperatorAddress == o {
			return v, nil
		}
	}
	return stakingtypes.Validator{}, stakingtypes.ErrNoValidatorFound
}

func (s *staking) GetLastTotalPower(context.Context) (math.Int, error) {
	sum := int64(0)
	for _, v := range s.validators {
		if !v.Jailed {
			sum += v.GetConsensusPower(math.NewInt(reduction))
		}
	}
	return math.NewInt(sum), nil
}

func (s *staking) PowerReduction(context.Context) math.Int { return math.NewInt(reduction) }

func (s *staking) Slash(ctx context.Context, a sdk.ConsAddress, height, power int64, fraction math.LegacyDec) (math.Int, error) {
	if s.broken != nil {
		return math.Int{}, s.broken
	}
	if height > sdk.UnwrapSDKContext(ctx).BlockHeight() {
		return math.Int{}, errors.New("fault in the future")
	}
	i := s.at(a)
	burn := math.MinInt(fraction.MulInt64(power*reduction).TruncateInt(), s.validators[i].Tokens)
	s.validators[i].Tokens = s.validators[i].Tokens.Sub(burn)
	s.supply = s.supply.Sub(burn).SubRaw(s.extra)
	s.slashed, s.heights = append(s.slashed, s.validators[i].OperatorAddress), append(s.heights, height)
	return burn, nil
}

func (s *staking) GetSupply(context.Context, string) sdk.Coin { return sdk.NewCoin("unrn", s.supply) }

func (s *staking) CountBurned(_ context.Context, amount math.Int) error {
	s.counted = s.counted.Add(amount)
	return nil
}

func (s *staking) GetValidatorSigningInfo(_ context.Context, a sdk.ConsAddress) (slashingtypes.ValidatorSigningInfo, error) {
	info, ok := s.info[string(a)]
	if !ok {
		return info, slashingtypes.ErrNoSigningInfoFound
	}
	return info, nil
}

func (s *staking) Jail(_ context.Context, a sdk.ConsAddress) error {
	i := s.at(a)
	if s.validators[i].Jailed {
		return stakingtypes.ErrValidatorJailed
	}
	s.validators[i].Jailed = true
	s.jailed = append(s.jailed, s.validators[i].OperatorAddress)
	return nil
}

func (s *staking) JailUntil(_ context.Context, a sdk.ConsAddress, until time.Time) error {
	info, ok := s.info[string(a)]
	if !ok {
		return slashingtypes.ErrNoSigningInfoFound
	}
	info.JailedUntil = until
	s.info[string(a)] = info
	return nil
}

func (s *staking) Stake(_ context.Context, task uint64, _ string) (height, power int64, err error) {
	if x, ok := s.stakes[task]; ok {
		return x[0], x[1], nil
	}
	return 0, 0, fmt.Errorf("task %d: %w", task, collections.ErrNotFound)
}

// listener remembers the faults that it was told of.
type listener struct {
	told  []types.Evidence
	fault string
}

func (l *listener) AfterFault(_ context.Context, e types.Evidence) error {
	l.told = append(l.told, e)
	switch l.fault {
	case "error":
		return errors.New("listener refused")
	case "panic":
		panic("listener broke")
	}
	return nil
}

// chain is the module alone on a real store, block by block.
type chain struct {
	keeper.Keeper
	t        testing.TB
	ctx      sdk.Context
	store    storetypes.StoreKey
	staking  *staking
	listener *listener
	tasks    uint64
}

func newChain(t testing.TB, powers ...int64) *chain {
	t.Helper()
	c := emptyChain(t, powers...)
	require.NoError(t, c.InitGenesis(c.ctx, *types.DefaultGenesis()))
	return c
}

func emptyChain(t testing.TB, powers ...int64) *chain {
	t.Helper()
	key := storetypes.NewKVStoreKey(types.StoreKey)
	s := newStaking(t, powers...)
	c := &chain{
		t: t, store: key, staking: s, listener: &listener{},
		ctx: testutil.DefaultContext(key, storetypes.NewTransientStoreKey("transient")).WithChainID(chainID).WithBlockHeight(100).WithBlockTime(start),
	}
	cdc := codec.NewProtoCodec(codectypes.NewInterfaceRegistry())
	c.Keeper = keeper.NewKeeper(cdc, runtime.NewKVStoreService(key), authority, operators,
		keeper.Neighbours{Staking: s, Slashing: s, Bank: s, Pol: s, Attestation: s})
	c.SetHooks(types.MultiHooks{c.listener})
	return c
}

// setParams changes parameters; they must be valid.
func (c *chain) setParams(change func(p *types.Params)) {
	c.t.Helper()
	p := c.params()
	change(&p)
	require.NoError(c.t, p.Validate())
	require.NoError(c.t, c.Params.Set(c.ctx, p))
}

func (c *chain) params() types.Params {
	c.t.Helper()
	p, err := c.Params.Get(c.ctx)
	require.NoError(c.t, err)
	return p
}

// wait lets time pass and makes a block.
func (c *chain) wait(seconds int64) {
	c.t.Helper()
	c.ctx = c.ctx.WithBlockHeight(c.ctx.BlockHeight() + 1).WithBlockTime(c.ctx.BlockTime().Add(time.Duration(seconds) * time.Second)).
		WithEventManager(sdk.NewEventManager())
	require.NoError(c.t, c.EndBlock(c.ctx))
}

// outcome is a settled task: validators that are wrong or absent, all others matched.
func (c *chain) outcome(wrong, absent []int) attestationtypes.Outcome {
	c.tasks++
	o := attestationtypes.Outcome{
		Task:     attestationtypes.Task{Id: c.tasks, Kind: "score", Manifest: []byte("pinned inputs"), Answer: []byte("right"), Status: attestationtypes.TASK_STATUS_SETTLED},
		Snapshot: attestationtypes.Snapshot{Height: c.ctx.BlockHeight() - 5},
	}
	is := func(list []int, i int) bool {
		for _, x := range list {
			if x == i {
				return true
			}
		}
		return false
	}
	for i, v := range c.staking.validators {
		power := v.PotentialConsensusPower(math.NewInt(reduction))
		o.Snapshot.Members = append(o.Snapshot.Members, attestationtypes.Member{Operator: v.OperatorAddress, Power: power})
		o.Snapshot.TotalPower += power
		switch {
		case is(wrong, i):
			o.Wrong = append(o.Wrong, attestationtypes.Vote{Operator: v.OperatorAddress, Witness: attestationtypes.Witness{
				Witness: fmt.Appendf(nil, "witness %d", i), Personal: fmt.Appendf(nil, "personal %d", i), SignedHeight: c.ctx.BlockHeight() - 2,
			}})
		case is(absent, i):
			o.Absent = append(o.Absent, v.OperatorAddress)
		default:
			o.Task.Matched = append(o.Task.Matched, v.OperatorAddress)
		}
	}
	return o
}

// settle reports a settled task.
func (c *chain) settle(wrong, absent []int) attestationtypes.Outcome {
	c.t.Helper()
	o := c.outcome(wrong, absent)
	require.NoError(c.t, c.Hooks().AfterTaskSettled(c.ctx, o))
	return o
}

// wrong lets validators be wrong n times, a second apart.
func (c *chain) wrong(n int, validators ...int) {
	c.t.Helper()
	for range n {
		c.settle(validators, nil)
		c.wait(1)
	}
}

func (c *chain) evidence() []types.Evidence {
	c.t.Helper()
	g, err := c.ExportGenesis(c.ctx)
	require.NoError(c.t, err)
	return g.Evidence
}

// penalties returns the penalties of one status, or all.
func (c *chain) penalties(status types.PenaltyStatus) []types.Penalty {
	c.t.Helper()
	var list []types.Penalty
	require.NoError(c.t, c.Penalties.Walk(c.ctx, nil, func(_ uint64, p types.Penalty) (bool, error) {
		if status == types.PENALTY_STATUS_UNSPECIFIED || p.Status == status {
			list = append(list, p)
		}
		return false, nil
	}))
	return list
}

func (c *chain) penalty(id uint64) types.Penalty {
	c.t.Helper()
	p, err := c.Penalties.Get(c.ctx, id)
	require.NoError(c.t, err)
	return p
}

// events returns how many events of the last block have the type of the given message.
func (c *chain) events(of proto.Message) int {
	n := 0
	for _, e := range c.ctx.EventManager().Events() {
		if e.Type == proto.MessageName(of) {
			n++
		}
	}
	return n
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
