package engine

import (
	"bytes"
	"encoding/binary"
	"errors"
	"math"
	"slices"
	"strings"
	"testing"

	"github.com/pold-network/pold/engine/internal/exact"
	"github.com/pold-network/pold/modelspec"
)

func TestBatchesMayBeLargerThanTheTable(t *testing.T) {
	spec := network([]uint32{3}, denseOf(4), batchNormOf(), plain(modelspec.KindTanh), denseOf(3))
	d := testData(t, spec, 3)
	r := keepGradients(8)
	m := newTestModel(t, spec, 1)
	var first float32
	if err := m.Train(d, CrossEntropy, r, func(_ int, loss float32) bool { first = loss; return true }); err != nil {
		t.Fatal(err)
	}
	order := make([]int, 8)
	newBatches(r.Seed, 3).take(order)
	training, err := NewTraining(newTestModel(t, spec, 1), d, CrossEntropy, r)
	if err != nil {
		t.Fatal(err)
	}
	if want, err := training.Loss(d.Select(order)); err != nil || first != want {
		t.Errorf("expected the loss %v of rows %v, got %v, %v", want, order, first, err)
	}
}

func TestLossDoesNotDisturbATraining(t *testing.T) {
	spec := network([]uint32{3}, denseOf(4), denseOf(3))
	d := testData(t, spec, 9)
	training, err := NewTraining(newTestModel(t, spec, 1), d, CrossEntropy, keepGradients(4))
	if err != nil {
		t.Fatal(err)
	}
	batch := d.Select([]int{1, 2})
	before := slices.Clone(batch.X)
	if _, err := training.Loss(batch); err != nil {
		t.Fatal(err)
	}
	if _, err := training.Step(); err != nil {
		t.Fatal(err)
	}
	if !slices.Equal(batch.X, before) {
		t.Error("a step after Loss changed the rows that Loss was given")
	}
	for name, batch := range map[string]*Data{"more rows than a batch has": d, "no rows": {Features: 3}, "other features": {Features: 2, X: make([]float32, 4), Labels: make([]uint32, 2)}} {
		if _, err := training.Loss(batch); !errors.Is(err, ErrInvalidData) {
			t.Errorf("%s: expected ErrInvalidData, got %v", name, err)
		}
	}
	r := keepGradients(4)
	r.ClipNorm = 0
	if training, err = NewTraining(newTestModel(t, spec, 1), d, CrossEntropy, r); err != nil {
		t.Fatal(err)
	}
	if _, err := training.Loss(batch); !errors.Is(err, ErrInvalidRecipe) || !strings.Contains(err.Error(), "clip norm") {
		t.Errorf("without clipping: expected ErrInvalidRecipe with advice, got %v", err)
	}
}

func TestBatchesOfOneRowTrainBatchNorm(t *testing.T) {
	for _, spec := range []*Spec{network([]uint32{3}, denseOf(4), batchNormOf(), denseOf(3)), convNet()} {
		m, d := newTestModel(t, spec, 1), testData(t, spec, 5)
		r := Recipe{Optimizer: OptimizerSGD, LearningRate: 0.1, BatchSize: 1, Steps: 20}
		if err := m.Train(d, CrossEntropy, r, nil); err != nil {
			t.Fatal(err)
		}
		if e, err := m.Evaluate(d, CrossEntropy); err != nil || !e.Finite {
			t.Errorf("expected a finite result, got %+v, %v", e, err)
		}
	}
}

func TestModelsWithoutWeightsEvaluateAndTrain(t *testing.T) {
	spec := network([]uint32{2, 3}, plain(modelspec.KindReLU), plain(modelspec.KindTanh))
	m := newTestModel(t, spec, 1)
	d := testData(t, spec, 5)
	if len(d.Labels) != 5 {
		t.Fatalf("expected one decision per row, got %d labels for 5 rows", len(d.Labels))
	}
	for _, o := range Objectives() {
		if e, err := m.Evaluate(d, o); err != nil || !e.Finite {
			t.Errorf("%v: expected a finite result, got %+v, %v", o, e, err)
		}
		for _, clip := range []float32{0, 1} {
			r := Recipe{Optimizer: OptimizerAdam, LearningRate: 0.1, Momentum: 0.9, Beta2: 0.9, Epsilon: 1e-8, BatchSize: 2, Steps: 3, ClipNorm: clip}
			if err := m.Train(d, o, r, nil); err != nil {
				t.Errorf("%v: %v", o, err)
			}
		}
	}
}

