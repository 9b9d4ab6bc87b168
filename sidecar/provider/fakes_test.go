package provider

import (
	"bytes"
	"context"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"log/slog"
	"strings"
	"sync"
	"testing"

	"github.com/stretchr/testify/require"

	"cosmossdk.io/collections"
	"cosmossdk.io/math"

	sdk "github.com/cosmos/cosmos-sdk/types"

	poltypes "github.com/pold-network/pold/x/pol/types"
	trainingsettypes "github.com/pold-network/pold/x/trainingset/types"
)

const (
	testChain = "test-1"
	account   = "pol1provider"
)

var errAway = errors.New("node away")

// fakeChain plays a sealed group: every look moves it on by one phase once it has the batch of the next round.
type fakeChain struct {
	mu       sync.Mutex
	group    poltypes.Group
	rounds   map[uint64]*poltypes.Round
	batches  []poltypes.SealedBatch // waiting
	bond     math.Int
	sends    []sdk.Msg
	frozen   bool
	fail     func(msg sdk.Msg) error // before it is applied
	lost     func(msg sdk.Msg) error // after it was applied
	away     int
	status   poltypes.SealedBatchStatus // of new batches
	files    map[string][]byte
	provided map[string]bool
}

func newChain() *fakeChain {
	return &fakeChain{rounds: map[uint64]*poltypes.Round{}, bond: math.ZeroInt(), status: poltypes.SEALED_BATCH_STATUS_READY, files: map[string][]byte{}, provided: map[string]bool{},
		group: poltypes.Group{Name: "g", Settings: poltypes.GroupSettings{Evaluation: poltypes.EVALUATION_MODE_SEALED, Providers: []string{account},
			Objective: poltypes.OBJECTIVE_CROSS_ENTROPY, TrainingSet: "set",
			Model: poltypes.ModelSpec{InputShape: []uint32{2}, Layers: []*poltypes.Layer{{Name: "out", Kind: "dense", Units: 3}}}}}}
}

var phases = []poltypes.RoundPhase{poltypes.ROUND_PHASE_COMMIT, poltypes.ROUND_PHASE_REVEAL, poltypes.ROUND_PHASE_KEY, poltypes.ROUND_PHASE_SCORE, poltypes.ROUND_PHASE_SETTLED}

// look moves the group on; the key phase ends when the key is there, or after twenty looks.
func (c *fakeChain) look() {
	if c.frozen {
		return
	}
	r := c.rounds[c.group.Round]
	if r == nil || r.Phase == poltypes.ROUND_PHASE_SETTLED {
		for i, b := range c.batches {
			if b.Round == c.group.Round+1 && b.Status == poltypes.SEALED_BATCH_STATUS_READY {
				b.Status = poltypes.SEALED_BATCH_STATUS_USED
				c.group.Round++
				c.rounds[c.group.Round] = &poltypes.Round{Group: "g", Number: c.group.Round, Phase: phases[0], KeyUntil: 20, Batches: []poltypes.SealedBatch{b}}
				c.batches = append(c.batches[:i:i], c.batches[i+1:]...)
				return
			}
		}
		return
	}
	if b := &r.Batches[0]; r.Phase == poltypes.ROUND_PHASE_KEY && len(b.Key) == 0 {
		if r.KeyUntil--; r.KeyUntil >= 0 {
			return
		}
		b.Status = poltypes.SEALED_BATCH_STATUS_FAILED
	}
	for i, phase := range phases {
		if phase == r.Phase {
			r.Phase = phases[i+1]
			return
		}
	}
}

func (c *fakeChain) ask(f func()) error {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.away > 0 {
		c.away--
		return errAway
	}
	f()
	return nil
}

func (c *fakeChain) ChainID() string { return testChain }
func (c *fakeChain) Address() string { return account }

func (c *fakeChain) Group(context.Context, string) (g poltypes.Group, err error) {
	err = c.ask(func() { c.look(); g = c.group })
	return g, err
}

