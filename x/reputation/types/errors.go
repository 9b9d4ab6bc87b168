package types

import errorsmod "cosmossdk.io/errors"

// Errors of the module; codes start at 2 and never move.
var (
	ErrInvalidParams  = errorsmod.Register(ModuleName, 2, "invalid parameters")
	ErrInvalidScore   = errorsmod.Register(ModuleName, 3, "invalid reputation")
	ErrInvalidAddress = errorsmod.Register(ModuleName, 4, "invalid address")
)
