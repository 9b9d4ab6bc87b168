// Package keeper holds the evidence of faults and the penalties that follow. Start reading at hooks.go (what counts as
// a fault), then penalty.go (queue and appeal) and execute.go (how one is carried out); the rules themselves are pure
// functions in the types package.
package keeper

import (
	"cosmossdk.io/collections"
	"cosmossdk.io/core/address"
	"cosmossdk.io/core/store"

	"github.com/cosmos/cosmos-sdk/codec"

	"github.com/pold-network/pold/x/slashing/types"
)

// Neighbours are the keepers that the module uses.
type Neighbours struct {
	Staking     types.StakingKeeper
	Slashing    types.SlashingKeeper
	Bank        types.BankKeeper
	Pol         types.PolKeeper
	Attestation types.AttestationKeeper
}

// Keeper reads and writes the module's state.
type Keeper struct {
	Neighbours
	authority string
	valCodec  address.Codec
	listener  *listener

	Schema       collections.Schema
	Params       collections.Item[types.Params]
	NextEvidence collections.Sequence
	NextPenalty  collections.Sequence
	// Evidence is without the pinned inputs: many validators can be wrong about one task, so they are kept once.
	Evidence      collections.Map[uint64, types.Evidence]
	EvidenceBy    collections.KeySet[collections.Pair[string, uint64]]
	EvidenceCount collections.Map[string, uint64]
	// EvidenceExpiry holds (time, id) of evidence that no penalty refers to; the rest goes with its penalty.
	EvidenceExpiry collections.KeySet[collections.Pair[int64, uint64]]
	Manifests      collections.Map[[]byte, []byte]
	ManifestUses   collections.Map[[]byte, uint64]
	Penalties      collections.Map[uint64, types.Penalty]
	// PenaltyOf leads from evidence to its penalty.
	PenaltyOf        collections.Map[uint64, uint64]
	PenaltiesQueue   collections.KeySet[collections.Pair[int64, uint64]]
	PenaltiesWaiting collections.KeySet[collections.Pair[string, uint64]]
	PenaltiesDone    collections.KeySet[collections.Pair[int64, uint64]]
	Records          collections.Map[string, types.Record]
	Today            collections.Item[types.Day]
	// Penalised holds who was jailed or slashed today: its power counts once a day.
	Penalised collections.KeySet[string]
}

// listener is shared by all copies of a keeper.
type listener struct{ hooks types.Hooks }

// NewKeeper returns a keeper. Penalties are cancelled and parameters changed by the authority.
func NewKeeper(cdc codec.BinaryCodec, service store.KVStoreService, authority string, valCodec address.Codec, neighbours Neighbours) Keeper {
	sb := collections.NewSchemaBuilder(service)
	timed := collections.PairKeyCodec(collections.Int64Key, collections.Uint64Key)
	owned := collections.PairKeyCodec(collections.StringKey, collections.Uint64Key)
	k := Keeper{
		Neighbours: neighbours, authority: authority, valCodec: valCodec, listener: &listener{hooks: types.MultiHooks{}},
		Params:           collections.NewItem(sb, types.ParamsKey, "params", codec.CollValue[types.Params](cdc)),
		NextEvidence:     collections.NewSequence(sb, types.NextEvidenceKey, "next_evidence"),
		NextPenalty:      collections.NewSequence(sb, types.NextPenaltyKey, "next_penalty"),
		Evidence:         collections.NewMap(sb, types.EvidenceKey, "evidence", collections.Uint64Key, codec.CollValue[types.Evidence](cdc)),
		EvidenceBy:       collections.NewKeySet(sb, types.EvidenceByKey, "evidence_by", owned),
		EvidenceCount:    collections.NewMap(sb, types.EvidenceCountKey, "evidence_count", collections.StringKey, collections.Uint64Value),
		EvidenceExpiry:   collections.NewKeySet(sb, types.EvidenceExpiryKey, "evidence_expiry", timed),
		Manifests:        collections.NewMap(sb, types.ManifestsKey, "manifests", collections.BytesKey, collections.BytesValue),
		ManifestUses:     collections.NewMap(sb, types.ManifestUsesKey, "manifest_uses", collections.BytesKey, collections.Uint64Value),
		Penalties:        collections.NewMap(sb, types.PenaltiesKey, "penalties", collections.Uint64Key, codec.CollValue[types.Penalty](cdc)),
		PenaltyOf:        collections.NewMap(sb, types.PenaltyOfKey, "penalty_of", collections.Uint64Key, collections.Uint64Value),
		PenaltiesQueue:   collections.NewKeySet(sb, types.PenaltiesQueueKey, "penalties_queue", timed),
		PenaltiesWaiting: collections.NewKeySet(sb, types.PenaltiesWaitingKey, "penalties_waiting", owned),
		PenaltiesDone:    collections.NewKeySet(sb, types.PenaltiesDoneKey, "penalties_done", timed),
		Records:          collections.NewMap(sb, types.RecordsKey, "records", collections.StringKey, codec.CollValue[types.Record](cdc)),
		Today:            collections.NewItem(sb, types.TodayKey, "today", codec.CollValue[types.Day](cdc)),
		Penalised:        collections.NewKeySet(sb, types.PenalisedKey, "penalised", collections.StringKey),
	}
	schema, err := sb.Build()
	if err != nil {
		panic(err)
	}
	k.Schema = schema
	return k
}

// SetHooks says who is told of faults; call it before the first block.
func (k Keeper) SetHooks(h types.Hooks) { k.listener.hooks = h }
