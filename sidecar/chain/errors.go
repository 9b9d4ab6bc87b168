package chain

import (
	"context"
	"errors"
	"fmt"
	"regexp"
	"strings"

	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/status"

	"cosmossdk.io/collections"
	errorsmod "cosmossdk.io/errors"

	sdkerrors "github.com/cosmos/cosmos-sdk/types/errors"

	attestationtypes "github.com/pold-network/pold/x/attestation/types"
	poltypes "github.com/pold-network/pold/x/pol/types"
	trainingsettypes "github.com/pold-network/pold/x/trainingset/types"
)

// Errors that callers tell apart with errors.Is.
var (
	// ErrUnreachable: no node answers at the given address.
	ErrUnreachable = errors.New("node unreachable")
	// ErrNoAnswer: the node is there but can't answer now, for a reason that it gives. It may pass.
	ErrNoAnswer = errors.New("the node can't answer")
	// ErrNotFound: the chain does not know what was asked for. It is the same value everywhere in the code.
	ErrNotFound = collections.ErrNotFound
	// ErrRejected: the chain refused a transaction.
	ErrRejected = errors.New("transaction refused")
	// ErrTimeout: something did not happen in time; it may still happen.
	ErrTimeout = errors.New("timeout")
	// ErrWrongChain: the node belongs to another chain than expected.
	ErrWrongChain = errors.New("wrong chain id")
	// ErrUnfunded: the account does not exist on chain or can't pay.
	ErrUnfunded = errors.New("account not funded")
	// ErrUnknownKey: the keyring has no such key.
	ErrUnknownKey = errors.New("unknown key")
)

// queryError turns a gRPC error into one of ours.
func (c *Client) queryError(what string, err error) error {
	if err == nil {
		return nil
	}
	switch status.Code(err) {
	case codes.Unavailable:
		return fmt.Errorf("%w: no pold node answers at %s (%s); start it, or give another gRPC address with --node", ErrUnreachable, c.target, reason(err))
	case codes.DeadlineExceeded:
		return fmt.Errorf("%w: the node at %s did not answer in %s when asked for %s; is it still starting or overloaded?", ErrTimeout, c.target, callTimeout, what)
	case codes.NotFound:
		return &notFound{what: what, reason: reason(err)}
	case codes.Canceled:
		return context.Canceled
	}
	text := reason(err)
	switch {
	case starting(text):
		return fmt.Errorf("%w: the node at %s is still starting (%s); wait for its next block", ErrUnreachable, c.target, text)
	case status.Code(err) == codes.Unknown && missing(text):
		return &notFound{what: what, reason: text}
	}
	return fmt.Errorf("%w when asked for %s: %s", ErrNoAnswer, what, text)
}

// notFound is an answer of the chain, in its words.
type notFound struct{ what, reason string }

func (e *notFound) Error() string {
	return fmt.Sprintf("the chain has no %s: %s", strings.TrimPrefix(e.what, "the "), e.reason)
}
func (e *notFound) Unwrap() error { return ErrNotFound }

// missing recognises what handlers say that return their keeper's error without a code. Text is a hint: nothing that can't be undone
// may hang on it alone.
func missing(text string) bool {
	text = firstLine(text)
	for _, err := range []error{collections.ErrNotFound, poltypes.ErrGroupNotFound, sdkerrors.ErrKeyNotFound} {
		if strings.HasPrefix(text, err.Error()) || strings.HasSuffix(text, ": "+err.Error()) {
			return true
		}
	}
	return false
}

// starting recognises what a node says before its first block, and between a restart and the next block.
func starting(text string) bool {
	for _, s := range []string{"not ready", "wait for first block", "invalid height", "catching up"} {
		if strings.Contains(text, s) {
			return true
		}
	}
	return false
}

// reason is the text of a gRPC error without its prefix.
func reason(err error) string { return status.Convert(err).Message() }

