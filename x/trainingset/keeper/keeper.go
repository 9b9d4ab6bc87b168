// Package keeper holds training sets, what validators have found about them, and their history: the changes that people
// propose and vote for. Start reading at trainingset.go, then proposal.go, check.go and apply.go.
package keeper

import (
	"context"
	"errors"

	"cosmossdk.io/collections"
	"cosmossdk.io/core/store"

	"github.com/cosmos/cosmos-sdk/codec"

	"github.com/pold-network/pold/x/trainingset/types"
)

// Keeper reads and writes the module's state.
type Keeper struct {
	authority   string
	attestation types.AttestationKeeper
	voting      types.VotingKeeper
	pol         types.PolKeeper
	bank        types.BankKeeper
	hooks       types.Hooks

	Schema       collections.Schema
	Params       collections.Item[types.Params]
	TrainingSets collections.Map[string, types.TrainingSet]
	// Waiting holds the names that validators have not been asked about yet.
	Waiting collections.KeySet[string]
	// Governed gives the training set that the stakeholders of a group govern.
	Governed collections.Map[string, string]
	// Revisions are the versions of each set, kept for ever.
	Revisions    collections.Map[collections.Pair[string, uint64], types.Revision]
	Proposals    collections.Map[uint64, types.Proposal]
	NextProposal collections.Sequence
	BySet        collections.KeySet[collections.Pair[string, uint64]]
	// OpenBodies gives the open proposal with a body, by set, and hash and proposer.
	OpenBodies collections.Map[collections.Pair[string, []byte], uint64]
	// Due orders proposals by the time at which an open one expires and a closed one is forgotten.
	Due collections.KeySet[collections.Pair[int64, uint64]]
	// Checks holds, for sets whose period is about to end, what is being checked.
	Checks collections.Map[string, types.Check]
}

// NewKeeper returns a keeper; hooks may be nil.
func NewKeeper(cdc codec.BinaryCodec, service store.KVStoreService, authority string, attestation types.AttestationKeeper,
	voting types.VotingKeeper, pol types.PolKeeper, bank types.BankKeeper, hooks types.Hooks,
) Keeper {
	sb := collections.NewSchemaBuilder(service)
	k := Keeper{
		authority: authority, attestation: attestation, voting: voting, pol: pol, bank: bank, hooks: hooks,
		Params:       collections.NewItem(sb, types.ParamsKey, "params", codec.CollValue[types.Params](cdc)),
		TrainingSets: collections.NewMap(sb, types.TrainingSetsKey, "training_sets", collections.StringKey, codec.CollValue[types.TrainingSet](cdc)),
		Waiting:      collections.NewKeySet(sb, types.WaitingKey, "waiting", collections.StringKey),
		Governed:     collections.NewMap(sb, types.GovernedKey, "governed", collections.StringKey, collections.StringValue),
		Revisions:    collections.NewMap(sb, types.RevisionsKey, "revisions", collections.PairKeyCodec(collections.StringKey, collections.Uint64Key), codec.CollValue[types.Revision](cdc)),
		Proposals:    collections.NewMap(sb, types.ProposalsKey, "proposals", collections.Uint64Key, codec.CollValue[types.Proposal](cdc)),
		NextProposal: collections.NewSequence(sb, types.NextProposalKey, "next_proposal"),
		BySet:        collections.NewKeySet(sb, types.BySetKey, "by_set", collections.PairKeyCodec(collections.StringKey, collections.Uint64Key)),
		OpenBodies:   collections.NewMap(sb, types.OpenBodiesKey, "open_bodies", collections.PairKeyCodec(collections.StringKey, collections.BytesKey), collections.Uint64Value),
		Due:          collections.NewKeySet(sb, types.DueKey, "due", collections.PairKeyCodec(collections.Int64Key, collections.Uint64Key)),
		Checks:       collections.NewMap(sb, types.ChecksKey, "checks", collections.StringKey, codec.CollValue[types.Check](cdc)),
	}
	schema, err := sb.Build()
	if err != nil {
		panic(err)
	}
	k.Schema = schema
	return k
}

// find reads a value and says whether it exists.
func find[K, V any](ctx context.Context, m collections.Map[K, V], key K) (V, bool, error) {
	v, err := m.Get(ctx, key)
	if errors.Is(err, collections.ErrNotFound) {
		return v, false, nil
	}
	return v, err == nil, err
}
