package keeper_test

import (
	"bytes"
	"context"
	"testing"
	"time"

	"github.com/cosmos/gogoproto/proto"
	"github.com/stretchr/testify/require"

	coreaddress "cosmossdk.io/core/address"
	"cosmossdk.io/math"

	"github.com/cosmos/cosmos-sdk/codec"
	"github.com/cosmos/cosmos-sdk/codec/address"
	codectypes "github.com/cosmos/cosmos-sdk/codec/types"
	"github.com/cosmos/cosmos-sdk/runtime"
	storetypes "github.com/cosmos/cosmos-sdk/store/v2/types"
	"github.com/cosmos/cosmos-sdk/testutil"
	sdk "github.com/cosmos/cosmos-sdk/types"

	attestationtypes "github.com/pold-network/pold/x/attestation/types"
	poltypes "github.com/pold-network/pold/x/pol/types"
	"github.com/pold-network/pold/x/reputation/keeper"
	"github.com/pold-network/pold/x/reputation/types"
)

const (
	authority = "governance"
	minStake  = 1_000
	day       = 24 * 3_600
	halfLife  = 30 * day
	billion   = types.Billion
)

var (
	accounts  = address.NewBech32Codec("pol")
	operators = address.NewBech32Codec("polvaloper")
)

func text(codec coreaddress.Codec, n byte) string {
	s, err := codec.BytesToString(bytes.Repeat([]byte{n}, 20))
	if err != nil {
		panic(err)
	}
	return s
}

// account and operator are the two addresses of a numbered key.
func account(n byte) string  { return text(accounts, n) }
func operator(n byte) string { return text(operators, n) }

// stakes is what x/pol says: the least stake that counts, and the stake behind a file.
type stakes struct{ least, artefact math.Int }

func (s *stakes) MinGroupStake(context.Context) (math.Int, error) { return s.least, nil }

func (s *stakes) ArtefactStake(context.Context, attestationtypes.Artefact) (math.Int, error) {
	return s.artefact, nil
}

// chain is the module alone on a real store.
type chain struct {
	keeper.Keeper
	keeper.Hooks
	t      testing.TB
	ctx    sdk.Context
	store  *storetypes.KVStoreKey
	stakes *stakes
	server types.QueryServer
}

func newChain(t testing.TB) *chain {
	t.Helper()
	c := emptyChain(t)
	require.NoError(t, c.InitGenesis(c.ctx, *types.DefaultGenesis()))
	return c
}

func emptyChain(t testing.TB) *chain {
	t.Helper()
	key := storetypes.NewKVStoreKey(types.StoreKey)
	c := &chain{
		t: t, store: key, stakes: &stakes{least: math.NewInt(minStake), artefact: math.NewInt(minStake)},
		ctx: testutil.DefaultContext(key, storetypes.NewTransientStoreKey("transient")).
			WithBlockHeight(100).WithBlockTime(time.Unix(1_700_000_000, 0)),
	}
	c.use(c.stakes)
	return c
}

// use puts a keeper with the given neighbour over the store.
func (c *chain) use(stakes types.Stakes) {
	cdc := codec.NewProtoCodec(codectypes.NewInterfaceRegistry())
	c.Keeper = keeper.NewKeeper(cdc, runtime.NewKVStoreService(c.store), authority, stakes, accounts, operators)
	c.Hooks = keeper.Hooks{Keeper: c.Keeper}
	c.server = keeper.NewQueryServer(c.Keeper)
}

// pass lets time go by.
func (c *chain) pass(seconds int64) {
	c.ctx = c.ctx.WithBlockHeight(c.ctx.BlockHeight() + 1).WithBlockTime(c.ctx.BlockTime().Add(time.Duration(seconds) * time.Second))
}

// now returns the reputation of an address.
func (c *chain) now(address string) types.Score {
	c.t.Helper()
	s, _, err := c.Keeper.Score(c.ctx, address)
	require.NoError(c.t, err)
	return s
}

func (c *chain) factor(address string) uint64 {
	c.t.Helper()
	f, err := c.Keeper.FactorE6(c.ctx, address)
	require.NoError(c.t, err)
	return f
}

func (c *chain) extra(address string) uint32 {
	c.t.Helper()
	n, err := c.Keeper.ExtraSegments(c.ctx, address)
	require.NoError(c.t, err)
	return n
}

// thousandths returns the three parts, rounded down.
func (c *chain) thousandths(address string) [3]uint64 {
	s := c.now(address)
	return [3]uint64{s.StorageE9 / 1e6, s.ModelE9 / 1e6, s.ConductE9 / 1e6}
}

var newcomer = [3]uint64{500, 500, 500}

// settle tells of a settled task of a group of the given stake.
func (c *chain) settle(stake int64, matched ...string) {
	c.t.Helper()
	require.NoError(c.t, c.AfterTaskSettled(c.ctx, attestationtypes.Outcome{
		Task: attestationtypes.Task{Id: 12, Kind: "score", Priority: math.NewInt(stake), Matched: matched},
	}))
}

func spot(stake int64, operator string, wrong bool) attestationtypes.SpotOutcome {
	return attestationtypes.SpotOutcome{
		Task:     attestationtypes.Task{Id: 13, Priority: math.NewInt(stake)},
		Manifest: attestationtypes.SpotManifest{TaskId: 12, Operator: operator}, Wrong: wrong,
	}
}

func judged(status attestationtypes.ArtefactStatus) attestationtypes.Artefact {
	return attestationtypes.Artefact{Id: 5, Status: status}
}

// round is a settled round of a group in a proof mode whose parent had a loss of 1.
func round(proof poltypes.ProofMode, submissions ...poltypes.Submission) poltypes.RoundOutcome {
	return poltypes.RoundOutcome{
		Group:       poltypes.Group{Name: "digits", Settings: poltypes.GroupSettings{Proof: proof, MinImprovementE9: 1_000}},
		Round:       poltypes.Round{Group: "digits", Number: 3, ParentVerdict: &poltypes.Verdict{RankLossE9: billion}},
		Submissions: submissions, Counts: true,
	}
}

func submission(trainer string, status poltypes.SubmissionStatus, loss uint64) poltypes.Submission {
	return poltypes.Submission{Trainer: trainer, Status: status, Verdict: &poltypes.Verdict{RankLossE9: loss}}
}

// events returns the events of a message's type.
func (c *chain) events(of proto.Message) []sdk.Event {
	var found []sdk.Event
	for _, e := range c.ctx.EventManager().Events() {
		if e.Type == proto.MessageName(of) {
			found = append(found, e)
		}
	}
	return found
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
