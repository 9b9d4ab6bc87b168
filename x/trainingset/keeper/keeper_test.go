package keeper_test

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"os"
	"testing"

	"github.com/stretchr/testify/require"

	cmtproto "github.com/cometbft/cometbft/proto/tendermint/types"

	"cosmossdk.io/collections"
	"cosmossdk.io/math"

	"github.com/cosmos/cosmos-sdk/codec"
	codectypes "github.com/cosmos/cosmos-sdk/codec/types"
	"github.com/cosmos/cosmos-sdk/runtime"
	storetypes "github.com/cosmos/cosmos-sdk/store/v2/types"
	sdktestutil "github.com/cosmos/cosmos-sdk/testutil"
	sdk "github.com/cosmos/cosmos-sdk/types"

	authtypes "github.com/cosmos/cosmos-sdk/x/auth/types"

	attestationtypes "github.com/pold-network/pold/x/attestation/types"
	"github.com/pold-network/pold/x/trainingset/keeper"
	"github.com/pold-network/pold/x/trainingset/types"
	votingtypes "github.com/pold-network/pold/x/voting/types"
)

const (
	tableCID = "bafkreifzjut3te7nhyekklss27nh3k72ysco7y32koao5eei66wof36n5e"
	fee      = 70
	deposit  = 1_000
)

func TestMain(m *testing.M) {
	sdk.GetConfig().SetBech32PrefixForAccount("pol", "polpub")
	os.Exit(m.Run())
}

func account(n byte) string { return sdk.AccAddress(bytes.Repeat([]byte{n}, 20)).String() }

// neighbours remember what the module asked of them: attestation and the one who burns fees.
type neighbours struct {
	tasks     []attestationtypes.Task
	artefacts []attestationtypes.Artefact
	taskError error
	askError  error
	burned    map[string]int64
	burnError error
	// coins are those of the accounts and of the module; paid are the proposers that were paid, by group.
	coins    map[string]int64
	paid     []string
	payError error
	ballots  []votingtypes.Ballot
	all      int64 // stake of the group
	least    int64 // that a group needs to decide
	told     []uint64
	toldFail error
}

func (n *neighbours) OpenTask(_ context.Context, kind string, ref, manifest []byte, cost uint64, _ math.Int) (uint64, error) {
	if n.taskError != nil {
		return 0, n.taskError
	}
	id := uint64(len(n.tasks) + 1)
	n.tasks = append(n.tasks, attestationtypes.Task{Id: id, Kind: kind, Ref: ref, Manifest: manifest, Cost: cost})
	return id, nil
}

func (n *neighbours) AskArtefact(_ context.Context, kind, cid string, sha256 []byte, size uint64, ref []byte) (uint64, error) {
	if n.askError != nil {
		return 0, n.askError
	}
	id := uint64(len(n.artefacts) + 1)
	n.artefacts = append(n.artefacts, attestationtypes.Artefact{Id: id, Kind: kind, Cid: cid, Sha256: sha256, Size_: size, Ref: ref})
	return id, nil
}

func (n *neighbours) BurnFee(_ context.Context, payer string, amount math.Int, _ string) error {
	if n.burnError == nil {
		n.burned[payer] += amount.Int64()
		n.coins[payer] -= amount.Int64()
	}
	return n.burnError
}

func (n *neighbours) PayProposer(_ context.Context, group, proposer string) (math.Int, error) {
	if n.payError != nil {
		return math.ZeroInt(), n.payError
	}
	n.paid = append(n.paid, group+" "+proposer)
	return math.NewInt(77), nil
}

func (n *neighbours) MinGroupStake(context.Context) (math.Int, error) {
	return math.NewInt(n.least), nil
}

func (n *neighbours) GetBalance(_ context.Context, addr sdk.AccAddress, denom string) sdk.Coin {
	return sdk.NewInt64Coin(denom, n.coins[addr.String()])
}

func (n *neighbours) move(from, to string, amt sdk.Coins) error {
	amount := amt.AmountOf(types.BaseDenom).Int64()
	if n.coins[from] < amount {
		return fmt.Errorf("insufficient funds: %s has %d", from, n.coins[from])
	}
	n.coins[from] -= amount
	n.coins[to] += amount
	return nil
}

