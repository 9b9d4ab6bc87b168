package devnet

import (
	"context"
	"encoding/hex"
	"encoding/json"
	"fmt"
	"os"
	"os/exec"
	"time"

	dbm "github.com/cosmos/cosmos-db"

	"cosmossdk.io/log/v2"
	"cosmossdk.io/math"

	"github.com/cosmos/cosmos-sdk/client/tx"
	"github.com/cosmos/cosmos-sdk/codec"
	codectypes "github.com/cosmos/cosmos-sdk/codec/types"
	"github.com/cosmos/cosmos-sdk/crypto/keyring"
	cryptotypes "github.com/cosmos/cosmos-sdk/crypto/types"
	sdk "github.com/cosmos/cosmos-sdk/types"
	"github.com/cosmos/cosmos-sdk/types/tx/signing"
	genutiltypes "github.com/cosmos/cosmos-sdk/x/genutil/types"
	slashingtypes "github.com/cosmos/cosmos-sdk/x/slashing/types"
	stakingtypes "github.com/cosmos/cosmos-sdk/x/staking/types"

	"github.com/pold-network/pold/app"
	"github.com/pold-network/pold/dataset/digits"
	attestationtypes "github.com/pold-network/pold/x/attestation/types"
	polslashingtypes "github.com/pold-network/pold/x/slashing/types"
	trainingsettypes "github.com/pold-network/pold/x/trainingset/types"
)

const (
	validatorStake = 100_000 * nrn
	commitBond     = 10 * nrn
	// maxSteps bounds a round's training, so that the small digits set is not learned in one round.
	maxSteps = 30
	// segments is into how many parts a transcript is cut; validators replay three of them and one each of their own.
	segments = 15
	// nominalSeconds is the round length that the coinbase of a devnet is stated for.
	nominalSeconds = 10
	commitBlocks   = 15
	revealBlocks   = 10
	// storeBlocks is how many heights lie between store tasks of the group: with the draw before each there is one about every 30 seconds.
	storeBlocks = 75
)

// AddPurchases adds the balances of a sale to a genesis state; cmd/pold provides the one behind
// `pold genesis add-sale-purchases`.
type AddPurchases func(cdc codec.Codec, state map[string]json.RawMessage, csv string) error

// noOptions lets an app that only writes files and encodes messages take every default.
type noOptions struct{}

func (noOptions) Get(string) any { return nil }

// writeGenesis builds the genesis of a new devnet.
func writeGenesis(ctx context.Context, l layout, o Options, list []Account, ring keyring.Keyring, keys []cryptotypes.PubKey, add AddPurchases) error {
	a := app.New(log.NewNopLogger(), dbm.NewMemDB(), true, noOptions{})
	state := a.DefaultGenesis()
	csv := "address,amount\n"
	for _, x := range list {
		csv += fmt.Sprintf("%s,%d\n", x.Address, x.Amount)
	}
	if err := add(a.Codec, state, csv); err != nil {
		return fmt.Errorf("purchases of the devnet: %w", err)
	}
	if err := addTrainingSet(ctx, l, o, a.Codec, state, address(list, "alice")); err != nil {
		return err
	}
	if err := addGroup(a.Codec, state, address(list, "alice"), list, GroupSettings(o.Scored)); err != nil {
		return err
	}
	setVoting(a.Codec, state)
	if err := addValidators(a, state, o, list, ring, keys); err != nil {
		return err
	}
	setAttestation(a.Codec, state)
	setPenalties(a.Codec, state)
	setSlashing(a.Codec, state)
	if err := a.BasicManager.ValidateGenesis(a.Codec, a.TxConfig, state); err != nil {
		return fmt.Errorf("genesis of the devnet: %w", err)
	}
	raw, err := json.MarshalIndent(state, "", " ")
	if err != nil {
		return err
	}
	genesis := genutiltypes.NewAppGenesisWithVersion(ChainID, raw)
	genesis.GenesisTime = time.Now().UTC()
	genesis.InitialHeight = 1
	genesis.Consensus = &genutiltypes.ConsensusGenesis{Params: app.DefaultConsensusParams()}
	if err := genesis.SaveAs(l.genesis()); err != nil {
		return fmt.Errorf("write the genesis file: %w", err)
	}
	return nil
}

// tableInfo is what `trainerd add --json` prints about a table.
type tableInfo struct {
	CID     string `json:"cid"`
	SHA256  string `json:"sha256"`
	Size    uint64 `json:"size"`
	Rows    uint64 `json:"rows"`
	Columns uint32 `json:"columns"`
	Root    string `json:"root"`
}

