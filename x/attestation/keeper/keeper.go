// Package keeper holds the state of attestation: tasks whose answers validators agree on bit for bit,
// and artefacts they are asked to hold. Start reading at task.go (life of a task) and votes.go (what an
// extension may change); the rules themselves are pure functions in the types package.
package keeper

import (
	"cosmossdk.io/collections"
	"cosmossdk.io/core/address"
	"cosmossdk.io/core/store"

	"github.com/cosmos/cosmos-sdk/codec"

	"github.com/pold-network/pold/x/attestation/types"
)

// Keeper reads and writes the module's state.
type Keeper struct {
	cdc       codec.BinaryCodec
	authority string
	staking   types.StakingKeeper
	weights   types.Weights
	valCodec  address.Codec
	kinds     *registry

	Schema           collections.Schema
	Params           collections.Item[types.Params]
	NextTask         collections.Sequence
	NextArtefact     collections.Sequence
	Tasks            collections.Map[uint64, types.Task]
	TasksActive      collections.KeySet[uint64]
	TasksQueue       collections.KeySet[collections.Triple[string, []byte, uint64]]
	TasksFinished    collections.KeySet[collections.Pair[int64, uint64]]
	Snapshots        collections.Map[int64, types.Snapshot]
	Witnesses        collections.Map[collections.Pair[uint64, string], types.Witness]
	Openings         collections.Map[collections.Pair[uint64, []byte], types.Opening]
	Artefacts        collections.Map[uint64, types.Artefact]
	ArtefactsWaiting collections.KeySet[collections.Pair[string, uint64]]
	ArtefactsAsked   collections.KeySet[uint64]
	ArtefactsDone    collections.KeySet[collections.Pair[int64, uint64]]
	Held             collections.KeySet[collections.Pair[uint64, string]]
	Seen             collections.Map[string, int64]
	Peers            collections.Map[string, types.Peer]
	PeersExpiry      collections.KeySet[collections.Pair[int64, string]]
	BudgetUses       collections.Map[string, types.BudgetUse]
	Beacon           collections.Item[types.Beacon]
	// BeaconShares are the contributions to the current number of the beacon, by operator.
	BeaconShares collections.Map[string, types.BeaconShare]
	NextDraw     collections.Sequence
	Draws        collections.Map[uint64, types.Draw]
}

// NewKeeper returns a keeper. Owners register their kinds before the first block.
func NewKeeper(cdc codec.BinaryCodec, service store.KVStoreService, authority string, staking types.StakingKeeper,
	weights types.Weights, valCodec address.Codec,
) Keeper {
	sb := collections.NewSchemaBuilder(service)
	k := Keeper{
		cdc: cdc, authority: authority, staking: staking, weights: weights, valCodec: valCodec, kinds: newRegistry(),
		Params:           collections.NewItem(sb, types.ParamsKey, "params", codec.CollValue[types.Params](cdc)),
		NextTask:         collections.NewSequence(sb, types.NextTaskKey, "next_task"),
		NextArtefact:     collections.NewSequence(sb, types.NextArtefactKey, "next_artefact"),
		Tasks:            collections.NewMap(sb, types.TasksKey, "tasks", collections.Uint64Key, codec.CollValue[types.Task](cdc)),
		TasksActive:      collections.NewKeySet(sb, types.TasksActiveKey, "tasks_active", collections.Uint64Key),
		TasksQueue:       collections.NewKeySet(sb, types.TasksQueueKey, "tasks_queue", collections.TripleKeyCodec(collections.StringKey, collections.BytesKey, collections.Uint64Key)),
		TasksFinished:    collections.NewKeySet(sb, types.TasksFinishedKey, "tasks_finished", collections.PairKeyCodec(collections.Int64Key, collections.Uint64Key)),
		Snapshots:        collections.NewMap(sb, types.SnapshotsKey, "snapshots", collections.Int64Key, codec.CollValue[types.Snapshot](cdc)),
		Witnesses:        collections.NewMap(sb, types.WitnessesKey, "witnesses", collections.PairKeyCodec(collections.Uint64Key, collections.StringKey), codec.CollValue[types.Witness](cdc)),
		Openings:         collections.NewMap(sb, types.OpeningsKey, "openings", collections.PairKeyCodec(collections.Uint64Key, collections.BytesKey), codec.CollValue[types.Opening](cdc)),
		Artefacts:        collections.NewMap(sb, types.ArtefactsKey, "artefacts", collections.Uint64Key, codec.CollValue[types.Artefact](cdc)),
		ArtefactsWaiting: collections.NewKeySet(sb, types.ArtefactsWaitingKey, "artefacts_waiting", collections.PairKeyCodec(collections.StringKey, collections.Uint64Key)),
		ArtefactsAsked:   collections.NewKeySet(sb, types.ArtefactsAskedKey, "artefacts_asked", collections.Uint64Key),
		ArtefactsDone:    collections.NewKeySet(sb, types.ArtefactsDoneKey, "artefacts_done", collections.PairKeyCodec(collections.Int64Key, collections.Uint64Key)),
		Held:             collections.NewKeySet(sb, types.HeldKey, "held", collections.PairKeyCodec(collections.Uint64Key, collections.StringKey)),
		Seen:             collections.NewMap(sb, types.SeenKey, "seen", collections.StringKey, collections.Int64Value),
		Peers:            collections.NewMap(sb, types.PeersKey, "peers", collections.StringKey, codec.CollValue[types.Peer](cdc)),
		PeersExpiry:      collections.NewKeySet(sb, types.PeersExpiryKey, "peers_expiry", collections.PairKeyCodec(collections.Int64Key, collections.StringKey)),
		BudgetUses:       collections.NewMap(sb, types.BudgetUseKey, "budget_uses", collections.StringKey, codec.CollValue[types.BudgetUse](cdc)),
		Beacon:           collections.NewItem(sb, types.BeaconKey, "beacon", codec.CollValue[types.Beacon](cdc)),
		BeaconShares:     collections.NewMap(sb, types.BeaconSharesKey, "beacon_shares", collections.StringKey, codec.CollValue[types.BeaconShare](cdc)),
		NextDraw:         collections.NewSequence(sb, types.NextDrawKey, "next_draw"),
		Draws:            collections.NewMap(sb, types.DrawsKey, "draws", collections.Uint64Key, codec.CollValue[types.Draw](cdc)),
	}
	schema, err := sb.Build()
	if err != nil {
		panic(err)
	}
	k.Schema = schema
	k.RegisterKind(types.Kind{Name: types.SpotTaskKind, MaxAnswer: spotAnswerSize}, spots{k})
	return k
}
