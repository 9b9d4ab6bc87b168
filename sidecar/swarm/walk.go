package swarm

import (
	"context"
	"sync"
)

// walk loads every block of the DAG below root, level by level with the given
// number of workers, checks its shape and hands each leaf to leaf, which must
// be safe for concurrent calls. load returns the verified bytes of a block.
func walk(ctx context.Context, root span, workers int, load func(context.Context, span) ([]byte, error), leaf func(span, []byte)) error {
	level := []span{root}
	for {
		below := make([][]span, len(level))
		err := forEach(ctx, len(level), workers, func(ctx context.Context, i int) error {
			data, err := load(ctx, level[i])
			if err != nil {
				return err
			}
			if below[i], err = level[i].children(data); err != nil {
				return err
			}
			if level[i].height == 0 {
				leaf(level[i], data)
			}
			return nil
		})
		if err != nil || level[0].height == 0 {
			return err
		}
		var next []span
		for _, spans := range below {
			next = append(next, spans...)
		}
		level = next
	}
}

// forEach calls fn for 0..n-1, at most workers at a time, starting in order.
// The first error cancels the rest and is returned.
func forEach(ctx context.Context, n, workers int, fn func(context.Context, int) error) error {
	ctx, cancel := context.WithCancelCause(ctx)
	defer cancel(nil)
	var (
		wg   sync.WaitGroup
		next = make(chan int)
	)
	for range min(workers, n) {
		wg.Go(func() {
			for i := range next {
				if ctx.Err() != nil {
					continue
				}
				if err := fn(ctx, i); err != nil {
					cancel(err)
				}
			}
		})
	}
	for i := range n {
		if ctx.Err() != nil {
			break
		}
		next <- i
	}
	close(next)
	wg.Wait()
	return context.Cause(ctx)
}
