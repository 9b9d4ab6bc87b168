package chain

import (
	"context"
	"fmt"

	"github.com/cosmos/cosmos-sdk/client/grpc/node"
	"github.com/cosmos/cosmos-sdk/types/query"

	attestationtypes "github.com/pold-network/pold/x/attestation/types"
	poltypes "github.com/pold-network/pold/x/pol/types"
	polslashingtypes "github.com/pold-network/pold/x/slashing/types"
	trainingsettypes "github.com/pold-network/pold/x/trainingset/types"
)

const (
	pageSize = 200
	// maxItems bounds what is read of a list.
	maxItems = 10_000
)

// Height returns the height of the node's last block.
func (c *Client) Height(ctx context.Context) (int64, error) {
	ctx, cancel := context.WithTimeout(ctx, callTimeout)
	defer cancel()
	r, err := node.NewServiceClient(c.conn).Status(ctx, &node.StatusRequest{})
	if err != nil {
		return 0, c.queryError("its height", err)
	}
	return int64(r.Height), nil
}

// Work returns the unfinished tasks and the artefacts that the chain asks about.
func (c *Client) Work(ctx context.Context) (*attestationtypes.QueryWorkResponse, error) {
	ctx, cancel := context.WithTimeout(ctx, callTimeout)
	defer cancel()
	r, err := attestationtypes.NewQueryClient(c.conn).Work(ctx, &attestationtypes.QueryWorkRequest{})
	return r, c.queryError("the open work", err)
}

// Task returns one task, finished ones for as long as the chain keeps them.
func (c *Client) Task(ctx context.Context, id uint64) (attestationtypes.Task, error) {
	ctx, cancel := context.WithTimeout(ctx, callTimeout)
	defer cancel()
	r, err := attestationtypes.NewQueryClient(c.conn).Task(ctx, &attestationtypes.QueryTaskRequest{Id: id})
	if err != nil {
		return attestationtypes.Task{}, c.queryError(fmt.Sprintf("task %d", id), err)
	}
	return r.Task, nil
}

// MaxPeerLifetime returns by how many heights an announcement may outlive its block.
func (c *Client) MaxPeerLifetime(ctx context.Context) (int64, error) {
	ctx, cancel := context.WithTimeout(ctx, callTimeout)
	defer cancel()
	r, err := attestationtypes.NewQueryClient(c.conn).Params(ctx, &attestationtypes.QueryParamsRequest{})
	if err != nil {
		return 0, c.queryError("the attestation parameters", err)
	}
	return r.Params.MaxPeerLifetime, nil
}

// Peers returns the announced overlay identities.
func (c *Client) Peers(ctx context.Context) ([]attestationtypes.Peer, error) {
	return pages(func(page *query.PageRequest) ([]attestationtypes.Peer, *query.PageResponse, error) {
		ctx, cancel := context.WithTimeout(ctx, callTimeout)
		defer cancel()
		r, err := attestationtypes.NewQueryClient(c.conn).Peers(ctx, &attestationtypes.QueryPeersRequest{Pagination: page})
		return r.GetPeers(), r.GetPagination(), c.queryError("the announced peers", err)
	})
}

// Group returns a group.
func (c *Client) Group(ctx context.Context, name string) (poltypes.Group, error) {
	ctx, cancel := context.WithTimeout(ctx, callTimeout)
	defer cancel()
	r, err := poltypes.NewQueryClient(c.conn).Group(ctx, &poltypes.QueryGroupRequest{Name: name})
	if err != nil {
		return poltypes.Group{}, c.queryError(fmt.Sprintf("group %q", name), err)
	}
	return r.Group, nil
}

// Groups returns all groups by name.
func (c *Client) Groups(ctx context.Context) ([]poltypes.Group, error) {
	return pages(func(page *query.PageRequest) ([]poltypes.Group, *query.PageResponse, error) {
		ctx, cancel := context.WithTimeout(ctx, callTimeout)
		defer cancel()
		r, err := poltypes.NewQueryClient(c.conn).Groups(ctx, &poltypes.QueryGroupsRequest{Pagination: page})
		return r.GetGroups(), r.GetPagination(), c.queryError("the groups", err)
	})
}

// Round returns a round of a group; number 0 is the current one.
func (c *Client) Round(ctx context.Context, group string, number uint64) (poltypes.Round, error) {
	ctx, cancel := context.WithTimeout(ctx, callTimeout)
	defer cancel()
	r, err := poltypes.NewQueryClient(c.conn).Round(ctx, &poltypes.QueryRoundRequest{Group: group, Number: number})
	if err != nil {
		return poltypes.Round{}, c.queryError(fmt.Sprintf("round %d of group %q", number, group), err)
	}
	return r.Round, nil
}

// Commitments returns who has committed in a round.
func (c *Client) Commitments(ctx context.Context, group string, number uint64) ([]poltypes.Commitment, error) {
	ctx, cancel := context.WithTimeout(ctx, callTimeout)
	defer cancel()
	r, err := poltypes.NewQueryClient(c.conn).Commitments(ctx, &poltypes.QueryCommitmentsRequest{Group: group, Number: number})
	return r.GetCommitments(), c.queryError(fmt.Sprintf("the commitments of round %d of group %q", number, group), err)
}

