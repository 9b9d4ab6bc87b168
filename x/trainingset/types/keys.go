// Package types holds the messages, state and pure rules of training sets.
package types

import "cosmossdk.io/collections"

const (
	// ModuleName is the name of the module and of its store.
	ModuleName = "trainingset"
	// StoreKey is the key of the module's store.
	StoreKey = ModuleName
	// DataTaskKind is the kind of task that checks what a training set holds.
	DataTaskKind = "data-delta"
	// BaseDenom is the base unit of NRN, 10^-6 NRN.
	BaseDenom = "unrn"
)

// Store prefixes; a number is never used twice.
var (
	ParamsKey       = collections.NewPrefix(0)
	TrainingSetsKey = collections.NewPrefix(1)
	WaitingKey      = collections.NewPrefix(2)
	GovernedKey     = collections.NewPrefix(3)
	RevisionsKey    = collections.NewPrefix(4)
	ProposalsKey    = collections.NewPrefix(5)
	NextProposalKey = collections.NewPrefix(6)
	BySetKey        = collections.NewPrefix(7)
	OpenBodiesKey   = collections.NewPrefix(8)
	DueKey          = collections.NewPrefix(9)
	ChecksKey       = collections.NewPrefix(10)
)
