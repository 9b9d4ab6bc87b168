package engine

import (
	"cmp"
	"encoding/binary"
	"fmt"
	"maps"
	"math"
	"slices"
	"strconv"
	"strings"
	"unicode/utf8"

	"github.com/pold-network/pold/engine/internal/exact"
)

// DTypeF32 is the only element type of canonical files: IEEE 754 binary32, little endian.
const DTypeF32 = "F32"

// Limits of a safetensors file.
const (
	maxHeaderBytes = 1 << 20
	maxTensors     = 4096
	maxRank        = 8
	maxTensorName  = 256
)

// elementSize lists the element types that the format knows, with their bytes per element.
var elementSize = map[string]int{
	"BOOL": 1, "U8": 1, "I8": 1, "F8_E4M3": 1, "F8_E5M2": 1, "U16": 2, "I16": 2, "F16": 2, "BF16": 2,
	"U32": 4, "I32": 4, DTypeF32: 4, "U64": 8, "I64": 8, "F64": 8,
}

// Tensor is one named array of a safetensors file.
type Tensor struct {
	Name  string
	DType string // as the format spells it, for example "F32"
	Shape []int  // row-major; empty for a single number
	Data  []byte // little endian, product of Shape times the element size
}

// Float32s returns the elements of an F32 tensor.
func (t Tensor) Float32s() ([]float32, error) {
	if t.DType != DTypeF32 {
		return nil, fmt.Errorf("%w: tensor %q: expected %s, got %s", ErrWrongTensors, t.Name, DTypeF32, t.DType)
	}
	x := make([]float32, len(t.Data)/4)
	decodeF32(x, t.Data)
	return x, nil
}

// NewTensor returns an F32 tensor with a copy of the values.
func NewTensor(name string, shape []int, values []float32) Tensor {
	return Tensor{Name: name, DType: DTypeF32, Shape: slices.Clone(shape), Data: encodeF32(values)}
}

// encodeF32 writes the bits of x, every NaN as the canonical one.
func encodeF32(x []float32) []byte {
	b := make([]byte, 0, 4*len(x))
	for _, v := range x {
		b = binary.LittleEndian.AppendUint32(b, exact.CanonicalBits(v))
	}
	return b
}

func decodeF32(dst []float32, b []byte) {
	for i := range dst {
		dst[i] = math.Float32frombits(binary.LittleEndian.Uint32(b[4*i:]))
	}
}

// EncodeSafetensors writes the canonical file of F32 tensors: names in ascending byte order, data in the same order without gaps, JSON
// without spaces and with the keys dtype, shape, data_offsets in this order, no metadata, header padded with spaces to a multiple of
// eight bytes, every NaN stored as 0x7fc00000. Equal tensors give equal bytes whatever their order was.
func EncodeSafetensors(tensors []Tensor) ([]byte, error) {
	if len(tensors) > maxTensors {
		return nil, fmt.Errorf("%w: expected at most %d tensors, got %d", ErrMalformed, maxTensors, len(tensors))
	}
	sorted := slices.Clone(tensors)
	slices.SortStableFunc(sorted, func(a, b Tensor) int { return strings.Compare(a.Name, b.Name) })
	header := []byte{'{'}
	offset := 0
	for i, t := range sorted {
		if err := t.check(); err != nil {
			return nil, err
		}
		if t.DType != DTypeF32 {
			return nil, unsupportedDType(t)
		}
		if i > 0 {
			if t.Name == sorted[i-1].Name {
				return nil, fmt.Errorf("%w: two tensors are named %q", ErrMalformed, t.Name)
			}
			header = append(header, ',')
		}
		header = appendEntry(header, t, offset)
		offset += len(t.Data)
	}
	header = append(header, '}')
	for len(header)%8 != 0 {
		header = append(header, ' ')
	}
	if len(header) > maxHeaderBytes {
		return nil, fmt.Errorf("%w: the header has %d bytes; expected at most %d", ErrMalformed, len(header), maxHeaderBytes)
	}
	b := make([]byte, 0, 8+len(header)+offset)
	b = binary.LittleEndian.AppendUint64(b, uint64(len(header)))
	b = append(b, header...)
	for _, t := range sorted {
		data, _ := canonicalNaNs(t.Data)
		b = append(b, data...)
	}
	return b, nil
}

