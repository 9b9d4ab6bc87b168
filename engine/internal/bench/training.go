package main

import (
	"fmt"
	"time"

	"github.com/pold-network/pold/engine"
	"github.com/pold-network/pold/testutil/bench"
	"github.com/pold-network/pold/testutil/models"
)

// network is a model of the benchmark with one batch of data. Everything is made up: time does not depend on what is learned.
type network struct {
	name    string // in the rows
	spec    *engine.Spec
	data    *engine.Data
	peer    string // the model's name in peer_torch.py
	vote    float64
	recipes []recipe
}

// recipe is an optimiser and the goal for a step with it; 0 means none.
type recipe struct {
	name, peer string
	settings   engine.Recipe
	goal       float64
}

// Rows of a batch, images and texts of 64 characters, and how many batches an evaluation has.
const images, texts, batches = 128, 16, 8

// networks are the models of the table.
func networks() []network {
	pictures := &engine.Data{Features: 784, X: models.Numbers(images*784, 1), Labels: models.Integers(images, 10, 2)}
	lines := &engine.Data{Features: 64, X: models.Floats(models.Integers(texts*64, 64, 3)), Labels: models.Integers(texts*64, 64, 4)}
	sgd := func(goal float64) recipe {
		return recipe{"SGD with momentum", "sgd", engine.Recipe{Optimizer: engine.OptimizerSGD, LearningRate: 0.01, Momentum: 0.9}, goal}
	}
	adam := func(goal float64) recipe {
		return recipe{"Adam", "adam", engine.Recipe{Optimizer: engine.OptimizerAdam, LearningRate: 0.001, Momentum: 0.9, Beta2: 0.999, Epsilon: 1e-8}, goal}
	}
	conv := models.ConvNet(28, 16, 128, 10)
	return []network{
		{"perceptron", models.MLP(784, 512, 256, 10), pictures, "mlp", 1.3, []recipe{sgd(1.5), adam(2)}},
		{"conv net", conv, pictures, "conv", 1.3, []recipe{sgd(1.3)}},
		{"conv net (peer: channels_last)", conv, pictures, "conv channels_last", 0, []recipe{sgd(0)}},
		{"transformer", models.Transformer(64, 64, 128, 4, 2), lines, "transformer", 1.3, []recipe{adam(1)}},
	}
}

// start makes a training of the network that repeats its batch in ever new orders.
func (n network) start(settings engine.Recipe) (*engine.Training, error) {
	settings.BatchSize, settings.Steps = n.data.Rows(), engine.MaxSteps
	m, err := engine.NewModel(n.spec, [32]byte{1})
	if err != nil {
		return nil, err
	}
	return engine.NewTraining(m, n.data, engine.CrossEntropy, settings)
}

// training measures whole steps: draw a batch, forward, loss, backward, update.
func (r *run) training() error {
	return r.each(func(n network, threads int) error {
		for _, c := range n.recipes {
			training, err := n.start(c.settings)
			if err != nil {
				return err
			}
			step := func() error { _, err := training.Step(); return err }
			arguments := map[string]any{"model": n.peer, "optimizer": c.peer, "rows": n.data.Rows()}
			if err := r.againstTorch("step of "+n.name+", "+c.name, threads, step, "train", arguments, c.goal); err != nil {
				return err
			}
		}
		return nil
	})
}

// evaluation measures what a validator does for a vote: outputs, losses, metric and digest of some batches of rows.
func (r *run) evaluation() error {
	return r.each(func(n network, threads int) error {
		rows := n.data.Rows()
		again := make([]int, batches*rows)
		for i := range again {
			again[i] = i % rows
		}
		data := n.data.Select(again)
		m, err := engine.NewModel(n.spec, [32]byte{1})
		if err != nil {
			return err
		}
		evaluate := func() error { _, err := m.Evaluate(data, engine.CrossEntropy); return err }
		arguments := map[string]any{"model": n.peer, "rows": rows, "batches": batches}
		return r.againstTorch("evaluation of "+n.name, threads, evaluate, "evaluate", arguments, n.vote)
	})
}

// each goes through the networks with each number of threads.
func (r *run) each(do func(network, int) error) error {
	for _, threads := range r.threads {
		err := withThreads(threads, func() error {
			if err := engine.Configure(engine.Config{Threads: threads}); err != nil {
				return err
			}
			for _, n := range networks() {
				if err := do(n, threads); err != nil {
					return fmt.Errorf("%s: %w", n.name, err)
				}
			}
			return nil
		})
		if err != nil {
			return err
		}
	}
	return nil
}

func (r *run) againstTorch(row string, threads int, ours bench.Func, name string, arguments map[string]any, goal float64) error {
	peer, err := r.peer("PyTorch", threads)
	if err != nil {
		return err
	}
	samples, err := r.against(threads, ours, peer, name, arguments)
	if err != nil {
		return err
	}
	r.report.Add(timeRow(label(row, threads), samples, time.Millisecond, "PyTorch", "ms", goal))
	return nil
}
