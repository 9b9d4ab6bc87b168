package types

import errorsmod "cosmossdk.io/errors"

// Errors of the module; codes start at 2 and never move.
var (
	ErrInvalidParams  = errorsmod.Register(ModuleName, 2, "invalid parameters")
	ErrInvalidGenesis = errorsmod.Register(ModuleName, 3, "invalid genesis state")
	ErrNotQueued      = errorsmod.Register(ModuleName, 4, "penalty is not queued")
	ErrInvalidReason  = errorsmod.Register(ModuleName, 5, "invalid reason")
)