func (n *neighbours) SendCoinsFromModuleToAccount(_ context.Context, module string, to sdk.AccAddress, amt sdk.Coins) error {
	return n.move(authtypes.NewModuleAddress(module).String(), to.String(), amt)
}

func (n *neighbours) SendCoinsFromAccountToModule(_ context.Context, from sdk.AccAddress, module string, amt sdk.Coins) error {
	return n.move(from.String(), authtypes.NewModuleAddress(module).String(), amt)
}

func (n *neighbours) OpenBallot(_ context.Context, group, owner string, ref uint64, subject string) (uint64, error) {
	id := uint64(len(n.ballots) + 1)
	n.ballots = append(n.ballots, votingtypes.Ballot{Id: id, Group: group, Owner: owner, Ref: ref, Subject: subject, Tally: votingtypes.NewTally(1)})
	return id, nil
}

func (n *neighbours) CloseBallot(_ context.Context, id uint64) error {
	if n.ballots[id-1].Closed {
		return fmt.Errorf("ballot %d is closed twice", id)
	}
	n.ballots[id-1].Closed = true
	return nil
}

func (n *neighbours) Open(_ context.Context, group, owner string) ([]votingtypes.Ballot, error) {
	var open []votingtypes.Ballot
	for _, b := range n.ballots {
		if b.Group == group && b.Owner == owner && !b.Closed {
			open = append(open, b)
		}
	}
	return open, nil
}

func (n *neighbours) Standing(_ context.Context, id uint64) (math.Int, math.Int, error) {
	return n.ballots[id-1].Tally.Standing, math.NewInt(n.all), nil
}

func (n *neighbours) Period(_ context.Context, group string) (votingtypes.Period, error) {
	p := votingtypes.Period{Group: group, Number: 1, Tally: votingtypes.NewTally(1)}
	p.Tally.Standing = math.NewInt(n.all)
	return p, nil
}

func (n *neighbours) AfterTableChanged(_ context.Context, set types.TrainingSet) error {
	n.told = append(n.told, set.Version)
	return n.toldFail
}

type env struct {
	*neighbours
	t   *testing.T
	ctx sdk.Context
	k   keeper.Keeper
	out keeper.Outcomes
}

func newEnv(t *testing.T, sets ...types.TrainingSet) *env {
	t.Helper()
	keys := storetypes.NewKVStoreKeys(types.StoreKey)
	ctx := sdktestutil.DefaultContextWithKeys(keys, nil, nil).WithBlockHeader(cmtproto.Header{Height: 1}).WithChainID("pold-test-1")
	e := &env{t: t, ctx: ctx, neighbours: &neighbours{burned: map[string]int64{}, coins: map[string]int64{}, all: 1_000}}
	for n := range 10 {
		e.coins[account(byte(n))] = 1_000_000
	}
	e.k = keeper.NewKeeper(codec.NewProtoCodec(codectypes.NewInterfaceRegistry()), runtime.NewKVStoreService(keys[types.StoreKey]), account(9), e, e, e, e, e)
	e.out = keeper.Outcomes{Keeper: e.k}
	g := types.DefaultGenesis()
	g.Params.RegistrationFee = math.NewInt(fee)
	g.Params.ProposalDeposit, g.Params.OpenSeconds, g.Params.RetentionSeconds = math.NewInt(deposit), 1_000, 500
	g.TrainingSets = sets
	require.NoError(t, g.Validate())
	require.NoError(t, e.k.InitGenesis(ctx, *g))
	return e
}

func table() types.Table {
	return types.Table{
		Cid: tableCID, Sha256: bytes.Repeat([]byte{1}, 32), Size_: 1_000, Rows: 10, Columns: 5, Targets: 1,
		Root: bytes.Repeat([]byte{2}, 32), ValidationPermille: 200,
	}
}

// found is what validators find when the table is what was registered.
func found() types.DataAnswer {
	return types.DataAnswer{Rows: 10, Columns: 5, Root: [32]byte(bytes.Repeat([]byte{2}, 32)), Digest: [32]byte{3}}
}

func (e *env) register(who byte, name string) error {
	_, err := keeper.NewMsgServer(e.k).RegisterTrainingSet(e.ctx, &types.MsgRegisterTrainingSet{Sender: account(who), Name: name, Table: table()})
	return err
}

