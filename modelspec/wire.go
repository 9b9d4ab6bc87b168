package modelspec

import (
	"bytes"
	"errors"
	"fmt"

	"google.golang.org/protobuf/encoding/protowire"
)

// firstSetting is the field number of the first setting in the message of a layer; the others follow in their order.
const firstSetting protowire.Number = 4

// Marshal returns the canonical protobuf encoding: fields in ascending order, zero values left out, input_shape packed.
func (s *Spec) Marshal() []byte {
	var b []byte
	if len(s.InputShape) > 0 {
		var packed []byte
		for _, d := range s.InputShape {
			packed = protowire.AppendVarint(packed, uint64(d))
		}
		b = appendBytes(b, 1, packed)
	}
	if n := s.Normalization; n != nil {
		var m []byte
		m = appendUint(m, 1, uint64(n.OffsetE6))
		m = appendUint(m, 2, n.DivisorE6)
		b = appendBytes(b, 2, m)
	}
	for _, l := range s.Layers {
		var m []byte
		if l.Name != "" {
			m = appendBytes(m, 1, []byte(l.Name))
		}
		if l.Kind != "" {
			m = appendBytes(m, 2, []byte(l.Kind))
		}
		for _, in := range l.Inputs {
			m = appendBytes(m, 3, []byte(in))
		}
		for i, v := range l.values() {
			m = appendUint(m, firstSetting+protowire.Number(i), v)
		}
		b = appendBytes(b, 3, m)
	}
	return b
}

func appendBytes(b []byte, field protowire.Number, v []byte) []byte {
	return protowire.AppendBytes(protowire.AppendTag(b, field, protowire.BytesType), v)
}

func appendUint(b []byte, field protowire.Number, v uint64) []byte {
	if v == 0 {
		return b
	}
	return protowire.AppendVarint(protowire.AppendTag(b, field, protowire.VarintType), v)
}

// ParseSpec reads the protobuf bytes of a model spec and validates it. It refuses unknown fields and every encoding but the one that
// Marshal writes (ErrNotCanonical), so that a spec has exactly one hash.
func ParseSpec(b []byte) (*Spec, error) {
	if len(b) > MaxSpecBytes {
		return nil, specError("expected at most %d bytes, got %d", MaxSpecBytes, len(b))
	}
	s := new(Spec)
	if err := s.decode(b); err != nil {
		return nil, err
	}
	if err := s.Validate(); err != nil {
		return nil, err
	}
	if !bytes.Equal(s.Marshal(), b) {
		return nil, fmt.Errorf("%w: the bytes of the model spec differ from its canonical protobuf encoding; "+
			"write fields in ascending order, leave out zero values and pack input_shape", ErrNotCanonical)
	}
	return s, nil
}

func (s *Spec) decode(b []byte) error {
	return eachField("model spec", b, func(f protowire.Number, n uint64, v []byte) error {
		switch f {
		case 1:
			for len(v) > 0 {
				d, size := protowire.ConsumeVarint(v)
				if size < 0 || d > 1<<32-1 {
					return specError("input_shape: expected packed 32-bit sizes")
				}
				s.InputShape = append(s.InputShape, uint32(d))
				v = v[size:]
			}
			return nil
		case 2:
			s.Normalization = new(Normalization)
			return s.Normalization.decode(v)
		case 3:
			if len(s.Layers) == MaxLayers {
				return specError("expected at most %d layers", MaxLayers)
			}
			var l Layer
			if err := l.decode(v); err != nil {
				return err
			}
			s.Layers = append(s.Layers, l)
			return nil
		}
		return errUnknownField
	}, 0b1110)
}

func (n *Normalization) decode(b []byte) error {
	return eachField("normalization", b, func(f protowire.Number, v uint64, _ []byte) error {
		switch f {
		case 1:
			n.OffsetE6 = int64(v)
		case 2:
			n.DivisorE6 = v
		default:
			return errUnknownField
		}
		return nil
	}, 0)
}

func (l *Layer) decode(b []byte) error {
	return eachField("layer", b, func(f protowire.Number, n uint64, v []byte) error {
		switch f {
		case 1:
			l.Name = string(v)
		case 2:
			l.Kind = string(v)
		case 3:
			l.Inputs = append(l.Inputs, string(v))
		default:
			if f < firstSetting || f >= firstSetting+protowire.Number(settingCount) {
				return errUnknownField
			}
			return l.set(setting(f-firstSetting), n)
		}
		return nil
	}, 0b1110)
}

// set is the reverse of values.
func (l *Layer) set(s setting, v uint64) error {
	switch s {
	case units:
		l.Units = v
	case kernelHeight:
		l.KernelHeight = v
	case kernelWidth:
		l.KernelWidth = v
	case strideHeight:
		l.StrideHeight = v
	case strideWidth:
		l.StrideWidth = v
	case paddingHeight:
		l.PaddingHeight = v
	case paddingWidth:
		l.PaddingWidth = v
	case groups:
		l.Groups = v
	case heads:
		l.Heads = v
	case causal:
		if v > 1 {
			return specError("layer: causal: expected 0 or 1, got %d", v)
		}
		l.Causal = v == 1
	case rateE6:
		l.RateE6 = v
	case epsilonE9:
		l.EpsilonE9 = v
	case momentumE6:
		l.MomentumE6 = v
	case vocabulary:
		l.Vocabulary = v
	}
	return nil
}

var errUnknownField = fmt.Errorf("unknown field")

// eachField walks over the fields of one message. Bit f of bytesFields says that field f is length-delimited; all others are varints.
func eachField(what string, b []byte, visit func(f protowire.Number, n uint64, v []byte) error, bytesFields uint) error {
	for len(b) > 0 {
		f, typ, size := protowire.ConsumeTag(b)
		if size < 0 {
			return specError("%s: the bytes are no protobuf message: %v", what, protowire.ParseError(size))
		}
		b = b[size:]
		want := protowire.VarintType
		if f < 32 && bytesFields>>uint(f)&1 == 1 {
			want = protowire.BytesType
		}
		var n uint64
		var v []byte
		switch {
		case typ != want:
			return specError("%s: field %d: expected wire type %d, got %d", what, f, want, typ)
		case typ == protowire.VarintType:
			n, size = protowire.ConsumeVarint(b)
		default:
			v, size = protowire.ConsumeBytes(b)
		}
		if size < 0 {
			return specError("%s: field %d: %v", what, f, protowire.ParseError(size))
		}
		b = b[size:]
		if err := visit(f, n, v); errors.Is(err, errUnknownField) {
			return specError("%s: unknown field %d; expected only the fields of pold.pol.v1.ModelSpec", what, f)
		} else if err != nil {
			return err
		}
	}
	return nil
}
