package app_test

import (
	"bytes"
	"crypto/sha256"
	"encoding/json"
	"fmt"
	"testing"

	"github.com/ipfs/go-cid"
	"github.com/multiformats/go-multihash"
	"github.com/stretchr/testify/require"

	"cosmossdk.io/collections"
	"cosmossdk.io/math"

	"github.com/cosmos/cosmos-sdk/codec"
	sdk "github.com/cosmos/cosmos-sdk/types"
	authtypes "github.com/cosmos/cosmos-sdk/x/auth/types"
	banktypes "github.com/cosmos/cosmos-sdk/x/bank/types"

	"github.com/pold-network/pold/app"
	"github.com/pold-network/pold/testutil/network"
	"github.com/pold-network/pold/testutil/sidecars"
	attestationtypes "github.com/pold-network/pold/x/attestation/types"
	poltypes "github.com/pold-network/pold/x/pol/types"
	trainingsettypes "github.com/pold-network/pold/x/trainingset/types"
)

const (
	groupStake = 500_000_000
	commitBond = 1_000_000
	// initialLoss is the loss of the weights before the first round.
	initialLoss = 2_300_000_000
)

func contentID(content string) (string, []byte) {
	hash := sha256.Sum256([]byte(content))
	mh, err := multihash.Encode(hash[:], multihash.SHA2_256)
	if err != nil {
		panic(err)
	}
	return cid.NewCidV1(cid.Raw, mh).String(), hash[:]
}

func digitsTable() trainingsettypes.Table {
	id, hash := contentID("table")
	return trainingsettypes.Table{
		Cid: id, Sha256: hash, Size_: 1_000, Rows: 100, Columns: 5, Targets: 1, Root: bytes.Repeat([]byte{2}, 32), ValidationPermille: 200,
	}
}

func digitsSettings() poltypes.GroupSettings {
	return poltypes.GroupSettings{
		Model:       poltypes.ModelSpec{InputShape: []uint32{4}, Layers: []*poltypes.Layer{{Name: "out", Kind: "dense", Units: 3}}},
		TrainingSet: "digits", Objective: poltypes.OBJECTIVE_CROSS_ENTROPY,
		Evaluation: poltypes.EVALUATION_MODE_TRAINING_SET, Proof: poltypes.PROOF_MODE_SCORED,
		CommitBlocks: 10, RevealBlocks: 10, NominalSeconds: 3_600,
		CommitBond: math.NewInt(commitBond), BountyPerRound: math.ZeroInt(), InitSeed: bytes.Repeat([]byte{7}, 32),
	}
}

// learning is a genesis with a training set and a group with stake.
func learning(change func(*poltypes.GenesisState), limits func(*attestationtypes.Params)) func(codec.JSONCodec, map[string]json.RawMessage) {
	return func(cdc codec.JSONCodec, state map[string]json.RawMessage) {
		sidecars.Genesis(limits)(cdc, state)
		var sets trainingsettypes.GenesisState
		cdc.MustUnmarshalJSON(state[trainingsettypes.ModuleName], &sets)
		sets.TrainingSets = []trainingsettypes.TrainingSet{{Name: "digits", Table: digitsTable()}}
		state[trainingsettypes.ModuleName] = cdc.MustMarshalJSON(&sets)

		var bank banktypes.GenesisState
		cdc.MustUnmarshalJSON(state[banktypes.ModuleName], &bank)
		owner := sdk.AccAddress(bytes.Repeat([]byte{9}, 20)).String()
		bank.Balances = append(bank.Balances, banktypes.Balance{
			Address: authtypes.NewModuleAddress(poltypes.ModuleName).String(), Coins: sdk.NewCoins(sdk.NewInt64Coin(app.BaseDenom, groupStake)),
		})
		state[banktypes.ModuleName] = cdc.MustMarshalJSON(&bank)

		var pol poltypes.GenesisState
		cdc.MustUnmarshalJSON(state[poltypes.ModuleName], &pol)
		pol.Params.ReferenceRoundSeconds = 60
		pol.Params.StakeFloorNumerator = 0
		pol.Params.MinGroupStake = math.NewInt(1_000_000)
		pol.Groups = []poltypes.Group{{Name: "digits", Creator: owner, Settings: digitsSettings(), BountyPool: math.ZeroInt()}}
		pol.Bonds = []poltypes.GroupBond{{Group: "digits", Address: owner, Amount: math.NewInt(groupStake)}}
		if change != nil {
			change(&pol)
		}
		state[poltypes.ModuleName] = cdc.MustMarshalJSON(&pol)
	}
}