func (e *env) endBlock() {
	e.t.Helper()
	require.NoError(e.t, e.k.EndBlock(e.ctx))
	e.ctx = e.ctx.WithBlockHeight(e.ctx.BlockHeight() + 1)
}

func (e *env) set(name string) types.TrainingSet {
	e.t.Helper()
	s, err := e.k.TrainingSets.Get(e.ctx, name)
	require.NoError(e.t, err)
	return s
}

// judged answers the last question about a file.
func (e *env) judged(held bool) {
	e.t.Helper()
	a := e.artefacts[len(e.artefacts)-1]
	a.Status, a.Note = attestationtypes.ARTEFACT_STATUS_HELD, ""
	if !held {
		a.Status, a.Note = attestationtypes.ARTEFACT_STATUS_WITHHELD, "held by 0 of 4 power"
	}
	require.NoError(e.t, e.out.ArtefactJudged(e.ctx, a))
}

// settled answers the last task.
func (e *env) settled(answer []byte) {
	e.t.Helper()
	task := e.tasks[len(e.tasks)-1]
	task.Answer = answer
	require.NoError(e.t, e.out.TaskSettled(e.ctx, task))
}

func TestARegisteredSetIsFetchedCheckedAndVerified(t *testing.T) {
	e := newEnv(t)
	require.NoError(t, e.register(1, "digits"))
	require.Equal(t, int64(fee), e.burned[account(1)])
	require.Equal(t, types.STATUS_PENDING, e.set("digits").Status)
	_, err := e.k.Verified(e.ctx, "digits")
	require.ErrorIs(t, err, types.ErrNotVerified)

	e.endBlock()
	e.endBlock()
	require.Len(t, e.artefacts, 1, "validators are asked once")
	a := e.artefacts[0]
	require.Equal(t, attestationtypes.Artefact{
		Id: 1, Kind: "data-delta", Cid: tableCID, Sha256: table().Sha256, Size_: 1_000, Ref: []byte("digits"),
	}, a)
	require.Equal(t, "validators fetch the table", e.set("digits").Note)

	e.judged(true)
	require.Equal(t, types.STATUS_CHECKING, e.set("digits").Status)
	var m types.DataManifest
	require.NoError(t, m.Unmarshal(e.tasks[0].Manifest))
	require.Equal(t, types.DataManifest{ChainId: "pold-test-1", Name: "digits", Version: 1, Table: table()}, m)
	require.Equal(t, uint64(1_000), e.tasks[0].Cost)

	e.settled(found().Encode())
	s, err := e.k.Verified(e.ctx, "digits")
	require.NoError(t, err)
	require.Equal(t, table(), s.Table)
	require.Empty(t, s.Note)
	require.ErrorIs(t, e.register(1, "digits"), types.ErrExists, "a verified set is never replaced")
}

func TestSetsAreRejectedWhenTheyAreNotWhatWasRegistered(t *testing.T) {
	for name, c := range map[string]struct {
		change func(*types.DataAnswer)
		note   string
	}{
		"another root":    {func(a *types.DataAnswer) { a.Root[31]++ }, "found 10, 5 and 0202"},
		"another row":     {func(a *types.DataAnswer) { a.Rows++ }, "registered 10 rows, 5 columns"},
		"another column":  {func(a *types.DataAnswer) { a.Columns-- }, "found 10, 4"},
		"values inside":   {func(a *types.DataAnswer) { a.Expanded = 9 }, "registered with 0 expanded_columns; found 9"},
		"not canonical":   {func(a *types.DataAnswer) { a.Status = types.DataNotCanonical }, "not a canonical table"},
		"a row twice":     {func(a *types.DataAnswer) { a.Status = types.DataDuplicateRow }, "a row appears twice"},
		"a word":          {func(a *types.DataAnswer) { a.Status = types.DataNotNumeric }, "a cell is not a number"},
		"unknown finding": {func(a *types.DataAnswer) { a.Status = 99 }, "validators settled on an unreadable answer"},
	} {
		e := newEnv(t)
		require.NoError(t, e.register(1, "digits"))
		e.endBlock()
		e.judged(true)
		a := found()
		c.change(&a)
		e.settled(a.Encode())
		s := e.set("digits")
		require.Equal(t, types.STATUS_REJECTED, s.Status, name)
		require.Contains(t, s.Note, c.note, name)
		_, err := e.k.Verified(e.ctx, "digits")
		require.ErrorContains(t, err, c.note, name)
	}
}

