package trainer

import (
	"context"
	"errors"
	"fmt"
	"os"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	sdk "github.com/cosmos/cosmos-sdk/types"
	sdkerrors "github.com/cosmos/cosmos-sdk/types/errors"

	poltypes "github.com/pold-network/pold/x/pol/types"
)

// refuseFirst refuses the first n messages of a type and counts them all.
func refuseFirst(chain *fakeChain, kind sdk.Msg, n int, err error) *int {
	count := new(int)
	chain.beforeSend = func(m sdk.Msg) error {
		if sdk.MsgTypeURL(m) != sdk.MsgTypeURL(kind) {
			return nil
		}
		if *count++; *count <= n {
			return err
		}
		return nil
	}
	return count
}

func files(t *testing.T, dir string) int {
	t.Helper()
	f, err := os.ReadDir(dir)
	require.NoError(t, err)
	return len(f)
}

func TestARefusalThatPassesIsTriedAgainWhileThePhaseLasts(t *testing.T) {
	for _, kind := range []sdk.Msg{&poltypes.MsgCommitCheckpoint{}, &poltypes.MsgSubmitCheckpoint{}} {
		for _, cause := range []error{sdkerrors.ErrOutOfGas, sdkerrors.ErrInsufficientFee, sdkerrors.ErrMempoolIsFull, sdkerrors.ErrWrongSequence,
			sdkerrors.ErrTxTimeoutHeight, poltypes.ErrInvalidCommitment, errors.New("words that nobody knows")} {
			t.Run(fmt.Sprintf("%s: %s", sdk.MsgTypeURL(kind), cause), func(t *testing.T) {
				store := newStore()
				chain := newChain(store, 1)
				dir := t.TempDir()
				count := refuseFirst(chain, kind, 5, fmt.Errorf("%w: %w", errRefused, cause))
				trainer, events := newTrainer(t, chain, store, dir)
				require.NoError(t, trainer.Run(t.Context(), []string{"digits"}, 1))
				require.Equal(t, account, chain.rounds[1].Winner)
				require.Equal(t, 6, *count)
				require.NotContains(t, events.names(), EventMissed)
				notes := 0
				for _, name := range events.names() {
					if name == EventNote {
						notes++
					}
				}
				require.Equal(t, 1, notes, "the same refusal is reported once")
				require.Zero(t, files(t, dir))
			})
		}
	}
}

func TestARevealIsTriedAgainEvenWhenTheAccountCannotPayNow(t *testing.T) {
	store := newStore()
	chain := newChain(store, 1)
	refuseFirst(chain, &poltypes.MsgSubmitCheckpoint{}, 3, errors.New("account not funded")) // no refusal in the sense of Refused
	trainer, _ := newTrainer(t, chain, store, t.TempDir())
	require.NoError(t, trainer.Run(t.Context(), []string{"digits"}, 1))
	require.Equal(t, account, chain.rounds[1].Winner)
}

func TestAHopelessRevealIsSentOnce(t *testing.T) {
	for _, cause := range []error{poltypes.ErrMismatch, poltypes.ErrUsedCheckpoint, poltypes.ErrNotCommitted, poltypes.ErrInvalidCheckpoint} {
		t.Run(cause.Error(), func(t *testing.T) {
			store := newStore()
			chain := newChain(store, 1)
			dir := t.TempDir()
			count := refuseFirst(chain, &poltypes.MsgSubmitCheckpoint{}, 1000, fmt.Errorf("%w: %w", errRefused, cause))
			trainer, _ := newTrainer(t, chain, store, dir)
			report := trainer.report
			trainer.report = func(e Event) {
				report(e)
				if e.Event == EventNote { // the refusal: the entry is still there, and the reveal phase goes on for a while
					require.Equal(t, 2, files(t, dir))
					go func() {
						for {
							chain.mu.Lock()
							if chain.looks > 50 {
								chain.rounds[1].Phase = poltypes.ROUND_PHASE_SCORE
								chain.mu.Unlock()
								return
							}
							chain.mu.Unlock()
							time.Sleep(time.Millisecond)
						}
					}()
				}
			}
			o, err := trainer.Submit(t.Context(), Submission{Group: "digits", File: initialFile(t, chain), Force: true})
			require.ErrorIs(t, err, cause)
			require.False(t, o.Revealed)
			require.Equal(t, 1, *count)
			require.Zero(t, files(t, dir), "a settled round leaves nothing")
		})
	}
}

func TestARevealThatIsThereAlreadyIsASuccess(t *testing.T) {
	store := newStore()
	chain := newChain(store, 1)
	sent := 0
	chain.beforeSend = func(m sdk.Msg) error {
		r, ok := m.(*poltypes.MsgSubmitCheckpoint)
		if !ok {
			return nil
		}
		sent++
		require.NoError(t, chain.apply(r)) // an earlier attempt got into a block
		return poltypes.ErrAlreadyCommitted
	}
	trainer, events := newTrainer(t, chain, store, t.TempDir())
	require.NoError(t, trainer.Run(t.Context(), []string{"digits"}, 1))
	require.Equal(t, account, chain.rounds[1].Winner)
	require.Equal(t, 1, sent)
	require.NotContains(t, events.names(), EventNote)
}

