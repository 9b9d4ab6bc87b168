package engine

import (
	"bytes"
	"encoding/binary"
	"errors"
	"fmt"
	"math"
	"slices"
	"strings"
	"testing"

	"github.com/pold-network/pold/engine/internal/exact"
	"github.com/pold-network/pold/modelspec"
)

// stateDict writes a safetensors file as PyTorch's library does: metadata first, tensors in the order given.
func stateDict(tensors ...Tensor) []byte {
	header := `{"__metadata__":{"format":"pt"}`
	var data []byte
	for _, t := range tensors {
		shape := strings.ReplaceAll(fmt.Sprint(append([]int{}, t.Shape...)), " ", ",")
		header += fmt.Sprintf(`, %q: {"dtype": %q, "shape": %s, "data_offsets": [%d, %d]}`, t.Name, t.DType, shape, len(data), len(data)+len(t.Data))
		data = append(data, t.Data...)
	}
	return append(append(binary.LittleEndian.AppendUint64(nil, uint64(len(header)+1)), header+"}"...), data...)
}

// counter is what batch norm of PyTorch stores besides its statistics.
func counter(name string) Tensor {
	return Tensor{Name: name, DType: "I64", Data: binary.LittleEndian.AppendUint64(nil, 1234)}
}

// narrow converts a tensor to F16 or BF16, dropping digits.
func narrow(t Tensor, dtype string) Tensor {
	x, _ := t.Float32s()
	t.DType, t.Data = dtype, nil
	for _, v := range x {
		half := uint16(math.Float32bits(v) >> 16)
		if dtype == "F16" { // of normal numbers only
			half = uint16(math.Float32bits(v)>>31<<15) | uint16(int(math.Float32bits(v)>>23&0xff)-127+15)<<10 | uint16(math.Float32bits(v)>>13&0x3ff)
		}
		t.Data = binary.LittleEndian.AppendUint16(t.Data, half)
	}
	return t
}

// importSpec has every kind with tensors; layers carry names that a PyTorch module may have, once dots are written otherwise.
func importSpec() *Spec {
	return network([]uint32{6}, named("text_embedding", embeddingOf(9, 4)), named("text_position", plain(modelspec.KindPosition)),
		named("blocks_0_attn", attend2(2, true)), named("blocks_0_norm", layerNormOf(10_000)), named("blocks-0-mlp-1", linear(5)),
		named("head", denseOf(7)), named("norm", batchNormOf()), named("out", denseOf(3)))
}

// foreign returns the tensors of a model under the names that PyTorch would give them, in reverse order.
func foreign(m *Model) []Tensor {
	tensors := m.tensors()
	for i := range tensors {
		t := &tensors[i]
		for _, c := range [][2]string{{"text_embedding.", "text.embedding."}, {"text_position.weight", "text.position.weight"},
			{"blocks_0_attn.", "blocks.0.attn."}, {"blocks_0_norm.", "blocks.0.norm."}, {"blocks-0-mlp-1.", "blocks.0.mlp.1."}} {
			t.Name = strings.Replace(t.Name, c[0], c[1], 1)
		}
	}
	slices.Reverse(tensors)
	return append(tensors, counter("norm."+batchCounter))
}

func TestImportOfAStateDictPredictsTheSame(t *testing.T) {
	spec := importSpec()
	m := newTestModel(t, spec, 1)
	unsettle(m)
	prefixed := foreign(m)
	for i := range prefixed {
		prefixed[i].Name = "module." + prefixed[i].Name
	}
	sequential := foreign(m)
	for i := range sequential {
		sequential[i].Name = strings.Replace(sequential[i].Name, "head.", "7.", 1)
	}
	reshaped := foreign(m)
	for i := range reshaped {
		if reshaped[i].Name == "text.position.weight" {
			reshaped[i].Name, reshaped[i].Shape = "text.pos_embed", []int{1, 6, 4}
		}
	}
	for _, c := range []struct {
		name    string
		tensors []Tensor
		rename  map[string]string
		changes []string
	}{
		{"the names of the spec", m.tensors(), nil, []string{}},
		{"dots between modules", foreign(m), nil, []string{"left out one counter (num_batches_tracked)", "took text.embedding.weight as text_embedding.weight",
			"took blocks.0.attn.out_proj.bias as blocks_0_attn.out_proj.bias", "took blocks.0.mlp.1.weight as blocks-0-mlp-1.weight"}},
		{"a prefix", prefixed, map[string]string{"module": ""}, []string{"took module.out.bias as out.bias", "took module.blocks.0.norm.weight as blocks_0_norm.weight"}},
		{"a module by number", sequential, map[string]string{"7": "head"}, []string{"took 7.weight as head.weight", "took 7.bias as head.bias"}},
		{"a single tensor, with a size of 1 in front", reshaped, map[string]string{"text.pos_embed": "text_position.weight"},
			[]string{"took text.pos_embed as text_position.weight", "gave text_position.weight the shape [6 4] instead of [1 6 4]"}},
		{"a part of the path", foreign(m), map[string]string{"blocks.0": "blocks_0", "blocks.0.mlp": "blocks-0-mlp"}, []string{"took blocks.0.mlp.1.bias as blocks-0-mlp-1.bias"}},
	} {
		got, changes, err := ImportStateDict(spec, stateDict(c.tensors...), c.rename)
		if err != nil {
			t.Errorf("%s: %v", c.name, err)
			continue
		}
		if !bytes.Equal(got.Encode(), m.Encode()) {
			t.Errorf("%s: expected the same weights", c.name)
		}
		for _, want := range c.changes {
			if !slices.ContainsFunc(changes, func(s string) bool { return strings.HasPrefix(s, want) }) {
				t.Errorf("%s: expected to be told %q, got %q", c.name, want, changes)
			}
		}
		if len(c.changes) == 0 && len(changes) != 0 {
			t.Errorf("%s: expected nothing to tell, got %q", c.name, changes)
		}
	}
}

