package main

import (
	"context"
	"encoding/hex"
	"errors"
	"regexp"
	"strconv"
	"time"

	"github.com/cosmos/gogoproto/proto"

	"cosmossdk.io/math"

	clienttx "github.com/cosmos/cosmos-sdk/client/tx"
	codectypes "github.com/cosmos/cosmos-sdk/codec/types"
	sdk "github.com/cosmos/cosmos-sdk/types"
	sdkerrors "github.com/cosmos/cosmos-sdk/types/errors"

	"github.com/pold-network/pold/app"
)

// intent is what a command wants of the chain: messages, and in words what they change.
type intent struct {
	changes  []string
	messages []sdk.Msg
}

// receipt says what became of a transaction.
type receipt struct {
	Changes   []string `json:"changes"`
	TxHash    string   `json:"txhash"`
	Height    int64    `json:"height"`
	GasUsed   int64    `json:"gas_used"`
	GasWanted int64    `json:"gas_wanted"`
	FeeUnrn   string   `json:"fee_unrn"`
	Next      string   `json:"next,omitempty"`
	// Result is what the command adds, such as the number of a new proposal.
	Result map[string]any `json:"result,omitempty"`

	responses []*codectypes.Any
}

func (r receipt) print(p *printer) {
	fee, _ := math.NewIntFromString(r.FeeUnrn)
	p.line("done in block %d: fee %s, gas %s of %s, tx %s", r.Height, showNRN(fee), thousands(uint64(r.GasUsed)), thousands(uint64(r.GasWanted)), r.TxHash)
	if r.Next != "" {
		p.next("%s", r.Next)
	}
}

// response decodes what message i answered.
func (r receipt) response(i int, into proto.Message) error {
	if i >= len(r.responses) {
		return fail(exitError, "expected an answer to message %d of tx %s, got %d answers; look at it with: pold q tx %s", i, r.TxHash, len(r.responses), r.TxHash)
	}
	return proto.Unmarshal(r.responses[i].Value, into)
}

// send shows what changes, asks, signs, hands in and waits until the chain has done it. It returns nil, nil after a dry run.
func (s *sender) send(ctx context.Context, i intent) (*receipt, error) {
	if s.dryRun {
		return nil, s.printMessages(i.messages)
	}
	if !s.p.json {
		for _, c := range i.changes {
			s.p.line("%s", plain(c))
		}
	}
	if err := s.confirm(); err != nil {
		return nil, err
	}
	return s.deliver(ctx, i)
}

// deliver signs, hands in and waits. When another transaction of the account came first, it signs again.
func (s *sender) deliver(ctx context.Context, i intent) (*receipt, error) {
	f, err := s.prepare(ctx)
	if err != nil {
		return nil, err
	}
	var sent *sdk.TxResponse
	var fee sdk.Coins
	for try := 0; ; try++ {
		var bytes []byte
		if bytes, fee, err = s.sign(ctx, f, i.messages); err == nil {
			sent, err = s.handIn(ctx, bytes)
		}
		if err == nil {
			break
		}
		sequence, ok := expectedSequence(err)
		if !ok || try == sequenceRetries {
			return nil, err
		}
		f = f.WithSequence(sequence)
	}
	s.p.progress("tx %s is handed in, waiting for a block", sent.TxHash)
	done, err := s.await(ctx, sent.TxHash)
	s.p.endProgress()
	if err != nil {
		return nil, err
	}
	r := &receipt{Changes: i.changes, TxHash: sent.TxHash, Height: done.Height, GasUsed: done.GasUsed, GasWanted: done.GasWanted,
		FeeUnrn: fee.AmountOf(app.BaseDenom).String()}
	r.responses, err = decodeResponses(done.Data)
	return r, err
}