func TestACommitmentThatWasRefusedAndIsInFlightIsRevealed(t *testing.T) {
	for _, cause := range []error{sdkerrors.ErrOutOfGas, poltypes.ErrRoundFull} {
		t.Run(cause.Error(), func(t *testing.T) {
			store := newStore()
			chain := newChain(store, 1)
			dir := t.TempDir()
			chain.slow = true
			var late sdk.Msg
			chain.beforeSend = func(m sdk.Msg) error {
				if c, ok := m.(*poltypes.MsgCommitCheckpoint); ok {
					if late == nil {
						late = c
						require.NoError(t, chain.apply(c)) // the first attempt gets into a block after all
						chain.hidden = 9
					}
					return fmt.Errorf("%w: %w", errRefused, cause)
				}
				return nil
			}
			trainer, _ := newTrainer(t, chain, store, dir)
			require.NoError(t, trainer.Run(t.Context(), []string{"digits"}, 1))
			require.Equal(t, account, chain.rounds[1].Winner)
			require.Zero(t, files(t, dir))
		})
	}
}

func TestTheSaltStaysUntilAHeightPastTheCommitPhase(t *testing.T) {
	store := newStore()
	chain := newChain(store, 1)
	dir := t.TempDir()
	chain.frozen, chain.slow = true, true
	chain.beforeSend = func(sdk.Msg) error {
		chain.rounds[1].Phase = poltypes.ROUND_PHASE_REVEAL
		return errRefused
	}
	trainer, _ := newTrainer(t, chain, store, dir)
	ctx, cancel := context.WithCancel(t.Context())
	defer cancel()
	done := make(chan error, 1)
	go func() { done <- trainer.Run(ctx, []string{"digits"}, 1) }()
	require.Eventually(t, func() bool {
		chain.mu.Lock()
		defer chain.mu.Unlock()
		return chain.rounds[1].Phase == poltypes.ROUND_PHASE_REVEAL && chain.looks > 100
	}, time.Minute, time.Millisecond)
	require.Equal(t, 2, files(t, dir))
	chain.mu.Lock()
	chain.slow = false
	chain.mu.Unlock()
	require.NoError(t, <-done)
	require.Zero(t, files(t, dir))
}

func TestANodeThatDoesNotKnowTheRoundYetCostsNoSalt(t *testing.T) {
	store := newStore()
	chain := newChain(store, 1)
	dir := t.TempDir()
	ctx, cancel := crash(chain, &poltypes.MsgCommitCheckpoint{})
	defer cancel()
	first, _ := newTrainer(t, chain, store, dir)
	require.ErrorIs(t, first.Run(ctx, []string{"digits"}, 1), context.Canceled)

	chain.afterSend = nil
	chain.behind = 20
	again, events := newTrainer(t, chain, store, dir)
	require.NoError(t, again.Run(t.Context(), nil, 0))
	require.Equal(t, account, chain.rounds[1].Winner)
	require.NotContains(t, events.names(), EventMissed)
}

func TestARoundThatIsPastAndForgottenIsDropped(t *testing.T) {
	store := newStore()
	chain := newChain(store, 1)
	dir := t.TempDir()
	ctx, cancel := crash(chain, &poltypes.MsgCommitCheckpoint{})
	defer cancel()
	first, _ := newTrainer(t, chain, store, dir)
	require.ErrorIs(t, first.Run(ctx, []string{"digits"}, 1), context.Canceled)

	next := *chain.rounds[1]
	next.Number = 2
	delete(chain.rounds, 1)
	chain.rounds[2], chain.group.Round = &next, 2
	again, events := newTrainer(t, chain, store, dir)
	require.NoError(t, again.Run(t.Context(), nil, 0))
	require.Contains(t, events.names(), EventMissed)
	require.Zero(t, files(t, dir))
}

func TestAGroupThatIsNamedTwiceIsTrainedOnce(t *testing.T) {
	store := newStore()
	chain := newChain(store, 1)
	trainer, _ := newTrainer(t, chain, store, t.TempDir())
	require.NoError(t, trainer.Run(t.Context(), []string{"digits", "digits"}, 1))
	require.Len(t, chain.sends, 2)
}

func TestTheJournalReplacesNoEntryOfTheSameRound(t *testing.T) {
	j, err := openJournal(t.TempDir())
	require.NoError(t, err)
	file := []byte("weights")
	e := Entry{ChainID: testChain, Group: "digits", Round: 1, Trainer: account, Salt: []byte("salt"), SHA256: []byte("sum")}
	require.NoError(t, os.WriteFile(j.name(e)+".safetensors", []byte("left by a crash before the entry was written"), 0o600))
	require.NoError(t, j.save(e, file, nil))
	require.NoError(t, j.save(e, file, nil), "the same entry again changes nothing")

	other := e
	other.Salt = []byte("another salt")
	require.ErrorContains(t, j.save(other, []byte("other weights"), nil), "group digits round 1")
	open, err := j.entries(testChain, account)
	require.NoError(t, err)
	require.Equal(t, []Entry{e}, open)
	kept, err := os.ReadFile(j.name(e) + ".safetensors")
	require.NoError(t, err)
	require.Equal(t, file, kept)

	other.Round = 2
	require.NoError(t, j.save(other, file, nil))
	require.NoError(t, j.remove(e))
	other.Round = 1
	require.NoError(t, j.save(other, file, nil), "after its round an entry makes room")
}
