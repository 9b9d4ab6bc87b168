// Package types holds the messages, state and pure rules of reputation: how a part of a reputation moves and fades
// (average.go), what each outcome counts (outcome.go), and what a reputation means (score.go).
package types

import "cosmossdk.io/collections"

const (
	// ModuleName is the name of the module and of its store.
	ModuleName = "reputation"
	// StoreKey is the key of the module's store.
	StoreKey = ModuleName
)

// Store prefixes; a number is never used twice.
var (
	ParamsKey = collections.NewPrefix(0)
	ScoresKey = collections.NewPrefix(1)
	ByDayKey  = collections.NewPrefix(2)
)