func TestAWithheldSetIsRejectedAndItsOwnerMayRegisterAgain(t *testing.T) {
	e := newEnv(t)
	require.NoError(t, e.register(1, "digits"))
	require.ErrorIs(t, e.register(1, "digits"), types.ErrExists, "it is pending")
	e.endBlock()
	e.judged(false)
	s := e.set("digits")
	require.Equal(t, types.STATUS_REJECTED, s.Status)
	require.Contains(t, s.Note, "nobody provides the table: held by 0 of 4 power; keep a sidecar online")

	err := e.register(2, "digits")
	require.ErrorIs(t, err, types.ErrExists, "the name belongs to its owner")
	require.ErrorContains(t, err, "choose another name")
	require.NoError(t, e.register(1, "digits"))
	require.Equal(t, int64(2*fee), e.burned[account(1)])
	require.Equal(t, uint64(2), e.set("digits").Version)

	// Late outcomes of the first version change nothing.
	old := e.artefacts[0]
	old.Status = attestationtypes.ARTEFACT_STATUS_WITHHELD
	require.NoError(t, e.out.ArtefactJudged(e.ctx, old))
	require.Equal(t, types.STATUS_PENDING, e.set("digits").Status)
	e.endBlock()
	e.judged(true)
	e.settled(found().Encode())
	require.Equal(t, types.STATUS_VERIFIED, e.set("digits").Status)
}

func TestAnExpiredTaskIsAskedAgain(t *testing.T) {
	e := newEnv(t)
	require.NoError(t, e.register(1, "digits"))
	e.endBlock()
	e.judged(true)
	require.NoError(t, e.out.TaskExpired(e.ctx, e.tasks[0]))
	require.Len(t, e.tasks, 2)
	require.Equal(t, uint64(2), e.set("digits").TaskId)
	first := e.tasks[0]
	first.Answer = found().Encode()
	require.NoError(t, e.out.TaskSettled(e.ctx, first))
	require.NoError(t, e.out.TaskExpired(e.ctx, first))
	require.Equal(t, types.STATUS_CHECKING, e.set("digits").Status, "the first task counts no more")
	require.Len(t, e.tasks, 2)
	e.settled(found().Encode())
	require.Equal(t, types.STATUS_VERIFIED, e.set("digits").Status)
}

func TestASetThatCanNotBeAskedForIsRejected(t *testing.T) {
	e := newEnv(t)
	require.NoError(t, e.register(1, "digits"))
	e.askError = errors.New("no such kind")
	e.endBlock()
	require.Equal(t, types.STATUS_REJECTED, e.set("digits").Status)
	require.Contains(t, e.set("digits").Note, "could not be asked for it: no such kind")
	e.askError = nil
	require.NoError(t, e.register(1, "digits"))

	e.endBlock()
	e.taskError = errors.New("cost above budget")
	e.judged(true)
	require.Equal(t, types.STATUS_REJECTED, e.set("digits").Status)
	require.Contains(t, e.set("digits").Note, "cost above budget")
}

func TestRegistrationsThatAreRefused(t *testing.T) {
	e := newEnv(t)
	for says, change := range map[string]func(*types.MsgRegisterTrainingSet){
		`"Digits": expected 2 to 32`:           func(m *types.MsgRegisterTrainingSet) { m.Name = "Digits" },
		"card_uri: expected at most 256 bytes": func(m *types.MsgRegisterTrainingSet) { m.CardUri = string(make([]byte, 257)) },
		"rows: expected 1 to 4194304, got 0":   func(m *types.MsgRegisterTrainingSet) { m.Table.Rows = 0 },
		"insufficient funds: 70unrn are missing": func(*types.MsgRegisterTrainingSet) {
			e.burnError = errors.New("insufficient funds: 70unrn are missing")
		},
	} {
		m := &types.MsgRegisterTrainingSet{Sender: account(1), Name: "digits", Table: table()}
		change(m)
		_, err := keeper.NewMsgServer(e.k).RegisterTrainingSet(e.ctx, m)
		e.burnError = nil
		require.ErrorContains(t, err, says)
	}
	require.Empty(t, e.burned)
	has, err := e.k.TrainingSets.Has(e.ctx, "digits")
	require.NoError(t, err)
	require.False(t, has)
}

