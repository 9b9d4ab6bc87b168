package adversaries

import (
	"context"
	"crypto/sha256"

	abci "github.com/cometbft/cometbft/abci/types"
	"github.com/stretchr/testify/require"

	sdk "github.com/cosmos/cosmos-sdk/types"

	"github.com/pold-network/pold/engine"
	"github.com/pold-network/pold/sidecar/verifier"
	"github.com/pold-network/pold/testutil/network"
	poltypes "github.com/pold-network/pold/x/pol/types"
)

// Entry is what an account hands in in a round.
type Entry struct {
	Trainer network.Account
	Group   string
	Round   uint64
	File    []byte
	// ClaimLossE9 is what it claims, RankLossE9 what the file is ranked by; honest entries have the exact ones.
	ClaimLossE9, RankLossE9, MetricE9 uint64
	// Transcript is nil in proof mode SCORED.
	Transcript *engine.Transcript
	Salt       []byte
}

// anybody fetches what is hidden from no validator.
const anybody = -1

// Recipe is how a diligent trainer learns.
func Recipe() engine.Recipe {
	return engine.Recipe{Optimizer: "sgd", LearningRate: 0.1, Momentum: 0.9, BatchSize: 16, Steps: steps}
}

// Lazy is a recipe that learns more slowly.
func Lazy(r *engine.Recipe) { r.LearningRate = 0.01 }

// Longer is a recipe that learns more than a proved training may.
func Longer(r *engine.Recipe) { r.Steps, r.LearningRate = 400, 0.02 }

// Inputs are what the current round has pinned for an account.
func (a *Arena) Inputs(trainer network.Account) verifier.Inputs {
	return verifier.RoundInputs(a.Ctx().ChainID(), a.TheGroup(), a.Round(0), trainer.String())
}

// Start is the model that an account's training of the current round starts from, in its own mapping.
func (a *Arena) Start(trainer network.Account) *engine.Model {
	a.T.Helper()
	g, r := a.TheGroup(), a.Round(0)
	was := verifier.ParentInputs(a.Ctx().ChainID(), g, r)
	file := a.Files[r.Parent.Cid]
	if r.Parent.Cid == "" {
		var err error
		file, err = was.InitialWeights(context.Background(), a.fetch(anybody))
		require.NoError(a.T, err)
	}
	model, err := was.Decode(file)
	require.NoError(a.T, err)
	require.NoError(a.T, a.Inputs(trainer).Rebase(model))
	return model
}

// Rows are the rows of the training set.
func (a *Arena) Rows() *verifier.Rows {
	a.T.Helper()
	rows, err := a.Verifier.Rows(context.Background(), a.Inputs(a.Accounts[0]), a.fetch(anybody))
	require.NoError(a.T, err)
	return rows
}

// Header is what an account's transcript of the current round has to begin with.
func (a *Arena) Header(trainer network.Account, recipe engine.Recipe) engine.TranscriptHeader {
	r := a.Round(0)
	recipe.Seed = [32]byte(poltypes.TrainerSeed(r.OrderSeed, trainer.String()))
	return engine.TranscriptHeader{
		Context:  [32]byte(poltypes.TranscriptContext(a.Ctx().ChainID(), a.In, r.Number, trainer.String())),
		DataRoot: [32]byte(r.Table.Root), Recipe: recipe, Segments: segments,
	}
}

// Train trains honestly for the current round; change may be nil. The states of a transcript are put where they can be fetched.
func (a *Arena) Train(trainer network.Account, change func(*engine.Recipe)) *Entry {
	a.T.Helper()
	recipe, model := Recipe(), a.Start(trainer)
	if change != nil {
		change(&recipe)
	}
	objective := engine.Objective(a.TheGroup().Settings.Objective)
	if a.TheGroup().Settings.Proof != poltypes.PROOF_MODE_PROVED {
		recipe.Seed = sha256.Sum256(trainer.Address)
		require.NoError(a.T, model.Train(a.Rows().Training, objective, recipe, nil))
		return a.Enter(trainer, model.Encode(), nil)
	}
	keep := func(_ int, state, trace []byte) (string, string, error) {
		stateCID, _ := a.Add(state)
		if trace == nil {
			return stateCID, "", nil
		}
		traceCID, _ := a.Add(trace)
		return stateCID, traceCID, nil
	}
	t, err := engine.Record(model, a.Rows().Training, objective, a.Header(trainer, recipe), keep, nil)
	require.NoError(a.T, err)
	return a.Enter(trainer, model.Encode(), t)
}