func TestObjectivesMustFitTheOutput(t *testing.T) {
	for _, c := range []struct {
		name string
		spec *Spec
		o    Objective
		is   error
		want string
	}{
		{"one output for cross-entropy", network([]uint32{2}, denseOf(1)), CrossEntropy, ErrInvalidData, "at least 2 outputs"},
		{"one output for binary cross-entropy", network([]uint32{2}, denseOf(1)), BinaryCrossEntropy, nil, ""},
		{"one class for each position", network([]uint32{3, 2}, linear(1)), CrossEntropy, ErrInvalidSpec, "at least 2 outputs"},
		{"softmax before cross-entropy", network([]uint32{2}, denseOf(3), plain(modelspec.KindSoftmax)), CrossEntropy, ErrInvalidSpec, "softmax itself"},
		{"softmax before binary cross-entropy", network([]uint32{2}, denseOf(3), plain(modelspec.KindSoftmax)), BinaryCrossEntropy, ErrInvalidSpec, "sigmoid itself"},
		{"sigmoid before binary cross-entropy", network([]uint32{2}, denseOf(3), plain(modelspec.KindSigmoid)), BinaryCrossEntropy, ErrInvalidSpec, "sigmoid itself"},
		{"softmax before squared errors", network([]uint32{2}, denseOf(3), plain(modelspec.KindSoftmax)), MeanSquaredError, nil, ""},
		{"an image for cross-entropy", network([]uint32{2, 4, 4}, conv(3, 1)), CrossEntropy, ErrInvalidSpec, "add flatten"},
		{"an image for squared errors", network([]uint32{2, 4, 4}, conv(3, 1)), MeanSquaredError, nil, ""},
	} {
		m := newTestModel(t, c.spec, 1)
		d := &Data{Features: c.spec.Inputs(), Targets: c.spec.Outputs(), X: make([]float32, 2*c.spec.Inputs()), Labels: make([]uint32, 2*c.spec.Outputs()),
			Y: make([]float32, 2*c.spec.Outputs())}
		_, evaluation := m.Evaluate(d, c.o)
		_, training := NewTraining(m, d, c.o, keepGradients(2))
		for _, err := range []error{evaluation, training} {
			if !errors.Is(err, c.is) || c.is == nil && err != nil || err != nil && !strings.Contains(err.Error(), c.want) {
				t.Errorf("%s: expected %v with %q, got %v", c.name, c.is, c.want, err)
			}
		}
	}
}

func TestEmbeddingsReadOnlyTheirIntegers(t *testing.T) {
	spec := network([]uint32{2}, named("a", embeddingOf(9, 4)), named("b", reading("input", embeddingOf(7, 4))), addOf("a", "b"), denseOf(3))
	m := newTestModel(t, spec, 1)
	for _, c := range []struct {
		name  string
		value float32
		valid bool
	}{
		{"zero", 0, true}, {"minus zero", float32(math.Copysign(0, -1)), true}, {"the last row of the smaller table", 6, true},
		{"a row of the larger table only", 7, false}, {"a fraction", 1.5, false}, {"a negative integer", -1, false}, {"nearly nothing", 0x1p-149, false},
		{"a huge number", 1e30, false}, {"infinity", exact.Inf(false), false}, {"minus infinity", exact.Inf(true), false}, {"NaN", exact.NaN(), false},
	} {
		d := testData(t, spec, 3)
		d.X[3] = c.value
		_, evaluation := m.Evaluate(d, CrossEntropy)
		_, forward := m.Forward(d.X, 3)
		_, predict := m.Predict(d.X, 3)
		for what, err := range map[string]error{"evaluation": evaluation, "forward": forward, "prediction": predict, "training": m.Train(d, CrossEntropy, keepGradients(2), nil)} {
			if c.valid != (err == nil) || err != nil && (!errors.Is(err, ErrInvalidData) || !strings.Contains(err.Error(), "row 1 feature 1")) {
				t.Errorf("%s, %s: expected valid = %v, got %v", c.name, what, c.valid, err)
			}
		}
	}
}

