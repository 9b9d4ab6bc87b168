package engine

import (
	"bytes"
	"encoding/json"
	"flag"
	"fmt"
	"math"
	"os"
	"path/filepath"
	"regexp"
	"strconv"
	"testing"

	"github.com/pold-network/pold/engine/internal/exact"
	"github.com/pold-network/pold/engine/internal/isa"
)

var update = flag.Bool("update", false, "add answers to testdata for questions that have none, or all of them for a new engine version")

var joinLines = regexp.MustCompile(`\[[^\[\]{}]*\]`)

// hexBits is a list of float32 values written as eight hexadecimal digits each.
type hexBits []float32

func (h hexBits) MarshalJSON() ([]byte, error) {
	texts := make([]string, len(h))
	for i, v := range h {
		texts[i] = fmt.Sprintf("%08x", exact.CanonicalBits(v))
	}
	return json.Marshal(texts)
}

func (h *hexBits) UnmarshalJSON(b []byte) error {
	var texts []string
	if err := json.Unmarshal(b, &texts); err != nil {
		return err
	}
	*h = nil
	for _, t := range texts {
		bits, err := strconv.ParseUint(t, 16, 32)
		if err != nil {
			return err
		}
		*h = append(*h, math.Float32frombits(uint32(bits)))
	}
	return nil
}

// TestVectors recomputes every answer in testdata/vectors.json with each backend of this processor. It runs unchanged on other
// processors. The questions are in vectors_questions_test.go, how they are answered in vectors_answers_test.go.
func TestVectors(t *testing.T) {
	path := filepath.Join("testdata", "vectors.json")
	if *update {
		on := newMachine(isa.Portable, 1)
		v := vectorInputs()
		v.compute(t, on)
		on.pool.Close()
		keepAnswers(t, path, v)
		writeIndented(t, path, v)
	}
	stored, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	var want vectors
	if err := json.Unmarshal(stored, &want); err != nil {
		t.Fatal(err)
	}
	if want.Version != Version {
		t.Fatalf("the vectors belong to %s, the engine is %s", want.Version, Version)
	}
	for _, level := range isa.Supported() {
		t.Run(level.String(), func(t *testing.T) {
			var got vectors
			if err := json.Unmarshal(stored, &got); err != nil {
				t.Fatal(err)
			}
			on := newMachine(level, 3)
			defer on.pool.Close()
			got.compute(t, on)
			compareVectors(t, &got, &want)
		})
	}
}

func compareVectors(t *testing.T, got, want *vectors) {
	t.Helper()
	compareLists(t, "fma", got.FMA, want.FMA)
	compareLists(t, "exp", got.Exp, want.Exp)
	compareLists(t, "log", got.Log, want.Log)
	compareLists(t, "tanh", got.Tanh, want.Tanh)
	for name := range vectorFunctions {
		compareLists(t, name, got.Functions[name], want.Functions[name])
	}
	compareLists(t, "sum", got.Sum, want.Sum)
	compareLists(t, "max", got.Max, want.Max)
	compareLists(t, "dot", got.Dot, want.Dot)
	compareLists(t, "squares", got.Squares, want.Squares)
	compareLists(t, "gemm", got.Gemm, want.Gemm)
	compareLists(t, "stream", []streamVector{got.Stream}, []streamVector{want.Stream})
	compareLists(t, "loss_e9", got.LossE9, want.LossE9)
	compareLists(t, "layers", got.Layers, want.Layers)
	compareLists(t, "losses", got.Losses, want.Losses)
	compareLists(t, "schedules", got.Schedules, want.Schedules)
	compareLists(t, "updates", got.Updates, want.Updates)
	compareLists(t, "mapping", got.Mapping, want.Mapping)
	compareLists(t, "training", got.Training, want.Training)
	compareLists(t, "specs", got.Specs, want.Specs)
}

// compareLists compares through JSON, where floats are bits.
func compareLists[T any](t *testing.T, name string, got, want []T) {
	t.Helper()
	if len(want) == 0 {
		t.Errorf("%s: expected vectors, got none", name)
	}
	for i := range want {
		g, err := json.Marshal(got[i])
		if err != nil {
			t.Fatal(err)
		}
		w, err := json.Marshal(want[i])
		if err != nil {
			t.Fatal(err)
		}
		if !bytes.Equal(g, w) {
			t.Errorf("%s vector %d: expected %s, got %s", name, i, w, g)
		}
	}
}

// keepAnswers refuses to replace a stored answer under the same version: everybody who implements it would disagree from then on.
func keepAnswers(t *testing.T, path string, next *vectors) {
	t.Helper()
	b, err := os.ReadFile(path)
	if os.IsNotExist(err) {
		return
	}
	if err != nil {
		t.Fatal(err)
	}
	var stored vectors
	if err := json.Unmarshal(b, &stored); err != nil {
		t.Fatal(err)
	}
	if stored.Version != next.Version {
		return
	}
	before, after := vectorLists(t, &stored), vectorLists(t, next)
	for name, list := range before {
		for i, answer := range list {
			if i >= len(after[name]) || !bytes.Equal(answer, after[name][i]) {
				t.Fatalf("%s: answer %d would change; answers of %s are fixed, so give the engine a new version or put new questions at the end",
					name, i, Version)
			}
		}
	}
}

// vectorLists returns the entries of each list by its name.
func vectorLists(t *testing.T, v *vectors) map[string][]json.RawMessage {
	t.Helper()
	b, err := json.Marshal(v)
	if err != nil {
		t.Fatal(err)
	}
	var all map[string]json.RawMessage
	if err := json.Unmarshal(b, &all); err != nil {
		t.Fatal(err)
	}
	functions := map[string]json.RawMessage{}
	if err := json.Unmarshal(all["Functions"], &functions); err != nil {
		t.Fatal(err)
	}
	for name, list := range functions {
		all["Functions/"+name] = list
	}
	lists := map[string][]json.RawMessage{}
	for name, raw := range all {
		var list []json.RawMessage
		if json.Unmarshal(raw, &list) == nil {
			lists[name] = list
		}
	}
	lists["Stream"] = []json.RawMessage{all["Stream"]}
	return lists
}

func writeIndented(t *testing.T, path string, v any) {
	t.Helper()
	b, err := json.MarshalIndent(v, "", " ")
	if err != nil {
		t.Fatal(err)
	}
	// One line per list of numbers keeps the file readable.
	b = joinLines.ReplaceAllFunc(b, func(list []byte) []byte {
		return bytes.Join(bytes.Fields(list), nil)
	})
	if err := os.WriteFile(path, append(b, '\n'), 0o644); err != nil {
		t.Fatal(err)
	}
}

// TestCheckpointVector reads a stored checkpoint and writes it again.
func TestCheckpointVector(t *testing.T) {
	path := filepath.Join("testdata", "digits-initial.safetensors")
	want := newTestModel(t, digitsSpec(), 42).Encode()
	if *update {
		if err := os.WriteFile(path, want, 0o644); err != nil {
			t.Fatal(err)
		}
	}
	stored, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	if !bytes.Equal(stored, want) {
		t.Error("the initial weights of seed 2a00…00 differ from the stored checkpoint")
	}
	m, err := DecodeModel(digitsSpec(), stored)
	if err != nil || !bytes.Equal(m.Encode(), stored) {
		t.Errorf("expected the stored checkpoint to survive decoding and encoding, got %v", err)
	}
}