// Submissions returns the revealed checkpoints of a round.
func (c *Client) Submissions(ctx context.Context, group string, number uint64) ([]poltypes.Submission, error) {
	ctx, cancel := context.WithTimeout(ctx, callTimeout)
	defer cancel()
	r, err := poltypes.NewQueryClient(c.conn).Submissions(ctx, &poltypes.QuerySubmissionsRequest{Group: group, Number: number})
	return r.GetSubmissions(), c.queryError(fmt.Sprintf("the submissions of round %d of group %q", number, group), err)
}

// Batches returns the sealed batches of a group that no round has used yet, and the bonds of its providers.
func (c *Client) Batches(ctx context.Context, group string) (batches []poltypes.SealedBatch, bonds []poltypes.ProviderBond, err error) {
	batches, err = pages(func(page *query.PageRequest) ([]poltypes.SealedBatch, *query.PageResponse, error) {
		ctx, cancel := context.WithTimeout(ctx, callTimeout)
		defer cancel()
		r, err := poltypes.NewQueryClient(c.conn).Batches(ctx, &poltypes.QueryBatchesRequest{Group: group, Pagination: page})
		if err == nil {
			bonds = r.Bonds
		}
		return r.GetBatches(), r.GetPagination(), c.queryError(fmt.Sprintf("the sealed batches of group %q", group), err)
	})
	return batches, bonds, err
}

// Canaries returns the canaries of a round.
func (c *Client) Canaries(ctx context.Context, group string, number uint64) ([]poltypes.Canary, error) {
	ctx, cancel := context.WithTimeout(ctx, callTimeout)
	defer cancel()
	r, err := poltypes.NewQueryClient(c.conn).Canaries(ctx, &poltypes.QueryCanariesRequest{Group: group, Number: number})
	return r.GetCanaries(), c.queryError(fmt.Sprintf("the canaries of round %d of group %q", number, group), err)
}

// Evidence returns one piece of evidence with its penalties, and what the chain says about it in words.
func (c *Client) Evidence(ctx context.Context, id uint64) (polslashingtypes.QueryEvidenceResponse, error) {
	ctx, cancel := context.WithTimeout(ctx, callTimeout)
	defer cancel()
	r, err := polslashingtypes.NewQueryClient(c.conn).Evidence(ctx, &polslashingtypes.QueryEvidenceRequest{Id: id})
	if err != nil {
		return polslashingtypes.QueryEvidenceResponse{}, c.queryError(fmt.Sprintf("evidence %d", id), err)
	}
	return *r, nil
}

// TrainingSet returns a training set.
func (c *Client) TrainingSet(ctx context.Context, name string) (trainingsettypes.TrainingSet, error) {
	ctx, cancel := context.WithTimeout(ctx, callTimeout)
	defer cancel()
	r, err := trainingsettypes.NewQueryClient(c.conn).TrainingSet(ctx, &trainingsettypes.QueryTrainingSetRequest{Name: name})
	if err != nil {
		return trainingsettypes.TrainingSet{}, c.queryError(fmt.Sprintf("training set %q", name), err)
	}
	return r.TrainingSet, nil
}

// TrainingSets returns all training sets by name.
func (c *Client) TrainingSets(ctx context.Context) ([]trainingsettypes.TrainingSet, error) {
	return pages(func(page *query.PageRequest) ([]trainingsettypes.TrainingSet, *query.PageResponse, error) {
		ctx, cancel := context.WithTimeout(ctx, callTimeout)
		defer cancel()
		r, err := trainingsettypes.NewQueryClient(c.conn).TrainingSets(ctx, &trainingsettypes.QueryTrainingSetsRequest{Pagination: page})
		return r.GetTrainingSets(), r.GetPagination(), c.queryError("the training sets", err)
	})
}

// Revisions returns the history of a training set, oldest version first.
func (c *Client) Revisions(ctx context.Context, set string) ([]trainingsettypes.Revision, error) {
	return pages(func(page *query.PageRequest) ([]trainingsettypes.Revision, *query.PageResponse, error) {
		ctx, cancel := context.WithTimeout(ctx, callTimeout)
		defer cancel()
		r, err := trainingsettypes.NewQueryClient(c.conn).Revisions(ctx, &trainingsettypes.QueryRevisionsRequest{TrainingSet: set, Pagination: page})
		return r.GetRevisions(), r.GetPagination(), c.queryError(fmt.Sprintf("the versions of training set %q", set), err)
	})
}

// Proposal returns a proposed change of a training set.
func (c *Client) Proposal(ctx context.Context, id uint64) (trainingsettypes.Proposal, error) {
	ctx, cancel := context.WithTimeout(ctx, callTimeout)
	defer cancel()
	r, err := trainingsettypes.NewQueryClient(c.conn).Proposal(ctx, &trainingsettypes.QueryProposalRequest{Id: id})
	if err != nil {
		return trainingsettypes.Proposal{}, c.queryError(fmt.Sprintf("proposal %d", id), err)
	}
	return r.Proposal, nil
}

// pages reads a list to its end, or to maxItems.
func pages[T any](next func(*query.PageRequest) ([]T, *query.PageResponse, error)) ([]T, error) {
	var all []T
	request := &query.PageRequest{Limit: pageSize}
	for {
		items, page, err := next(request)
		if err != nil {
			return nil, err
		}
		all = append(all, items...)
		if len(page.GetNextKey()) == 0 || len(all) >= maxItems {
			return all, nil
		}
		request = &query.PageRequest{Key: page.NextKey, Limit: pageSize}
	}
}
