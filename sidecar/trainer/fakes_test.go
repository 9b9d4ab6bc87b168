package trainer

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"log/slog"
	"sync"
	"testing"

	"github.com/stretchr/testify/require"

	"cosmossdk.io/collections"
	"cosmossdk.io/math"

	sdk "github.com/cosmos/cosmos-sdk/types"

	"github.com/pold-network/pold/dataset/digits"
	"github.com/pold-network/pold/engine"
	"github.com/pold-network/pold/sidecar/verifier"
	poltypes "github.com/pold-network/pold/x/pol/types"
	trainingsettypes "github.com/pold-network/pold/x/trainingset/types"
)

const (
	testChain = "test-1"
	account   = "pol1trainer"
)

var (
	errAway    = errors.New("node away")
	errRefused = errors.New("transaction refused")
)

// fakeChain plays the rounds of one group: three looks at a phase move it on, as blocks would. It checks reveals as the chain does
// and judges with the verifier.
type fakeChain struct {
	mu          sync.Mutex
	store       *fakeStore
	group       poltypes.Group
	rounds      map[uint64]*poltypes.Round
	commitments map[uint64][]poltypes.Commitment
	submissions map[uint64][]poltypes.Submission
	looks       int
	frozen      bool // phases do not move
	last        uint64
	away        int // so many questions fail
	behind      int // so many questions about a round find nothing
	hidden      int // so many questions do not see the commitments yet
	slow        bool
	sends       []sdk.Msg
	beforeSend  func(sdk.Msg) error // may refuse
	afterSend   func(sdk.Msg) error // the chain has it, the answer is lost
}

func newChain(store *fakeStore, lastRound uint64) *fakeChain {
	root, _ := hex.DecodeString(digits.Root)
	sum := sha256.Sum256(digits.CSV())
	store.files["table"] = digits.CSV()
	c := &fakeChain{store: store, last: lastRound, rounds: map[uint64]*poltypes.Round{}, commitments: map[uint64][]poltypes.Commitment{}, submissions: map[uint64][]poltypes.Submission{}}
	c.group = poltypes.Group{Name: "digits", Settings: poltypes.GroupSettings{
		Model: poltypes.ModelSpec{InputShape: []uint32{8, 8}, Normalization: &poltypes.Normalization{DivisorE6: 16_000_000},
			Layers: []*poltypes.Layer{{Name: "out", Kind: "dense", Units: 10}}},
		TrainingSet: "digits", Objective: poltypes.OBJECTIVE_CROSS_ENTROPY, Evaluation: poltypes.EVALUATION_MODE_TRAINING_SET,
		MinImprovementE9: 1, MaxSteps: 5, InitSeed: make([]byte, 32)}}
	table := trainingsettypes.Table{Cid: "table", Sha256: sum[:], Size_: uint64(len(digits.CSV())), Rows: digits.Rows, Columns: 65, Targets: 1, Root: root, ValidationPermille: 200}
	c.rounds[1] = &poltypes.Round{Group: "digits", Number: 1, Phase: poltypes.ROUND_PHASE_COMMIT, CommitUntil: 1_000, TrainingSet: "digits", Table: table, EngineVersion: engine.Version}
	c.group.Round = 1
	return c
}

// look moves the phases on.
func (c *fakeChain) look() {
	if c.looks++; c.frozen || c.looks%3 != 0 {
		return
	}
	r := c.rounds[c.group.Round]
	switch r.Phase {
	case poltypes.ROUND_PHASE_COMMIT:
		if len(c.commitments[r.Number]) > 0 {
			r.Phase = poltypes.ROUND_PHASE_REVEAL
		}
	case poltypes.ROUND_PHASE_REVEAL:
		if len(c.submissions[r.Number]) > 0 {
			r.Phase = poltypes.ROUND_PHASE_SCORE
		}
	case poltypes.ROUND_PHASE_SCORE:
		c.settle(r)
	}
}