// classroom is a network whose sidecars know the loss of every checkpoint.
type classroom struct {
	*network.Network
	t      *testing.T
	set    *sidecars.Set
	losses map[string]uint64 // by checkpoint hash
}

func newClassroom(t *testing.T, accounts int) *classroom {
	return newClassroomWith(t, accounts, nil, nil)
}

func newClassroomWith(t *testing.T, accounts int, change func(*poltypes.GenesisState), limits func(*attestationtypes.Params)) *classroom {
	c := &classroom{t: t, losses: map[string]uint64{}}
	c.Network = network.New(t, network.Config{Validators: 4, Accounts: accounts, Genesis: learning(change, limits)})
	c.set = sidecars.Attach(c.Network, c.answer, nil)
	c.Advance(1)
	return c
}

// answer is what every sidecar computes.
func (c *classroom) answer(_ int, task attestationtypes.Task) []byte {
	if task.Kind == trainingsettypes.DataTaskKind {
		table := digitsTable()
		return trainingsettypes.DataAnswer{Rows: table.Rows, Columns: table.Columns, Root: [32]byte(table.Root)}.Encode()
	}
	var m poltypes.ScoreManifest
	require.NoError(c.t, m.Unmarshal(task.Manifest))
	loss := uint64(initialLoss)
	if m.CheckpointCid != "" {
		loss = c.losses[string(m.CheckpointHash)]
	}
	return poltypes.ScoreAnswer{ClaimLossE9: loss, RankLossE9: loss, MetricE9: 900_000_000, Digest: [32]byte(task.ManifestHash)}.Encode()
}

func (c *classroom) group(name string) poltypes.Group {
	c.t.Helper()
	g, err := c.App.PolKeeper.Groups.Get(c.Ctx(), name)
	require.NoError(c.t, err)
	return g
}

func (c *classroom) round(name string) poltypes.Round {
	c.t.Helper()
	r, err := c.App.PolKeeper.Rounds.Get(c.Ctx(), collections.Join(name, max(c.group(name).Round, 1)))
	if err != nil {
		return poltypes.Round{}
	}
	return r
}

// until makes blocks until a group is in a phase and checks the books after each.
func (c *classroom) until(name string, phase poltypes.RoundPhase) poltypes.Round {
	c.t.Helper()
	for range 150 {
		if r := c.round(name); r.Phase == phase {
			return r
		}
		c.Advance(1)
		require.NoError(c.t, c.App.PolKeeper.CheckEscrow(c.Ctx()))
		require.NoError(c.t, c.App.PolKeeper.CheckSupply(c.Ctx()))
	}
	c.t.Fatalf("group %s did not come to %s", name, phase)
	return poltypes.Round{}
}

// work is a trained checkpoint.
type work struct {
	cid  string
	hash []byte
	loss uint64
}

func (c *classroom) train(trainer int, group string, loss uint64) work {
	w := work{loss: loss}
	w.cid, w.hash = contentID(fmt.Sprint(trainer, group, loss))
	c.losses[string(w.hash)] = loss
	return w
}

var salt = bytes.Repeat([]byte{5}, 32)

func (c *classroom) commitment(trainer int, group string, w work) *poltypes.MsgCommitCheckpoint {
	who, round := c.Accounts[trainer].String(), c.group(group).Round
	return &poltypes.MsgCommitCheckpoint{
		Sender: who, Group: group, Round: round,
		Commitment: poltypes.CommitmentOf(network.DefaultChainID, group, round, who, w.hash, nil, w.loss, salt),
	}
}

