package torch

import (
	_ "embed"
	"encoding/base64"
	"encoding/binary"
	"errors"
	"fmt"
	"math"
	"os"
	"sync"
	"testing"

	"github.com/pold-network/pold/engine"
	"github.com/pold-network/pold/testutil/python"
)

//go:embed network.py
var source string

// peer is one process for all tests: importing PyTorch takes longer than everything else.
var peer struct {
	once    sync.Once
	process *python.Process
	err     error
}

func TestMain(m *testing.M) {
	code := m.Run()
	if peer.process != nil {
		if err := peer.process.Close(); err != nil {
			fmt.Fprintln(os.Stderr, err)
			code = 1
		}
	}
	os.Exit(code)
}

// call runs a function of network.py, and skips the test where there is no PyTorch.
func call(t *testing.T, function string, request, result any) {
	t.Helper()
	peer.once.Do(func() {
		interpreter, err := python.Find("torch", "numpy")
		if err != nil {
			peer.err = err
			return
		}
		peer.process, peer.err = python.Start(interpreter, python.Program{
			Main: "network.py", Files: map[string]string{"network.py": source},
			Env: []string{"OMP_NUM_THREADS=1", "OPENBLAS_NUM_THREADS=1", "OPENBLAS_CORETYPE", "OPENBLAS_L2_SIZE"},
		})
	})
	if errors.Is(peer.err, python.ErrMissing) {
		t.Skipf("the comparison with PyTorch is skipped: %v", peer.err)
	}
	if peer.err != nil {
		t.Fatal(peer.err)
	}
	if err := peer.process.Call(function, request, result); err != nil {
		t.Fatal(err)
	}
}

// floats are sent as base64 of little-endian float32.
type floats []float32

// MarshalText writes the bits.
func (f floats) MarshalText() ([]byte, error) {
	raw := make([]byte, 0, 4*len(f))
	for _, v := range f {
		raw = binary.LittleEndian.AppendUint32(raw, math.Float32bits(v))
	}
	return base64.StdEncoding.AppendEncode(nil, raw), nil
}

// UnmarshalText reads the bits.
func (f *floats) UnmarshalText(text []byte) error {
	raw, err := base64.StdEncoding.DecodeString(string(text))
	if err != nil {
		return err
	}
	*f = make(floats, len(raw)/4)
	for i := range *f {
		(*f)[i] = math.Float32frombits(binary.LittleEndian.Uint32(raw[4*i:]))
	}
	return nil
}

// Tolerances, relative to the largest value of the tensor: 10^-5 up to 4096 terms in a sum, 5·10^-5 above.
const (
	tolerance     = 1e-5
	longTolerance = 5e-5
)

// expectClose fails unless max|got-want| ≤ limit·max|want|. Where PyTorch has nothing but zeros, so must we.
func expectClose(t *testing.T, what string, got, want []float32, limit float64) {
	t.Helper()
	if len(got) != len(want) {
		t.Errorf("%s: expected %d values, got %d", what, len(want), len(got))
		return
	}
	var largest, worst float64
	at := 0
	for i := range want {
		largest = max(largest, math.Abs(float64(want[i])))
		// A NaN on one side only must not pass; !(d <= worst) is true for it.
		if d := math.Abs(float64(got[i]) - float64(want[i])); !(d <= worst) {
			worst, at = d, i
		}
	}
	if !(worst <= limit*largest) {
		t.Errorf("%s: expected differences of at most %g·%g, got %g at %d: %v, PyTorch has %v", what, limit, largest, worst, at, got[at], want[at])
	}
}

// expectVanishing fails unless the values are nothing beside the largest of all tensors.
func expectVanishing(t *testing.T, what string, values []float32, limit float64, all map[string]floats) {
	t.Helper()
	var largest float64
	for _, tensor := range all {
		for _, v := range tensor {
			largest = max(largest, math.Abs(float64(v)))
		}
	}
	for i, v := range values {
		if !(math.Abs(float64(v)) <= limit*largest) {
			t.Errorf("%s: expected at most %g·%g, got %v at %d", what, limit, largest, v, i)
		}
	}
}

// tensors reads the weights and buffers of a model by their names.
func tensors(t *testing.T, m *engine.Model) map[string]floats {
	t.Helper()
	list, err := engine.DecodeSafetensors(m.Encode())
	if err != nil {
		t.Fatal(err)
	}
	return byName(t, list)
}

func byName(t *testing.T, list []engine.Tensor) map[string]floats {
	t.Helper()
	found := map[string]floats{}
	for _, tensor := range list {
		values, err := tensor.Float32s()
		if err != nil {
			t.Fatal(err)
		}
		found[tensor.Name] = values
	}
	return found
}
