package engine

import (
	"bytes"
	"crypto/sha256"
	"encoding/binary"
	"errors"
	"math"
	"math/big"
	"slices"
	"strings"
	"testing"

	"github.com/pold-network/pold/engine/internal/exact"
)

func TestLossE9IsRoundedOnce(t *testing.T) {
	s := newStream([32]byte{}, "e9", 0)
	billion := new(big.Float).SetInt64(1_000_000_000)
	for range 200_000 {
		x := float32(math.Abs(float64(floatNear(s, 0, 60))))
		exact := new(big.Float).SetPrec(200).SetFloat64(float64(x))
		exact.Mul(exact, billion)
		// Round to the nearest integer, ties to even, with integers only.
		two := new(big.Float).SetPrec(200).Mul(exact, big.NewFloat(2))
		floorTwo, accuracy := two.Int(nil)
		want := new(big.Int).Rsh(floorTwo, 1)
		if floorTwo.Bit(0) == 1 && (accuracy != big.Exact || want.Bit(0) == 1) {
			want.Add(want, big.NewInt(1))
		}
		if !want.IsInt64() {
			want.SetInt64(math.MaxInt64)
		}
		if got := toE9(x); got != want.Uint64() {
			t.Fatalf("toE9(%x): expected %v, got %d", x, want, got)
		}
	}
	for _, c := range []struct {
		name string
		x    float32
		want uint64
	}{
		{"zero", 0, 0}, {"minus zero", math.Float32frombits(exact.SignBit), 0}, {"one", 1, 1e9}, {"a half", 0.5, 5e8},
		{"the smallest subnormal", 0x1p-149, 0}, {"infinity", exact.Inf(false), maxE9}, {"the largest number", math.MaxFloat32, maxE9},
		{"a tie that goes down to even", 0x1p-10, 976562}, {"a tie that goes up to even", 3 * 0x1p-10, 2929688},
	} {
		if got := toE9(c.x); got != c.want {
			t.Errorf("%s: expected %d, got %d", c.name, c.want, got)
		}
	}
}

func TestMeanDoesNotOverflow(t *testing.T) {
	var m meanE9
	for range 5 {
		m.add(maxE9)
	}
	m.add(maxE9 - 3)
	if got := m.mean(6); got != maxE9-1 {
		t.Errorf("expected the mean rounded down, %d, got %d", uint64(maxE9-1), got)
	}
}

// TestEvaluationIsMadeOfItsRows assembles loss, metric and digest from single-row results.
func TestEvaluationIsMadeOfItsRows(t *testing.T) {
	m, d := digitsLike(t, 700) // three passes
	d.Targets, d.Y = 10, selfTestNumbers("evaluation targets", 7000)
	for _, o := range []Objective{CrossEntropy, MeanSquaredError} {
		got, err := m.Evaluate(d, o)
		if err != nil {
			t.Fatal(err)
		}
		var lossSum, metricSum uint64
		hash := sha256.New()
		hash.Write([]byte("pold-engine/1/evaluation\x00"))
		for _, v := range []any{uint32(o), uint64(700), uint32(10)} {
			if err := binary.Write(hash, binary.LittleEndian, v); err != nil {
				t.Fatal(err)
			}
		}
		for r := range 700 {
			row := d.Select([]int{r})
			out, err := m.Forward(row.X, 1)
			if err != nil {
				t.Fatal(err)
			}
			loss := slices.Clone(newLoss(m.machine, o, 1, 1, 10).rows(out, row, nil))
			lossSum += toE9(loss[0])
			one, err := m.Evaluate(row, o)
			if err != nil || one.LossE9 != toE9(loss[0]) {
				t.Fatalf("row %d alone: expected loss %d, got %+v, %v", r, toE9(loss[0]), one, err)
			}
			metricSum += one.MetricE9
			for _, v := range append(out, loss[0]) {
				if err := binary.Write(hash, binary.LittleEndian, math.Float32bits(v)); err != nil {
					t.Fatal(err)
				}
			}
		}
		want := Evaluation{Rows: 700, LossE9: lossSum / 700, MetricE9: metricSum / 700, Digest: [32]byte(hash.Sum(nil)), Finite: true}
		if got != want {
			t.Errorf("%v: expected %+v, got %+v", o, want, got)
		}
	}
}

func TestEvaluationNoticesEveryChange(t *testing.T) {
	m, d := digitsLike(t, 20)
	base, err := m.Evaluate(d, CrossEntropy)
	if err != nil {
		t.Fatal(err)
	}
	for name, change := range map[string]func(m *Model, d *Data){
		"one bias by 2^-30": func(m *Model, _ *Data) { m.params[len(m.params)-1] = 0x1p-30 },
		"one feature":       func(_ *Model, d *Data) { d.X[5*64+3] += 0.125 },
		"one label":         func(_ *Model, d *Data) { d.Labels[7] = 1 },
		"two rows swapped": func(_ *Model, d *Data) {
			*d = *d.Select([]int{1, 0, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15, 16, 17, 18, 19})
		},
		"a row less": func(_ *Model, d *Data) { *d = *d.slice(0, 19) },
	} {
		changed, other := m.Clone(), d.Select([]int{0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15, 16, 17, 18, 19})
		change(changed, other)
		if e, err := changed.Evaluate(other, CrossEntropy); err != nil || e.Digest == base.Digest {
			t.Errorf("%s: expected another digest, got the same, %v", name, err)
		}
	}
}

