// Package keeper holds the reputation of validators, trainers and providers. Only hooks write it: start reading at
// hooks.go (which outcome counts for whom) and score.go (how it is stored); the rules are pure functions in types.
package keeper

import (
	"cosmossdk.io/collections"
	"cosmossdk.io/core/address"
	"cosmossdk.io/core/store"

	"github.com/cosmos/cosmos-sdk/codec"

	"github.com/pold-network/pold/x/reputation/types"
)

// Keeper reads and writes the module's state.
type Keeper struct {
	authority string
	stakes    types.Stakes
	accounts  address.Codec
	operators address.Codec

	Schema collections.Schema
	Params collections.Item[types.Params]
	// Scores has an entry for each address that hooks had something to say about and that is not forgotten yet.
	Scores collections.Map[string, types.Score]
	// ByDay holds the day since 1970 on which each score was last written.
	ByDay collections.KeySet[collections.Pair[int64, string]]
}

// NewKeeper returns a keeper. The codecs are those of account and validator operator addresses.
func NewKeeper(cdc codec.BinaryCodec, service store.KVStoreService, authority string, stakes types.Stakes, accounts, operators address.Codec) Keeper {
	sb := collections.NewSchemaBuilder(service)
	k := Keeper{
		authority: authority, stakes: stakes, accounts: accounts, operators: operators,
		Params: collections.NewItem(sb, types.ParamsKey, "params", codec.CollValue[types.Params](cdc)),
		Scores: collections.NewMap(sb, types.ScoresKey, "scores", collections.StringKey, codec.CollValue[types.Score](cdc)),
		ByDay:  collections.NewKeySet(sb, types.ByDayKey, "by_day", collections.PairKeyCodec(collections.Int64Key, collections.StringKey)),
	}
	schema, err := sb.Build()
	if err != nil {
		panic(err)
	}
	k.Schema = schema
	return k
}
