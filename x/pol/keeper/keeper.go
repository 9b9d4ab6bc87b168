// Package keeper holds training groups, their rounds, their stake, and mints the coinbase. Start reading at round.go
// (the phases of a round), then settle.go and coins.go; the rules themselves are pure functions in the types package.
package keeper

import (
	"cosmossdk.io/collections"
	"cosmossdk.io/core/address"
	"cosmossdk.io/core/store"
	"cosmossdk.io/math"

	"github.com/cosmos/cosmos-sdk/codec"
	sdk "github.com/cosmos/cosmos-sdk/types"

	"github.com/pold-network/pold/x/pol/types"
)

// Keeper reads and writes the module's state.
type Keeper struct {
	authority    string
	bank         types.BankKeeper
	attestation  types.AttestationKeeper
	trainingSets types.TrainingSetKeeper
	voting       types.VotingKeeper
	reputation   types.ReputationKeeper
	valCodec     address.Codec
	hooks        types.Hooks

	Schema      collections.Schema
	Params      collections.Item[types.Params]
	Groups      collections.Map[string, types.Group]
	Rounds      collections.Map[collections.Pair[string, uint64], types.Round]
	Commitments collections.Map[collections.Triple[string, uint64, string], types.Commitment]
	Submissions collections.Map[collections.Triple[string, uint64, string], types.Submission]
	// Due orders groups by the height at which they have something to do; DueByGroup is its inverse.
	Due                 collections.KeySet[collections.Pair[int64, string]]
	DueByGroup          collections.Map[string, int64]
	UsedHashes          collections.Map[collections.Pair[string, []byte], uint64]
	Bonds               collections.Map[collections.Pair[string, string], types.GroupBond]
	Stakes              collections.Map[string, math.Int]
	Unbondings          collections.Map[uint64, types.Unbonding]
	NextUnbonding       collections.Sequence
	UnbondingsDue       collections.KeySet[collections.Pair[int64, uint64]]
	UnbondingsByAddress collections.KeySet[collections.Pair[string, uint64]]
	// Leaving is the sum of all stake on its way back.
	Leaving collections.Item[math.Int]
	Totals  collections.Item[types.Totals]
	// Batches are the sealed batches of rounds that have not opened yet, by group, round and provider.
	Batches       collections.Map[collections.Triple[string, uint64, string], types.SealedBatch]
	ProviderBonds collections.Map[collections.Pair[string, string], types.ProviderBond]
	// Canaries are by group, round and planter, HeldLosses by group, round and trainer.
	Canaries   collections.Map[collections.Triple[string, uint64, string], types.Canary]
	HeldLosses collections.Map[collections.Triple[string, uint64, string], types.HeldLoss]
	// Lapses orders canaries and held losses by the height at which they are looked at.
	Lapses collections.KeySet[collections.Pair[int64, string]]
	// Changes of groups are by id; ChangesByGroup lists them.
	Changes        collections.Map[uint64, types.GroupChange]
	NextChange     collections.Sequence
	ChangesByGroup collections.KeySet[collections.Pair[string, uint64]]
	// OpenChanges can be voted for; OldChanges are to be forgotten after a period.
	OpenChanges collections.KeySet[collections.Pair[string, uint64]]
	OldChanges  collections.KeySet[collections.Triple[string, uint64, uint64]] // group, period, id
	// PeriodStakes holds, by group, what the pay of a proposer in the current voting period depends on.
	PeriodStakes collections.Map[string, types.PeriodStake]
	// StoreTurns holds, by group, when it gets its next store task; StoreDue orders them by height.
	StoreTurns collections.Map[string, types.StoreTurn]
	StoreDue   collections.KeySet[collections.Pair[int64, string]]
	// StoreDraw is the number of the draw that store tasks wait for.
	StoreDraw collections.Item[uint64]
}

