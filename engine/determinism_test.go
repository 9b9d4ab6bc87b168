package engine

import (
	"bytes"
	"crypto/sha256"
	"encoding/hex"
	"fmt"
	"testing"

	"github.com/pold-network/pold/engine/internal/isa"
	"github.com/pold-network/pold/modelspec"
)

// composites are the networks of real size in small.
func composites() map[string]*Spec {
	return map[string]*Spec{"residual block": residualNet(), "transformer block": transformerNet(), "conv net": convNet(), "layers in place": inPlaceNet(),
		"wide dense layers": network([]uint32{65}, denseOf(131), plain(modelspec.KindReLU), denseOf(33), plain(modelspec.KindTanh), denseOf(5))}
}

// trainedDigest trains a network for three steps with three recipes and returns a hash of losses, checkpoints and evaluations.
func trainedDigest(t testing.TB, spec *Spec, on *machine, batch int) string {
	t.Helper()
	d := testData(t, spec, batch+3)
	var text []byte
	for _, r := range []Recipe{
		{Optimizer: OptimizerSGD, LearningRate: 0.05},
		{Optimizer: OptimizerNesterov, LearningRate: 0.05, Momentum: 0.9, WeightDecay: 0.01, ClipNorm: 0.5},
		{Optimizer: OptimizerAdamW, LearningRate: 0.01, Momentum: 0.9, Beta2: 0.99, Epsilon: 1e-8, WeightDecay: 0.1, ClipNorm: 1, LabelSmoothing: 0.1,
			Schedule: ScheduleCosine, WarmupSteps: 1},
	} {
		m := newTestModel(t, spec, 1)
		m.machine = on
		r.BatchSize, r.Steps, r.Seed = batch, 3, [32]byte{5}
		if err := m.Train(d, CrossEntropy, r, func(_ int, loss float32) bool { text = appendBits(text, loss); return true }); err != nil {
			t.Fatal(err)
		}
		text = append(text, m.Encode()...)
		for _, o := range Objectives() {
			e, err := m.Evaluate(d, o)
			if err != nil || !e.Finite {
				t.Fatalf("%v: %+v, %v", o, e, err)
			}
			text = fmt.Appendf(text, "%+v", e)
		}
	}
	sum := sha256.Sum256(text)
	return hex.EncodeToString(sum[:])
}

// TestEveryMachineGivesTheSameBits is the promise of the package. It runs unchanged on other processors, where the stored answers tie the
// results to those of this one.
func TestEveryMachineGivesTheSameBits(t *testing.T) {
	specs := composites()
	n := 8
	if long() {
		n = 200
	}
	for i, spec := range randomNetworks(t, n) {
		specs[fmt.Sprintf("random network %d", i)] = spec
	}
	want := map[string]string{}
	onEveryMachine(t, func(machine string, on *machine) {
		for name, spec := range specs {
			got := trainedDigest(t, spec, on, 18)
			if first, ok := want[name]; ok && got != first {
				t.Errorf("%s on %s: expected the digest %s of the portable backend on one thread, got %s", name, machine, first, got)
			} else if !ok {
				want[name] = got
			}
		}
	})
}

// TestLargeLayersAreSharedAlike trains layers that are large enough to be cut among threads.
func TestLargeLayersAreSharedAlike(t *testing.T) {
	for _, c := range []struct {
		name  string
		batch int
		spec  *Spec
	}{
		{"images", 18, network([]uint32{3, 14, 14}, conv2(16, [2]uint64{3, 3}, [2]uint64{1, 1}, [2]uint64{1, 1}, 1), batchNormOf(), plain(modelspec.KindReLU), maxPool2(),
			conv2(16, [2]uint64{3, 3}, [2]uint64{2, 2}, [2]uint64{1, 1}, 4), plain(modelspec.KindGELU), dropoutOf(100_000), denseOf(10))},
		{"large images", 2, network([]uint32{90, 100}, conv2(2, [2]uint64{3, 3}, [2]uint64{1, 1}, [2]uint64{1, 1}, 1),
			conv2(2, [2]uint64{3, 3}, [2]uint64{1, 1}, [2]uint64{1, 1}, 2), plain(modelspec.KindReLU), plain(modelspec.KindGlobalAveragePool), denseOf(3))},
		{"sequences", 18, network([]uint32{24}, embeddingOf(30, 32), named("in", plain(modelspec.KindPosition)), attend2(4, true), addOf("in", "l2"),
			layerNormOf(10_000), linear(64), plain(modelspec.KindSiLU), linear(30))},
		{"features", 40, network([]uint32{700}, denseOf(300), batchNormOf(), plain(modelspec.KindSigmoid), denseOf(10))},
	} {
		want := ""
		for _, level := range isa.Supported() {
			for _, threads := range []int{1, 2, 3, 7} {
				if level == isa.Portable && (threads > 1 || !long()) {
					continue // too slow; the smaller networks run there
				}
				on := newMachine(level, threads)
				got := trainedDigest(t, c.spec, on, c.batch)
				on.pool.Close()
				if want == "" {
					want = got
				}
				if got != want {
					t.Errorf("%s on %s, %d threads: expected digest %s, got %s", c.name, level, threads, want, got)
				}
			}
		}
	}
}

// TestConcurrentTrainingsDoNotMix shares a machine among trainings that run at the same time.
func TestConcurrentTrainingsDoNotMix(t *testing.T) {
	on := newMachine(isa.Best(), 3)
	defer on.pool.Close()
	spec := convNet()
	want := trainedDigest(t, spec, on, 18)
	got := make(chan string, 4)
	for range cap(got) {
		go func() { got <- trainedDigest(t, spec, on, 18) }()
	}
	for range cap(got) {
		if g := <-got; g != want {
			t.Errorf("expected %s, got %s", want, g)
		}
	}
}

// TestEvaluationDoesNotDependOnItsChunks cuts rows at different places.
func TestEvaluationDoesNotDependOnItsChunks(t *testing.T) {
	specs := composites()
	for i, spec := range randomNetworks(t, 40) {
		specs[fmt.Sprintf("random network %d", i)] = spec
	}
	for name, spec := range specs {
		const rows = 23
		m := newTestModel(t, spec, 2)
		unsettle(m)
		d := testData(t, spec, rows)
		var want []byte
		for _, chunk := range []int{rows, 1, 7, 16} {
			p, l := m.newPass(chunk, evaluating, false), newLoss(m.machine, CrossEntropy, chunk, m.positions(), m.classes())
			var got []byte
			for from := 0; from < rows; from += chunk {
				part := d.slice(from, min(from+chunk, rows))
				out := p.forward(part.X, part.Rows())
				for r, loss := range l.rows(out, part, nil) {
					got = appendBits(appendBits(got, out[r*m.outputs():][:m.outputs()]...), loss)
				}
			}
			if want == nil {
				want = got
			}
			if !bytes.Equal(got, want) {
				t.Errorf("%s: chunks of %d rows give other bits than one pass", name, chunk)
			}
		}
	}
}
