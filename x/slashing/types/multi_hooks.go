package types

import "context"

// MultiHooks tells several listeners, in order; the first error ends it.
type MultiHooks []Hooks

var _ Hooks = MultiHooks{}

// AfterFault tells every listener.
func (m MultiHooks) AfterFault(ctx context.Context, evidence Evidence) error {
	for _, h := range m {
		if err := h.AfterFault(ctx, evidence); err != nil {
			return err
		}
	}
	return nil
}
