// Command program trains some small networks with one backend and prints the digests of the results, one JSON object a line. Package
// digests builds it for several processors and compares what it prints.
package main

import (
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"flag"
	"fmt"
	"os"
	"runtime"
	"strconv"
	"strings"

	"github.com/pold-network/pold/engine"
	"github.com/pold-network/pold/testutil/models"
)

func main() {
	backend := flag.String("backend", "", "backend to compute with; list: print the backends of this processor and end")
	threads := flag.String("threads", "1", "numbers of threads, separated by commas")
	flag.Parse()
	if err := run(*backend, *threads); err != nil {
		fmt.Fprintln(os.Stderr, "digests:", err)
		os.Exit(1)
	}
}

func run(backend, threads string) error {
	out := json.NewEncoder(os.Stdout)
	if backend == "list" {
		return out.Encode(engine.Backends())
	}
	for text := range strings.SplitSeq(threads, ",") {
		n, err := strconv.Atoi(text)
		if err != nil {
			return err
		}
		// More threads than processors is a case to be tested: the scheduler then decides who computes what.
		runtime.GOMAXPROCS(max(n, 2))
		if err := engine.Configure(engine.Config{Backend: backend, Threads: n}); err != nil {
			return err
		}
		for _, e := range experiments() {
			digest, err := e.digest()
			if err != nil {
				return fmt.Errorf("%s: %w", e.name, err)
			}
			if err := out.Encode(map[string]any{"threads": n, "experiment": e.name, "digest": digest}); err != nil {
				return err
			}
		}
	}
	return nil
}

// experiment is a training whose result must be the same everywhere.
type experiment struct {
	name   string
	spec   *engine.Spec
	data   *engine.Data
	recipe engine.Recipe
}

// experiments are small enough for an emulated processor, and large enough that products are cut into blocks and shared: 784 inputs are
// more than one block of a chain, and 19 rows or 130 units fill no tile exactly.
func experiments() []experiment {
	images := func(rows, side int) *engine.Data {
		return &engine.Data{Features: side * side, X: models.Numbers(rows*side*side, 1), Labels: models.Integers(rows, 10, 2)}
	}
	const texts, context, vocabulary = 6, 17, 21
	text := &engine.Data{Features: context, X: models.Floats(models.Integers(texts*context, vocabulary, 3)), Labels: models.Integers(texts*context, vocabulary, 4)}
	sgd := engine.Recipe{Optimizer: engine.OptimizerSGD, LearningRate: 0.05, Momentum: 0.9, Steps: 3}
	adam := engine.Recipe{Optimizer: engine.OptimizerAdam, LearningRate: 0.01, Momentum: 0.9, Beta2: 0.999, Epsilon: 1e-8, Steps: 3}
	batch := func(r engine.Recipe, rows int) engine.Recipe {
		r.BatchSize, r.Seed = rows, [32]byte{7}
		return r
	}
	mlp := models.MLP(784, 130, 47, 10)
	return []experiment{
		{"perceptron sgd", mlp, images(30, 28), batch(sgd, 19)},
		{"perceptron adam", mlp, images(30, 28), batch(adam, 19)},
		{"conv net sgd", models.ConvNet(14, 6, 33, 10), images(20, 14), batch(sgd, 9)},
		{"transformer adam", models.Transformer(vocabulary, context, 36, 4, 2), text, batch(adam, 5)},
	}
}

// digest trains and hashes the file of the weights and the digest of an evaluation of all rows.
func (e experiment) digest() (string, error) {
	m, err := engine.NewModel(e.spec, [32]byte{1, 2, 3})
	if err != nil {
		return "", err
	}
	if err := m.Train(e.data, engine.CrossEntropy, e.recipe, nil); err != nil {
		return "", err
	}
	evaluation, err := m.Evaluate(e.data, engine.CrossEntropy)
	if err != nil {
		return "", err
	}
	h := sha256.New()
	h.Write(m.Encode())
	h.Write(evaluation.Digest[:])
	return hex.EncodeToString(h.Sum(nil)), nil
}
