package engine_test

import (
	"fmt"
	"log"

	"github.com/pold-network/pold/engine"
	"github.com/pold-network/pold/modelspec"
)

// Train a network on "exclusive or" and evaluate it. The numbers in the output are the same on every machine.
func Example() {
	spec := &engine.Spec{
		InputShape: []uint32{2},
		Layers: []engine.Layer{
			{Name: "hidden", Kind: modelspec.KindDense, Units: 8},
			{Name: "bend", Kind: modelspec.KindTanh},
			{Name: "classes", Kind: modelspec.KindDense, Units: 2},
		},
	}
	data := &engine.Data{Features: 2, X: []float32{0, 0, 0, 1, 1, 0, 1, 1}, Labels: []uint32{0, 1, 1, 0}}
	model, err := engine.NewModel(spec, [32]byte{1})
	if err != nil {
		log.Fatal(err)
	}
	recipe := engine.Recipe{Optimizer: engine.OptimizerSGD, LearningRate: 0.5, Momentum: 0.9, BatchSize: 4, Steps: 100}
	if err := model.Train(data, engine.CrossEntropy, recipe, nil); err != nil {
		log.Fatal(err)
	}
	result, err := model.Evaluate(data, engine.CrossEntropy)
	if err != nil {
		log.Fatal(err)
	}
	fmt.Print(spec.Summary())
	fmt.Printf("loss_e9 %d, accuracy_e9 %d, digest %x…\n", result.LossE9, result.MetricE9, result.Digest[:4])
	// Output:
	// LAYER    KIND   READS   OUTPUT  PARAMETERS
	// input    -      -       2       0
	// hidden   dense  input   8       24
	// bend     tanh   hidden  8       0
	// classes  dense  bend    2       18
	// 42 parameters (168 bytes); checkpoint file: 448 bytes
	// memory per row: 152 bytes in training, 64 in evaluation
	// 32 multiply-adds per row: 64 FLOP forward, 192 in training; cost 544
	// loss_e9 422489, accuracy_e9 1000000000, digest b19a78ac…
}
