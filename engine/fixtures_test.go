package engine

import "github.com/pold-network/pold/modelspec"

func layers(ls ...Layer) []Layer { return ls }

func denseLayer(name string, units uint64) Layer {
	return Layer{Name: name, Kind: modelspec.KindDense, Units: units}
}

// digitsSpec is the network that most tests use.
func digitsSpec() *Spec {
	return &Spec{
		InputShape:    []uint32{8, 8},
		Normalization: &Normalization{OffsetE6: 8_000_000, DivisorE6: 8_000_000},
		Layers: layers(denseLayer("hidden", 32), Layer{Name: "hidden-relu", Kind: modelspec.KindReLU},
			Layer{Name: "classes", Kind: modelspec.KindDense, Inputs: []string{"hidden-relu"}, Units: 10}),
	}
}
