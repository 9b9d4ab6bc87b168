package types

import errorsmod "cosmossdk.io/errors"

// Errors of the module; codes start at 2 and never move.
var (
	ErrInvalidName   = errorsmod.Register(ModuleName, 2, "invalid training set name")
	ErrInvalidTable  = errorsmod.Register(ModuleName, 3, "invalid table")
	ErrExists        = errorsmod.Register(ModuleName, 4, "training set exists")
	ErrNotVerified   = errorsmod.Register(ModuleName, 5, "training set not verified")
	ErrInvalidParams = errorsmod.Register(ModuleName, 6, "invalid parameters")
	ErrInvalidDelta  = errorsmod.Register(ModuleName, 7, "invalid delta")
	ErrStaleBase     = errorsmod.Register(ModuleName, 8, "delta made for another table")
	ErrNotGoverned   = errorsmod.Register(ModuleName, 9, "training set is not governed")
	ErrTooMany       = errorsmod.Register(ModuleName, 10, "too many open proposals")
	ErrDeposit       = errorsmod.Register(ModuleName, 11, "deposit too high")
	ErrNotFound      = errorsmod.Register(ModuleName, 12, "proposal not found")
	ErrNotOpen       = errorsmod.Register(ModuleName, 13, "proposal not open")
	ErrNotProposer   = errorsmod.Register(ModuleName, 14, "not the proposer")
)
