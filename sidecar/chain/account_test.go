package chain

import (
	"context"
	"errors"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/status"

	"github.com/cosmos/cosmos-sdk/crypto/keyring"
	sdk "github.com/cosmos/cosmos-sdk/types"
	sdkerrors "github.com/cosmos/cosmos-sdk/types/errors"
	authsigning "github.com/cosmos/cosmos-sdk/x/auth/signing"

	poltypes "github.com/pold-network/pold/x/pol/types"
)

func message(a *Account) sdk.Msg {
	return &poltypes.MsgCommitCheckpoint{Sender: a.Address(), Group: "digits", Round: 1, Commitment: make([]byte, 32)}
}

func sequences(t *testing.T, f *fakeNode) (all []uint64) {
	t.Helper()
	for _, tx := range f.broadcasts {
		signatures, err := tx.(authsigning.SigVerifiableTx).GetSignaturesV2()
		require.NoError(t, err)
		all = append(all, signatures[0].Sequence)
	}
	return all
}

func TestSendSignsPaysAndWaitsForTheBlock(t *testing.T) {
	f := &fakeNode{committed: 3}
	_, a := start(t, f)
	hash, height, err := a.Send(t.Context(), message(a))
	require.NoError(t, err)
	require.Equal(t, int64(12), height)
	require.Equal(t, f.hashes, []string{hash})
	fee := f.broadcasts[0].(sdk.FeeTx)
	require.Equal(t, uint64(150_000), fee.GetGas(), "simulated gas times the adjustment")
	require.Equal(t, "75000unrn", fee.GetFee().String())

	_, _, err = a.Send(t.Context(), message(a))
	require.NoError(t, err)
	require.Equal(t, []uint64{3, 4}, sequences(t, f), "the sequence is counted here")
}

func TestSendTakesTheSequenceThatTheNodeExpects(t *testing.T) {
	mismatch := "account sequence mismatch, expected 9, got 3: incorrect account sequence"
	for name, refuse := range map[string]func(f *fakeNode){
		"refused by CheckTx": func(f *fakeNode) {
			f.check = func(n int) *sdk.TxResponse {
				if n == 1 {
					return &sdk.TxResponse{Codespace: sdkerrors.RootCodespace, Code: sdkerrors.ErrWrongSequence.ABCICode(), RawLog: mismatch}
				}
				return nil
			}
		},
		"refused by the simulation": func(f *fakeNode) {
			f.simulate = func() error {
				if f.simulated == 1 {
					return status.Error(codes.Unknown, mismatch+" with gas used: '1000'")
				}
				return nil
			}
		},
	} {
		t.Run(name, func(t *testing.T) {
			f := &fakeNode{committed: 3}
			_, a := start(t, f)
			refuse(f)
			_, _, err := a.Send(t.Context(), message(a))
			require.NoError(t, err)
			all := sequences(t, f)
			require.Equal(t, uint64(9), all[len(all)-1])
		})
	}
}

func TestSendGivesUpAfterSomeAttempts(t *testing.T) {
	f := &fakeNode{check: func(int) *sdk.TxResponse {
		return &sdk.TxResponse{Codespace: sdkerrors.RootCodespace, Code: sdkerrors.ErrMempoolIsFull.ABCICode(), RawLog: "mempool is full"}
	}}
	_, a := start(t, f)
	_, _, err := a.Send(t.Context(), message(a))
	require.ErrorIs(t, err, ErrRejected)
	require.Len(t, f.broadcasts, maxAttempts)
}

