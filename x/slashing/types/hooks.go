package types

import "context"

// Hooks are told of each fault once its evidence is stored.
type Hooks interface {
	AfterFault(ctx context.Context, evidence Evidence) error
}
