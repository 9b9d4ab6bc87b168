package types

import errorsmod "cosmossdk.io/errors"

// Errors of the module; codes start at 2 and never move.
var (
	ErrUnknownKind      = errorsmod.Register(ModuleName, 2, "unknown task kind")
	ErrTaskTooCostly    = errorsmod.Register(ModuleName, 3, "task cost above the budget of its kind")
	ErrInvalidPeer      = errorsmod.Register(ModuleName, 4, "invalid peer announcement")
	ErrInvalidParams    = errorsmod.Register(ModuleName, 5, "invalid parameters")
	ErrInvalidExtension = errorsmod.Register(ModuleName, 6, "invalid vote extension")
	ErrNoPower          = errorsmod.Register(ModuleName, 7, "no bonded power")
	ErrInvalidManifest  = errorsmod.Register(ModuleName, 8, "invalid task manifest")
)
