// Package types holds the messages, state and pure rules of votes by stake.
package types

import "cosmossdk.io/collections"

const (
	// ModuleName is the name of the module and of its store.
	ModuleName = "voting"
	// StoreKey is the key of the module's store.
	StoreKey = ModuleName
	// MaxSubject bounds the subject of a ballot in bytes.
	MaxSubject = 512
)

// Store prefixes; a number is never used twice.
var (
	ParamsKey         = collections.NewPrefix(0)
	PeriodsKey        = collections.NewPrefix(1)
	DueKey            = collections.NewPrefix(2)
	DueByGroupKey     = collections.NewPrefix(3)
	BallotsKey        = collections.NewPrefix(4)
	NextBallotKey     = collections.NewPrefix(5)
	BallotsByGroupKey = collections.NewPrefix(6)
	VotesKey          = collections.NewPrefix(7)
	VotesByVoterKey   = collections.NewPrefix(8)
	StandingsKey      = collections.NewPrefix(9)
	ClosedKey         = collections.NewPrefix(10)
)
