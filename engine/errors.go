package engine

import (
	"errors"

	"github.com/pold-network/pold/modelspec"
)

// Errors that callers tell apart with errors.Is. Every returned error adds what was expected, what was found and what to do.
var (
	// ErrInvalidSpec: a model spec breaks a rule or a limit of SPEC.md section 2.
	ErrInvalidSpec = modelspec.ErrInvalidSpec
	// ErrInvalidData: rows do not fit the model or the objective.
	ErrInvalidData = errors.New("invalid data")
	// ErrInvalidRecipe: a training recipe is outside its limits.
	ErrInvalidRecipe = errors.New("invalid recipe")
	// ErrNotCanonical: bytes that mean something, but are not the one accepted encoding of it.
	ErrNotCanonical = modelspec.ErrNotCanonical
	// ErrMalformed: bytes that are not a safetensors file at all.
	ErrMalformed = errors.New("malformed safetensors file")
	// ErrWrongTensors: a well-formed file whose tensors are not those of the model spec.
	ErrWrongTensors = errors.New("tensors do not fit the model spec")
	// ErrNonFinite: a weight or a loss is infinite or not a number.
	ErrNonFinite = errors.New("non-finite value")
	// ErrSelfTest: this machine does not reproduce the stored answers.
	ErrSelfTest = errors.New("engine self-test failed")
)
