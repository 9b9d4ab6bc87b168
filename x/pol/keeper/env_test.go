package keeper_test

import (
	"bytes"
	"crypto/sha256"
	"fmt"
	"os"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	cmtproto "github.com/cometbft/cometbft/proto/tendermint/types"
	dbm "github.com/cosmos/cosmos-db"
	"github.com/ipfs/go-cid"
	"github.com/multiformats/go-multihash"

	"cosmossdk.io/collections"
	corestore "cosmossdk.io/core/store"
	"cosmossdk.io/log/v2"
	"cosmossdk.io/math"

	"github.com/cosmos/cosmos-sdk/codec"
	"github.com/cosmos/cosmos-sdk/codec/address"
	codectypes "github.com/cosmos/cosmos-sdk/codec/types"
	"github.com/cosmos/cosmos-sdk/runtime"
	"github.com/cosmos/cosmos-sdk/store/v2"
	storetypes "github.com/cosmos/cosmos-sdk/store/v2/types"
	sdk "github.com/cosmos/cosmos-sdk/types"

	"github.com/pold-network/pold/x/pol/keeper"
	"github.com/pold-network/pold/x/pol/types"
	trainingsettypes "github.com/pold-network/pold/x/trainingset/types"
)

const (
	chainID = "pold-test-1"
	// funds is what each of the accounts owns at first; commitBond what a commitment costs.
	funds      = 10_000_000_000
	accounts   = 8
	commitBond = 1_000
	// phase is the length of the commit and of the reveal phase in blocks.
	phase = 10
	// initialLoss is the loss of the weights before the first round.
	initialLoss = 2_300_000_000
)

func TestMain(m *testing.M) {
	config := sdk.GetConfig()
	config.SetBech32PrefixForAccount("pol", "polpub")
	config.SetBech32PrefixForValidator("polvaloper", "polvaloperpub")
	os.Exit(m.Run())
}

// account returns the address of a numbered account; number 0 is governance.
func account(n int) string { return sdk.AccAddress(bytes.Repeat([]byte{byte(n + 1)}, 20)).String() }

func operator(n int) string {
	return sdk.ValAddress(bytes.Repeat([]byte{byte(100 + n)}, 20)).String()
}

// env is the module over a real store with neighbours of its own, and a clock: one second a block.
type env struct {
	t     *testing.T
	ctx   sdk.Context
	k     keeper.Keeper
	msg   types.MsgServer
	q     types.QueryServer
	bank  *bank
	att   *attestation
	sets  *sets
	votes *votes
	told  *recorder
	rep   reputations
	// service is the module's store.
	service corestore.KVStoreService
	// lax allows items of a block to fail; otherwise each failure is one of the test.
	lax bool
	// unchecked leaves out the check of the books after each block.
	unchecked bool
	// failures are the items that failed since the start; events are those of the last block's end.
	failures []string
	events   sdk.Events
}

func settings() types.GroupSettings {
	return types.GroupSettings{
		Model:       types.ModelSpec{InputShape: []uint32{4}, Layers: []*types.Layer{{Name: "out", Kind: "dense", Units: 3}}},
		TrainingSet: "digits", Objective: types.OBJECTIVE_CROSS_ENTROPY,
		Evaluation: types.EVALUATION_MODE_TRAINING_SET, Proof: types.PROOF_MODE_SCORED,
		CommitBlocks: phase, RevealBlocks: phase, NominalSeconds: 3_600,
		CommitBond: math.NewInt(commitBond), BountyPerRound: math.ZeroInt(), InitSeed: bytes.Repeat([]byte{7}, 32),
	}
}

func params() types.Params {
	p := types.DefaultParams()
	p.ReferenceRoundSeconds = 3_600
	p.StakeFloorNumerator = 0
	p.MinGroupStake = math.NewInt(1_000)
	p.CreationFee, p.SandboxFee = math.NewInt(500), math.NewInt(5)
	p.UnbondingSeconds = 4_000
	p.MaxCandidates = 2
	p.MaxCommitments = 6
	p.RoundRetention = 3
	return p
}

