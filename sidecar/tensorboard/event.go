package tensorboard

import (
	"fmt"
	"math"
	"time"

	"google.golang.org/protobuf/encoding/protowire"
)

// fileVersion is what the first event of every file says.
const fileVersion = "brain.Event:2"

// Field numbers of the messages tensorflow.Event, Summary, Summary.Value, SummaryMetadata and TensorProto.
const (
	eventWallTime    = 1
	eventStep        = 2
	eventFileVersion = 3
	eventSummary     = 5

	summaryValue = 1

	valueTag      = 1
	valueScalar   = 2
	valueTensor   = 8
	valueMetadata = 9

	metadataPlugin = 1
	pluginName     = 1

	tensorType    = 1
	tensorShape   = 2
	tensorStrings = 8
	typeString    = 7 // DT_STRING
	shapeDim      = 2
	dimSize       = 1
)

// Scalar is one point of a curve. A slash in the tag groups curves.
type Scalar struct {
	Tag   string
	Value float32
}

// Event is one record of a file: the scalars of one step. FileVersion is set in the first event only; texts are not read back.
type Event struct {
	Time        time.Time
	Step        int64
	FileVersion string
	Scalars     []Scalar
}

func appendMessage(b []byte, field protowire.Number, message []byte) []byte {
	return protowire.AppendBytes(protowire.AppendTag(b, field, protowire.BytesType), message)
}

func appendVarint(b []byte, field protowire.Number, v uint64) []byte {
	return protowire.AppendVarint(protowire.AppendTag(b, field, protowire.VarintType), v)
}

// header encodes what all events begin with.
func header(at time.Time, step int64) []byte {
	seconds := float64(at.UnixMicro()) / 1e6
	b := protowire.AppendFixed64(protowire.AppendTag(nil, eventWallTime, protowire.Fixed64Type), math.Float64bits(seconds))
	if step != 0 {
		b = appendVarint(b, eventStep, uint64(step))
	}
	return b
}

func encodeVersion(at time.Time) []byte {
	return appendMessage(header(at, 0), eventFileVersion, []byte(fileVersion))
}

func encodeScalars(at time.Time, step int64, scalars []Scalar) []byte {
	var summary []byte
	for _, s := range scalars {
		value := appendMessage(nil, valueTag, []byte(s.Tag))
		value = protowire.AppendFixed32(protowire.AppendTag(value, valueScalar, protowire.Fixed32Type), math.Float32bits(s.Value))
		summary = appendMessage(summary, summaryValue, value)
	}
	return appendMessage(header(at, step), eventSummary, summary)
}

// encodeText encodes a string tensor of one element for TensorBoard's text tab.
func encodeText(at time.Time, tag, markdown string) []byte {
	shape := appendMessage(nil, shapeDim, appendVarint(nil, dimSize, 1))
	tensor := appendVarint(nil, tensorType, typeString)
	tensor = appendMessage(tensor, tensorShape, shape)
	tensor = appendMessage(tensor, tensorStrings, []byte(markdown))
	metadata := appendMessage(nil, metadataPlugin, appendMessage(nil, pluginName, []byte("text")))
	value := appendMessage(nil, valueTag, []byte(tag))
	value = appendMessage(value, valueTensor, tensor)
	value = appendMessage(value, valueMetadata, metadata)
	return appendMessage(header(at, 0), eventSummary, appendMessage(nil, summaryValue, value))
}

// decode reads an event; fields that this package does not write are skipped.
func decode(b []byte) (e Event, err error) {
	err = fields(b, func(f protowire.Number, n uint64, v []byte) error {
		switch f {
		case eventWallTime:
			e.Time = time.UnixMicro(int64(math.Round(math.Float64frombits(n) * 1e6)))
		case eventStep:
			e.Step = int64(n)
		case eventFileVersion:
			e.FileVersion = string(v)
		case eventSummary:
			return fields(v, func(f protowire.Number, _ uint64, v []byte) error {
				if f != summaryValue {
					return nil
				}
				return e.addValue(v)
			})
		}
		return nil
	})
	return e, err
}

func (e *Event) addValue(b []byte) error {
	var s Scalar
	scalar := false
	err := fields(b, func(f protowire.Number, n uint64, v []byte) error {
		switch f {
		case valueTag:
			s.Tag = string(v)
		case valueScalar:
			s.Value, scalar = math.Float32frombits(uint32(n)), true
		}
		return nil
	})
	if scalar {
		e.Scalars = append(e.Scalars, s)
	}
	return err
}

// fields visits the fields of a message: numbers of any wire type in n, bytes in v.
func fields(b []byte, visit func(f protowire.Number, n uint64, v []byte) error) error {
	for len(b) > 0 {
		f, typ, size := protowire.ConsumeTag(b)
		var n uint64
		var v []byte
		if size >= 0 {
			b = b[size:]
			switch typ {
			case protowire.VarintType:
				n, size = protowire.ConsumeVarint(b)
			case protowire.Fixed64Type:
				n, size = protowire.ConsumeFixed64(b)
			case protowire.Fixed32Type:
				var x uint32
				x, size = protowire.ConsumeFixed32(b)
				n = uint64(x)
			case protowire.BytesType:
				v, size = protowire.ConsumeBytes(b)
			default:
				size = protowire.ConsumeFieldValue(f, typ, b)
			}
		}
		if size < 0 {
			return fmt.Errorf("%w: a record is no protobuf message: %w", ErrCorrupt, protowire.ParseError(size))
		}
		b = b[size:]
		if err := visit(f, n, v); err != nil {
			return err
		}
	}
	return nil
}
