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
)

// rawFile assembles a safetensors file from a header text and data, whatever they say.
func rawFile(header string, data ...byte) []byte {
	b := binary.LittleEndian.AppendUint64(nil, uint64(len(header)))
	return append(append(b, header...), data...)
}

// padded fills a header with spaces to a multiple of eight bytes.
func padded(header string) string {
	return header + strings.Repeat(" ", (8-len(header)%8)%8)
}

const (
	headerAB = `{"a":{"dtype":"F32","shape":[2],"data_offsets":[0,8]},"b":{"dtype":"F32","shape":[],"data_offsets":[8,12]}}`
	headerBA = `{"b":{"dtype":"F32","shape":[],"data_offsets":[8,12]},"a":{"dtype":"F32","shape":[2],"data_offsets":[0,8]}}`
)

var dataAB = []byte{0, 0, 0x80, 0x3f, 0, 0, 0, 0x40, 0, 0, 0x40, 0x40} // 1, 2 and 3

func TestEncodeSafetensorsWritesTheCanonicalBytes(t *testing.T) {
	a, b := NewTensor("a", []int{2}, []float32{1, 2}), NewTensor("b", nil, []float32{3})
	want := rawFile(padded(headerAB), dataAB...)
	for _, order := range [][]Tensor{{a, b}, {b, a}} {
		got, err := EncodeSafetensors(order)
		if err != nil {
			t.Fatal(err)
		}
		if !bytes.Equal(got, want) {
			t.Errorf("expected %q, got %q", want, got)
		}
	}
	if !IsCanonical(want) {
		t.Error("expected the bytes to count as canonical")
	}
	ts, err := DecodeSafetensors(want)
	if err != nil {
		t.Fatal(err)
	}
	x, err := ts[0].Float32s()
	if err != nil || ts[0].Name != "a" || !slices.Equal(ts[0].Shape, []int{2}) || !slices.Equal(x, []float32{1, 2}) || len(ts[1].Shape) != 0 {
		t.Errorf("expected the tensors back, got %+v, %v, %v", ts, x, err)
	}
}

func TestEncodeSafetensorsRefusesWhatHasNoCanonicalForm(t *testing.T) {
	a := NewTensor("a", []int{1}, []float32{1})
	for _, c := range []struct {
		name    string
		tensors []Tensor
		want    error
	}{
		{"two tensors of one name", []Tensor{a, a}, ErrMalformed},
		{"a shape that does not fit the data", []Tensor{NewTensor("a", []int{2}, []float32{1})}, ErrMalformed},
		{"a negative size", []Tensor{NewTensor("a", []int{-1}, nil)}, ErrMalformed},
		{"sizes whose product overflows", []Tensor{NewTensor("a", []int{1 << 39, 1 << 39, 1 << 39}, nil)}, ErrMalformed},
		{"an empty name", []Tensor{NewTensor("", nil, []float32{1})}, ErrMalformed},
		{"a control character in a name", []Tensor{NewTensor("a\n", nil, []float32{1})}, ErrMalformed},
		{"broken UTF-8 in a name", []Tensor{NewTensor("a\xff", nil, []float32{1})}, ErrMalformed},
		{"the name of the metadata", []Tensor{NewTensor("__metadata__", nil, []float32{1})}, ErrMalformed},
		{"another element type", []Tensor{{Name: "a", DType: "F64", Data: make([]byte, 8)}}, ErrWrongTensors},
		{"an unknown element type", []Tensor{{Name: "a", DType: "F31", Data: make([]byte, 8)}}, ErrMalformed},
	} {
		if _, err := EncodeSafetensors(c.tensors); !errors.Is(err, c.want) {
			t.Errorf("%s: expected %v, got %v", c.name, c.want, err)
		}
	}
}

