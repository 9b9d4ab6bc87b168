package main

import (
	"context"
	"errors"
	"fmt"
	"sync"
	"time"
)

// each calls f for n nodes at once and returns what failed. When ctx ends, the error says why and for how many nodes; those that go on in
// spite of it are not waited for long.
func each(ctx context.Context, n int, f func(ctx context.Context, i int) error) error {
	failures := make([]error, n)
	var calls sync.WaitGroup
	for i := range n {
		calls.Go(func() {
			if err := f(ctx, i); err != nil {
				failures[i] = fmt.Errorf("node %d: %w", i, err)
			}
		})
	}
	done := make(chan struct{})
	go func() {
		calls.Wait()
		close(done)
	}()
	select {
	case <-done:
	case <-ctx.Done():
		select {
		case <-done:
		case <-time.After(closeTimeout):
			return fmt.Errorf("nodes do not end their calls within %v: %w", closeTimeout, context.Cause(ctx))
		}
	}
	err := errors.Join(failures...)
	if err == nil || ctx.Err() == nil {
		return err
	}
	late := 0
	for _, failure := range failures {
		if failure != nil {
			late++
		}
	}
	return fmt.Errorf("%d of %d nodes: %w", late, n, context.Cause(ctx))
}
