package main

import (
	"context"
	"errors"
	"io"
	"time"

	"github.com/spf13/cobra"

	"cosmossdk.io/math"

	"github.com/cosmos/cosmos-sdk/client"
	"github.com/cosmos/cosmos-sdk/client/flags"
	clienttx "github.com/cosmos/cosmos-sdk/client/tx"
	"github.com/cosmos/cosmos-sdk/crypto/keyring"
	sdk "github.com/cosmos/cosmos-sdk/types"
	sdkerrors "github.com/cosmos/cosmos-sdk/types/errors"
	"github.com/cosmos/cosmos-sdk/types/tx/signing"

	"github.com/pold-network/pold/app"
)

// txNode is the part of a node that a transaction needs. Tests put another one in its place.
type txNode interface {
	// Account returns number and sequence of an account.
	Account(ctx context.Context, address sdk.AccAddress) (number, sequence uint64, err error)
	// MinGasPrices returns the gas prices that the node asks for.
	MinGasPrices(ctx context.Context) (sdk.DecCoins, error)
	// Simulate returns the gas that a transaction uses.
	Simulate(ctx context.Context, tx []byte) (uint64, error)
	// Broadcast hands a transaction in. The code is not 0 when the node refuses it.
	Broadcast(ctx context.Context, tx []byte) (*sdk.TxResponse, error)
	// Included returns the outcome of a transaction, nil while it is in no block.
	Included(ctx context.Context, hash string) (*sdk.TxResponse, error)
}

// sender signs and sends for one account.
type sender struct {
	node    txNode
	client  client.Context
	factory clienttx.Factory
	address sdk.AccAddress
	p       *printer
	in      io.Reader
	dryRun  bool
	yes     bool
	fees    math.Int
	timeout time.Duration
	poll    time.Duration
}

const (
	flagTimeout   = "timeout"
	gasAdjustment = 1.5
	// sequenceRetries is how often a transaction is signed again when another one of the account came before it.
	sequenceRetries = 3
)

// addTxFlags adds what every command takes that sends a transaction.
func addTxFlags(cmd *cobra.Command) {
	addNodeFlags(cmd)
	addOutputFlag(cmd)
	f := cmd.Flags()
	f.String(flags.FlagFrom, "", "name or address of the key that signs (required)")
	flags.AddKeyringFlags(f)
	f.Lookup(flags.FlagKeyringBackend).DefValue = "that of client.toml"
	f.String(flags.FlagGas, flags.GasFlagAuto, "gas limit; auto simulates the transaction")
	f.Float64(flags.FlagGasAdjustment, gasAdjustment, "gas limit as a multiple of the simulated gas")
	f.String(flags.FlagGasPrices, "", "price of one unit of gas, such as 0.01unrn (default: what the node asks for)")
	f.String(flags.FlagFees, "", "fee such as 0.1NRN or 100000unrn, instead of a gas price")
	f.String(flags.FlagNote, "", "public note in the transaction")
	f.Duration(flagTimeout, time.Minute, "how long to wait until the transaction is in a block")
	f.Bool(flags.FlagDryRun, false, "print the messages as JSON and send nothing")
	f.BoolP(flags.FlagSkipConfirmation, "y", false, "don't ask before sending")
}

// openSender reads the flags of addTxFlags and finds the key.
func openSender(cmd *cobra.Command) (*sender, error) {
	p, err := newPrinter(cmd)
	if err != nil {
		return nil, err
	}
	f := cmd.Flags()
	s := &sender{p: p, in: cmd.InOrStdin(), fees: math.ZeroInt(), poll: 500 * time.Millisecond}
	s.dryRun, _ = f.GetBool(flags.FlagDryRun)
	s.yes, _ = f.GetBool(flags.FlagSkipConfirmation)
	s.timeout, _ = f.GetDuration(flagTimeout)
	// What looks at --dry-run before us gives an empty keyring for it.
	clientCtx := client.GetClientContextFromCmd(cmd).WithSimulation(false)
	if s.client, err = openKeyring(cmd, clientCtx); err != nil {
		return nil, err
	}
	if s.address, err = s.findKey(cmd); err != nil {
		return nil, err
	}
	s.node = rpcNode{s.client}
	return s, s.readFees(cmd)
}