func (c *fakeChain) Round(_ context.Context, _ string, n uint64) (r poltypes.Round, err error) {
	found := false
	if err = c.ask(func() {
		if c.rounds[n] != nil {
			r, found = *c.rounds[n], true
		}
	}); err == nil && !found {
		err = collections.ErrNotFound
	}
	return r, err
}

func (c *fakeChain) Batches(context.Context, string) (b []poltypes.SealedBatch, bonds []poltypes.ProviderBond, err error) {
	err = c.ask(func() {
		b = append(b, c.batches...)
		if c.bond.IsPositive() {
			bonds = []poltypes.ProviderBond{{Group: "g", Provider: account, Amount: c.bond}}
		}
	})
	return b, bonds, err
}

func (c *fakeChain) TrainingSet(context.Context, string) (trainingsettypes.TrainingSet, error) {
	return trainingsettypes.TrainingSet{Name: "set", Table: trainingsettypes.Table{Columns: 3, Targets: 1}}, nil
}

func (c *fakeChain) Send(_ context.Context, msgs ...sdk.Msg) (string, int64, error) {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.fail != nil {
		if err := c.fail(msgs[0]); err != nil {
			return "", 0, err
		}
	}
	if err := c.apply(msgs[0]); err != nil {
		return "", 0, err
	}
	c.sends = append(c.sends, msgs[0])
	if c.lost != nil {
		if err := c.lost(msgs[0]); err != nil {
			return "", 0, err
		}
	}
	return "HASH", 7, nil
}

func (c *fakeChain) apply(msg sdk.Msg) error {
	switch m := msg.(type) {
	case *poltypes.MsgProvideBatches:
		for _, b := range m.Batches {
			b.Cid = "bafkreigx74jucairqk326nztwia2sgooul76adzf74r3usgf46i5v75uta" // the fake store's are none
			if err := b.Validate(); err != nil {
				return err
			}
			for i := range c.batches {
				if old := &c.batches[i]; old.Round == b.Round {
					if old.Status != poltypes.SEALED_BATCH_STATUS_UNAVAILABLE {
						return poltypes.ErrInvalidBatch
					}
					c.batches = append(c.batches[:i:i], c.batches[i+1:]...)
					break
				}
			}
			c.batches = append(c.batches, poltypes.SealedBatch{Group: m.Group, Provider: m.Sender, Round: b.Round, Sha256: b.Sha256, Size_: b.Size_,
				TableSha256: b.TableSha256, Rows: b.Rows, KeyHash: b.KeyHash, Status: c.status})
		}
		c.bond = c.bond.Add(m.Bond)
	case *poltypes.MsgRevealBatchKey:
		r := c.rounds[m.Round]
		if r == nil || r.Phase != poltypes.ROUND_PHASE_KEY {
			return poltypes.ErrWrongPhase
		}
		if hash := sha256.Sum256(m.Key); !bytes.Equal(hash[:], r.Batches[0].KeyHash) {
			return poltypes.ErrMismatch
		}
		r.Batches[0].Key, r.Batches[0].Status = m.Key, poltypes.SEALED_BATCH_STATUS_REVEALED
	}
	return nil
}

// Add and Provide make the fake chain a swarm as well.
func (c *fakeChain) Add(_ context.Context, file []byte) (string, error) {
	sum := sha256.Sum256(file)
	cid := hex.EncodeToString(sum[:])
	c.files[cid] = file
	return cid, nil
}

func (c *fakeChain) Provide(_ context.Context, cid string) error {
	c.provided[cid] = true
	return nil
}

func newProvider(t *testing.T, c *fakeChain, dir string) (*Provider, *strings.Builder) {
	t.Helper()
	var text strings.Builder
	p, err := New(Config{Chain: c, Sender: c, Store: c, Dir: dir, Log: slog.New(slog.DiscardHandler), Report: Text(&text), Poll: 1,
		Transient: func(err error) bool { return errors.Is(err, errAway) }})
	require.NoError(t, err)
	return p, &text
}

func table(n int) Table {
	return Table{fmt.Sprintf("rows-%d.csv", n), fmt.Appendf(nil, "a,b,class\n%d,2,0\n3,4,2\n", n)}
}