func TestNoRows(t *testing.T) {
	for name, spec := range composites() {
		m := newTestModel(t, spec, 1)
		d := &Data{Features: spec.Inputs(), Targets: spec.Outputs()}
		if y, err := m.Forward(nil, 0); err != nil || len(y) != 0 {
			t.Errorf("%s: expected no outputs for no rows, got %v, %v", name, y, err)
		}
		if y, err := m.Predict(nil, 0); err != nil || len(y) != 0 {
			t.Errorf("%s: expected no classes for no rows, got %v, %v", name, y, err)
		}
		for _, rows := range []int{-1, MaxRows + 1} {
			if _, err := m.Forward(nil, rows); !errors.Is(err, ErrInvalidData) {
				t.Errorf("%s: %d rows: expected ErrInvalidData, got %v", name, rows, err)
			}
		}
		for _, o := range Objectives() {
			_, evaluation := m.Evaluate(d, o)
			_, training := NewTraining(m, d, o, keepGradients(2))
			if !errors.Is(evaluation, ErrInvalidData) || !errors.Is(training, ErrInvalidData) {
				t.Errorf("%s, %v: expected ErrInvalidData, got %v and %v", name, o, evaluation, training)
			}
		}
	}
}

// TestTargetsThatNobodyAskedFor: a table may carry targets and labels; those of the other objective must not cause harm.
func TestTargetsThatNobodyAskedFor(t *testing.T) {
	spec := network([]uint32{2}, denseOf(3))
	for _, c := range []struct {
		name   string
		change func(d *Data)
		o      Objective
		valid  bool
	}{
		{"targets besides labels", func(*Data) {}, CrossEntropy, true},
		{"targets of another number", func(d *Data) { d.Targets, d.Y = 1, d.Y[:4] }, CrossEntropy, true},
		{"too few targets", func(d *Data) { d.Y = d.Y[:5:5] }, CrossEntropy, false},
		{"too many targets", func(d *Data) { d.Y = append(d.Y, 1) }, CrossEntropy, false},
		{"a negative number of targets", func(d *Data) { d.Targets, d.Y = -1, []float32{} }, CrossEntropy, false},
		{"too few labels", func(d *Data) { d.Labels = d.Labels[:1] }, MeanSquaredError, true},
		{"too many labels", func(d *Data) { d.Labels = append(d.Labels, 1) }, MeanSquaredError, true},
		{"labels out of range", func(d *Data) { d.Labels[0] = 1 << 31 }, MeanSquaredError, true},
	} {
		d := testData(t, spec, 4)
		c.change(d)
		m := newTestModel(t, spec, 1)
		_, evaluation := m.Evaluate(d, c.o)
		for _, err := range []error{evaluation, m.Train(d, c.o, keepGradients(3), nil)} {
			if c.valid != (err == nil) || err != nil && !errors.Is(err, ErrInvalidData) {
				t.Errorf("%s: expected valid = %v, got %v", c.name, c.valid, err)
			}
		}
	}
}

// TestHostileCheckpointsDoNoHarm: any finite weights are a model, and evaluation says when its results are not finite.
func TestHostileCheckpointsDoNoHarm(t *testing.T) {
	for name, spec := range composites() {
		d := testData(t, spec, 3)
		for what, value := range map[string]float32{"largest weights": math.MaxFloat32, "smallest weights": -math.MaxFloat32, "subnormal weights": 0x1p-149, "zeros": 0} {
			m := newTestModel(t, spec, 1)
			fill(m.params, value)
			fill(m.buffers, value)
			back, err := DecodeModel(spec, m.Encode())
			if err != nil {
				t.Fatal(err)
			}
			for _, o := range Objectives() {
				e, err := back.Evaluate(d, o)
				if err != nil || !e.Finite && (e.LossE9 != maxE9 || e.MetricE9 != 0) {
					t.Errorf("%s, %s, %v: expected a result that is finite or says that it is not, got %+v, %v", name, what, o, e, err)
				}
			}
		}
	}
	// A negative running variance has no root.
	spec := network([]uint32{3}, batchNormOf(), denseOf(2))
	m := newTestModel(t, spec, 1)
	m.buffers[4] = -1
	if e, err := m.Evaluate(testData(t, spec, 2), CrossEntropy); err != nil || e.Finite {
		t.Errorf("a negative variance: expected a result that is not finite, got %+v, %v", e, err)
	}
}

func FuzzDecodeModel(f *testing.F) {
	spec := importSpec()
	m, err := NewModel(spec, [32]byte{1})
	if err != nil {
		f.Fatal(err)
	}
	file := m.Encode()
	f.Add(file)
	f.Add(file[:len(file)-4])
	f.Add(binary.LittleEndian.AppendUint64(nil, math.MaxUint64))
	f.Add(stateDict(m.tensors()...))
	f.Fuzz(func(t *testing.T, file []byte) {
		m, err := DecodeModel(spec, file)
		if err != nil {
			return
		}
		if !bytes.Equal(m.Encode(), file) {
			t.Error("expected a file that was accepted to be the model's own")
		}
		if _, err := m.Forward(make([]float32, 12), 2); err != nil {
			t.Error(err)
		}
	})
}
