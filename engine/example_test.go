package engine_test

import (
	"fmt"
	"log"

	"github.com/pold-network/pold/engine"
)

// Train a network on "exclusive or" and evaluate it. The numbers in the output are the same on every machine.
func Example() {
	spec := &engine.Spec{
		InputShape: []uint32{2},
		Layers: []engine.Layer{
			{Name: "hidden", Kind: engine.KindDense, Units: 8},
			{Name: "bend", Kind: engine.KindTanh},
			{Name: "classes", Kind: engine.KindDense, Units: 2},
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
	// LAYER    KIND   READS   OUTPUTS  PARAMETERS
	// input    -      -       2        0
	// hidden   dense  input   8        24
	// bend     tanh   hidden  8        0
	// classes  dense  bend    2        18
	// 42 parameters (168 bytes), 32 multiply-adds per row
	// loss_e9 422489, accuracy_e9 1000000000, digest b19a78ac…
}

// Rewrite a file of another tool into the only form that counts as a checkpoint.
func ExampleCanonicalize() {
	header := `{"__metadata__":{"format":"pt"},"w":{"dtype":"F32","shape":[1],"data_offsets":[0,4]}}`
	file := append([]byte{byte(len(header)), 0, 0, 0, 0, 0, 0, 0}, header+"\x00\x00\x80\x3f"...)
	_, changes, err := engine.Canonicalize(file)
	if err != nil {
		log.Fatal(err)
	}
	for _, c := range changes {
		fmt.Println(c)
	}
	// Output:
	// removed the metadata (["format"])
	// rewrote the header without spaces and other spellings (85 bytes, now 56)
}
