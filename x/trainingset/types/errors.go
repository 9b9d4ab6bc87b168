package types

import errorsmod "cosmossdk.io/errors"

// Errors of the module; codes start at 2 and never move.
var (
	ErrInvalidName   = errorsmod.Register(ModuleName, 2, "invalid training set name")
	ErrInvalidTable  = errorsmod.Register(ModuleName, 3, "invalid table")
	ErrExists        = errorsmod.Register(ModuleName, 4, "training set exists")
	ErrNotVerified   = errorsmod.Register(ModuleName, 5, "training set not verified")
	ErrInvalidParams = errorsmod.Register(ModuleName, 6, "invalid parameters")
)
