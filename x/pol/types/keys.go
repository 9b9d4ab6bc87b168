// Package types holds the messages, state and pure rules of training groups, rounds and coinbase.
package types

import "cosmossdk.io/collections"

const (
	// ModuleName is the name of the module, of its store and of its account.
	ModuleName = "pol"
	// StoreKey is the key of the module's store.
	StoreKey = ModuleName
	// ScoreTaskKind is the kind of task that scores a checkpoint.
	ScoreTaskKind = "score"
	// BaseDenom is the base unit of NRN, 10^-6 NRN.
	BaseDenom = "unrn"
)

// Store prefixes; a number is never used twice.
var (
	ParamsKey      = collections.NewPrefix(0)
	GroupsKey      = collections.NewPrefix(1)
	RoundsKey      = collections.NewPrefix(2)
	CommitmentsKey = collections.NewPrefix(3)
	SubmissionsKey = collections.NewPrefix(4)
	DueKey         = collections.NewPrefix(5)
	DueByGroupKey  = collections.NewPrefix(6)
	UsedHashesKey  = collections.NewPrefix(7)
	BondsKey       = collections.NewPrefix(8)
	StakeKey       = collections.NewPrefix(9)
	UnbondingsKey  = collections.NewPrefix(10)
	NextUnbondKey  = collections.NewPrefix(11)
	UnbondDueKey   = collections.NewPrefix(12)
	TotalsKey      = collections.NewPrefix(13)
	UnbondByKey    = collections.NewPrefix(14)
	LeavingKey     = collections.NewPrefix(15)
	BatchesKey     = collections.NewPrefix(16)
	ProvidersKey   = collections.NewPrefix(17)
	CanariesKey    = collections.NewPrefix(18)
	HeldLossesKey  = collections.NewPrefix(19)
	LapseKey       = collections.NewPrefix(20)
	ChangesKey     = collections.NewPrefix(21)
	NextChangeKey  = collections.NewPrefix(22)
	ChangesByKey   = collections.NewPrefix(23)
	PeriodsKey     = collections.NewPrefix(24)
	OpenChangesKey = collections.NewPrefix(25)
	OldChangesKey  = collections.NewPrefix(26)
	StoreTurnsKey  = collections.NewPrefix(27)
	StoreDueKey    = collections.NewPrefix(28)
	StoreDrawKey   = collections.NewPrefix(29)
)
