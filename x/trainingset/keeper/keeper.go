// Package keeper holds training sets and has validators check them. Start reading at trainingset.go.
package keeper

import (
	"cosmossdk.io/collections"
	"cosmossdk.io/core/store"

	"github.com/cosmos/cosmos-sdk/codec"

	"github.com/pold-network/pold/x/trainingset/types"
)

// Keeper reads and writes the module's state.
type Keeper struct {
	authority   string
	attestation types.AttestationKeeper
	burner      types.Burner

	Schema       collections.Schema
	Params       collections.Item[types.Params]
	TrainingSets collections.Map[string, types.TrainingSet]
	// Waiting holds the names that validators have not been asked about yet.
	Waiting collections.KeySet[string]
}

// NewKeeper returns a keeper.
func NewKeeper(cdc codec.BinaryCodec, service store.KVStoreService, authority string, attestation types.AttestationKeeper, burner types.Burner) Keeper {
	sb := collections.NewSchemaBuilder(service)
	k := Keeper{
		authority: authority, attestation: attestation, burner: burner,
		Params:       collections.NewItem(sb, types.ParamsKey, "params", codec.CollValue[types.Params](cdc)),
		TrainingSets: collections.NewMap(sb, types.TrainingSetsKey, "training_sets", collections.StringKey, codec.CollValue[types.TrainingSet](cdc)),
		Waiting:      collections.NewKeySet(sb, types.WaitingKey, "waiting", collections.StringKey),
	}
	schema, err := sb.Build()
	if err != nil {
		panic(err)
	}
	k.Schema = schema
	return k
}
