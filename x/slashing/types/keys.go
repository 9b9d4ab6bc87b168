// Package types holds the messages, state and pure rules of penalties. Start reading at ladder.go (what a fault costs)
// and day.go (the bound on power).
package types

import "cosmossdk.io/collections"

const (
	// ModuleName is the name of the module and of its store; the SDK's own module has the name slashing.
	ModuleName = "polslashing"
	// StoreKey is the key of the module's store: no store's name may begin with that of another, such as pol.
	StoreKey = "penalties"
)

// Store prefixes; a number is never used twice.
var (
	ParamsKey           = collections.NewPrefix(0)
	NextEvidenceKey     = collections.NewPrefix(1)
	NextPenaltyKey      = collections.NewPrefix(2)
	EvidenceKey         = collections.NewPrefix(3)
	EvidenceByKey       = collections.NewPrefix(4)
	EvidenceCountKey    = collections.NewPrefix(5)
	EvidenceExpiryKey   = collections.NewPrefix(6)
	ManifestsKey        = collections.NewPrefix(7)
	ManifestUsesKey     = collections.NewPrefix(8)
	PenaltiesKey        = collections.NewPrefix(9)
	PenaltyOfKey        = collections.NewPrefix(10)
	PenaltiesQueueKey   = collections.NewPrefix(11)
	PenaltiesWaitingKey = collections.NewPrefix(12)
	PenaltiesDoneKey    = collections.NewPrefix(13)
	RecordsKey          = collections.NewPrefix(14)
	TodayKey            = collections.NewPrefix(15)
	PenalisedKey        = collections.NewPrefix(16)
)
