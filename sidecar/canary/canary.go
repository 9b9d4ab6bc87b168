// Package canary plants checkpoints whose verdict is known before and opens them after settlement: whoever voted against the truth has
// not computed.
//
// What is hidden (the trainer's account, the verdict, a salt) is in a private file before the commitment is sent, because a canary
// that can't be opened costs its bond. Start with Planter.Plant and Planter.Open.
package canary

import (
	"bytes"
	"context"
	"crypto/rand"
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"time"

	sdk "github.com/cosmos/cosmos-sdk/types"

	"github.com/pold-network/pold/sidecar/atomicfile"
	"github.com/pold-network/pold/sidecar/verifier"
	poltypes "github.com/pold-network/pold/x/pol/types"
)

const saltSize = 32

// Chain is what a planter asks the node.
type Chain interface {
	ChainID() string
	Group(ctx context.Context, name string) (poltypes.Group, error)
	Round(ctx context.Context, group string, number uint64) (poltypes.Round, error)
	Canaries(ctx context.Context, group string, number uint64) ([]poltypes.Canary, error)
}

// Sender signs and sends transactions of one account.
type Sender interface {
	Address() string
	Send(ctx context.Context, msgs ...sdk.Msg) (hash string, height int64, err error)
}

// Planter plants and opens canaries of one account.
type Planter struct {
	Chain    Chain
	Sender   Sender
	Fetch    verifier.FetchFunc
	Verifier *verifier.Verifier
	Dir      string        // of the private files
	Poll     time.Duration // how often the chain is looked at while a round is open
}

// Entry is what opens a canary.
type Entry struct {
	ChainID     string `json:"chain_id"`
	Group       string `json:"group"`
	Round       uint64 `json:"round"`
	Planter     string `json:"planter"`
	Trainer     string `json:"trainer"`
	Finding     uint32 `json:"finding"`
	ClaimLossE9 uint64 `json:"claim_loss_e9"`
	Salt        []byte `json:"salt"`
}

// Commitment is what goes on chain.
func (e Entry) Commitment() []byte {
	return poltypes.CanaryCommitmentOf(e.ChainID, e.Group, e.Round, e.Planter, e.Trainer, e.Finding, e.ClaimLossE9, e.Salt)
}

func (p *Planter) path(group string, round uint64) string {
	return filepath.Join(p.Dir, fmt.Sprintf("%s-%s-%d-%s.json", p.Chain.ChainID(), group, round, p.Sender.Address()))
}

// Plant computes the verdict that a file must get when the trainer hands it in, and plants a canary of it in the current round.
func (p *Planter) Plant(ctx context.Context, group, trainer string, file []byte) (Entry, error) {
	g, err := p.Chain.Group(ctx, group)
	if err != nil {
		return Entry{}, err
	}
	if g.Settings.Proof != poltypes.PROOF_MODE_SCORED {
		return Entry{}, fmt.Errorf("group %q asks for a proof of training, which a planted checkpoint has not; plant canaries in groups of proof mode SCORED", group)
	}
	if !g.Settings.Allows(trainer) {
		return Entry{}, poltypes.ErrNotAllowed.Wrapf("group %q would not take a checkpoint of %s", group, trainer)
	}
	r, err := p.Chain.Round(ctx, group, g.Round)
	if err != nil {
		return Entry{}, err
	}
	if r.Phase != poltypes.ROUND_PHASE_COMMIT {
		return Entry{}, fmt.Errorf("%w: round %d of group %q is in %s; plant in phase COMMIT of the next one, together with the commitment of the checkpoint", poltypes.ErrWrongPhase, r.Number, group, r.Phase)
	}
	f, err := p.Verifier.Evaluate(ctx, verifier.RoundInputs(p.Chain.ChainID(), g, r, trainer), file, p.Fetch)
	if err != nil {
		return Entry{}, err
	}
	e := Entry{ChainID: p.Chain.ChainID(), Group: group, Round: r.Number, Planter: p.Sender.Address(), Trainer: trainer,
		Finding: uint32(f.Status), ClaimLossE9: f.ClaimLossE9, Salt: make([]byte, saltSize)}
	if _, err := rand.Read(e.Salt); err != nil {
		return e, fmt.Errorf("draw a salt: %w", err)
	}
	if e, err = p.save(e); err != nil {
		return e, err
	}
	planted, err := p.onChain(ctx, e)
	if err != nil || planted != nil {
		return e, err
	}
	_, _, err = p.Sender.Send(ctx, &poltypes.MsgPlantCanary{Sender: e.Planter, Group: group, Round: e.Round, Commitment: e.Commitment()})
	return e, err
}

