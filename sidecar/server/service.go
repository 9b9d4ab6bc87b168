package server

import (
	"context"

	"google.golang.org/grpc"
	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/status"

	"github.com/cosmos/cosmos-sdk/codec"
	codectypes "github.com/cosmos/cosmos-sdk/codec/types"

	"github.com/pold-network/pold/engine"
	"github.com/pold-network/pold/sidecar/api"
)

// Overlay is what a status report tells about the swarm node.
type Overlay interface {
	PeerID() string
	Connected() int
	Addresses() []string
	Reachability() string
	PeerStates() []*api.PeerStatus
	Storage() *api.StorageStatus
}

// Service answers the node from memory.
type Service struct {
	chainID string
	worker  *Worker
	answers *Answers
	secrets *Secrets
	overlay Overlay
	problem string // why this sidecar must not vote; empty when it may
}

var _ api.SidecarServer = (*Service)(nil)

// NewService returns the service of a worker. With a problem (a failed self-test) it gives no answers, only its status.
func NewService(chainID string, worker *Worker, answers *Answers, secrets *Secrets, overlay Overlay, problem string) *Service {
	return &Service{chainID: chainID, worker: worker, answers: answers, secrets: secrets, overlay: overlay, problem: problem}
}

// NewGRPCServer returns a gRPC server that speaks the encoding of the generated types.
func NewGRPCServer(s api.SidecarServer) *grpc.Server {
	cdc := codec.NewProtoCodec(codectypes.NewInterfaceRegistry())
	server := grpc.NewServer(grpc.ForceServerCodec(cdc.GRPCCodec()))
	api.RegisterSidecarServer(server, s)
	return server
}

// Answers returns what is known about exactly the named tasks and artefacts.
func (s *Service) Answers(_ context.Context, r *api.AnswersRequest) (*api.AnswersResponse, error) {
	if s.problem != "" {
		return nil, status.Error(codes.FailedPrecondition, s.problem)
	}
	if r.ChainId != s.chainID {
		return nil, status.Errorf(codes.FailedPrecondition, "this sidecar works for chain %q, the node asks for %q; start it with --chain-id %s",
			s.chainID, r.ChainId, r.ChainId)
	}
	s.worker.SetOperator(r.Operator)
	var response api.AnswersResponse
	if r.Beacon != 0 {
		response.BeaconSecret = s.secrets.Of(r.ChainId, r.Operator, r.Beacon)
	}
	for _, t := range r.Tasks {
		if answer, ok := s.answers.Get(t.Id, t.ManifestHash, r.Operator); ok {
			response.Answers = append(response.Answers, answer)
		}
	}
	for _, a := range r.Artefacts {
		if s.worker.Held(a.Id, a.Sha256) {
			response.Held = append(response.Held, a.Id)
		}
	}
	return &response, nil
}

// Status says whether this sidecar is fit to vote, and why not.
func (s *Service) Status(context.Context, *api.StatusRequest) (*api.StatusResponse, error) {
	_, held, reached := s.worker.Progress()
	r := &api.StatusResponse{
		EngineVersion: engine.Version, ChainId: s.chainID, PeerId: s.overlay.PeerID(), ConnectedPeers: uint32(s.overlay.Connected()),
		Answers: uint64(s.answers.Len()), Artefacts: uint64(held), Problem: s.problem,
		Addresses: s.overlay.Addresses(), Reachability: s.overlay.Reachability(), Peers: s.overlay.PeerStates(), Storage: s.overlay.Storage(),
	}
	if r.Problem == "" && !reached {
		r.Problem = "the node has not answered yet; it may still be starting"
	}
	r.Ready = r.Problem == ""
	return r, nil
}
