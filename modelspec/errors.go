package modelspec

import (
	"errors"
	"fmt"
)

// Errors that callers tell apart with errors.Is. Every returned error adds what was expected, what was found and what to do.
var (
	// ErrInvalidSpec: a model spec breaks a rule or a limit.
	ErrInvalidSpec = errors.New("invalid model spec")
	// ErrNotCanonical: bytes that mean something, but are not the one accepted encoding of it.
	ErrNotCanonical = errors.New("not canonical")
)

func specError(format string, a ...any) error {
	return fmt.Errorf("%w: "+format, append([]any{ErrInvalidSpec}, a...)...)
}