// addTrainingSet registers the digits set; validators fetch and check it after the first block.
func addTrainingSet(ctx context.Context, l layout, o Options, cdc codec.Codec, state map[string]json.RawMessage, owner string) error {
	table, err := mislabel(digits.CSV(), o.Mislabel)
	if err != nil {
		return err
	}
	if err := os.WriteFile(l.table(), table, 0o644); err != nil {
		return fmt.Errorf("write the digits table: %w", err)
	}
	if o.Mislabel > 0 { // what a proposal can be made from
		if err := os.WriteFile(l.correctTable(), digits.CSV(), 0o644); err != nil {
			return fmt.Errorf("write the correct digits table: %w", err)
		}
	}
	out, err := exec.CommandContext(ctx, o.Trainerd, "add", l.table(), "--json").Output()
	if err != nil {
		return fmt.Errorf("%s add %s: %w", o.Trainerd, l.table(), err)
	}
	var info tableInfo
	if err := json.Unmarshal(out, &info); err != nil {
		return fmt.Errorf("output of %s add: %w", o.Trainerd, err)
	}
	hash, err1 := hex.DecodeString(info.SHA256)
	root, err2 := hex.DecodeString(info.Root)
	if err1 != nil || err2 != nil || o.Mislabel == 0 && (info.SHA256 != digits.SHA256 || info.Root != digits.Root) {
		return fmt.Errorf("digits table: expected sha256 %s and root %s, %s add says %s and %s", digits.SHA256, digits.Root, o.Trainerd, info.SHA256, info.Root)
	}
	g := trainingsettypes.DefaultGenesis()
	setProposals(&g.Params)
	g.TrainingSets = []trainingsettypes.TrainingSet{{
		Name: digits.Name, Owner: owner, Version: 1, Status: trainingsettypes.STATUS_PENDING,
		CardUri: "https://archive.ics.uci.edu/dataset/80/optical+recognition+of+handwritten+digits",
		Table: trainingsettypes.Table{
			Cid: info.CID, Sha256: hash, Size_: info.Size, Rows: info.Rows, Columns: info.Columns, Targets: 1, Root: root,
			ValidationPermille: 200,
		},
	}}
	state[trainingsettypes.ModuleName] = cdc.MustMarshalJSON(g)
	return nil
}

// setAttestation shortens the windows to the least that the protocol allows.
func setAttestation(cdc codec.Codec, state map[string]json.RawMessage) {
	g := attestationtypes.DefaultGenesis()
	g.Params.MinLiveValidators = 0
	g.Params.CommitWindow = attestationtypes.MinWindow
	g.Params.OpenWindow = attestationtypes.MinWindow
	g.Params.AvailabilityWindow = attestationtypes.MinWindow
	g.Params.LiveWindow = 30
	g.Params.BeaconWindow = attestationtypes.MinWindow
	g.Params.SpotE6 = 250_000
	g.Params.Retention = 2_000
	state[attestationtypes.ModuleName] = cdc.MustMarshalJSON(g)
}

// setPenalties lets a person see within a minute what cheating costs.
func setPenalties(cdc codec.Codec, state map[string]json.RawMessage) {
	g := polslashingtypes.DefaultGenesis()
	g.Params.QueueSeconds = 10
	g.Params.JailSeconds = 60
	// One of four validators has a quarter of the power, which the bound of a public network would never let go at once.
	g.Params.DailyPowerE6 = 300_000
	g.Params.MissedWindow, g.Params.MissedTasks = 20, 8
	state[polslashingtypes.ModuleName] = cdc.MustMarshalJSON(g)
}

// setSlashing lets a validator be away for as long as a person likes to experiment: blocks take half a second here, and
// the SDK's window of 100 blocks would jail it within a minute.
func setSlashing(cdc codec.Codec, state map[string]json.RawMessage) {
	var g slashingtypes.GenesisState
	cdc.MustUnmarshalJSON(state[slashingtypes.ModuleName], &g)
	g.Params.SignedBlocksWindow = 100_000
	g.Params.MinSignedPerWindow = math.LegacyNewDecWithPrec(5, 2)
	state[slashingtypes.ModuleName] = cdc.MustMarshalJSON(&g)
}

// addValidators signs a genesis transaction for each validator.
func addValidators(a *app.App, state map[string]json.RawMessage, o Options, list []Account, ring keyring.Keyring, keys []cryptotypes.PubKey) error {
	g := genutiltypes.DefaultGenesisState()
	for i, key := range keys {
		name := fmt.Sprintf("val%d", i)
		operator, err := sdk.AccAddressFromBech32(address(list, name))
		if err != nil {
			return err
		}
		any, err := codectypes.NewAnyWithValue(key)
		if err != nil {
			return err
		}
		msg := &stakingtypes.MsgCreateValidator{
			Description:       stakingtypes.Description{Moniker: name},
			Commission:        stakingtypes.NewCommissionRates(math.LegacyNewDecWithPrec(5, 2), math.LegacyNewDecWithPrec(20, 2), math.LegacyNewDecWithPrec(1, 2)),
			MinSelfDelegation: math.OneInt(), ValidatorAddress: sdk.ValAddress(operator).String(), Pubkey: any,
			Value: sdk.NewInt64Coin(app.BaseDenom, validatorStake),
		}
		builder := a.TxConfig.NewTxBuilder()
		if err := builder.SetMsgs(msg); err != nil {
			return err
		}
		builder.SetGasLimit(200_000)
		factory := tx.Factory{}.WithChainID(ChainID).WithKeybase(ring).WithTxConfig(a.TxConfig).WithSignMode(signing.SignMode_SIGN_MODE_DIRECT)
		if err := tx.Sign(context.Background(), factory, name, builder, true); err != nil {
			return fmt.Errorf("genesis transaction of %s: %w", name, err)
		}
		b, err := a.TxConfig.TxJSONEncoder()(builder.GetTx())
		if err != nil {
			return err
		}
		g.GenTxs = append(g.GenTxs, b)
	}
	state[genutiltypes.ModuleName] = a.Codec.MustMarshalJSON(g)
	return nil
}

func address(list []Account, name string) string {
	for _, a := range list {
		if a.Name == name {
			return a.Address
		}
	}
	return ""
}
