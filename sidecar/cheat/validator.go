package cheat

import (
	"context"
	"errors"
	"sync"

	"github.com/pold-network/pold/sidecar/api"
	"github.com/pold-network/pold/sidecar/server"
	poltypes "github.com/pold-network/pold/x/pol/types"
)

// Service lies to the node of its own validator.
type Service struct {
	api.SidecarServer
	kind string

	mu    sync.Mutex
	asked map[uint64]int // how often each number of the beacon was asked for
}

// NewService returns a service that cheats.
func NewService(honest api.SidecarServer, k Kind) *Service {
	return &Service{SidecarServer: honest, kind: k.Name, asked: map[uint64]int{}}
}

// NewStore returns the store of a worker that cheats: with NoFiles it has no chunk of any file, whatever was fetched. Other kinds leave it
// as it is.
func NewStore(honest server.Store, k Kind) server.Store {
	if k.Name != NoFiles {
		return honest
	}
	return bare{honest}
}

type bare struct{ server.Store }

var errBare = errors.New("this sidecar cheats: it keeps no file")

// Chunk never finds anything.
func (bare) Chunk(context.Context, string, int64, int64) ([]byte, error) { return nil, errBare }

// commitAsks is how often a node asks for a secret before it sees its commit on chain; what comes later asks for the reveal.
const commitAsks = 2

// Answers changes what the honest service says.
func (s *Service) Answers(ctx context.Context, r *api.AnswersRequest) (*api.AnswersResponse, error) {
	honest, err := s.SidecarServer.Answers(ctx, r)
	if err != nil {
		return nil, err
	}
	res := *honest
	res.Answers = append([]api.Answer(nil), honest.Answers...)
	switch s.kind {
	case Silent:
		res.Answers = nil
	case NoFiles:
		res.Held = nil
	case WithheldSecret:
		s.mu.Lock()
		defer s.mu.Unlock()
		if s.asked[r.Beacon]++; s.asked[r.Beacon] > commitAsks {
			res.BeaconSecret = nil
		}
	}
	for i := range res.Answers {
		s.lie(&res.Answers[i])
	}
	return &res, nil
}

func (s *Service) lie(a *api.Answer) {
	score, err := poltypes.DecodeScoreAnswer(a.Answer)
	isScore := err == nil
	switch {
	case s.kind == WrongScore && isScore && score.RankLossE9 > 0:
		score.RankLossE9--
		a.Answer = score.Encode()
	case s.kind == Constant && isScore:
		a.Answer = poltypes.ScoreAnswer{ClaimLossE9: 1, RankLossE9: 1}.Encode()
	case s.kind == WrongPersonal && len(a.Personal) > 0:
		a.Personal = append([]byte{a.Personal[0] ^ 1}, a.Personal[1:]...)
	case s.kind == FalseChallenge && len(a.Answer) == poltypes.AuditAnswerSize:
		a.Challenges = nil
		for segment := range uint32(poltypes.MaxSegments) { // the chain takes those that were drawn for this validator
			a.Challenges = append(a.Challenges, segment)
		}
	}
}