// save writes an entry, or returns that of an earlier attempt when it says the same: its commitment may be on its way.
func (p *Planter) save(e Entry) (Entry, error) {
	if err := os.MkdirAll(p.Dir, 0o700); err != nil {
		return e, fmt.Errorf("canaries: %w", err)
	}
	old, err := p.load(e.Group, e.Round)
	switch {
	case err == nil:
		salted := e
		if salted.Salt = old.Salt; !bytes.Equal(salted.Commitment(), old.Commitment()) {
			return e, fmt.Errorf("canaries: round %d of group %q has another one of this account, and without its file it can't be opened; an account plants one in a round", e.Round, e.Group)
		}
		return old, nil
	case !errors.Is(err, os.ErrNotExist):
		return e, err
	}
	b, err := json.MarshalIndent(e, "", "  ")
	if err == nil {
		err = atomicfile.Write(p.path(e.Group, e.Round), b, 0o600)
	}
	if err != nil {
		return e, fmt.Errorf("canaries: %w; nothing was sent", err)
	}
	return e, nil
}

func (p *Planter) load(group string, round uint64) (Entry, error) {
	var e Entry
	b, err := os.ReadFile(p.path(group, round))
	if err != nil {
		return e, fmt.Errorf("canaries: %w", err)
	}
	if err := json.Unmarshal(b, &e); err != nil {
		return e, fmt.Errorf("canaries: %s is damaged (%w); without it the canary can't be opened", p.path(group, round), err)
	}
	return e, nil
}

// onChain returns the canary of an entry as the chain has it, nil when it has none.
func (p *Planter) onChain(ctx context.Context, e Entry) (*poltypes.Canary, error) {
	all, err := p.Chain.Canaries(ctx, e.Group, e.Round)
	if err != nil {
		return nil, err
	}
	for _, c := range all {
		if c.Planter == e.Planter && bytes.Equal(c.Commitment, e.Commitment()) {
			return &c, nil
		}
	}
	return nil, nil
}

// Open waits for the settlement of a round, opens the canary that was planted in it, and returns what came of it.
func (p *Planter) Open(ctx context.Context, group string, round uint64) (poltypes.Canary, error) {
	e, err := p.load(group, round)
	if err != nil {
		return poltypes.Canary{}, fmt.Errorf("%w; plant one first, or name the folder it was planted with", err)
	}
	for {
		r, err := p.Chain.Round(ctx, group, round)
		if err != nil {
			return poltypes.Canary{}, err
		}
		if r.Phase == poltypes.ROUND_PHASE_SETTLED {
			break
		}
		timer := time.NewTimer(p.Poll)
		select {
		case <-ctx.Done():
			timer.Stop()
			return poltypes.Canary{}, ctx.Err()
		case <-timer.C:
		}
	}
	c, err := p.onChain(ctx, e)
	if err == nil && c == nil {
		err = fmt.Errorf("round %d of group %q holds no canary of %s: it was never planted; its file is %s", round, group, e.Planter, p.path(group, round))
	}
	if err != nil || c.Status != poltypes.CANARY_STATUS_PLANTED {
		return deref(c), err
	}
	if _, _, err := p.Sender.Send(ctx, &poltypes.MsgOpenCanary{Sender: e.Planter, Group: group, Round: round, Trainer: e.Trainer, Finding: e.Finding, ClaimLossE9: e.ClaimLossE9, Salt: e.Salt}); err != nil {
		return *c, err
	}
	c, err = p.onChain(ctx, e)
	return deref(c), err
}

func deref(c *poltypes.Canary) poltypes.Canary {
	if c == nil {
		return poltypes.Canary{}
	}
	return *c
}
