package chain

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"os"
	"regexp"
	"strconv"
	"strings"
	"sync"
	"time"

	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/status"

	"github.com/cosmos/cosmos-sdk/client/tx"
	"github.com/cosmos/cosmos-sdk/crypto/keyring"
	sdk "github.com/cosmos/cosmos-sdk/types"
	sdkerrors "github.com/cosmos/cosmos-sdk/types/errors"
	txtypes "github.com/cosmos/cosmos-sdk/types/tx"
	authtypes "github.com/cosmos/cosmos-sdk/x/auth/types"
)

const (
	// maxAttempts bounds how often a transaction is signed again after a sequence mismatch or a full mempool.
	maxAttempts = 6
	// inclusionTimeout is how long a transaction may take into a block.
	inclusionTimeout = 60 * time.Second
	pollInterval     = 200 * time.Millisecond
	// KeyringName is the name under which pold and trainerd share a keyring.
	KeyringName = "pold"
)

// Signing says which key pays and how much.
type Signing struct {
	From       string // name of a key, or its address
	Backend    string // keyring backend: os, file, test, …
	Dir        string // where the keyring lies
	GasPrices  string // for example 0.025unrn
	Adjustment float64
}

// Account sends transactions of one key. It may be used from several goroutines; transactions go one after another.
type Account struct {
	client  *Client
	ring    keyring.Keyring
	key     string
	address string
	factory tx.Factory

	mu       sync.Mutex
	known    bool // number and sequence are known
	number   uint64
	sequence uint64
}

// OpenAccount finds the key. Identify must have been called on the client.
func (c *Client) OpenAccount(s Signing) (*Account, error) {
	ring, err := keyring.New(KeyringName, s.Backend, s.Dir, os.Stdin, c.codec)
	if err != nil {
		return nil, fmt.Errorf("open keyring %s (backend %s): %w", s.Dir, s.Backend, err)
	}
	return c.newAccount(ring, s)
}

func (c *Client) newAccount(ring keyring.Keyring, s Signing) (*Account, error) {
	var record *keyring.Record
	var err error
	if address, convErr := sdk.AccAddressFromBech32(s.From); convErr == nil {
		record, err = ring.KeyByAddress(address)
	} else {
		record, err = ring.Key(s.From)
	}
	if err != nil {
		return nil, fmt.Errorf("%w: no key %q in the keyring %s (backend %s); list keys with: pold keys list --keyring-backend %s --keyring-dir %s",
			ErrUnknownKey, s.From, s.Dir, s.Backend, s.Backend, s.Dir)
	}
	address, err := record.GetAddress()
	if err != nil {
		return nil, fmt.Errorf("key %q: %w", record.Name, err)
	}
	if _, err := sdk.ParseDecCoins(s.GasPrices); err != nil {
		return nil, fmt.Errorf("gas prices: expected a form such as 0.025unrn, got %q: %w", s.GasPrices, err)
	}
	if s.Adjustment < 1 {
		return nil, fmt.Errorf("gas adjustment: expected at least 1, got %v", s.Adjustment)
	}
	factory := tx.Factory{}.WithTxConfig(c.txConfig).WithKeybase(ring).WithFromName(record.Name).WithChainID(c.chainID).
		WithGasPrices(s.GasPrices).WithGasAdjustment(s.Adjustment).WithSimulateAndExecute(true)
	return &Account{client: c, ring: ring, key: record.Name, address: address.String(), factory: factory}, nil
}

// Address is the account's address.
func (a *Account) Address() string { return a.address }

// Send signs the messages as one transaction, broadcasts it and waits until a block holds it. It returns the transaction's hash and
// that block's height. A refusal is a *TxError.
func (a *Account) Send(ctx context.Context, msgs ...sdk.Msg) (hash string, height int64, err error) {
	a.mu.Lock()
	defer a.mu.Unlock()
	for range maxAttempts {
		if hash, err = a.broadcast(ctx, msgs); err == nil {
			height, err = a.await(ctx, hash)
			return hash, height, err
		}
		if !a.retry(err) {
			return "", 0, err
		}
		if err := sleep(ctx, pollInterval); err != nil {
			return "", 0, err
		}
	}
	return "", 0, err
}

// retry prepares another attempt when the error allows one.
func (a *Account) retry(err error) bool {
	if expected, ok := expectedSequence(err.Error()); ok {
		a.sequence = expected // the node counts what waits in its mempool, a query would not
		return true
	}
	a.known = false
	return errors.Is(err, sdkerrors.ErrWrongSequence) || errors.Is(err, sdkerrors.ErrMempoolIsFull)
}

var sequenceMismatch = regexp.MustCompile(`account sequence mismatch, expected (\d+), got \d+`)

// expectedSequence reads the sequence that a refusal asks for.
func expectedSequence(text string) (uint64, bool) {
	m := sequenceMismatch.FindStringSubmatch(text)
	if m == nil {
		return 0, false
	}
	n, err := strconv.ParseUint(m[1], 10, 64)
	return n, err == nil
}

