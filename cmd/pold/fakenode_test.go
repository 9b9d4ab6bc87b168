package main

import (
	"context"

	"google.golang.org/grpc"

	"cosmossdk.io/math"

	poltypes "github.com/pold-network/pold/x/pol/types"
	trainingsettypes "github.com/pold-network/pold/x/trainingset/types"
	votingtypes "github.com/pold-network/pold/x/voting/types"
)

// fakeChain is what a node would answer, set by hand. Questions that a test does not expect end in a nil pointer.
type fakeChain struct {
	sets      map[string]trainingsettypes.TrainingSet
	proposals []trainingsettypes.Proposal
	period    votingtypes.Period
	ballots   map[uint64]votingtypes.Ballot
	voter     votingtypes.QueryVoterResponse
	groups    map[string]poltypes.Group
	changes   []poltypes.GroupChange
	rounds    []poltypes.Round
	deposit   math.Int
}

func (f *fakeChain) node() node { return node{fakeSets{f: f}, fakeVotes{f: f}, fakeGroups{f: f}} }

type fakeSets struct {
	trainingsettypes.QueryClient
	f *fakeChain
}

func (s fakeSets) TrainingSet(_ context.Context, r *trainingsettypes.QueryTrainingSetRequest, _ ...grpc.CallOption) (*trainingsettypes.QueryTrainingSetResponse, error) {
	set, ok := s.f.sets[r.Name]
	if !ok {
		return nil, fail(exitNotFound, "training set %q: not found", r.Name)
	}
	return &trainingsettypes.QueryTrainingSetResponse{TrainingSet: set}, nil
}

func (s fakeSets) Params(context.Context, *trainingsettypes.QueryParamsRequest, ...grpc.CallOption) (*trainingsettypes.QueryParamsResponse, error) {
	return &trainingsettypes.QueryParamsResponse{Params: trainingsettypes.DefaultParams()}, nil
}

func (s fakeSets) Proposal(_ context.Context, r *trainingsettypes.QueryProposalRequest, _ ...grpc.CallOption) (*trainingsettypes.QueryProposalResponse, error) {
	for _, p := range s.f.proposals {
		if p.Id == r.Id {
			return &trainingsettypes.QueryProposalResponse{Proposal: p}, nil
		}
	}
	return nil, fail(exitNotFound, "proposal not found: %d", r.Id)
}

func (s fakeSets) Proposals(context.Context, *trainingsettypes.QueryProposalsRequest, ...grpc.CallOption) (*trainingsettypes.QueryProposalsResponse, error) {
	return &trainingsettypes.QueryProposalsResponse{Proposals: s.f.proposals}, nil
}

func (s fakeSets) Deposit(context.Context, *trainingsettypes.QueryDepositRequest, ...grpc.CallOption) (*trainingsettypes.QueryDepositResponse, error) {
	return &trainingsettypes.QueryDepositResponse{Deposit: s.f.deposit}, nil
}

type fakeVotes struct {
	votingtypes.QueryClient
	f *fakeChain
}

func (v fakeVotes) Params(context.Context, *votingtypes.QueryParamsRequest, ...grpc.CallOption) (*votingtypes.QueryParamsResponse, error) {
	return &votingtypes.QueryParamsResponse{Params: votingtypes.DefaultParams()}, nil
}

func (v fakeVotes) Period(context.Context, *votingtypes.QueryPeriodRequest, ...grpc.CallOption) (*votingtypes.QueryPeriodResponse, error) {
	return &votingtypes.QueryPeriodResponse{Period: v.f.period}, nil
}

func (v fakeVotes) Ballot(_ context.Context, r *votingtypes.QueryBallotRequest, _ ...grpc.CallOption) (*votingtypes.QueryBallotResponse, error) {
	return &votingtypes.QueryBallotResponse{Ballot: v.f.ballots[r.Id]}, nil
}

func (v fakeVotes) Voter(context.Context, *votingtypes.QueryVoterRequest, ...grpc.CallOption) (*votingtypes.QueryVoterResponse, error) {
	return &v.f.voter, nil
}

type fakeGroups struct {
	poltypes.QueryClient
	f *fakeChain
}

func (g fakeGroups) Group(_ context.Context, r *poltypes.QueryGroupRequest, _ ...grpc.CallOption) (*poltypes.QueryGroupResponse, error) {
	found, ok := g.f.groups[r.Name]
	if !ok {
		return nil, fail(exitNotFound, "group not found: %q", r.Name)
	}
	return &poltypes.QueryGroupResponse{Group: found}, nil
}

func (g fakeGroups) Groups(context.Context, *poltypes.QueryGroupsRequest, ...grpc.CallOption) (*poltypes.QueryGroupsResponse, error) {
	r := &poltypes.QueryGroupsResponse{}
	for _, x := range g.f.groups {
		r.Groups = append(r.Groups, x)
	}
	return r, nil
}

func (g fakeGroups) Params(context.Context, *poltypes.QueryParamsRequest, ...grpc.CallOption) (*poltypes.QueryParamsResponse, error) {
	return &poltypes.QueryParamsResponse{Params: poltypes.DefaultParams()}, nil
}

func (g fakeGroups) Changes(_ context.Context, r *poltypes.QueryChangesRequest, _ ...grpc.CallOption) (*poltypes.QueryChangesResponse, error) {
	out := &poltypes.QueryChangesResponse{}
	for _, c := range g.f.changes {
		if c.Group == r.Group {
			out.Changes = append(out.Changes, c)
		}
	}
	return out, nil
}

func (g fakeGroups) Round(_ context.Context, r *poltypes.QueryRoundRequest, _ ...grpc.CallOption) (*poltypes.QueryRoundResponse, error) {
	for _, x := range g.f.rounds {
		if x.Number == r.Number {
			return &poltypes.QueryRoundResponse{Round: x}, nil
		}
	}
	return nil, fail(exitNotFound, "round %d of %q: not found", r.Number, r.Group)
}

func (g fakeGroups) Rounds(context.Context, *poltypes.QueryRoundsRequest, ...grpc.CallOption) (*poltypes.QueryRoundsResponse, error) {
	return &poltypes.QueryRoundsResponse{Rounds: g.f.rounds[:min(1, len(g.f.rounds))]}, nil
}

// nrn is an amount of whole NRN.
func nrn(n int64) math.Int { return math.NewInt(n * 1_000_000) }

func tally(period uint64, standing, bonded int64) votingtypes.Tally {
	return votingtypes.Tally{Period: period, Standing: nrn(standing), Bonded: nrn(bonded)}
}
