package server

import (
	"context"
	"crypto/sha256"
	"errors"
	"fmt"
	"log/slog"
	"sync"

	"github.com/ipfs/go-cid"
	"github.com/multiformats/go-multihash"

	"cosmossdk.io/collections"

	sdk "github.com/cosmos/cosmos-sdk/types"

	"github.com/pold-network/pold/sidecar/verifier"
	attestationtypes "github.com/pold-network/pold/x/attestation/types"
	poltypes "github.com/pold-network/pold/x/pol/types"
	trainingsettypes "github.com/pold-network/pold/x/trainingset/types"
)

const (
	testChain    = "test-1"
	testOperator = "polvaloper1test"
)

var quiet = slog.New(slog.DiscardHandler)

// fakeChain is a node whose state the tests write directly.
type fakeChain struct {
	mu      sync.Mutex
	down    bool
	height  int64
	tasks   []attestationtypes.Task
	asked   []attestationtypes.Artefact
	peers   []attestationtypes.Peer
	groups  []poltypes.Group
	rounds  map[string]poltypes.Round
	reveals map[string][]poltypes.Submission
	sets    []trainingsettypes.TrainingSet
	history map[string][]trainingsettypes.Revision

	reputations map[string]float64 // by account; nil: not known
	read        int                // of reputations
}

var errDown = errors.New("connection refused")

func (c *fakeChain) locked(f func()) error {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.down {
		return errDown
	}
	f()
	return nil
}

func (c *fakeChain) ChainID() string { return testChain }

func (c *fakeChain) Work(context.Context) (r *attestationtypes.QueryWorkResponse, err error) {
	err = c.locked(func() {
		r = &attestationtypes.QueryWorkResponse{Height: c.height, Tasks: append([]attestationtypes.Task(nil), c.tasks...), Artefacts: append([]attestationtypes.Artefact(nil), c.asked...)}
	})
	return r, err
}

func (c *fakeChain) Height(context.Context) (h int64, err error) {
	err = c.locked(func() { h = c.height })
	return h, err
}

func (c *fakeChain) Peers(context.Context) (p []attestationtypes.Peer, err error) {
	err = c.locked(func() { p = append(p, c.peers...) })
	return p, err
}

func (c *fakeChain) Reputation(_ context.Context, account string) (float64, error) {
	c.mu.Lock()
	defer c.mu.Unlock()
	value, ok := c.reputations[account]
	if !ok {
		return 0, errDown
	}
	c.read++
	return value, nil
}

func (c *fakeChain) MaxPeerLifetime(context.Context) (int64, error) { return 400, nil }

func (c *fakeChain) Groups(context.Context) (g []poltypes.Group, err error) {
	err = c.locked(func() { g = append(g, c.groups...) })
	return g, err
}

func (c *fakeChain) TrainingSets(context.Context) (s []trainingsettypes.TrainingSet, err error) {
	err = c.locked(func() { s = append(s, c.sets...) })
	return s, err
}

func (c *fakeChain) Revisions(_ context.Context, set string) (r []trainingsettypes.Revision, err error) {
	err = c.locked(func() { r = append(r, c.history[set]...) })
	return r, err
}

func roundKey(group string, n uint64) string { return fmt.Sprintf("%s/%d", group, n) }

func (c *fakeChain) Round(_ context.Context, group string, n uint64) (r poltypes.Round, err error) {
	known := false
	err = c.locked(func() { r, known = c.rounds[roundKey(group, n)] })
	if err == nil && !known {
		err = collections.ErrNotFound
	}
	return r, err
}

func (c *fakeChain) Submissions(_ context.Context, group string, n uint64) (s []poltypes.Submission, err error) {
	err = c.locked(func() { s = c.reveals[roundKey(group, n)] })
	return s, err
}

// fakeStore is a swarm in which nothing is lost on the way.
type fakeStore struct {
	mu       sync.Mutex
	files    map[string][]byte
	fetches  map[string]int
	running  int
	most     int // downloads at the same time
	provided map[string]bool
	hold     chan struct{} // if not nil, a fetch waits for it or its context
	lie      bool          // return other bytes than asked for
	remote   bool          // other peers have the files: a chunk is here once its file was fetched
}

func newStore() *fakeStore {
	return &fakeStore{files: map[string][]byte{}, fetches: map[string]int{}, provided: map[string]bool{}}
}

func (s *fakeStore) put(cid string, b []byte) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.files[cid] = b
}

func (s *fakeStore) Fetch(ctx context.Context, cid string, size uint64, hash []byte) ([]byte, error) {
	s.mu.Lock()
	s.fetches[cid]++
	s.running++
	s.most = max(s.most, s.running)
	hold := s.hold
	s.mu.Unlock()
	defer func() {
		s.mu.Lock()
		s.running--
		s.mu.Unlock()
	}()
	if hold != nil {
		select {
		case <-hold:
		case <-ctx.Done():
			return nil, ctx.Err()
		}
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	b, ok := s.files[cid]
	if !ok {
		return nil, errors.New("nobody holds it")
	}
	sum := sha256.Sum256(b)
	if hash != nil && !s.lie && (uint64(len(b)) != size || string(sum[:]) != string(hash)) {
		return nil, errors.New("content differs from what was expected")
	}
	return b, nil
}

func (s *fakeStore) Local(_ context.Context, cid string) ([]byte, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	b, ok := s.files[cid]
	if !ok {
		return nil, errors.New("not stored on this node")
	}
	return b, nil
}

func (s *fakeStore) Chunk(ctx context.Context, cid string, _, index int64) ([]byte, error) {
	file, err := s.Local(ctx, cid)
	if err != nil {
		return nil, err
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.remote && s.fetches[cid] == 0 {
		return nil, errors.New("not stored on this node")
	}
	return verifier.ChunkOf(file, index)
}

func (s *fakeStore) Add(_ context.Context, file []byte) (string, error) {
	name := rawCID(file)
	s.put(name, file)
	return name, nil
}

// rawCID is the CID of bytes that fit into one block.
func rawCID(file []byte) string {
	hash, err := multihash.Sum(file, multihash.SHA2_256, -1)
	if err != nil {
		panic(err)
	}
	return cid.NewCidV1(cid.Raw, hash).String()
}

func (s *fakeStore) Provide(_ context.Context, cid string) error {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.provided[cid] = true
	return nil
}

func (s *fakeStore) Remove(cid string) error {
	s.mu.Lock()
	defer s.mu.Unlock()
	if _, ok := s.files[cid]; !ok {
		return errors.New("not stored on this node")
	}
	delete(s.files, cid)
	return nil
}

func (s *fakeStore) has(cid string) bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	_, ok := s.files[cid]
	return ok
}

// fakeSender records announcements.
type fakeSender struct {
	sent []*attestationtypes.MsgAnnouncePeer
	err  error
}

func (s *fakeSender) Address() string { return "pol1sender" }

func (s *fakeSender) Send(_ context.Context, msgs ...sdk.Msg) (string, int64, error) {
	if s.err != nil {
		return "", 0, s.err
	}
	for _, m := range msgs {
		s.sent = append(s.sent, m.(*attestationtypes.MsgAnnouncePeer))
	}
	return "hash", 1, nil
}
