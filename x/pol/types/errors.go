package types

import errorsmod "cosmossdk.io/errors"

// Errors of the module; codes start at 2 and never move.
var (
	ErrInvalidParams     = errorsmod.Register(ModuleName, 2, "invalid parameters")
	ErrInvalidGroup      = errorsmod.Register(ModuleName, 3, "invalid group")
	ErrGroupExists       = errorsmod.Register(ModuleName, 4, "group exists")
	ErrGroupNotFound     = errorsmod.Register(ModuleName, 5, "group not found")
	ErrInvalidModel      = errorsmod.Register(ModuleName, 6, "invalid model")
	ErrTooCostly         = errorsmod.Register(ModuleName, 7, "group too costly")
	ErrWrongPhase        = errorsmod.Register(ModuleName, 8, "wrong phase")
	ErrWrongRound        = errorsmod.Register(ModuleName, 9, "wrong round")
	ErrInvalidCommitment = errorsmod.Register(ModuleName, 10, "invalid commitment")
	ErrAlreadyCommitted  = errorsmod.Register(ModuleName, 11, "already committed")
	ErrNotCommitted      = errorsmod.Register(ModuleName, 12, "not committed")
	ErrMismatch          = errorsmod.Register(ModuleName, 13, "reveal does not match the commitment")
	ErrUsedCheckpoint    = errorsmod.Register(ModuleName, 14, "checkpoint was used before")
	ErrNotAllowed        = errorsmod.Register(ModuleName, 15, "account not on the group's allow list")
	ErrInvalidAmount     = errorsmod.Register(ModuleName, 16, "invalid amount")
	ErrInsufficientBond  = errorsmod.Register(ModuleName, 17, "insufficient bond")
	ErrInvalidCheckpoint = errorsmod.Register(ModuleName, 18, "invalid checkpoint")
	ErrRoundFull         = errorsmod.Register(ModuleName, 19, "round is full")
	ErrInvalidBatch      = errorsmod.Register(ModuleName, 21, "invalid sealed batch")
	ErrInvalidCanary     = errorsmod.Register(ModuleName, 22, "invalid canary")
	ErrInvalidChange     = errorsmod.Register(ModuleName, 23, "invalid change of a group")
	ErrTooManyUnbondings = errorsmod.Register(ModuleName, 20, "too many unbondings")
)