func TestDecodeSafetensorsIsStrict(t *testing.T) {
	entry := func(name, offsets string) string {
		return `"` + name + `":{"dtype":"F32","shape":[1],"data_offsets":[` + offsets + `]}`
	}
	four, eight := make([]byte, 4), make([]byte, 8)
	for _, c := range []struct {
		name string
		file []byte
		want string // part of the error; empty: accepted
	}{
		{"no tensors", rawFile(`{}`), ""},
		{"only metadata", rawFile(`{"__metadata__":{"a":"b"}}`), ""},
		{"spaces and line breaks", rawFile(" {}"), "starts with '{'"},
		{"spaces inside", rawFile("{ \"a\" :\t{\"shape\":[ 1 ],\n\"dtype\":\"F32\",\"data_offsets\":[0, 4]} } ", four...), ""},
		{"an escaped name", rawFile(`{`+entry(`\u0061\"\\\/é\ud83d\ude00`, "0,4")+`}`, four...), ""},
		{"another element type", rawFile(`{"a":{"dtype":"BF16","shape":[2],"data_offsets":[0,4]}}`, four...), ""},
		{"a tensor without elements", rawFile(`{`+entry("b", "0,4")+`,"a":{"dtype":"F32","shape":[0,7],"data_offsets":[0,0]}}`, four...), ""},
		{"data in another order than the header", rawFile(`{`+entry("a", "4,8")+`,`+entry("b", "0,4")+`}`, eight...), ""},

		{"an empty file", nil, "8 bytes of the header length, got 0"},
		{"a header longer than the file", rawFile(`{}`)[:9], "no more than the file holds"},
		{"a header beyond the limit", rawFile(`{}` + strings.Repeat(" ", maxHeaderBytes)), "expected at most 1048576"},
		{"a header length near 2^64", append(bytes.Repeat([]byte{0xff}, 8), '{', '}'), "expected at most"},
		{"no JSON", rawFile(`hello`), "starts with '{'"},
		{"an empty header", rawFile(``), "starts with '{'"},
		{"a header that is cut off", rawFile(`{"a":{"dtype":"F32"`), "expected ','"},
		{"text after the header", rawFile(`{}x`), "nothing but spaces"},
		{"a zero byte after the header", rawFile("{}\x00"), "nothing but spaces"},
		{"a comma too many", rawFile(`{`+entry("a", "0,4")+`,}`, four...), `expected '"'`},
		{"broken UTF-8", rawFile("{\"\xff\":{}}"), "UTF-8"},
		{"half a surrogate pair", rawFile(`{"\ud83d":{}}`), "surrogate"},
		{"two wrong halves of a pair", rawFile(`{"\ud83d\u0061":{}}`), "surrogate"},
		{"an unknown escape", rawFile(`{"\x":{}}`), "unknown escape"},
		{"a control character", rawFile("{\"a\x01\":{}}"), "control character"},
		{"an escaped control character", rawFile(`{`+entry(`a\u0001`, "0,4")+`}`, four...), "without control characters"},
		{"a name that occurs twice", rawFile(`{`+entry("a", "0,4")+`,`+entry("a", "4,8")+`}`, eight...), "occurs twice"},
		{"a name that occurs twice, once escaped", rawFile(`{`+entry("a", "0,4")+`,`+entry(`\u0061`, "4,8")+`}`, eight...), "occurs twice"},
		{"a key that occurs twice", rawFile(`{"a":{"dtype":"F32","dtype":"F32","shape":[1],"data_offsets":[0,4]}}`, four...), "occurs twice"},
		{"a key in capitals", rawFile(`{"a":{"DTYPE":"F32","shape":[1],"data_offsets":[0,4]}}`, four...), "unknown key"},
		{"a missing key", rawFile(`{"a":{"dtype":"F32","shape":[1]}}`, four...), "expected dtype, shape and data_offsets"},
		{"metadata that is no text", rawFile(`{"__metadata__":{"a":1}}`), `expected '"'`},
		{"a shape with a fraction", rawFile(`{"a":{"dtype":"F32","shape":[1.0],"data_offsets":[0,4]}}`, four...), "expected ','"},
		{"a negative size", rawFile(`{"a":{"dtype":"F32","shape":[-1],"data_offsets":[0,4]}}`, four...), "non-negative integer"},
		{"a number with a leading zero", rawFile(`{"a":{"dtype":"F32","shape":[01],"data_offsets":[0,4]}}`, four...), "non-negative integer"},
		{"a number beyond 2^62", rawFile(`{`+entry("a", "0,9223372036854775807")+`}`, four...), "non-negative integer"},
		{"three offsets", rawFile(`{`+entry("a", "0,4,8")+`}`, four...), "at most 2 numbers"},
		{"one offset", rawFile(`{`+entry("a", "0")+`}`, four...), "expected two data_offsets"},
		{"too many dimensions", rawFile(`{"a":{"dtype":"F32","shape":[1,1,1,1,1,1,1,1,1],"data_offsets":[0,4]}}`, four...), "at most 8 numbers"},
		{"an unknown element type", rawFile(`{"a":{"dtype":"f32","shape":[1],"data_offsets":[0,4]}}`, four...), "unknown dtype"},
		{"overlapping tensors", rawFile(`{`+entry("a", "0,4")+`,`+entry("b", "2,6")+`}`, eight[:6]...), "overlap or gap"},
		{"a gap", rawFile(`{`+entry("a", "0,4")+`,`+entry("b", "5,9")+`}`, append(eight, 0)...), "overlap or gap"},
		{"a gap at the start", rawFile(`{`+entry("a", "4,8")+`}`, eight...), "overlap or gap"},
		{"offsets that run backwards", rawFile(`{`+entry("a", "4,0")+`}`, four...), "overlap or gap"},
		{"data that is cut off", rawFile(`{`+entry("a", "0,4")+`}`, four[:3]...), "within 3 bytes"},
		{"trailing bytes", rawFile(`{`+entry("a", "0,4")+`}`, eight...), "4 bytes follow the last tensor"},
		{"a shape that does not fit the offsets", rawFile(`{`+entry("a", "0,8")+`}`, eight...), "expected 4 bytes"},
		{"a shape whose product overflows", rawFile(`{"a":{"dtype":"F32","shape":[4294967296,4294967296,4],"data_offsets":[0,0]}}`), "out of range"},
	} {
		_, err := DecodeSafetensors(c.file)
		switch {
		case c.want == "" && err != nil:
			t.Errorf("%s: expected no error, got %v", c.name, err)
		case c.want != "" && (!errors.Is(err, ErrMalformed) || !strings.Contains(err.Error(), c.want)):
			t.Errorf("%s: expected an error with %q, got %v", c.name, c.want, err)
		}
	}
}

