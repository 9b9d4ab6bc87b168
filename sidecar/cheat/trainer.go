package cheat

import (
	"bytes"
	"context"
	"errors"

	sdk "github.com/cosmos/cosmos-sdk/types"

	"github.com/pold-network/pold/sidecar/trainer"
	poltypes "github.com/pold-network/pold/x/pol/types"
)

// Apply changes the parts that a trainer works with.
func Apply(c *trainer.Config, k Kind) {
	switch k.Name {
	case FalseClaim:
		c.Claim = func(exactE9 uint64) uint64 { return exactE9 - 1 }
	case NoReveal:
		c.Sender = forgetful{c.Sender}
	case WithheldCheckpoint, WithheldStates:
		c.Store = &miser{Store: c.Store, states: k.Name == WithheldStates}
	case SkippedStep, SwappedBatch, ChangedRate, InventedMiddle:
		c.Record = Forge(k.Name)
	}
}

// forgetful sends commitments and no reveals.
type forgetful struct{ trainer.Sender }

var errNoReveal = errors.New("this trainer does not reveal")

func (s forgetful) Send(ctx context.Context, msgs ...sdk.Msg) (string, int64, error) {
	for _, m := range msgs {
		if _, ok := m.(*poltypes.MsgSubmitCheckpoint); ok {
			return "", 0, errNoReveal
		}
	}
	return s.Sender.Send(ctx, msgs...)
}

// miser names files and gives them to nobody: checkpoints, or the states of trainings.
type miser struct {
	trainer.Store
	states bool
}

func (m *miser) Add(ctx context.Context, file []byte) (string, error) {
	cid, err := m.Store.Add(ctx, file)
	if err != nil {
		return cid, err
	}
	isState := bytes.Contains(file[:min(len(file), 1<<16)], []byte(`"~steps"`))
	isCheckpoint := !isState && len(file) > 8 && file[8] == '{'
	if m.states && isState || !m.states && isCheckpoint {
		_ = m.Remove(cid) // adding it again for the reveal may have found it gone already
	}
	return cid, nil
}

// Provide announces also what is not there.
func (m *miser) Provide(ctx context.Context, cid string) error {
	_ = m.Store.Provide(ctx, cid)
	return nil
}
