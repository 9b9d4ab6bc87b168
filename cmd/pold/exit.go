package main

import (
	"context"
	"errors"
	"fmt"
	"os"
	"strings"
)

// Exit codes, the same as those of trainerd.
const (
	exitError       = 1
	exitUsage       = 2
	exitNotFound    = 3
	exitRejected    = 4
	exitTimeout     = 5
	exitUnreachable = 6
	exitMismatch    = 7
)

// exitHelp says them in the help of commands.
const exitHelp = `Exit codes: 0 done, 1 error, 2 wrong usage, 3 not found, 4 refused by the chain, 5 timeout, 6 node unreachable, 7 verification failed.`

// failed is an error that ends the program with a code of its own.
type failed struct {
	code int
	err  error
}

func (f *failed) Error() string { return f.err.Error() }
func (f *failed) Unwrap() error { return f.err }

// fail returns an error with an exit code; format and arguments are those of fmt.Errorf.
func fail(code int, format string, a ...any) error { return &failed{code, fmt.Errorf(format, a...)} }

// usage returns an error about how a command was called.
func usage(format string, a ...any) error { return fail(exitUsage, format, a...) }

// exitCode returns the code that an error ends the program with.
func exitCode(err error) int {
	var f *failed
	switch {
	case err == nil:
		return 0
	case errors.As(err, &f):
		return f.code
	case errors.Is(err, os.ErrNotExist):
		return exitNotFound
	case errors.Is(err, context.DeadlineExceeded):
		return exitTimeout
	case strings.HasPrefix(err.Error(), "unknown command"): // cobra has no type for it
		return exitUsage
	}
	return exitError
}