func TestImportConvertsHalvesExactly(t *testing.T) {
	spec := network([]uint32{4}, named("d", denseOf(3)))
	weight, bias := NewTensor("d.weight", []int{3, 4}, selfTestNumbers("weight", 12)), NewTensor("d.bias", []int{3}, []float32{1.5, -0.25, 2})
	for _, c := range []struct {
		dtype string
		error float64 // largest relative difference of a narrower number
	}{{"F16", 0x1p-10}, {"BF16", 0x1p-7}} {
		m, changes, err := ImportStateDict(spec, stateDict(narrow(bias, c.dtype), narrow(weight, c.dtype)), nil)
		if err != nil {
			t.Fatal(err)
		}
		want, _ := weight.Float32s()
		for i, w := range m.params[:12] {
			if math.Abs(float64(w-want[i])) > c.error*math.Abs(float64(want[i])) {
				t.Errorf("%s: weight %d: expected about %v, got %v", c.dtype, i, want[i], w)
			}
		}
		if !slices.Equal(m.params[12:], []float32{1.5, -0.25, 2}) {
			t.Errorf("%s: expected the biases 1.5, -0.25 and 2, got %v", c.dtype, m.params[12:])
		}
		if text := fmt.Sprint(changes); !strings.Contains(text, "converted d.weight from "+c.dtype+" to F32, exactly") {
			t.Errorf("%s: expected to be told of the conversion, got %s", c.dtype, text)
		}
	}
	for bits := range 1 << 16 {
		h := uint16(bits)
		got := fromHalf(h)
		var want float64
		sign, exponent, fraction := 1-2*float64(h>>15), int(h>>10&31), float64(h&0x3ff)
		switch exponent {
		case 0:
			want = sign * math.Ldexp(fraction, -24)
		case 31:
			want = sign * math.Inf(1)
			if fraction != 0 {
				want = math.NaN()
			}
		default:
			want = sign * math.Ldexp(1024+fraction, exponent-25)
		}
		if exact.CanonicalBits(got) != exact.CanonicalBits(float32(want)) || float64(float32(want)) != want && want == want {
			t.Fatalf("half %#04x: expected %v, got %v", h, want, got)
		}
	}
}

