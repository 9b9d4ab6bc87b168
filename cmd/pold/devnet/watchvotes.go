package devnet

import (
	"context"
	"fmt"
	"slices"
	"strings"

	"google.golang.org/grpc"

	"github.com/cosmos/cosmos-sdk/types/query"

	poltypes "github.com/pold-network/pold/x/pol/types"
	trainingsettypes "github.com/pold-network/pold/x/trainingset/types"
)

// pollVotes reports what stakeholders propose and decide: changes of the data and of the group.
func (w *watcher) pollVotes(ctx context.Context, c *grpc.ClientConn) error {
	newest := &query.PageRequest{Reverse: true, Limit: 20}
	data := trainingsettypes.NewQueryClient(c)
	proposals, err := data.Proposals(ctx, &trainingsettypes.QueryProposalsRequest{TrainingSet: Group, Pagination: newest})
	if err != nil {
		return err
	}
	for _, p := range slices.Backward(proposals.Proposals) {
		if w.proposals[p.Id] != p.Status {
			w.proposals[p.Id] = p.Status
			w.report(Event{Event: "proposal", Name: p.Proposer, Count: int(p.Id), Status: wordsOf(p.Status, "PROPOSAL_STATUS_"), Note: noteOr(p.Note, p.Summary)})
		}
	}
	history, err := data.Revisions(ctx, &trainingsettypes.QueryRevisionsRequest{TrainingSet: Group, Pagination: newest})
	if err != nil {
		return err
	}
	for _, r := range slices.Backward(history.Revisions) {
		if r.Version <= w.version {
			continue
		}
		w.version = r.Version
		if r.Delta != nil {
			w.report(Event{
				Event: "training_set_changed", Group: Group, Name: r.Proposer, Count: int(r.Version), Height: r.Height, RewardUnrn: r.Reward.String(),
				Note: fmt.Sprintf("%d rows (+%d -%d)", r.Table.Rows, r.Delta.RowsAdded, r.Delta.RowsRemoved),
			})
		}
	}
	changes, err := poltypes.NewQueryClient(c).Changes(ctx, &poltypes.QueryChangesRequest{Group: Group, Pagination: newest})
	if err != nil {
		return err
	}
	for _, x := range slices.Backward(changes.Changes) {
		if w.changes[x.Id] != x.Status {
			w.changes[x.Id] = x.Status
			w.report(Event{Event: "group_change", Group: Group, Name: x.Proposer, Count: int(x.Id), Status: wordsOf(x.Status, "GROUP_CHANGE_STATUS_"), Note: noteOr(x.Note, x.Summary)})
		}
	}
	return nil
}

// wordsOf is the name of an enum value as people write it.
func wordsOf(value fmt.Stringer, prefix string) string {
	return strings.ReplaceAll(strings.ToLower(strings.TrimPrefix(value.String(), prefix)), "_", " ")
}

// noteOr returns the note, or what else there is to say.
func noteOr(note, otherwise string) string {
	if note != "" {
		return note
	}
	return otherwise
}