func (c *classroom) revelation(trainer int, group string, w work) *poltypes.MsgSubmitCheckpoint {
	return &poltypes.MsgSubmitCheckpoint{
		Sender: c.Accounts[trainer].String(), Group: group, Round: c.group(group).Round,
		CheckpointCid: w.cid, CheckpointHash: w.hash, Size_: 1_000, ClaimedLossE9: w.loss, Salt: salt,
	}
}

func (c *classroom) balance(trainer int) math.Int {
	return c.App.BankKeeper.GetBalance(c.Ctx(), c.Accounts[trainer].Address, app.BaseDenom).Amount
}

func (c *classroom) reexports() {
	c.t.Helper()
	exported, again := c.Reexport()
	require.JSONEq(c.t, string(exported), string(again))
}

func TestARoundOfTheWholeChainPaysTheBestTrainer(t *testing.T) {
	c := newClassroom(t, 3)
	first := c.until("digits", poltypes.ROUND_PHASE_COMMIT)
	require.Equal(t, "digits", first.TrainingSet, "validators have verified the set")
	supply := c.App.BankKeeper.GetSupply(c.Ctx(), app.BaseDenom).Amount

	all := []work{c.train(0, "digits", 900_000_000), c.train(1, "digits", 700_000_000), c.train(2, "digits", 800_000_000)}
	before := c.balance(1)
	for i, w := range all {
		require.Zero(t, c.Deliver(c.Accounts[i], c.commitment(i, "digits", w)).Code)
	}
	require.Equal(t, before.SubRaw(commitBond), c.balance(1))
	c.reexports()
	c.until("digits", poltypes.ROUND_PHASE_REVEAL)
	c.reexports()
	for i, w := range all {
		result := c.Deliver(c.Accounts[i], c.revelation(i, "digits", w))
		require.Zero(t, result.Code, result.Log)
	}
	c.until("digits", poltypes.ROUND_PHASE_AVAILABILITY)
	c.reexports()
	c.until("digits", poltypes.ROUND_PHASE_SCORE)
	c.reexports()
	r := c.until("digits", poltypes.ROUND_PHASE_SETTLED)
	c.reexports()

	require.Equal(t, c.Accounts[1].String(), r.Winner)
	require.Equal(t, uint64(700_000_000), r.Checkpoint.LossE9)
	require.Equal(t, uint64(initialLoss), r.ParentVerdict.RankLossE9)
	require.Positive(t, r.Reward.Int64())
	require.Equal(t, before.Add(r.Reward), c.balance(1), "bond back and 0.001 % by time")
	require.Equal(t, r.Supply.MulRaw(r.SettledUnixMs-r.OpenedUnixMs).QuoRaw(100_000*60_000), r.Reward)
	require.Positive(t, r.VerifierReward.Int64())
	require.Equal(t, supply.Add(r.Reward).Add(r.VerifierReward), c.App.BankKeeper.GetSupply(c.Ctx(), app.BaseDenom).Amount)

	c.until("digits", poltypes.ROUND_PHASE_COMMIT)
	require.Equal(t, r.Checkpoint, c.round("digits").Parent)
	c.Replay()
}

func TestAChainThatContinuesFromAnExportInEachPhaseSettlesItsRound(t *testing.T) {
	for _, stop := range []poltypes.RoundPhase{poltypes.ROUND_PHASE_COMMIT, poltypes.ROUND_PHASE_REVEAL, poltypes.ROUND_PHASE_AVAILABILITY, poltypes.ROUND_PHASE_SCORE} {
		c := newClassroom(t, 2)
		w := c.train(1, "digits", 5)
		move := func(phase poltypes.RoundPhase) {
			c.until("digits", phase)
			if phase == stop {
				c.Network = c.Continue()
				c.set = sidecars.Attach(c.Network, c.answer, nil)
				c.Advance(1)
			}
		}
		move(poltypes.ROUND_PHASE_COMMIT)
		require.Zero(t, c.Deliver(c.Accounts[1], c.commitment(1, "digits", w)).Code)
		move(poltypes.ROUND_PHASE_REVEAL)
		require.Zero(t, c.Deliver(c.Accounts[1], c.revelation(1, "digits", w)).Code)
		if stop >= poltypes.ROUND_PHASE_AVAILABILITY {
			move(poltypes.ROUND_PHASE_AVAILABILITY)
		}
		if stop >= poltypes.ROUND_PHASE_SCORE {
			move(poltypes.ROUND_PHASE_SCORE)
		}
		require.Equal(t, c.Accounts[1].String(), c.until("digits", poltypes.ROUND_PHASE_SETTLED).Winner, "continued in %s", stop)
	}
}