func TestImportExplainsWhatDoesNotFit(t *testing.T) {
	spec := network([]uint32{2}, named("a-b", denseOf(2)), named("a_b", denseOf(1)))
	first := []Tensor{NewTensor("a-b.weight", []int{2, 2}, []float32{1, 2, 3, 4}), NewTensor("a-b.bias", []int{2}, []float32{0, 0})}
	second := []Tensor{NewTensor("a_b.weight", []int{1, 2}, []float32{5, 6}), NewTensor("a_b.bias", []int{1}, []float32{0})}
	both := func(more ...Tensor) []Tensor { return slices.Concat(first, second, more) }
	with := func(i int, t Tensor) []Tensor {
		ts := both()
		ts[i] = t
		return ts
	}
	for _, c := range []struct {
		name   string
		file   []byte
		rename map[string]string
		is     error
		want   []string
	}{
		{"tensors that are missing", stateDict(first...), nil, ErrWrongTensors, []string{"missing from the file: a_b.weight of shape [1 2], a_b.bias of shape [1]", "left over: nothing"}},
		{"tensors left over", stateDict(both(NewTensor("z", []int{1}, []float32{1}), NewTensor("c.bias", nil, []float32{1}))...), nil, ErrWrongTensors,
			[]string{"missing from the file: nothing", "left over: c.bias, z"}},
		{"other names", stateDict(slices.Concat(first, []Tensor{NewTensor("fc.weight", []int{1, 2}, []float32{5, 6}), NewTensor("fc.bias", []int{1}, []float32{0})})...), nil,
			ErrWrongTensors, []string{"a_b.weight", "left over: fc.bias, fc.weight", "with rename"}},
		{"a name that may be two layers", stateDict(NewTensor("a.b.weight", []int{2, 2}, []float32{1, 2, 3, 4})), nil, ErrWrongTensors,
			[]string{`"a.b.weight" may be any of a-b.weight, a_b.weight`}},
		{"a name left for one layer", stateDict(slices.Concat(first, []Tensor{NewTensor("a.b.weight", []int{1, 2}, []float32{5, 6}), second[1]})...), nil, nil, nil},
		{"two tensors for one place", stateDict(both(NewTensor("x.bias", []int{1}, []float32{1}))...), map[string]string{"x": "a_b"}, ErrWrongTensors,
			[]string{`"a_b.bias" and "x.bias" of the file are both a_b.bias`}},
		{"a rename of nothing", stateDict(both()...), map[string]string{"encoder": "a-b"}, ErrWrongTensors, []string{"nothing in the file is called encoder", "the file has a-b.bias, a-b.weight"}},
		{"a transposed weight", stateDict(with(2, NewTensor("a_b.weight", []int{2, 1}, []float32{5, 6}))...), nil, ErrWrongTensors, []string{"expected shape [1 2], got [2 1]"}},
		{"double precision", stateDict(with(3, Tensor{Name: "a_b.bias", DType: "F64", Shape: []int{1}, Data: make([]byte, 8)})...), nil, ErrWrongTensors, []string{"dtype F64", ".float()"}},
		{"integers", stateDict(with(3, Tensor{Name: "a_b.bias", DType: "I64", Shape: []int{1}, Data: make([]byte, 8)})...), nil, ErrWrongTensors, []string{"dtype I64"}},
		{"an infinite half", stateDict(with(3, Tensor{Name: "a_b.bias", DType: "F16", Shape: []int{1}, Data: []byte{0, 0x7c}})...), nil, ErrNonFinite, []string{`"a_b.bias" element 0 is +Inf`}},
		{"a weight that is NaN", stateDict(with(1, NewTensor("a-b.bias", []int{2}, []float32{0, exact.NaN()}))...), nil, ErrNonFinite, []string{`"a-b.bias" element 1 is NaN`}},
		{"a pickle", []byte("PK\x03\x04 archive/data.pkl"), nil, ErrMalformed, []string{"is it a safetensors file?"}},
	} {
		m, _, err := ImportStateDict(spec, c.file, c.rename)
		if c.is == nil {
			if err != nil {
				t.Errorf("%s: expected no error, got %v", c.name, err)
			}
			continue
		}
		if m != nil || !errors.Is(err, c.is) {
			t.Errorf("%s: expected %v, got %v", c.name, c.is, err)
			continue
		}
		for _, want := range c.want {
			if !strings.Contains(err.Error(), want) {
				t.Errorf("%s: expected an error with %q, got %v", c.name, want, err)
			}
		}
	}
	if _, _, err := ImportStateDict(&Spec{}, stateDict(first...), nil); !errors.Is(err, ErrInvalidSpec) {
		t.Errorf("an invalid spec: expected ErrInvalidSpec, got %v", err)
	}
}

// TestImportTellsAlikeShapesApart: a convolution of one channel each is not one over all channels, although both have as many weights.
func TestImportTellsAlikeShapesApart(t *testing.T) {
	spec := network([]uint32{8, 4, 4}, named("c", conv2(8, [2]uint64{3, 3}, [2]uint64{1, 1}, [2]uint64{}, 8)))
	file := func(shape ...int) []byte {
		return stateDict(NewTensor("c.weight", shape, make([]float32, 72)), NewTensor("c.bias", []int{8}, make([]float32, 8)))
	}
	if _, _, err := ImportStateDict(spec, file(8, 1, 3, 3), nil); err != nil {
		t.Error(err)
	}
	if _, _, err := ImportStateDict(spec, file(1, 8, 3, 3), nil); !errors.Is(err, ErrWrongTensors) {
		t.Errorf("expected ErrWrongTensors, got %v", err)
	}
}

func FuzzImportStateDict(f *testing.F) {
	spec := importSpec()
	m, err := NewModel(spec, [32]byte{1})
	if err != nil {
		f.Fatal(err)
	}
	f.Add(stateDict(foreign(m)...), "blocks.0", "blocks_0")
	f.Add(stateDict(m.tensors()...), "", "")
	f.Add(stateDict(narrow(m.tensors()[0], "BF16")), "text_embedding.weight", "head.weight")
	f.Fuzz(func(t *testing.T, file []byte, from, to string) {
		rename := map[string]string{}
		if from != "" {
			rename[from] = to
		}
		m, changes, err := ImportStateDict(spec, file, rename)
		if err != nil {
			return
		}
		// What was taken in is a model, and its own file needs no import.
		again, more, err := ImportStateDict(spec, m.Encode(), nil)
		if err != nil || len(more) != 0 || !bytes.Equal(again.Encode(), m.Encode()) {
			t.Errorf("after %q: expected the file of the model to import as it is, got %q, %v", changes, more, err)
		}
	})
}