// newEnv starts a chain with funded accounts and no group. change may alter the genesis.
func newEnv(t *testing.T, change func(*types.GenesisState)) *env {
	t.Helper()
	e := emptyEnv(t)
	e.start(change)
	return e
}

// start writes the genesis and makes the first block.
func (e *env) start(change func(*types.GenesisState)) {
	t := e.t
	t.Helper()
	for n := range accounts {
		addr, err := sdk.AccAddressFromBech32(account(n))
		require.NoError(t, err)
		require.NoError(t, e.bank.add(e.ctx, addr, math.NewInt(funds)))
		require.NoError(t, e.bank.add(e.ctx, supplyKey, math.NewInt(funds)))
	}
	g := types.DefaultGenesis()
	g.Params = params()
	if change != nil {
		change(g)
	}
	require.NoError(t, g.Validate())
	require.NoError(t, e.k.InitGenesis(e.ctx, *g))
	e.next()
}

func emptyEnv(t *testing.T) *env {
	keys := storetypes.NewKVStoreKeys(types.StoreKey, "bank")
	db := dbm.NewMemDB()
	stores := store.NewCommitMultiStore(db, log.NewNopLogger())
	for _, name := range []string{types.StoreKey, "bank"} {
		// Blocks are never committed, for which the tree of a node is not made; a plain store reads the same.
		stores.MountStoreWithDB(keys[name], storetypes.StoreTypeDB, dbm.NewMemDB())
	}
	require.NoError(t, stores.LoadLatestVersion())
	cdc := codec.NewProtoCodec(codectypes.NewInterfaceRegistry())
	e := &env{
		t: t, service: runtime.NewKVStoreService(keys[types.StoreKey]), bank: newBank(runtime.NewKVStoreService(keys["bank"])),
		sets: &sets{set: trainingsettypes.TrainingSet{
			Name: "digits", Version: 1, Status: trainingsettypes.STATUS_VERIFIED,
			Table: trainingsettypes.Table{Cid: cidOf(make([]byte, 32)), Sha256: make([]byte, 32), Rows: 100, Columns: 5, Targets: 1, Size_: 2_000},
		}},
		att: newAttestation(t), votes: newVotes(), told: &recorder{}, rep: reputations{},
	}
	e.k = keeper.NewKeeper(cdc, e.service, account(0), e.bank, e.att, e.sets, e.votes, e.rep,
		address.NewBech32Codec("polvaloper"), e.told)
	e.att.outcomes = keeper.Outcomes{Keeper: e.k}
	e.msg, e.q = keeper.NewMsgServer(e.k), keeper.NewQueryServer(e.k)
	header := cmtproto.Header{ChainID: chainID, Height: 1, Time: time.Date(2026, 1, 1, 0, 0, 0, 0, time.UTC)}
	e.ctx = sdk.NewContext(stores, header, false, log.NewNopLogger())
	return e
}

// next ends the block and starts the next one; the books must balance in between.
func (e *env) next() {
	e.t.Helper()
	e.end()
	e.begin(time.Second)
}

func (e *env) end() {
	e.t.Helper()
	ctx := e.ctx.WithEventManager(sdk.NewEventManager())
	e.att.endBlock(ctx)
	require.NoError(e.t, e.k.EndBlock(ctx))
	e.events = ctx.EventManager().Events()
	for _, event := range e.events {
		if strings.HasSuffix(event.Type, "EventItemFailed") {
			require.True(e.t, e.lax, "an item of height %d failed: %v", ctx.BlockHeight(), event)
			e.failures = append(e.failures, fmt.Sprint(event))
		}
	}
	if e.unchecked {
		return
	}
	require.NoError(e.t, e.k.CheckEscrow(ctx))
	require.NoError(e.t, e.k.CheckSupply(ctx))
	totals, err := e.k.Totals.Get(ctx)
	require.NoError(e.t, err)
	require.Equal(e.t, totals.GenesisSupply.Add(totals.Coinbase).Sub(totals.Burned).String(), e.supply().String(), "supply at height %d", ctx.BlockHeight())
}

func (e *env) begin(later time.Duration) {
	e.ctx = e.ctx.WithBlockHeight(e.ctx.BlockHeight() + 1).WithBlockTime(e.ctx.BlockTime().Add(later))
}