// Enter makes an entry of a file, with the exact claim.
func (a *Arena) Enter(trainer network.Account, file []byte, t *engine.Transcript) *Entry {
	a.T.Helper()
	f, err := a.Verifier.Evaluate(context.Background(), a.Inputs(trainer), file, a.fetch(anybody))
	require.NoError(a.T, err)
	salt := sha256.Sum256(trainer.Address)
	return &Entry{Trainer: trainer, Group: a.In, Round: a.TheGroup().Round, File: file, Transcript: t, Salt: salt[:],
		ClaimLossE9: f.ClaimLossE9, RankLossE9: f.RankLossE9, MetricE9: f.MetricE9}
}

// reveal is the message that shows an entry.
func (e *Entry) reveal() *poltypes.MsgSubmitCheckpoint {
	m := &poltypes.MsgSubmitCheckpoint{Sender: e.Trainer.String(), Group: e.Group, Round: e.Round, Size_: uint64(len(e.File)), ClaimedLossE9: e.ClaimLossE9, Salt: e.Salt}
	m.CheckpointCid, m.CheckpointHash = Name(e.File)
	if e.Transcript != nil {
		file := e.Transcript.Encode()
		m.TranscriptCid, m.TranscriptRoot = Name(file)
		m.TranscriptSize = uint64(len(file))
	}
	return m
}

// commitment is the message that binds an account to an entry.
func (e *Entry) commitment(chainID string) *poltypes.MsgCommitCheckpoint {
	r := e.reveal()
	return &poltypes.MsgCommitCheckpoint{Sender: r.Sender, Group: e.Group, Round: e.Round,
		Commitment: poltypes.CommitmentOf(chainID, e.Group, e.Round, r.Sender, r.CheckpointHash, r.TranscriptRoot, e.ClaimLossE9, e.Salt)}
}

// Commit commits entries in the order given, all in one block.
func (a *Arena) Commit(entries ...*Entry) {
	a.T.Helper()
	before := a.Round(0).Commitments
	for _, e := range entries {
		a.Submit(e.Trainer, e.commitment(a.Ctx().ChainID()))
	}
	a.Step()
	require.Equal(a.T, int(before)+len(entries), int(a.Round(0).Commitments), "some commitments were refused")
}

// Reveal publishes files and reveals, all in one block.
func (a *Arena) Reveal(entries ...*Entry) {
	a.T.Helper()
	before := a.Round(0).Reveals
	for _, e := range entries {
		a.Publish(e)
		a.Submit(e.Trainer, e.reveal())
	}
	a.Step()
	require.Equal(a.T, int(before)+len(entries), int(a.Round(0).Reveals), "some reveals were refused")
}

// Publish puts the files of an entry where everybody can fetch them.
func (a *Arena) Publish(e *Entry) {
	a.Add(e.File)
	if e.Transcript != nil {
		a.Add(e.Transcript.Encode())
	}
}

// Refused sends a message that the chain has to refuse, and says why it did.
func (a *Arena) Refused(account network.Account, msg sdk.Msg) string {
	a.T.Helper()
	r := a.Deliver(account, msg)
	require.NotZero(a.T, r.Code, "%T was not refused", msg)
	return r.Log
}

// Sent sends a message that the chain has to take.
func (a *Arena) Sent(account network.Account, msg sdk.Msg) *abci.ExecTxResult {
	a.T.Helper()
	r := a.Deliver(account, msg)
	require.Zero(a.T, r.Code, r.Log)
	return r
}
