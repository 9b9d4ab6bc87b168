package types

import errorsmod "cosmossdk.io/errors"

// Errors of the module; codes start at 2 and never move.
var (
	ErrNoPeriod       = errorsmod.Register(ModuleName, 2, "group has no votes")
	ErrBallotNotFound = errorsmod.Register(ModuleName, 3, "ballot not found")
	ErrClosed         = errorsmod.Register(ModuleName, 4, "ballot closed")
	ErrNoStake        = errorsmod.Register(ModuleName, 5, "too little stake to vote")
	ErrTooManyVotes   = errorsmod.Register(ModuleName, 6, "too many votes")
	ErrVoted          = errorsmod.Register(ModuleName, 7, "already voted")
	ErrNotVoted       = errorsmod.Register(ModuleName, 8, "not voted")
	ErrSubject        = errorsmod.Register(ModuleName, 9, "wrong subject")
	ErrInvalidPeriod  = errorsmod.Register(ModuleName, 10, "invalid period")
	ErrInvalidParams  = errorsmod.Register(ModuleName, 11, "invalid parameters")
)