func (e *env) advance(blocks int) {
	e.t.Helper()
	for range blocks {
		e.next()
	}
}

// until makes blocks until the current round of a group is in a phase.
func (e *env) until(group string, want types.RoundPhase) types.Round {
	e.t.Helper()
	for range 400 {
		if r, ok := e.current(group); ok && r.Phase == want {
			return r
		}
		e.next()
	}
	e.t.Fatalf("group %s did not come to phase %s", group, want)
	return types.Round{}
}

func (e *env) current(group string) (types.Round, bool) {
	e.t.Helper()
	g := e.group(group)
	if g.Round == 0 {
		return types.Round{}, false
	}
	return e.round(group, g.Round), true
}

func (e *env) group(name string) types.Group {
	e.t.Helper()
	g, err := e.k.Groups.Get(e.ctx, name)
	require.NoError(e.t, err)
	return g
}

func (e *env) round(group string, number uint64) types.Round {
	e.t.Helper()
	r, err := e.k.Rounds.Get(e.ctx, collections.Join(group, number))
	require.NoError(e.t, err)
	return r
}

func (e *env) submission(group string, round uint64, trainer int) types.Submission {
	e.t.Helper()
	s, err := e.k.Submissions.Get(e.ctx, collections.Join3(group, round, account(trainer)))
	require.NoError(e.t, err)
	return s
}

func (e *env) supply() math.Int { return e.bank.GetSupply(e.ctx, types.BaseDenom).Amount }

func (e *env) balance(address string) int64 {
	e.t.Helper()
	addr, err := sdk.AccAddressFromBech32(address)
	require.NoError(e.t, err)
	return e.bank.get(e.ctx, addr).Int64()
}

func (e *env) validator(n int) int64 {
	e.t.Helper()
	addr, err := sdk.ValAddressFromBech32(operator(n))
	require.NoError(e.t, err)
	return e.bank.get(e.ctx, addr).Int64()
}

// send runs a message as a transaction: when it fails, its writes are dropped.
func (e *env) send(m sdk.Msg) error {
	ctx, write := e.ctx.CacheContext()
	var err error
	switch m := m.(type) {
	case *types.MsgCreateGroup:
		_, err = e.msg.CreateGroup(ctx, m)
	case *types.MsgFundGroup:
		_, err = e.msg.FundGroup(ctx, m)
	case *types.MsgCommitCheckpoint:
		_, err = e.msg.CommitCheckpoint(ctx, m)
	case *types.MsgSubmitCheckpoint:
		_, err = e.msg.SubmitCheckpoint(ctx, m)
	case *types.MsgBondGroup:
		_, err = e.msg.BondGroup(ctx, m)
	case *types.MsgUnbondGroup:
		_, err = e.msg.UnbondGroup(ctx, m)
	case *types.MsgProvideBatches:
		_, err = e.msg.ProvideBatches(ctx, m)
	case *types.MsgRevealBatchKey:
		_, err = e.msg.RevealBatchKey(ctx, m)
	case *types.MsgWithdrawProviderBond:
		_, err = e.msg.WithdrawProviderBond(ctx, m)
	case *types.MsgPlantCanary:
		_, err = e.msg.PlantCanary(ctx, m)
	case *types.MsgOpenCanary:
		_, err = e.msg.OpenCanary(ctx, m)
	case *types.MsgSetGroupCoinbase:
		_, err = e.msg.SetGroupCoinbase(ctx, m)
	case *types.MsgUpdateParams:
		_, err = e.msg.UpdateParams(ctx, m)
	default:
		e.t.Fatalf("unknown message %T", m)
	}
	if err == nil {
		write()
	}
	return err
}

func (e *env) must(m sdk.Msg) {
	e.t.Helper()
	require.NoError(e.t, e.send(m))
}

// createGroup opens a group and makes the block in which its first round opens.
func (e *env) createGroup(name string, change func(*types.GroupSettings)) {
	e.t.Helper()
	s := settings()
	if change != nil {
		change(&s)
	}
	e.must(&types.MsgCreateGroup{Sender: account(7), Name: name, Settings: s})
	e.next()
}

