package types_test

import (
	"bytes"
	"os"
	"testing"

	"cosmossdk.io/math"

	sdk "github.com/cosmos/cosmos-sdk/types"

	"github.com/pold-network/pold/x/pol/types"
)

func TestMain(m *testing.M) {
	sdk.GetConfig().SetBech32PrefixForAccount("pol", "polpub")
	os.Exit(m.Run())
}

// account returns the address of a numbered test account.
func account(n byte) string { return sdk.AccAddress(bytes.Repeat([]byte{n}, 20)).String() }

// digitsModel is a small network: 64 inputs, 32 hidden units, 10 outputs.
func digitsModel() types.ModelSpec {
	return types.ModelSpec{
		InputShape:    []uint32{8, 8},
		Normalization: &types.Normalization{DivisorE6: 16_000_000},
		Layers: []*types.Layer{
			{Name: "hidden", Kind: "dense", Units: 32}, {Name: "act", Kind: "relu"}, {Name: "out", Kind: "dense", Units: 10},
		},
	}
}

func digitsSettings() types.GroupSettings {
	return types.GroupSettings{
		Model: digitsModel(), TrainingSet: "digits", Objective: types.OBJECTIVE_CROSS_ENTROPY,
		Evaluation: types.EVALUATION_MODE_TRAINING_SET, Proof: types.PROOF_MODE_SCORED,
		CommitBlocks: 10, RevealBlocks: 10, NominalSeconds: 3_600,
		CommitBond: math.NewInt(1_000), BountyPerRound: math.ZeroInt(), InitSeed: bytes.Repeat([]byte{7}, 32),
	}
}