func TestSetsOfTheGenesisAreAskedForAfterTheFirstBlock(t *testing.T) {
	e := newEnv(t, types.TrainingSet{Name: "digits", Owner: account(1), Table: table()})
	require.Empty(t, e.artefacts)
	require.Equal(t, types.STATUS_PENDING, e.set("digits").Status)
	require.Equal(t, uint64(1), e.set("digits").Version)
	e.endBlock()
	require.Len(t, e.artefacts, 1)
	require.Empty(t, e.burned, "no fee")
}

func TestSoManySetsAreAskedForInABlock(t *testing.T) {
	e := newEnv(t)
	for n := range 20 {
		require.NoError(t, e.register(1, fmt.Sprintf("set-%02d", n)))
	}
	for _, want := range []int{8, 16, 20, 20} {
		e.endBlock()
		require.Len(t, e.artefacts, want)
	}
}

func TestStateSurvivesExportInEveryStatus(t *testing.T) {
	e := newEnv(t)
	check := func(want types.Status) {
		t.Helper()
		require.Equal(t, want, e.set("digits").Status)
		first, err := e.k.ExportGenesis(e.ctx)
		require.NoError(t, err)
		require.NoError(t, first.Validate())
		fresh := newEnv(t)
		require.NoError(t, fresh.k.InitGenesis(fresh.ctx, *first))
		again, err := fresh.k.ExportGenesis(fresh.ctx)
		require.NoError(t, err)
		require.Equal(t, first, again)
		for name, x := range map[string]*env{"before": e, "after": fresh} {
			waiting, err := x.k.Waiting.Has(x.ctx, "digits")
			require.NoError(t, err)
			require.Equal(t, want == types.STATUS_PENDING && e.set("digits").ArtefactId == 0, waiting, name)
		}
	}
	require.NoError(t, e.register(1, "digits"))
	check(types.STATUS_PENDING)
	e.endBlock()
	check(types.STATUS_PENDING)
	e.judged(true)
	check(types.STATUS_CHECKING)
	e.settled(nil)
	check(types.STATUS_REJECTED)
	require.NoError(t, e.register(1, "digits"))
	e.endBlock()
	e.judged(true)
	e.settled(found().Encode())
	check(types.STATUS_VERIFIED)
}

func TestOnlyGovernanceChangesParams(t *testing.T) {
	e := newEnv(t)
	update := func(who byte, p types.Params) error {
		_, err := keeper.NewMsgServer(e.k).UpdateParams(e.ctx, &types.MsgUpdateParams{Authority: account(who), Params: p})
		return err
	}
	p := types.DefaultParams()
	require.ErrorContains(t, update(1, p), account(9))
	require.NoError(t, update(9, p))
	p.MaxRows = 0
	require.ErrorIs(t, update(9, p), types.ErrInvalidParams)
}

func TestQueries(t *testing.T) {
	e := newEnv(t)
	require.NoError(t, e.register(1, "digits"))
	require.NoError(t, e.register(1, "flowers"))
	q := keeper.NewQueryServer(e.k)
	p, err := q.Params(e.ctx, &types.QueryParamsRequest{})
	require.NoError(t, err)
	require.Equal(t, int64(fee), p.Params.RegistrationFee.Int64())
	one, err := q.TrainingSet(e.ctx, &types.QueryTrainingSetRequest{Name: "digits"})
	require.NoError(t, err)
	require.Equal(t, e.set("digits"), one.TrainingSet)
	all, err := q.TrainingSets(e.ctx, &types.QueryTrainingSetsRequest{})
	require.NoError(t, err)
	require.Len(t, all.TrainingSets, 2)
	_, err = q.TrainingSet(e.ctx, &types.QueryTrainingSetRequest{Name: "none"})
	require.ErrorContains(t, err, `training set "none": not found; list them with`)
	require.NotErrorIs(t, err, collections.ErrNotFound)
}