func (e *env) bond(who int, group string, amount int64) {
	e.t.Helper()
	e.must(&types.MsgBondGroup{Sender: account(who), Group: group, Amount: math.NewInt(amount)})
}

func (e *env) unbond(who int, group string, amount int64) {
	e.t.Helper()
	e.must(&types.MsgUnbondGroup{Sender: account(who), Group: group, Amount: math.NewInt(amount)})
}

// checkpoint is what a trainer has. Its true loss stands in its CID's size field, see lossOf.
type checkpoint struct {
	trainer int
	bytes   string
	claim   uint64
}

func (c checkpoint) hash() []byte { h := sha256.Sum256([]byte(c.bytes)); return h[:] }

// lossOf is the true loss of a checkpoint: its bytes are "loss/…", which the fake validators can't see, so they know
// it from here.
func lossOf(m types.ScoreManifest) uint64 {
	if m.CheckpointCid == "" {
		return initialLoss
	}
	return losses[string(m.CheckpointHash)]
}

// losses holds the true loss of every checkpoint that tests have made, by hash.
var losses = map[string]uint64{}

// trained returns a checkpoint with a true loss and an exact claim.
func trained(trainer int, loss uint64) checkpoint {
	c := checkpoint{trainer: trainer, bytes: fmt.Sprintf("%d of %d", loss, trainer), claim: loss}
	losses[string(c.hash())] = loss
	return c
}

func (c checkpoint) cid() string { return cidOf(c.hash()) }

func cidOf(hash []byte) string {
	mh, err := multihash.Encode(hash, multihash.SHA2_256)
	if err != nil {
		panic(err)
	}
	return cid.NewCidV1(cid.Raw, mh).String()
}

func salt(trainer int) []byte { return bytes.Repeat([]byte{byte(trainer + 50)}, types.MinSaltSize) }

func (e *env) commitMsg(group string, c checkpoint) *types.MsgCommitCheckpoint {
	number := e.group(group).Round
	return &types.MsgCommitCheckpoint{Sender: account(c.trainer), Group: group, Round: number,
		Commitment: types.CommitmentOf(chainID, group, number, account(c.trainer), c.hash(), e.transcript(group, c), c.claim, salt(c.trainer))}
}

// transcript returns the root of a checkpoint's transcript, which only groups of proof mode PROVED ask for.
func (e *env) transcript(group string, c checkpoint) []byte {
	g, err := e.k.Groups.Get(e.ctx, group)
	if err != nil || g.Settings.Proof != types.PROOF_MODE_PROVED {
		return nil
	}
	h := sha256.Sum256([]byte("transcript of " + c.bytes))
	return h[:]
}

func (e *env) revealMsg(group string, c checkpoint) *types.MsgSubmitCheckpoint {
	m := &types.MsgSubmitCheckpoint{Sender: account(c.trainer), Group: group, Round: e.group(group).Round, CheckpointCid: c.cid(),
		CheckpointHash: c.hash(), Size_: 1_000, ClaimedLossE9: c.claim, Salt: salt(c.trainer)}
	if root := e.transcript(group, c); root != nil {
		m.TranscriptRoot, m.TranscriptCid, m.TranscriptSize = root, cidOf(root), 5_000
	}
	return m
}

func (e *env) commit(group string, all ...checkpoint) {
	e.t.Helper()
	for _, c := range all {
		e.must(e.commitMsg(group, c))
	}
}

func (e *env) reveal(group string, all ...checkpoint) {
	e.t.Helper()
	for _, c := range all {
		e.must(e.revealMsg(group, c))
	}
}

// play runs the current round of a group with checkpoints that are committed and revealed in order, and returns the
// settled round.
func (e *env) play(group string, all ...checkpoint) types.Round {
	e.t.Helper()
	e.until(group, types.ROUND_PHASE_COMMIT)
	if len(all) > 0 {
		e.commit(group, all...)
		e.until(group, types.ROUND_PHASE_REVEAL)
		e.reveal(group, all...)
	}
	return e.until(group, types.ROUND_PHASE_SETTLED)
}