// openKeyring opens the keyring of the flags or of client.toml.
func openKeyring(cmd *cobra.Command, clientCtx client.Context) (client.Context, error) {
	f := cmd.Flags()
	backend, _ := f.GetString(flags.FlagKeyringBackend)
	if !f.Changed(flags.FlagKeyringBackend) && clientCtx.Viper != nil {
		backend = clientCtx.Viper.GetString(flags.FlagKeyringBackend)
	}
	dir, _ := f.GetString(flags.FlagKeyringDir)
	if dir == "" {
		dir = clientCtx.HomeDir
	}
	clientCtx = clientCtx.WithKeyringDir(dir)
	ring, err := client.NewKeyringFromBackend(clientCtx, backend)
	if err != nil {
		return clientCtx, usage("--keyring-backend %q: %w", backend, err)
	}
	return clientCtx.WithKeyring(ring), nil
}

// findKey returns the address of --from and remembers the key's name. A dry run needs no key.
func (s *sender) findKey(cmd *cobra.Command) (sdk.AccAddress, error) {
	from, _ := cmd.Flags().GetString(flags.FlagFrom)
	if from == "" {
		if from = s.client.KeyringDefaultKeyName; from == "" {
			return nil, usage("--from: expected the name of a key, got none; list them with: pold keys list")
		}
	}
	address, notAddress := sdk.AccAddressFromBech32(from)
	if notAddress == nil && s.dryRun {
		return address, nil
	}
	var record *keyring.Record
	var err error
	if notAddress == nil {
		record, err = s.client.Keyring.KeyByAddress(address)
	} else {
		record, err = s.client.Keyring.Key(from)
	}
	backend := s.client.Keyring.Backend()
	if errors.Is(err, sdkerrors.ErrKeyNotFound) {
		return nil, fail(exitNotFound, "--from: keyring %q in %s has no key %q; list its keys with: pold keys list --keyring-backend %s", backend, s.client.KeyringDir, from, backend)
	}
	if err != nil {
		return nil, fail(exitError, "--from: read key %q of keyring %q in %s: %w", from, backend, s.client.KeyringDir, err)
	}
	s.factory = clienttx.Factory{}.WithTxConfig(s.client.TxConfig).WithKeybase(s.client.Keyring).WithFromName(record.Name).
		WithGasAdjustment(gasAdjustment).WithSimulateAndExecute(true)
	if record.GetType() == keyring.TypeLedger { // the device shows amino JSON
		s.factory = s.factory.WithSignMode(signing.SignMode_SIGN_MODE_LEGACY_AMINO_JSON)
	}
	return record.GetAddress()
}

// readFees reads what the transaction may cost.
func (s *sender) readFees(cmd *cobra.Command) error {
	f := cmd.Flags()
	gas, _ := f.GetString(flags.FlagGas)
	setting, err := flags.ParseGasSetting(gas)
	if err != nil {
		return usage("--gas: expected auto or a number, got %q", gas)
	}
	adjustment, _ := f.GetFloat64(flags.FlagGasAdjustment)
	if adjustment < 1 {
		return usage("--gas-adjustment: expected at least 1, got %v", adjustment)
	}
	prices, _ := f.GetString(flags.FlagGasPrices)
	if _, err := sdk.ParseDecCoins(prices); err != nil {
		return usage("--gas-prices: expected a price such as 0.01unrn, got %q", prices)
	}
	if text, _ := f.GetString(flags.FlagFees); text != "" {
		if prices != "" {
			return usage("expected --fees or --gas-prices, got both")
		}
		if s.fees, err = parseAmount(text); err != nil {
			return usage("--fees: %w", err)
		}
		s.factory = s.factory.WithFees(s.fees.String() + app.BaseDenom)
	}
	note, _ := f.GetString(flags.FlagNote)
	s.factory = s.factory.WithGas(setting.Gas).WithSimulateAndExecute(setting.Simulate).WithGasAdjustment(adjustment).
		WithGasPrices(prices).WithMemo(note)
	return nil
}