// load asks for account number and sequence.
func (a *Account) load(ctx context.Context) error {
	if a.known {
		return nil
	}
	ctx, cancel := context.WithTimeout(ctx, callTimeout)
	defer cancel()
	r, err := authtypes.NewQueryClient(a.client.conn).AccountInfo(ctx, &authtypes.QueryAccountInfoRequest{Address: a.address})
	if status.Code(err) == codes.NotFound {
		return fmt.Errorf("%w: %s (key %q) does not exist on %s because it has never received NRN; send some: pold tx bank send FROM %s 1000000unrn",
			ErrUnfunded, a.address, a.key, a.client.chainID, a.address)
	}
	if err != nil {
		return a.client.queryError("account "+a.address, err)
	}
	a.number, a.sequence, a.known = r.Info.AccountNumber, r.Info.Sequence, true
	return nil
}

// broadcast simulates, signs and hands the transaction to the node. It returns the transaction's hash.
func (a *Account) broadcast(ctx context.Context, msgs []sdk.Msg) (string, error) {
	if err := a.load(ctx); err != nil {
		return "", err
	}
	factory := a.factory.WithAccountNumber(a.number).WithSequence(a.sequence)
	gas, err := a.simulate(ctx, factory, msgs)
	if err != nil {
		return "", err
	}
	builder, err := factory.WithGas(gas).BuildUnsignedTx(msgs...)
	if err != nil {
		return "", fmt.Errorf("build the transaction: %w", err)
	}
	if err := tx.Sign(ctx, factory, a.key, builder, true); err != nil {
		return "", fmt.Errorf("sign with key %q: %w", a.key, err)
	}
	b, err := a.client.txConfig.TxEncoder()(builder.GetTx())
	if err != nil {
		return "", fmt.Errorf("encode the transaction: %w", err)
	}
	ctx, cancel := context.WithTimeout(ctx, callTimeout)
	defer cancel()
	r, err := txtypes.NewServiceClient(a.client.conn).BroadcastTx(ctx, &txtypes.BroadcastTxRequest{TxBytes: b, Mode: txtypes.BroadcastMode_BROADCAST_MODE_SYNC})
	sum := sha256.Sum256(b)
	hash := strings.ToUpper(hex.EncodeToString(sum[:]))
	if err != nil {
		return "", a.client.queryError("the broadcast of a transaction", err)
	}
	if code := r.TxResponse.Code; code != 0 {
		refused := txError(hash, r.TxResponse.Codespace, code, r.TxResponse.RawLog)
		if !errors.Is(refused, sdkerrors.ErrTxInMempoolCache) {
			return "", refused
		}
	}
	a.sequence++
	return hash, nil
}

func (a *Account) simulate(ctx context.Context, factory tx.Factory, msgs []sdk.Msg) (uint64, error) {
	b, err := factory.BuildSimTx(msgs...)
	if err != nil {
		return 0, fmt.Errorf("build the transaction: %w", err)
	}
	ctx, cancel := context.WithTimeout(ctx, callTimeout)
	defer cancel()
	r, err := txtypes.NewServiceClient(a.client.conn).Simulate(ctx, &txtypes.SimulateRequest{TxBytes: b})
	if err == nil {
		return uint64(factory.GasAdjustment() * float64(r.GasInfo.GasUsed)), nil
	}
	// Only what was executed, and so used gas, was refused by the chain; anything else is the node's own trouble.
	if status.Code(err) == codes.Unknown && strings.Contains(reason(err), gasUsed) {
		return 0, simulationError(reason(err))
	}
	return 0, a.client.queryError("the gas of a transaction", err)
}

// await polls until a block holds the transaction.
func (a *Account) await(ctx context.Context, hash string) (int64, error) {
	deadline := time.Now().Add(inclusionTimeout)
	for {
		call, cancel := context.WithTimeout(ctx, callTimeout)
		r, err := txtypes.NewServiceClient(a.client.conn).GetTx(call, &txtypes.GetTxRequest{Hash: hash})
		cancel()
		if err == nil && r.TxResponse != nil && r.TxResponse.Height > 0 {
			if t := r.TxResponse; t.Code != 0 {
				return 0, txError(hash, t.Codespace, t.Code, t.RawLog)
			}
			return r.TxResponse.Height, nil
		}
		if time.Now().After(deadline) {
			a.known = false
			return 0, fmt.Errorf("%w: transaction %s is in no block after %s; it may still get into one: pold q tx %s", ErrTimeout, hash, inclusionTimeout, hash)
		}
		if err := sleep(ctx, pollInterval); err != nil {
			a.known = false
			return 0, err
		}
	}
}

func sleep(ctx context.Context, d time.Duration) error {
	t := time.NewTimer(d)
	defer t.Stop()
	select {
	case <-ctx.Done():
		return ctx.Err()
	case <-t.C:
		return nil
	}
}
