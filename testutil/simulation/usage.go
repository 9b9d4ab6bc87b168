package simulation

import (
	"cmp"
	"slices"

	"github.com/stretchr/testify/require"

	"cosmossdk.io/collections"

	authtypes "github.com/cosmos/cosmos-sdk/x/auth/types"
	banktypes "github.com/cosmos/cosmos-sdk/x/bank/types"
	distrtypes "github.com/cosmos/cosmos-sdk/x/distribution/types"
	govtypes "github.com/cosmos/cosmos-sdk/x/gov/types"
	slashingtypes "github.com/cosmos/cosmos-sdk/x/slashing/types"
	stakingtypes "github.com/cosmos/cosmos-sdk/x/staking/types"

	attestationtypes "github.com/pold-network/pold/x/attestation/types"
	poltypes "github.com/pold-network/pold/x/pol/types"
	reputationtypes "github.com/pold-network/pold/x/reputation/types"
	polslashingtypes "github.com/pold-network/pold/x/slashing/types"
	trainingsettypes "github.com/pold-network/pold/x/trainingset/types"
	votingtypes "github.com/pold-network/pold/x/voting/types"
)

// Usage is how much of the latest state one collection of a store takes: bytes of keys and values, without the tree around them.
type Usage struct {
	Store, Collection string
	Keys, Bytes       int
}

// Name is the collection with its store.
func (u Usage) Name() string { return u.Store + "/" + u.Collection }

// OtherStores are the stores of the SDK that change while the chain runs. Their collections are not told apart.
var OtherStores = []string{authtypes.StoreKey, banktypes.StoreKey, distrtypes.StoreKey, govtypes.StoreKey, slashingtypes.StoreKey, stakingtypes.StoreKey}

// Usage measures every collection of our modules, also the empty ones, and each store of the SDK as a whole.
func (s *Simulation) Usage() []Usage {
	s.t.Helper()
	var all []Usage
	for _, m := range []struct {
		store  string
		schema collections.Schema
	}{
		{attestationtypes.StoreKey, s.App.AttestationKeeper.Schema},
		{trainingsettypes.StoreKey, s.App.TrainingSetKeeper.Schema},
		{poltypes.StoreKey, s.App.PolKeeper.Schema},
		{votingtypes.StoreKey, s.App.VotingKeeper.Schema},
		{reputationtypes.StoreKey, s.App.ReputationKeeper.Schema},
		{polslashingtypes.StoreKey, s.App.PolSlashingKeeper.Schema},
	} {
		names := map[byte]string{}
		for _, c := range m.schema.ListCollections() {
			prefix := c.GetPrefix()
			require.Len(s.t, prefix, 1, "%s/%s: the measurement tells collections apart by one byte", m.store, c.GetName())
			names[prefix[0]] = c.GetName()
		}
		all = append(all, s.measure(m.store, names)...)
	}
	for _, store := range OtherStores {
		all = append(all, s.measure(store, nil)...)
	}
	slices.SortFunc(all, func(a, b Usage) int {
		return cmp.Or(cmp.Compare(a.Store, b.Store), cmp.Compare(a.Collection, b.Collection))
	})
	return all
}

// measure walks a store; without names it is one collection.
func (s *Simulation) measure(store string, names map[byte]string) []Usage {
	counts := map[string]Usage{}
	for _, name := range names {
		counts[name] = Usage{Store: store, Collection: name}
	}
	iterator := s.Ctx().KVStore(s.App.StoreKey(store)).Iterator(nil, nil)
	defer iterator.Close()
	for ; iterator.Valid(); iterator.Next() {
		name := "all"
		if names != nil {
			var known bool
			name, known = names[iterator.Key()[0]]
			require.True(s.t, known, "store %s: a key with prefix %d belongs to no collection", store, iterator.Key()[0])
		}
		u := counts[name]
		counts[name] = Usage{Store: store, Collection: name, Keys: u.Keys + 1, Bytes: u.Bytes + len(iterator.Key()) + len(iterator.Value())}
	}
	var all []Usage
	for _, u := range counts {
		all = append(all, u)
	}
	return all
}
