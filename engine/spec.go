package engine

import (
	"fmt"

	"github.com/pold-network/pold/modelspec"
)

// The model spec has a package of its own, because the chain reads it too; these are its names here.
type (
	// Spec describes a network, see modelspec.Spec.
	Spec = modelspec.Spec
	// Layer is one step of it.
	Layer = modelspec.Layer
	// Normalization maps inputs before the first layer.
	Normalization = modelspec.Normalization
)

// ParseSpec reads the canonical protobuf bytes of a model spec and validates it.
func ParseSpec(b []byte) (*Spec, error) { return modelspec.ParseSpec(b) }

func specError(format string, a ...any) error {
	return fmt.Errorf("%w: "+format, append([]any{ErrInvalidSpec}, a...)...)
}