func TestRefusalsSayWhatToDo(t *testing.T) {
	for _, c := range []struct {
		name string
		set  func(*fakeNode)
		is   []error
		text string
	}{
		{"an account without NRN", func(f *fakeNode) { f.unknown = true }, []error{ErrUnfunded}, "pold tx bank send"},
		{"a wrong phase, found by the simulation", func(f *fakeNode) {
			f.simulate = func() error {
				return status.Error(codes.Unknown, "failed to execute message; message index: 0: round 1 of \"digits\" is in phase REVEAL: wrong phase [/home/x/go/pkg/mod/cosmossdk.io/errors@v1.1.0/errors.go:165] with gas used: '5'")
			}
		}, []error{ErrRejected, poltypes.ErrWrongPhase}, "wait for the phase"},
		{"a node that is starting, which refuses nothing", func(f *fakeNode) {
			f.simulate = func() error {
				return status.Error(codes.Unknown, "codespace sdk code 26: invalid height: context did not contain latest block height")
			}
		}, []error{ErrUnreachable}, "still starting"},
		{"a wrong phase, found in the block", func(f *fakeNode) {
			f.result = &sdk.TxResponse{Height: 3, Codespace: poltypes.ModuleName, Code: poltypes.ErrWrongPhase.ABCICode(), RawLog: "round 1 is in phase REVEAL: wrong phase"}
		}, []error{ErrRejected, poltypes.ErrWrongPhase}, "(pol code 8)"},
		{"a wrong salt", func(f *fakeNode) {
			f.result = &sdk.TxResponse{Height: 3, Codespace: poltypes.ModuleName, Code: poltypes.ErrMismatch.ABCICode(), RawLog: "reveal does not match the commitment"}
		}, []error{ErrRejected, poltypes.ErrMismatch}, "same account, file, claimed loss and salt"},
		{"too little money", func(f *fakeNode) {
			f.check = func(int) *sdk.TxResponse {
				return &sdk.TxResponse{Codespace: sdkerrors.RootCodespace, Code: sdkerrors.ErrInsufficientFunds.ABCICode(), RawLog: "spendable balance 1unrn is smaller than 5unrn"}
			}
		}, []error{ErrUnfunded, sdkerrors.ErrInsufficientFunds}, "send NRN"},
		{"too low a gas price", func(f *fakeNode) {
			f.check = func(int) *sdk.TxResponse {
				return &sdk.TxResponse{Codespace: sdkerrors.RootCodespace, Code: sdkerrors.ErrInsufficientFee.ABCICode(), RawLog: "got: 0unrn required: 5unrn"}
			}
		}, []error{ErrRejected}, "--gas-prices"},
	} {
		t.Run(c.name, func(t *testing.T) {
			f := &fakeNode{}
			_, a := start(t, f)
			c.set(f)
			_, _, err := a.Send(t.Context(), message(a))
			for _, is := range c.is {
				require.ErrorIs(t, err, is)
			}
			require.ErrorContains(t, err, c.text)
			require.NotContains(t, err.Error(), ".go:", "no stack traces for people")
			require.NotContains(t, err.Error(), "message index")
		})
	}
}

func TestSendEndsWithItsContext(t *testing.T) {
	f := &fakeNode{result: &sdk.TxResponse{}} // in no block, ever
	_, a := start(t, f)
	ctx, cancel := context.WithTimeout(t.Context(), 50*time.Millisecond)
	defer cancel()
	_, _, err := a.Send(ctx, message(a))
	require.True(t, errors.Is(err, context.DeadlineExceeded) || errors.Is(err, ErrTimeout), err)
}

func TestUnknownKeysAndPricesAreRefusedBeforeAnythingIsSent(t *testing.T) {
	c, _ := start(t, &fakeNode{})
	ring := keyring.NewInMemory(c.codec)
	_, err := c.newAccount(ring, Signing{From: "nobody", GasPrices: "0unrn", Adjustment: 1})
	require.ErrorIs(t, err, ErrUnknownKey)
	require.ErrorContains(t, err, "pold keys list")
}

func TestKeysAreFoundByNameAndByAddress(t *testing.T) {
	c, a := start(t, &fakeNode{})
	for _, from := range []string{"alice", a.Address()} {
		found, err := c.newAccount(a.ring, Signing{From: from, GasPrices: "", Adjustment: 1})
		require.NoError(t, err)
		require.Equal(t, a.Address(), found.Address())
	}
	_, err := c.newAccount(a.ring, Signing{From: "alice", GasPrices: "many", Adjustment: 1})
	require.ErrorContains(t, err, "0.025unrn")
	_, err = c.newAccount(a.ring, Signing{From: "alice", Adjustment: 0.5})
	require.ErrorContains(t, err, "gas adjustment")
}
