package main

import (
	"math"
	"runtime"
	"runtime/debug"

	"github.com/pold-network/pold/engine"
	"github.com/pold-network/pold/testutil/bench"
	"github.com/pold-network/pold/testutil/models"
)

// heapFactor is how much of the memory that a training needs by its nature it may use: weights, optimiser state and activations.
const heapFactor = 1.5

// memory counts what steps allocate once training runs, and what a training of a large model keeps.
func (r *run) memory() error {
	threads := r.threads[len(r.threads)-1]
	return withThreads(threads, func() error {
		if err := engine.Configure(engine.Config{Threads: threads}); err != nil {
			return err
		}
		for _, n := range networks() {
			if n.vote == 0 {
				continue // the same network again, for another form of the peer
			}
			for _, c := range n.recipes {
				training, err := n.start(c.settings)
				if err != nil {
					return err
				}
				count, err := allocations(training)
				if err != nil {
					return err
				}
				r.report.Add(bench.Compare(label("step of "+n.name+", "+c.name, threads), count, 0, "limit", "allocations", bench.LessIsBetter, 1))
			}
		}
		return r.heap(threads)
	})
}

// allocations is how many objects a step allocates after some steps: the least of three counts, because the runtime counts what it
// allocates for itself, now and then, as ours.
func allocations(training *engine.Training) (float64, error) {
	defer debug.SetGCPercent(debug.SetGCPercent(-1))
	const warm, counted, counts = 5, 20, 3
	least := math.Inf(1)
	var before, after runtime.MemStats
	for range counts {
		for i := range warm + counted {
			if i == warm {
				runtime.ReadMemStats(&before)
			}
			if _, err := training.Step(); err != nil {
				return 0, err
			}
		}
		runtime.ReadMemStats(&after)
		least = min(least, float64(after.Mallocs-before.Mallocs)/counted)
	}
	return least, nil
}

// heap compares the memory in use during the training of a model of 59 MB with what its numbers take.
func (r *run) heap(threads int) error {
	n := network{spec: models.MLP(784, 8192, 1024, 10)}
	const rows = 128
	n.data = &engine.Data{Features: 784, X: models.Numbers(rows*784, 1), Labels: models.Integers(rows, 10, 2)}
	for _, c := range networks()[0].recipes {
		base := heapInUse()
		training, err := n.start(c.settings)
		if err != nil {
			return err
		}
		for range 2 {
			if _, err := training.Step(); err != nil {
				return err
			}
		}
		used := heapInUse() - base
		runtime.KeepAlive(training)
		limit := heapFactor * needed(n.spec, rows, states[c.settings.Optimizer])
		r.report.Add(bench.Compare(label("heap of perceptron 784-8192-1024-10, "+c.name, threads), used/1e6, limit/1e6,
			"1.5 × weights, state, activations", "MB", bench.LessIsBetter, 1))
	}
	return nil
}

// states is how many numbers an optimiser keeps for each weight.
var states = map[string]int64{engine.OptimizerSGD: 1, engine.OptimizerAdam: 2}

// needed is the size in bytes of the weights, the optimiser's state and the activations of a batch: the outputs of every layer and what
// the layers keep for the backward pass. Gradients do not count.
func needed(spec *engine.Spec, rows, perWeight int64) float64 {
	nodes, err := spec.Plan()
	if err != nil {
		return 0
	}
	values := spec.Parameters() * (1 + perWeight)
	for i := range nodes {
		values += rows * (int64(nodes[i].Outputs()) + nodes[i].Kept)
	}
	return float64(4 * values)
}

func heapInUse() float64 {
	runtime.GC()
	runtime.GC() // what finalisers let go of
	var m runtime.MemStats
	runtime.ReadMemStats(&m)
	return float64(m.HeapInuse)
}
