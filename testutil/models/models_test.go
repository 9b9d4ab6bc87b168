package models

import (
	"math"
	"testing"

	"github.com/pold-network/pold/modelspec"
)

func TestTheNetworksAreValid(t *testing.T) {
	for name, c := range map[string]struct {
		spec       *modelspec.Spec
		parameters int64
	}{
		"mlp":         {MLP(784, 512, 256, 10), 784*512 + 512 + 512*256 + 256 + 256*10 + 10},
		"conv":        {ConvNet(28, 16, 128, 10), 9*16 + 16 + 9*16*32 + 32 + 1568*128 + 128 + 1280 + 10},
		"transformer": {Transformer(64, 64, 128, 4, 2), 2*64*128 + 2*(12*128*128+13*128) + 2*128 + 128*64 + 64},
	} {
		if err := c.spec.Validate(); err != nil {
			t.Errorf("%s: %v", name, err)
		} else if got := c.spec.Parameters(); got != c.parameters {
			t.Errorf("%s: expected %d parameters, got %d", name, c.parameters, got)
		}
	}
}

func TestNumbersAreSpreadAsPromised(t *testing.T) {
	sum, squares := 0.0, 0.0
	x := Numbers(100000, 3)
	for _, v := range x {
		sum += float64(v)
		squares += float64(v) * float64(v)
	}
	if mean, deviation := sum/float64(len(x)), math.Sqrt(squares/float64(len(x))); math.Abs(mean) > 0.02 || math.Abs(deviation-1) > 0.02 {
		t.Errorf("expected mean 0 and deviation 1, got %v and %v", mean, deviation)
	}
	seen := map[uint32]int{}
	for _, v := range Integers(6400, 64, 3) {
		seen[v]++
	}
	if len(seen) != 64 {
		t.Errorf("expected 64 different integers, got %d", len(seen))
	}
}
