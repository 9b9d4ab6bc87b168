// Package keeper counts what stakeholders of groups support, period by period. Start reading at period.go; the rule that no
// move of stake within a period can gain anything is types/tally.go.
package keeper

import (
	"context"
	"errors"

	"cosmossdk.io/collections"
	"cosmossdk.io/core/store"

	"github.com/cosmos/gogoproto/proto"

	"github.com/cosmos/cosmos-sdk/codec"
	sdk "github.com/cosmos/cosmos-sdk/types"

	"github.com/pold-network/pold/x/voting/types"
)

// Keeper reads and writes the module's state.
type Keeper struct {
	authority string
	stakes    types.StakeKeeper
	hooks     *[]types.Hooks // shared by all copies of the keeper

	Schema collections.Schema
	Params collections.Item[types.Params]
	// Periods holds the current period of each group.
	Periods collections.Map[string, types.Period]
	// Due orders groups by the time at which something is to be done for them; DueByGroup is its inverse.
	Due            collections.KeySet[collections.Pair[int64, string]]
	DueByGroup     collections.Map[string, int64]
	Ballots        collections.Map[uint64, types.Ballot]
	NextBallot     collections.Sequence
	BallotsByGroup collections.KeySet[collections.Pair[string, uint64]] // open ones
	Votes          collections.KeySet[collections.Pair[uint64, string]]
	VotesByVoter   collections.KeySet[collections.Triple[string, string, uint64]] // group, voter, ballot
	// Standings holds, of accounts whose bond has grown, the least bond of the period of the last change.
	Standings collections.Map[collections.Pair[string, string], types.Standing]
	// Closed holds the ballots whose votes are still to be removed.
	Closed collections.KeySet[uint64]
}

// NewKeeper returns a keeper; stakes is used from the first block on only.
func NewKeeper(cdc codec.BinaryCodec, service store.KVStoreService, authority string, stakes types.StakeKeeper) Keeper {
	sb := collections.NewSchemaBuilder(service)
	k := Keeper{
		authority: authority, stakes: stakes, hooks: new([]types.Hooks),
		Params:         collections.NewItem(sb, types.ParamsKey, "params", codec.CollValue[types.Params](cdc)),
		Periods:        collections.NewMap(sb, types.PeriodsKey, "periods", collections.StringKey, codec.CollValue[types.Period](cdc)),
		Due:            collections.NewKeySet(sb, types.DueKey, "due", collections.PairKeyCodec(collections.Int64Key, collections.StringKey)),
		DueByGroup:     collections.NewMap(sb, types.DueByGroupKey, "due_by_group", collections.StringKey, collections.Int64Value),
		Ballots:        collections.NewMap(sb, types.BallotsKey, "ballots", collections.Uint64Key, codec.CollValue[types.Ballot](cdc)),
		NextBallot:     collections.NewSequence(sb, types.NextBallotKey, "next_ballot"),
		BallotsByGroup: collections.NewKeySet(sb, types.BallotsByGroupKey, "ballots_by_group", collections.PairKeyCodec(collections.StringKey, collections.Uint64Key)),
		Votes:          collections.NewKeySet(sb, types.VotesKey, "votes", collections.PairKeyCodec(collections.Uint64Key, collections.StringKey)),
		VotesByVoter: collections.NewKeySet(sb, types.VotesByVoterKey, "votes_by_voter",
			collections.TripleKeyCodec(collections.StringKey, collections.StringKey, collections.Uint64Key)),
		Standings: collections.NewMap(sb, types.StandingsKey, "standings", collections.PairKeyCodec(collections.StringKey, collections.StringKey), codec.CollValue[types.Standing](cdc)),
		Closed:    collections.NewKeySet(sb, types.ClosedKey, "closed", collections.Uint64Key),
	}
	schema, err := sb.Build()
	if err != nil {
		panic(err)
	}
	k.Schema = schema
	return k
}

// SetHooks says who is told about periods, in this order.
func (k Keeper) SetHooks(hooks ...types.Hooks) { *k.hooks = hooks }

// find reads a value and says whether it exists.
func find[K, V any](ctx context.Context, m collections.Map[K, V], key K) (V, bool, error) {
	v, err := m.Get(ctx, key)
	if errors.Is(err, collections.ErrNotFound) {
		return v, false, nil
	}
	return v, err == nil, err
}

// emit publishes a typed event; one that can't be encoded is a programming error that tests find.
func emit(goCtx context.Context, event proto.Message) {
	ctx := sdk.UnwrapSDKContext(goCtx)
	if err := ctx.EventManager().EmitTypedEvent(event); err != nil {
		ctx.Logger().Error("event could not be encoded", "error", err)
	}
}