func TestCanonicalizeSaysWhatItChanged(t *testing.T) {
	want := rawFile(padded(headerAB), dataAB...)
	metadata := strings.Replace(headerAB, `{`, `{"__metadata__":{"format":"pt"},`, 1)
	swapped := `{"a":{"dtype":"F32","shape":[2],"data_offsets":[4,12]},"b":{"dtype":"F32","shape":[],"data_offsets":[0,4]}}`
	for _, c := range []struct {
		name string
		file []byte
		want []string
	}{
		{"a canonical file", want, nil},
		{"metadata", rawFile(padded(metadata), dataAB...), []string{`removed the metadata (["format"])`, "rewrote the header"}},
		{"names in another order", rawFile(padded(headerBA), dataAB...), []string{"sorted the header by tensor name"}},
		{"data in another order", rawFile(padded(swapped), slices.Concat(dataAB[8:], dataAB[:8])...), []string{"sorted the data by tensor name"}},
		{"spaces in the header", rawFile(strings.ReplaceAll(headerAB, ":", ": "), dataAB...), []string{"rewrote the header without spaces"}},
		{"no padding", rawFile(headerAB, dataAB...), []string{"rewrote the header without spaces"}},
		{"too much padding", rawFile(padded(headerAB)+"        ", dataAB...), []string{"rewrote the header without spaces"}},
	} {
		out, changes, err := Canonicalize(c.file)
		if err != nil || !bytes.Equal(out, want) {
			t.Errorf("%s: expected the canonical file, got %q, %v", c.name, out, err)
			continue
		}
		if len(changes) != len(c.want) {
			t.Errorf("%s: expected %d changes, got %q", c.name, len(c.want), changes)
			continue
		}
		for i, w := range c.want {
			if !strings.Contains(changes[i], w) {
				t.Errorf("%s: expected a change that says %q, got %q", c.name, w, changes[i])
			}
		}
		if IsCanonical(c.file) != (c.want == nil) {
			t.Errorf("%s: IsCanonical = %v", c.name, IsCanonical(c.file))
		}
	}

	oddNaN := binary.LittleEndian.AppendUint32(nil, 0xff800001)
	out, changes, err := Canonicalize(rawFile(padded(`{"a":{"dtype":"F32","shape":[],"data_offsets":[0,4]}}`), oddNaN...))
	if err != nil || len(changes) != 1 || !strings.Contains(changes[0], "1 NaN") {
		t.Errorf("a NaN with a payload: expected it to be reported, got %q, %v", changes, err)
	} else if bits := binary.LittleEndian.Uint32(out[len(out)-4:]); bits != exact.NaNBits {
		t.Errorf("a NaN with a payload: expected %#x, got %#x", uint32(exact.NaNBits), bits)
	}

	_, _, err = Canonicalize(rawFile(`{"w":{"dtype":"F16","shape":[2],"data_offsets":[0,4]}}`, 0, 0, 0, 0))
	if !errors.Is(err, ErrWrongTensors) || !strings.Contains(err.Error(), `"w" has dtype F16`) {
		t.Errorf("half precision: expected a refusal that names tensor and dtype, got %v", err)
	}
}

func FuzzSafetensors(f *testing.F) {
	f.Add(rawFile(padded(headerAB), dataAB...))
	f.Add(rawFile(headerBA, dataAB...))
	f.Add(rawFile(`{"__metadata__":{"a":"b"},"\u0061":{"dtype":"F32","shape":[0],"data_offsets":[0,0]}}`))
	f.Add(rawFile(`{"a":{"dtype":"F16","shape":[2],"data_offsets":[0,4]}}`, 1, 2, 3, 4))
	f.Fuzz(func(t *testing.T, b []byte) {
		ts, err := DecodeSafetensors(b)
		if err != nil {
			if !errors.Is(err, ErrMalformed) {
				t.Errorf("expected ErrMalformed, got %v", err)
			}
			return
		}
		out, _, err := Canonicalize(b)
		if err != nil {
			return // another element type
		}
		if !IsCanonical(out) {
			t.Fatalf("canonicalized %q to %q, which is not canonical", b, out)
		}
		again, err := DecodeSafetensors(out)
		if err != nil || len(again) != len(ts) {
			t.Fatalf("the canonical form of %q does not decode: %v", b, err)
		}
		byName := map[string]Tensor{}
		for _, a := range again {
			byName[a.Name] = a
		}
		for _, want := range ts {
			x, _ := want.Float32s()
			y, _ := byName[want.Name].Float32s()
			same := func(a, b float32) bool {
				return exact.CanonicalBits(a) == exact.CanonicalBits(b) || math.Float32bits(a) == math.Float32bits(b)
			}
			if !slices.Equal(want.Shape, byName[want.Name].Shape) || !slices.EqualFunc(x, y, same) {
				t.Errorf("tensor %q changed", want.Name)
			}
		}
	})
}