func (c *fakeChain) settle(r *poltypes.Round) {
	r.Phase = poltypes.ROUND_PHASE_SETTLED
	for i := range c.submissions[r.Number] {
		s := &c.submissions[r.Number][i]
		file := c.store.files[s.CheckpointCid]
		f, err := verifier.New().Evaluate(context.Background(), verifier.RoundInputs(testChain, c.group, *r, s.Trainer), file, c.store.Fetch)
		if err != nil {
			panic(err)
		}
		s.Judge(poltypes.ScoreAnswer{Status: f.Status, ClaimLossE9: f.ClaimLossE9, RankLossE9: f.RankLossE9, MetricE9: f.MetricE9}, 1)
		if s.Status == poltypes.SUBMISSION_STATUS_VALID {
			s.Status = poltypes.SUBMISSION_STATUS_WINNER
			r.Winner, r.Reward = s.Trainer, math.NewInt(1_500_000)
			r.Checkpoint = poltypes.Checkpoint{Cid: s.CheckpointCid, Sha256: s.CheckpointHash, Size_: s.Size_, LossE9: f.RankLossE9}
			c.group.Parent = r.Checkpoint
		}
	}
	if r.Number < c.last {
		next := *r
		next.Number, next.Phase, next.Winner, next.Parent, next.Checkpoint = r.Number+1, poltypes.ROUND_PHASE_COMMIT, "", c.group.Parent, poltypes.Checkpoint{}
		c.rounds[next.Number] = &next
		c.group.Round = next.Number
	}
}

func (c *fakeChain) ask(f func() error) error {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.away > 0 {
		c.away--
		return errAway
	}
	return f()
}

func (c *fakeChain) ChainID() string { return testChain }

// Height is past the commit phase when the phase is, unless the test holds it back.
func (c *fakeChain) Height(context.Context) (h int64, err error) {
	err = c.ask(func() error {
		h = 1
		if r := c.rounds[c.group.Round]; r != nil && r.Phase != poltypes.ROUND_PHASE_COMMIT && !c.slow {
			h = r.CommitUntil + 1
		}
		return nil
	})
	return h, err
}

func (c *fakeChain) Group(_ context.Context, name string) (g poltypes.Group, err error) {
	err = c.ask(func() error {
		if name != c.group.Name {
			return collections.ErrNotFound
		}
		g = c.group
		return nil
	})
	return g, err
}

func (c *fakeChain) Round(_ context.Context, _ string, n uint64) (r poltypes.Round, err error) {
	err = c.ask(func() error {
		c.look()
		if c.behind > 0 {
			c.behind--
			return collections.ErrNotFound
		}
		if c.rounds[n] == nil {
			return collections.ErrNotFound
		}
		r = *c.rounds[n]
		return nil
	})
	return r, err
}

func (c *fakeChain) Commitments(_ context.Context, _ string, n uint64) (x []poltypes.Commitment, err error) {
	err = c.ask(func() error {
		if c.hidden > 0 {
			c.hidden--
			return nil
		}
		x = append(x, c.commitments[n]...)
		return nil
	})
	return x, err
}

func (c *fakeChain) Submissions(_ context.Context, _ string, n uint64) (x []poltypes.Submission, err error) {
	err = c.ask(func() error { x = append(x, c.submissions[n]...); return nil })
	return x, err
}

func (c *fakeChain) Address() string { return account }

// Send applies a message as the chain would.
func (c *fakeChain) Send(_ context.Context, msgs ...sdk.Msg) (string, int64, error) {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.beforeSend != nil {
		if err := c.beforeSend(msgs[0]); err != nil {
			return "", 0, err
		}
	}
	if err := c.apply(msgs[0]); err != nil {
		return "", 0, err
	}
	c.sends = append(c.sends, msgs[0])
	if c.afterSend != nil {
		if err := c.afterSend(msgs[0]); err != nil {
			return "", 0, err
		}
	}
	return "HASH", 7, nil
}

