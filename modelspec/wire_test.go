package modelspec

import (
	"bytes"
	"encoding/hex"
	"errors"
	"reflect"
	"strings"
	"testing"
)

func TestSpecHasOneEncoding(t *testing.T) {
	s := digitsSpec()
	s.Normalization.OffsetE6 = -1
	b := s.Marshal()
	const want = "0a020808" + "1210" + "08ffffffffffffffffff01" + "1080a4e803" +
		"1a11" + "0a0668696464656e" + "120564656e7365" + "2020" +
		"1a13" + "0a0b68696464656e2d72656c75" + "120472656c75" +
		"1a1f" + "0a07636c6173736573" + "120564656e7365" + "1a0b68696464656e2d72656c75" + "200a"
	if got := hex.EncodeToString(b); got != want {
		t.Fatalf("expected %s, got %s", want, got)
	}
	parsed, err := ParseSpec(b)
	if err != nil {
		t.Fatal(err)
	}
	if !reflect.DeepEqual(parsed, s) {
		t.Errorf("expected the same spec back, got %+v", parsed)
	}
}

// everySetting is a layer no kind of which is valid: each setting has a value of its own.
func everySetting() Layer {
	return Layer{Name: "a", Kind: "b", Inputs: []string{"c", "d"}, Units: 4, KernelHeight: 5, KernelWidth: 6, StrideHeight: 7, StrideWidth: 8,
		PaddingHeight: 9, PaddingWidth: 10, Groups: 11, Heads: 12, Causal: true, RateE6: 14, EpsilonE9: 15, MomentumE6: 16, Vocabulary: 17}
}

func TestEverySettingHasItsField(t *testing.T) {
	s := &Spec{Layers: layers(everySetting())}
	const want = "1a2a" + "0a0161" + "120162" + "1a0163" + "1a0164" + "2004" + "2805" + "3006" + "3807" + "4008" + "4809" + "500a" + "580b" +
		"600c" + "6801" + "700e" + "780f" + "800110" + "880111"
	b := s.Marshal()
	if got := hex.EncodeToString(b); got != want {
		t.Fatalf("expected %s, got %s", want, got)
	}
	var back Spec
	if err := back.decode(b); err != nil {
		t.Fatal(err)
	}
	if !reflect.DeepEqual(&back, s) {
		t.Errorf("expected %+v, got %+v", s, back)
	}
}

func TestParseSpecRefusesEverythingElse(t *testing.T) {
	good := hex.EncodeToString((&Spec{InputShape: []uint32{2}, Layers: layers(Layer{Name: "a", Kind: KindTanh})}).Marshal())
	const shape, layer = "0a0102", "1a090a0161120474616e68"
	if good != shape+layer {
		t.Fatalf("expected %s, got %s", shape+layer, good)
	}
	const square = "0a020202"
	attention := func(causal string) string { return square + "1a" + causal }
	for _, c := range []struct {
		name, hex string
		want      error
	}{
		{"the canonical bytes", shape + layer, nil},
		{"no bytes", "", ErrInvalidSpec},
		{"fields in another order", layer + shape, ErrNotCanonical},
		{"an unknown field", shape + layer + "2001", ErrInvalidSpec},
		{"an unknown field of a layer", shape + "1a0c0a0161120474616e68900101", ErrInvalidSpec},
		{"a setting of another kind", shape + "1a0b0a0161120474616e682801", ErrInvalidSpec},
		{"a setting of zero written out", shape + "1a0b0a0161120474616e682800", ErrNotCanonical},
		{"settings in order", attention("120a01611209617474656e74696f6e60016801"), nil},
		{"settings in another order", attention("120a01611209617474656e74696f6e68016001"), ErrNotCanonical},
		{"a causal of two", attention("120a01611209617474656e74696f6e60016802"), ErrInvalidSpec},
		{"a causal of zero written out", attention("120a01611209617474656e74696f6e60016800"), ErrNotCanonical},
		{"a setting as text", shape + "1a0c0a0161120474616e682a0161", ErrInvalidSpec},
		{"an unknown field of the normalization", shape + "120410011801" + layer, ErrInvalidSpec},
		{"input_shape not packed", "0802" + layer, ErrInvalidSpec},
		{"input_shape in two parts", "0a0102" + "0a0102" + layer, ErrNotCanonical},
		{"a size above 32 bits", "0a058080808010" + layer, ErrInvalidSpec},
		{"a size with a needless byte", "0a028200" + layer, ErrNotCanonical},
		{"a zero written out", shape + "1a0b0a0161120474616e682000", ErrNotCanonical},
		{"fields of a layer in another order", shape + "1a09120474616e680a0161", ErrNotCanonical},
		{"a name given twice", shape + "1a0c0a01610a0161120474616e68", ErrNotCanonical},
		{"a length with a needless byte", shape + "1a89000a0161120474616e68", ErrNotCanonical},
		{"two normalizations", shape + "12021001" + "12021001" + layer, ErrNotCanonical},
		{"an empty normalization", shape + "1200" + layer, ErrInvalidSpec},
		{"a wrong wire type", "0d02000000" + layer, ErrInvalidSpec},
		{"cut off", (shape + layer)[:20], ErrInvalidSpec},
		{"a field number of zero", shape + layer + "0000", ErrInvalidSpec},
		{"too long", strings.Repeat("00", MaxSpecBytes+1), ErrInvalidSpec},
	} {
		b, err := hex.DecodeString(c.hex)
		if err != nil {
			t.Fatalf("%s: %v", c.name, err)
		}
		if _, err := ParseSpec(b); !errors.Is(err, c.want) || (c.want == nil) != (err == nil) {
			t.Errorf("%s: expected %v, got %v", c.name, c.want, err)
		}
	}
}

// TestErrorsStayShort: whoever refuses a spec passes the error on, so it must not be larger than what was sent.
func TestErrorsStayShort(t *testing.T) {
	long := strings.Repeat("\x01", 60_000)
	for name, l := range map[string]Layer{
		"a long name":  {Name: long, Kind: KindReLU},
		"a long kind":  {Name: "a", Kind: long},
		"a long input": {Name: "a", Kind: KindReLU, Inputs: []string{long}},
	} {
		s := &Spec{InputShape: []uint32{2}, Layers: []Layer{l}}
		if _, err := ParseSpec(s.Marshal()); err == nil || len(err.Error()) > 1000 {
			t.Errorf("%s: expected an error of at most 1000 bytes, got %.100v", name, err)
		}
	}
}

func FuzzParseSpec(f *testing.F) {
	f.Add(digitsSpec().Marshal())
	f.Add((&Spec{InputShape: []uint32{2}, Layers: layers(everySetting())}).Marshal())
	f.Add([]byte{0x12, 0x00})
	for _, s := range examples {
		f.Add(s.Marshal())
	}
	f.Fuzz(func(t *testing.T, b []byte) {
		s, err := ParseSpec(b)
		if err != nil {
			return
		}
		if !bytes.Equal(s.Marshal(), b) {
			t.Errorf("accepted %x, which encodes again as %x", b, s.Marshal())
		}
		withinLimits(t, s)
	})
}