func TestEvaluationOfOverflowingModelsIsNotFinite(t *testing.T) {
	spec := &Spec{InputShape: []uint32{1}, Layers: layers(denseLayer("a", 2))}
	m := newTestModel(t, spec, 1)
	copy(m.params, []float32{math.MaxFloat32, -math.MaxFloat32})
	d := &Data{Features: 1, Targets: 2, X: []float32{1, 4}, Labels: []uint32{0, 0}, Y: []float32{0, 0, 0, 0}}
	for _, o := range []Objective{CrossEntropy, MeanSquaredError} {
		e, err := m.Evaluate(d, o)
		if err != nil || e.Finite || e.LossE9 != maxE9 || e.MetricE9 != 0 || e.Digest == [32]byte{} {
			t.Errorf("%v: expected a result marked as not finite, got %+v, %v", o, e, err)
		}
	}
	// Large but finite losses are kept as the largest integer.
	copy(m.params, []float32{1e18, 0})
	if e, err := m.Evaluate(d.slice(0, 1), MeanSquaredError); err != nil || !e.Finite || e.LossE9 != maxE9 {
		t.Errorf("a loss of 5e35: expected the largest integer, got %+v, %v", e, err)
	}
}

func TestDataMustFitModelAndObjective(t *testing.T) {
	spec := &Spec{InputShape: []uint32{2}, Layers: layers(denseLayer("a", 3))}
	for _, c := range []struct {
		name   string
		change func(d *Data)
		o      Objective
		want   string
	}{
		{"rows for cross-entropy", func(*Data) {}, CrossEntropy, ""},
		{"rows for squared error", func(*Data) {}, MeanSquaredError, ""},
		{"cross-entropy without targets", func(d *Data) { d.Targets, d.Y = 0, nil }, CrossEntropy, ""},
		{"squared error without labels", func(d *Data) { d.Labels = nil }, MeanSquaredError, ""},
		{"an unknown objective", func(*Data) {}, 4, "expected objective 1 (cross-entropy), 2 (mean squared error) or 3 (binary cross-entropy), got 4"},
		{"no rows", func(d *Data) { d.X = nil }, CrossEntropy, "expected 1 to"},
		{"other features than inputs", func(d *Data) { d.Features = 1 }, CrossEntropy, "expected 2 features per row"},
		{"a row cut off", func(d *Data) { d.X = d.X[:7] }, CrossEntropy, "got 7 values"},
		{"a feature that is NaN", func(d *Data) { d.X[3] = exact.NaN() }, CrossEntropy, "row 1 feature 1 is NaN"},
		{"an infinite target", func(d *Data) { d.Y[4] = exact.Inf(true) }, MeanSquaredError, "row 1 target 1 is -Inf"},
		{"a missing label", func(d *Data) { d.Labels = d.Labels[:3] }, CrossEntropy, "one label for each of 4 rows, got 3"},
		{"a class that the model does not have", func(d *Data) { d.Labels[2] = 3 }, CrossEntropy, "row 2 has class 3; expected 0 to 2"},
		{"other targets than outputs", func(d *Data) { d.Targets = 2 }, MeanSquaredError, "expected 3 targets"},
		{"a missing target", func(d *Data) { d.Y = d.Y[:11] }, MeanSquaredError, "11 values"},
	} {
		d := smallData(4, 2, 3)
		c.change(d)
		err := d.Validate(spec, c.o)
		switch {
		case c.want == "" && err != nil:
			t.Errorf("%s: expected no error, got %v", c.name, err)
		case c.want != "" && (!errors.Is(err, ErrInvalidData) || !strings.Contains(err.Error(), c.want)):
			t.Errorf("%s: expected an error with %q, got %v", c.name, c.want, err)
		}
		if _, again := newTestModel(t, spec, 1).Evaluate(d, c.o); (again == nil) != (err == nil) {
			t.Errorf("%s: Evaluate answers %v", c.name, again)
		}
	}
	single := &Spec{InputShape: []uint32{2}, Layers: layers(denseLayer("a", 1))}
	if err := smallData(4, 2, 1).Validate(single, CrossEntropy); !errors.Is(err, ErrInvalidData) {
		t.Errorf("cross-entropy with one class: expected ErrInvalidData, got %v", err)
	}
}

func TestSelectCopiesRows(t *testing.T) {
	d := smallData(4, 2, 3)
	s := d.Select([]int{3, 1, 3})
	if s.Rows() != 3 || !slices.Equal(s.X[:2], d.X[6:8]) || !slices.Equal(s.Labels, []uint32{d.Labels[3], d.Labels[1], d.Labels[3]}) ||
		!slices.Equal(s.Y[3:6], d.Y[3:6]) {
		t.Errorf("expected rows 3, 1 and 3, got %+v", s)
	}
	before := bytes.Clone(encodeF32(d.X))
	s.X[0]++
	if !bytes.Equal(before, encodeF32(d.X)) {
		t.Error("a selection shares memory with its origin")
	}
	if new(Data).Rows() != 0 {
		t.Error("expected no rows in empty data")
	}
}

// smallData returns rows for a model with the given sizes, fit for every objective but the binary one.
func smallData(rows, features, outputs int) *Data {
	d := &Data{Features: features, Targets: outputs, X: selfTestNumbers("small data", rows*features), Y: selfTestNumbers("small targets", rows*outputs)}
	for i := range rows {
		d.Labels = append(d.Labels, uint32(i*7%outputs))
	}
	return d
}

// floatNear returns a number with an exponent near the given one, often with a short fraction, so that ties are likely.
func floatNear(s *stream, exponent, spread int32) float32 {
	fraction := s.uint32() & 0x7fffff
	if s.uint32()&1 == 0 {
		fraction &= 0x7fffff << (s.uint32() % 23)
	}
	e := min(254, max(0, exponent+127+int32(s.below(uint32(2*spread+1)))-spread))
	return math.Float32frombits(s.uint32()&(1<<31) | uint32(e)<<23 | fraction)
}