func (c *fakeChain) apply(msg sdk.Msg) error {
	switch m := msg.(type) {
	case *poltypes.MsgCommitCheckpoint:
		if c.rounds[m.Round].Phase != poltypes.ROUND_PHASE_COMMIT {
			return poltypes.ErrWrongPhase
		}
		for _, x := range c.commitments[m.Round] {
			if x.Trainer == m.Sender {
				return poltypes.ErrAlreadyCommitted
			}
		}
		c.commitments[m.Round] = append(c.commitments[m.Round], poltypes.Commitment{Round: m.Round, Trainer: m.Sender, Commitment: m.Commitment, Order: 1})
	case *poltypes.MsgSubmitCheckpoint:
		if c.rounds[m.Round].Phase != poltypes.ROUND_PHASE_REVEAL {
			return poltypes.ErrWrongPhase
		}
		if !c.store.provided[m.CheckpointCid] {
			return fmt.Errorf("revealed before it was provided")
		}
		want := poltypes.CommitmentOf(testChain, m.Group, m.Round, m.Sender, m.CheckpointHash, m.TranscriptRoot, m.ClaimedLossE9, m.Salt)
		for i := range c.commitments[m.Round] {
			x := &c.commitments[m.Round][i]
			if x.Trainer == m.Sender && string(x.Commitment) == string(want) {
				x.Revealed = true
				c.submissions[m.Round] = append(c.submissions[m.Round], poltypes.Submission{Trainer: m.Sender, CheckpointCid: m.CheckpointCid,
					CheckpointHash: m.CheckpointHash, Size_: m.Size_, ClaimedLossE9: m.ClaimedLossE9, TranscriptCid: m.TranscriptCid, TranscriptRoot: m.TranscriptRoot, TranscriptSize: m.TranscriptSize,
					Status: poltypes.SUBMISSION_STATUS_REVEALED})
				return nil
			}
		}
		return poltypes.ErrMismatch
	}
	return nil
}

// fakeStore is a swarm; the fake chain reads only what was provided.
type fakeStore struct {
	mu       sync.Mutex
	files    map[string][]byte
	provided map[string]bool
	offered  [][2]string
}

func newStore() *fakeStore {
	return &fakeStore{files: map[string][]byte{}, provided: map[string]bool{}}
}

func (s *fakeStore) Fetch(_ context.Context, cid string, _ uint64, _ []byte) ([]byte, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if b, ok := s.files[cid]; ok {
		return b, nil
	}
	return nil, errors.New("nobody holds it")
}

func (s *fakeStore) Add(_ context.Context, file []byte) (string, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	sum := sha256.Sum256(file)
	cid := hex.EncodeToString(sum[:])
	s.files[cid] = file
	return cid, nil
}

func (s *fakeStore) OfferDelta(_ context.Context, file, base string) error {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.offered = append(s.offered, [2]string{file, base})
	return nil
}

func (s *fakeStore) Provide(_ context.Context, cid string) error {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.files[cid] == nil {
		return errors.New("not stored")
	}
	s.provided[cid] = true
	return nil
}

func (s *fakeStore) Remove(cid string) error {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.files[cid] == nil {
		return errors.New("not stored")
	}
	delete(s.files, cid)
	return nil
}

// recorder keeps events.
type recorder struct {
	mu     sync.Mutex
	events []Event
}

func (r *recorder) report(e Event) {
	if e.Event == EventProgress {
		return
	}
	r.mu.Lock()
	defer r.mu.Unlock()
	r.events = append(r.events, e)
}

func (r *recorder) names() (names []string) {
	r.mu.Lock()
	defer r.mu.Unlock()
	for _, e := range r.events {
		names = append(names, e.Event)
	}
	return names
}

func newTrainer(t *testing.T, chain *fakeChain, store *fakeStore, dir string) (*Trainer, *recorder) {
	t.Helper()
	r := &recorder{}
	trainer, err := New(Config{Chain: chain, Sender: chain, Store: store, Verifier: verifier.New(), Dir: dir, Log: slog.New(slog.DiscardHandler), Report: r.report,
		Recipe: Recipe{engine.Recipe{Optimizer: engine.OptimizerSGD, LearningRate: 0.05, Momentum: 0.9, BatchSize: 32, Steps: 5}, []byte("seed")}, Poll: 1,
		Transient: func(err error) bool { return errors.Is(err, errAway) }, Refused: func(err error) bool { return errors.Is(err, errRefused) }})
	require.NoError(t, err)
	return trainer, r
}