// known are the refusals that callers react to or that deserve a hint, with what to do about each.
var known = []struct {
	err  *errorsmod.Error
	hint string
}{
	{poltypes.ErrWrongPhase, "wait for the phase you need: pold q pol round GROUP"},
	{poltypes.ErrWrongRound, "the round has ended; take the current one: pold q pol round GROUP"},
	{poltypes.ErrAlreadyCommitted, "an account commits once a round; reveal what you committed, or use another account"},
	{poltypes.ErrNotCommitted, "commit first; the next round opens by itself"},
	{poltypes.ErrMismatch, "reveal exactly what was committed: same account, file, claimed loss and salt"},
	{poltypes.ErrUsedCheckpoint, "these bytes were in an earlier round; train on and submit a new checkpoint"},
	{poltypes.ErrNotAllowed, "ask the creator of the group to list your account"},
	{poltypes.ErrRoundFull, "wait for the next round"},
	{poltypes.ErrGroupNotFound, "list groups with: pold q pol groups"},
	{poltypes.ErrInvalidCheckpoint, "canonicalize the file with: trainerd submit"},
	{poltypes.ErrInvalidCommitment, ""},
	{poltypes.ErrInsufficientBond, "send NRN to the account, or wait until an earlier bond comes back"},
	{poltypes.ErrInvalidBatch, "see what the group has and asks for: pold q pol batches GROUP"},
	{poltypes.ErrInvalidCanary, "see what was planted: pold q pol canaries GROUP NUMBER"},
	{poltypes.ErrTooCostly, "use fewer rows or a smaller model"},
	{attestationtypes.ErrInvalidPeer, "check --p2p-listen"},
	{trainingsettypes.ErrExists, "choose another name"},
	{sdkerrors.ErrInsufficientFunds, "send NRN to the account: pold tx bank send FROM ADDRESS AMOUNTunrn"},
	{sdkerrors.ErrInsufficientFee, "give what the node asks for with --gas-prices"},
	{sdkerrors.ErrOutOfGas, "raise --gas-adjustment"},
	{sdkerrors.ErrUnauthorized, "check --chain-id and --from"},
	{sdkerrors.ErrTxTimeoutHeight, "send it again"},
}

// TxError is a refused transaction. It wraps ErrRejected (or ErrUnfunded) and the module's own error, when that is registered.
type TxError struct {
	Hash      string // empty when the transaction was refused before it was broadcast
	Codespace string
	Code      uint32
	Log       string
	cause     error
	hint      string
}

// Error says why the chain refused and what to do.
func (e *TxError) Error() string {
	s := "transaction refused: " + e.Log
	if e.Code != 0 {
		s = fmt.Sprintf("transaction refused (%s code %d): %s", e.Codespace, e.Code, e.Log)
	}
	if e.hint != "" {
		s += "; " + e.hint
	}
	return s
}

// Unwrap gives errors.Is the kind and the module's error.
func (e *TxError) Unwrap() []error {
	kind := ErrRejected
	if errors.Is(e.cause, sdkerrors.ErrInsufficientFunds) {
		kind = ErrUnfunded
	}
	if e.cause == nil {
		return []error{kind}
	}
	return []error{kind, e.cause}
}

// txError explains the result of CheckTx or of a block.
func txError(hash, codespace string, code uint32, log string) *TxError {
	e := &TxError{Hash: hash, Codespace: codespace, Code: code, Log: firstLine(log), cause: errorsmod.ABCIError(codespace, code, log)}
	for _, k := range known {
		if k.err.Codespace() == codespace && k.err.ABCICode() == code {
			e.hint = k.hint
		}
	}
	return e
}

// gasUsed is what a node adds to the reason why a simulated transaction failed.
const gasUsed = " with gas used"

// simulationError explains a failed simulation, of which gRPC only brings the text. A wrapped error ends in the words of its sentinel.
func simulationError(text string) *TxError {
	e := &TxError{Log: firstLine(text)}
	if at := strings.LastIndex(e.Log, gasUsed); at >= 0 {
		e.Log = e.Log[:at]
	}
	for _, k := range known {
		if strings.HasSuffix(e.Log, k.err.Error()) {
			e.cause, e.hint, e.Codespace, e.Code = k.err, k.hint, k.err.Codespace(), k.err.ABCICode()
		}
	}
	return e
}

var (
	// place is where in its source a node wrapped an error, which it prints in brackets.
	place = regexp.MustCompile(` \[[^\[\]]*\.go:\d+\]`)
	// index is which message of a transaction failed; ours have one.
	index = regexp.MustCompile(`^failed to execute message; message index: \d+: `)
)

// firstLine drops stack traces and other things that a node adds for its developers.
func firstLine(s string) string {
	s, _, _ = strings.Cut(s, "\n")
	return strings.TrimSpace(index.ReplaceAllString(place.ReplaceAllString(s, ""), ""))
}
