// Package types holds the messages, state and pure rules of attestation.
package types

import "cosmossdk.io/collections"

const (
	// ModuleName is the name of the module and of its store.
	ModuleName = "attestation"
	// StoreKey is the key of the module's store.
	StoreKey = ModuleName
	// SpotTaskKind is the module's own kind: what is the personal value of one validator for one task?
	SpotTaskKind = "spot"
)

// Store prefixes; a number is never used twice.
var (
	ParamsKey           = collections.NewPrefix(0)
	NextTaskKey         = collections.NewPrefix(1)
	NextArtefactKey     = collections.NewPrefix(2)
	TasksKey            = collections.NewPrefix(3)
	TasksActiveKey      = collections.NewPrefix(4)
	TasksQueueKey       = collections.NewPrefix(5)
	TasksFinishedKey    = collections.NewPrefix(6)
	SnapshotsKey        = collections.NewPrefix(7)
	WitnessesKey        = collections.NewPrefix(8)
	OpeningsKey         = collections.NewPrefix(9)
	ArtefactsKey        = collections.NewPrefix(10)
	ArtefactsAskedKey   = collections.NewPrefix(11)
	ArtefactsDoneKey    = collections.NewPrefix(12)
	HeldKey             = collections.NewPrefix(13)
	SeenKey             = collections.NewPrefix(14)
	PeersKey            = collections.NewPrefix(15)
	PeersExpiryKey      = collections.NewPrefix(16)
	BudgetUseKey        = collections.NewPrefix(17)
	ArtefactsWaitingKey = collections.NewPrefix(18)
	BeaconKey           = collections.NewPrefix(19)
	BeaconSharesKey     = collections.NewPrefix(20)
	NextDrawKey         = collections.NewPrefix(21)
	DrawsKey            = collections.NewPrefix(22)
)
