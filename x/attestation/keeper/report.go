package keeper

import (
	"bytes"
	"cmp"
	"context"
	"slices"

	"cosmossdk.io/collections"

	sdk "github.com/cosmos/cosmos-sdk/types"

	"github.com/pold-network/pold/x/attestation/types"
)

const (
	// maxReportTasks are looked at for the report, newest first.
	maxReportTasks = 500
	// maxReportPairs are returned.
	maxReportPairs = 100
)

// pair is two operators in order.
type pair struct{ first, second string }

// Shared counts what pairs of validators have in common over the decided tasks that are still kept. Equal right answers
// say nothing; equal wrong ones, and abstaining together while the others vote, do.
func (k Keeper) Shared(goCtx context.Context) (*types.QuerySharedResponse, error) {
	ctx := sdk.UnwrapSDKContext(goCtx)
	counts := map[pair]*types.SharedPair{}
	count := func(operators []string, add func(p *types.SharedPair)) {
		slices.Sort(operators)
		for i, first := range operators {
			for _, second := range operators[i+1:] {
				key := pair{first, second}
				if counts[key] == nil {
					counts[key] = &types.SharedPair{First: first, Second: second}
				}
				add(counts[key])
			}
		}
	}
	res := &types.QuerySharedResponse{}
	err := k.Tasks.Walk(ctx, new(collections.Range[uint64]).Descending(), func(_ uint64, t types.Task) (bool, error) {
		if t.Status != types.TASK_STATUS_SETTLED {
			return false, nil
		}
		res.Tasks++
		wrong, absent, err := k.dissent(ctx, t)
		if err != nil {
			return true, err
		}
		for _, operators := range wrong {
			count(operators, func(p *types.SharedPair) { p.WrongAnswers++ })
		}
		count(absent, func(p *types.SharedPair) { p.Abstentions++ })
		return res.Tasks >= maxReportTasks, nil
	})
	if err != nil {
		return nil, err
	}
	for _, p := range counts {
		res.Pairs = append(res.Pairs, *p)
	}
	slices.SortFunc(res.Pairs, func(a, b types.SharedPair) int {
		return cmp.Or(cmp.Compare(b.WrongAnswers, a.WrongAnswers), cmp.Compare(b.Abstentions, a.Abstentions),
			cmp.Compare(a.First, b.First), cmp.Compare(a.Second, b.Second))
	})
	res.Pairs = res.Pairs[:min(len(res.Pairs), maxReportPairs)]
	return res, nil
}

// dissent returns, for each wrong answer that was opened, who had committed to it, and who did not commit.
func (k Keeper) dissent(ctx sdk.Context, t types.Task) (wrong [][]string, absent []string, err error) {
	s, err := k.Snapshots.Get(ctx, t.Snapshot)
	if err != nil {
		return nil, nil, err
	}
	votes, err := k.votes(ctx, t.Id)
	if err != nil {
		return nil, nil, err
	}
	openings, err := k.openings(ctx, t.Id)
	if err != nil {
		return nil, nil, err
	}
	for _, o := range openings {
		if !bytes.Equal(o.Answer, t.Answer) {
			wrong = append(wrong, s.Tally(ctx.ChainID(), t.Id, votes, o.Answer).Matched)
		}
	}
	voted := map[string]bool{}
	for _, v := range votes {
		voted[v.Operator] = true
	}
	for _, m := range s.Members {
		if !voted[m.Operator] {
			absent = append(absent, m.Operator)
		}
	}
	return wrong, absent, nil
}