// TestAThousandGroupsShareTheBudgetOfValidators has 1,000 groups of which 9 are used at the same time. Validators are
// given four score tasks a window: the others queue by stake, and all are settled in the end.
func TestAThousandGroupsShareTheBudgetOfValidators(t *testing.T) {
	const groups, used, cost, window = 1_000, 9, 4*3*100 + 1_000 + 4*15 + 65_536, 10
	name := func(n int) string { return fmt.Sprintf("g%04d", n) }
	c := newClassroomWith(t, used, func(g *poltypes.GenesisState) {
		g.Groups = nil
		for n := range groups {
			s := digitsSettings()
			s.CommitBond = math.ZeroInt()
			g.Groups = append(g.Groups, poltypes.Group{Name: name(n), Settings: s, BountyPool: math.ZeroInt()})
		}
		g.Bonds[0].Group = name(7)
	}, func(p *attestationtypes.Params) {
		p.BudgetWindow = window
		p.Budgets = []attestationtypes.KindBudget{{Kind: trainingsettypes.DataTaskKind, Cost: 1_000}, {Kind: poltypes.ScoreTaskKind, Cost: 4 * cost}}
	})
	c.until(name(used-1), poltypes.ROUND_PHASE_COMMIT)
	for n := range used {
		c.Submit(c.Accounts[n], c.commitment(n, name(n), c.train(n, name(n), 5)))
	}
	c.Advance(1)
	c.until(name(used-1), poltypes.ROUND_PHASE_REVEAL)
	for n := range used {
		c.Submit(c.Accounts[n], c.revelation(n, name(n), c.train(n, name(n), 5)))
	}
	settled := map[string]int64{}
	for blocks := 0; len(settled) < used && blocks < 200; blocks++ {
		c.Advance(1)
		for n := range used {
			r, err := c.App.PolKeeper.Rounds.Get(c.Ctx(), collections.Join(name(n), uint64(1)))
			require.NoError(t, err)
			if _, known := settled[r.Group]; !known && r.Phase == poltypes.ROUND_PHASE_SETTLED {
				require.Equal(t, c.Accounts[n].String(), r.Winner)
				settled[r.Group] = r.SettledHeight
			}
		}
	}
	require.Len(t, settled, used, "each group gets its turn")
	for other, height := range settled {
		require.LessOrEqual(t, settled[name(7)], height, "the group with stake comes before %s", other)
	}

	opened := map[int64]uint64{}
	require.NoError(t, c.App.AttestationKeeper.Tasks.Walk(c.Ctx(), nil, func(_ uint64, task attestationtypes.Task) (bool, error) {
		if task.Kind == poltypes.ScoreTaskKind && task.OpenedHeight > 0 {
			require.Equal(t, uint64(cost), task.Cost)
			opened[task.OpenedHeight/window] += task.Cost
		}
		return false, nil
	}))
	require.GreaterOrEqual(t, len(opened), 2*used/4, "the work took several windows")
	for _, sum := range opened {
		require.LessOrEqual(t, sum, uint64(4*cost))
	}
	for n := range groups {
		require.NotZero(t, c.group(name(n)).Round, "%s has had no turn", name(n))
	}
	require.NoError(t, c.App.PolKeeper.CheckEscrow(c.Ctx()))
}
