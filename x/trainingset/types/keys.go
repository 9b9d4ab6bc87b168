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
)

// Store prefixes; a number is never used twice.
var (
	ParamsKey       = collections.NewPrefix(0)
	TrainingSetsKey = collections.NewPrefix(1)
	WaitingKey      = collections.NewPrefix(2)
)
