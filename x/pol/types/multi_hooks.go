package types

import (
	"context"
	"errors"
)

// MultiHooks are several listeners, told in their order. All are told, whatever one of them returns; the keeper drops only
// the writes of those that fail.
type MultiHooks []Hooks

var _ Hooks = MultiHooks{}

// AfterRoundSettled implements Hooks.
func (m MultiHooks) AfterRoundSettled(ctx context.Context, outcome RoundOutcome) error {
	var all error
	for _, h := range m {
		all = errors.Join(all, h.AfterRoundSettled(ctx, outcome))
	}
	return all
}