// NewKeeper returns a keeper; reputation and hooks may be nil.
func NewKeeper(cdc codec.BinaryCodec, service store.KVStoreService, authority string, bank types.BankKeeper,
	attestation types.AttestationKeeper, trainingSets types.TrainingSetKeeper, voting types.VotingKeeper, reputation types.ReputationKeeper, valCodec address.Codec, hooks types.Hooks,
) Keeper {
	sb := collections.NewSchemaBuilder(service)
	triple := collections.TripleKeyCodec(collections.StringKey, collections.Uint64Key, collections.StringKey)
	k := Keeper{
		authority: authority, bank: bank, attestation: attestation, trainingSets: trainingSets, voting: voting, reputation: reputation, valCodec: valCodec, hooks: hooks,
		Params:              collections.NewItem(sb, types.ParamsKey, "params", codec.CollValue[types.Params](cdc)),
		Groups:              collections.NewMap(sb, types.GroupsKey, "groups", collections.StringKey, codec.CollValue[types.Group](cdc)),
		Rounds:              collections.NewMap(sb, types.RoundsKey, "rounds", collections.PairKeyCodec(collections.StringKey, collections.Uint64Key), codec.CollValue[types.Round](cdc)),
		Commitments:         collections.NewMap(sb, types.CommitmentsKey, "commitments", triple, codec.CollValue[types.Commitment](cdc)),
		Submissions:         collections.NewMap(sb, types.SubmissionsKey, "submissions", triple, codec.CollValue[types.Submission](cdc)),
		Due:                 collections.NewKeySet(sb, types.DueKey, "due", collections.PairKeyCodec(collections.Int64Key, collections.StringKey)),
		DueByGroup:          collections.NewMap(sb, types.DueByGroupKey, "due_by_group", collections.StringKey, collections.Int64Value),
		UsedHashes:          collections.NewMap(sb, types.UsedHashesKey, "used_hashes", collections.PairKeyCodec(collections.StringKey, collections.BytesKey), collections.Uint64Value),
		Bonds:               collections.NewMap(sb, types.BondsKey, "bonds", collections.PairKeyCodec(collections.StringKey, collections.StringKey), codec.CollValue[types.GroupBond](cdc)),
		Stakes:              collections.NewMap(sb, types.StakeKey, "stakes", collections.StringKey, sdk.IntValue),
		Unbondings:          collections.NewMap(sb, types.UnbondingsKey, "unbondings", collections.Uint64Key, codec.CollValue[types.Unbonding](cdc)),
		NextUnbonding:       collections.NewSequence(sb, types.NextUnbondKey, "next_unbonding"),
		UnbondingsDue:       collections.NewKeySet(sb, types.UnbondDueKey, "unbondings_due", collections.PairKeyCodec(collections.Int64Key, collections.Uint64Key)),
		UnbondingsByAddress: collections.NewKeySet(sb, types.UnbondByKey, "unbondings_by_address", collections.PairKeyCodec(collections.StringKey, collections.Uint64Key)),
		Leaving:             collections.NewItem(sb, types.LeavingKey, "leaving", sdk.IntValue),
		Totals:              collections.NewItem(sb, types.TotalsKey, "totals", codec.CollValue[types.Totals](cdc)),
		Batches:             collections.NewMap(sb, types.BatchesKey, "batches", triple, codec.CollValue[types.SealedBatch](cdc)),
		ProviderBonds:       collections.NewMap(sb, types.ProvidersKey, "provider_bonds", collections.PairKeyCodec(collections.StringKey, collections.StringKey), codec.CollValue[types.ProviderBond](cdc)),
		Canaries:            collections.NewMap(sb, types.CanariesKey, "canaries", triple, codec.CollValue[types.Canary](cdc)),
		HeldLosses:          collections.NewMap(sb, types.HeldLossesKey, "held_losses", triple, codec.CollValue[types.HeldLoss](cdc)),
		Lapses:              collections.NewKeySet(sb, types.LapseKey, "lapses", collections.PairKeyCodec(collections.Int64Key, collections.StringKey)),
		Changes:             collections.NewMap(sb, types.ChangesKey, "changes", collections.Uint64Key, codec.CollValue[types.GroupChange](cdc)),
		NextChange:          collections.NewSequence(sb, types.NextChangeKey, "next_change"),
		ChangesByGroup:      collections.NewKeySet(sb, types.ChangesByKey, "changes_by_group", collections.PairKeyCodec(collections.StringKey, collections.Uint64Key)),
		OpenChanges:         collections.NewKeySet(sb, types.OpenChangesKey, "open_changes", collections.PairKeyCodec(collections.StringKey, collections.Uint64Key)),
		OldChanges:          collections.NewKeySet(sb, types.OldChangesKey, "old_changes", collections.TripleKeyCodec(collections.StringKey, collections.Uint64Key, collections.Uint64Key)),
		PeriodStakes:        collections.NewMap(sb, types.PeriodsKey, "period_stakes", collections.StringKey, codec.CollValue[types.PeriodStake](cdc)),
		StoreTurns:          collections.NewMap(sb, types.StoreTurnsKey, "store_turns", collections.StringKey, codec.CollValue[types.StoreTurn](cdc)),
		StoreDue:            collections.NewKeySet(sb, types.StoreDueKey, "store_due", collections.PairKeyCodec(collections.Int64Key, collections.StringKey)),
		StoreDraw:           collections.NewItem(sb, types.StoreDrawKey, "store_draw", collections.Uint64Value),
	}
	schema, err := sb.Build()
	if err != nil {
		panic(err)
	}
	k.Schema = schema
	return k
}