// prepare fills in what the chain knows: its name, the account, the price of gas.
func (s *sender) prepare(ctx context.Context) (clienttx.Factory, error) {
	chain, err := chainID(ctx, s.client)
	if err != nil {
		return s.factory, err
	}
	number, sequence, err := s.node.Account(ctx, s.address)
	if err != nil {
		return s.factory, err
	}
	f := s.factory.WithChainID(chain).WithAccountNumber(number).WithSequence(sequence)
	if f.Fees().IsZero() && f.GasPrices().IsZero() {
		prices, err := s.node.MinGasPrices(ctx)
		if err != nil {
			return f, err
		}
		f = f.WithGasPrices(prices.String())
	}
	return f, nil
}

// sign simulates the transaction unless a gas limit was given, and signs it.
func (s *sender) sign(ctx context.Context, f clienttx.Factory, messages []sdk.Msg) ([]byte, sdk.Coins, error) {
	if f.SimulateAndExecute() {
		trial, err := f.BuildSimTx(messages...)
		if err != nil {
			return nil, nil, err
		}
		gas, err := s.node.Simulate(ctx, trial)
		if err != nil {
			return nil, nil, err
		}
		f = f.WithGas(uint64(float64(gas) * f.GasAdjustment()))
	}
	tx, err := f.BuildUnsignedTx(messages...)
	if err != nil {
		return nil, nil, err
	}
	if err := clienttx.Sign(ctx, f, f.FromName(), tx, true); err != nil {
		return nil, nil, fail(exitError, "sign with key %q: %w", f.FromName(), err)
	}
	bytes, err := s.client.TxConfig.TxEncoder()(tx.GetTx())
	return bytes, tx.GetTx().GetFee(), err
}

// handIn gives the transaction to the node.
func (s *sender) handIn(ctx context.Context, bytes []byte) (*sdk.TxResponse, error) {
	r, err := s.node.Broadcast(ctx, bytes)
	if err != nil {
		return nil, err
	}
	known := r.Codespace == sdkerrors.RootCodespace && r.Code == sdkerrors.ErrTxInMempoolCache.ABCICode()
	if r.Code != 0 && !known { // one that the node already has is on its way
		return nil, fail(exitRejected, "the node refused the transaction: %s", unwrapped(r.RawLog))
	}
	return r, nil
}

// await looks for the transaction until it is in a block.
func (s *sender) await(ctx context.Context, hash string) (*sdk.TxResponse, error) {
	ctx, cancel := context.WithTimeout(ctx, s.timeout)
	defer cancel()
	var last error
	for {
		switch r, err := s.node.Included(ctx, hash); {
		case err != nil && exitCode(err) != exitUnreachable && exitCode(err) != exitTimeout:
			return nil, err
		case err != nil: // the node may come back in time
			last = err
		case r != nil && r.Code != 0:
			return nil, fail(exitRejected, "the transaction failed in block %d: %s (tx %s)", r.Height, unwrapped(r.RawLog), hash)
		case r != nil:
			return r, nil
		}
		select {
		case <-ctx.Done():
			if last == nil || !errors.Is(ctx.Err(), context.DeadlineExceeded) {
				last = ctx.Err()
			}
			return nil, fail(exitTimeout, "tx %s was handed in, but was seen in no block within %s (%w); look again with: pold q tx %s", hash, s.timeout, last, hash)
		case <-time.After(s.poll):
		}
	}
}

var sequenceMismatch = regexp.MustCompile(`account sequence mismatch, expected (\d+), got \d+`)

// expectedSequence reads the next sequence out of an error that says that another one was used.
func expectedSequence(err error) (uint64, bool) {
	m := sequenceMismatch.FindStringSubmatch(err.Error())
	if m == nil {
		return 0, false
	}
	n, err := strconv.ParseUint(m[1], 10, 64)
	return n, err == nil
}

// decodeResponses reads the answers to the messages of a transaction.
func decodeResponses(data string) ([]*codectypes.Any, error) {
	raw, err := hex.DecodeString(data)
	if err != nil {
		return nil, err
	}
	var answers sdk.TxMsgData
	err = proto.Unmarshal(raw, &answers)
	return answers.MsgResponses, err
}