// appendEntry writes one member of the header object. Names hold no control characters, so only two characters need an escape.
func appendEntry(b []byte, t Tensor, offset int) []byte {
	b = append(b, '"')
	b = append(b, strings.NewReplacer(`\`, `\\`, `"`, `\"`).Replace(t.Name)...)
	b = append(b, `":{"dtype":"`...)
	b = append(b, t.DType...)
	b = append(b, `","shape":[`...)
	for i, d := range t.Shape {
		if i > 0 {
			b = append(b, ',')
		}
		b = strconv.AppendInt(b, int64(d), 10)
	}
	b = append(b, `],"data_offsets":[`...)
	b = strconv.AppendInt(b, int64(offset), 10)
	b = append(b, ',')
	b = strconv.AppendInt(b, int64(offset+len(t.Data)), 10)
	return append(b, `]}`...)
}

// check reports whether name, type, shape and data of a tensor agree.
func (t Tensor) check() error {
	if err := checkTensorName(t.Name); err != nil {
		return err
	}
	size, ok := elementSize[t.DType]
	if !ok {
		return fmt.Errorf("%w: tensor %q has unknown dtype %q; expected one of %s", ErrMalformed, t.Name, t.DType, knownDTypes())
	}
	if len(t.Shape) > maxRank {
		return fmt.Errorf("%w: tensor %q: expected at most %d dimensions, got %d", ErrMalformed, t.Name, maxRank, len(t.Shape))
	}
	elements := 1
	for _, d := range t.Shape {
		if d < 0 || d > 1<<40 || elements > 0 && d > (1<<40)/elements {
			return fmt.Errorf("%w: tensor %q: shape %v is out of range", ErrMalformed, t.Name, t.Shape)
		}
		elements *= d
	}
	if len(t.Data) != elements*size {
		return fmt.Errorf("%w: tensor %q: expected %d bytes for %s of shape %v, got %d",
			ErrMalformed, t.Name, elements*size, t.DType, t.Shape, len(t.Data))
	}
	return nil
}

func checkTensorName(name string) error {
	valid := len(name) > 0 && len(name) <= maxTensorName && name != metadataKey && utf8.ValidString(name)
	for _, c := range name {
		valid = valid && c >= ' ' && c != 0x7f
	}
	if !valid {
		return fmt.Errorf("%w: expected a tensor name of 1 to %d bytes of UTF-8 without control characters, got %.80q", ErrMalformed, maxTensorName, name)
	}
	return nil
}

func knownDTypes() string { return strings.Join(slices.Sorted(maps.Keys(elementSize)), ", ") }

// DecodeSafetensors reads any well-formed safetensors file, in the order of the data; metadata is ignored. It refuses overlaps, gaps
// and trailing bytes, duplicate or unknown keys and oversize headers. Tensor data is not copied. Errors wrap ErrMalformed.
func DecodeSafetensors(b []byte) ([]Tensor, error) {
	f, err := parseSafetensors(b)
	if err != nil {
		return nil, err
	}
	return f.tensors, nil
}

// safetensorsFile is a parsed file; listed holds the tensor names in the order of the header.
type safetensorsFile struct {
	tensors  []Tensor
	listed   []string
	metadata []string // keys
	header   int      // bytes of the header with its padding
}

func parseSafetensors(b []byte) (*safetensorsFile, error) {
	if len(b) < 8 {
		return nil, fmt.Errorf("%w: expected at least the 8 bytes of the header length, got %d", ErrMalformed, len(b))
	}
	size := binary.LittleEndian.Uint64(b)
	if size > maxHeaderBytes || size > uint64(len(b)-8) {
		return nil, fmt.Errorf("%w: the header says it has %d bytes; expected at most %d and no more than the file holds (%d); "+
			"is it a safetensors file?", ErrMalformed, size, maxHeaderBytes, len(b)-8)
	}
	h, err := parseHeader(b[8 : 8+size])
	if err != nil {
		return nil, err
	}
	f := &safetensorsFile{metadata: h.metadata, header: int(size)}
	data := b[8+size:]
	for _, e := range h.entries {
		f.listed = append(f.listed, e.name)
	}
	// Empty tensors come before the one that starts at the same place, so that every file has one order.
	slices.SortStableFunc(h.entries, func(a, b headerEntry) int {
		return cmp.Or(cmp.Compare(a.begin, b.begin), cmp.Compare(a.end, b.end))
	})
	at := uint64(0)
	for _, e := range h.entries {
		if e.begin != at || e.end < e.begin || e.end > uint64(len(data)) {
			return nil, fmt.Errorf("%w: tensor %q: expected data from byte %d on within %d bytes, got offsets [%d, %d] (overlap or gap)",
				ErrMalformed, e.name, at, len(data), e.begin, e.end)
		}
		t := Tensor{Name: e.name, DType: e.dtype, Shape: e.shape, Data: data[e.begin:e.end:e.end]}
		if err := t.check(); err != nil {
			return nil, err
		}
		f.tensors = append(f.tensors, t)
		at = e.end
	}
	if at != uint64(len(data)) {
		return nil, fmt.Errorf("%w: %d bytes follow the last tensor; expected none", ErrMalformed, uint64(len(data))-at)
	}
	return f, nil
}
