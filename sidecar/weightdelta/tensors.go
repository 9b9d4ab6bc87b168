package weightdelta

import (
	"encoding/json"
	"fmt"
	"slices"
)

// maxTensorHeader bounds the JSON that is looked at.
const maxTensorHeader = 1 << 20

// tensor is a named range of a safetensors file.
type tensor struct {
	name, kind string // kind is type and shape
	from, to   int    // offsets in the file
}

// tensorsOf returns the tensors of a safetensors file in the order of their data, and where the data begins. It returns nil for a file
// that is none, or whose tensors do not cover the data without gap and overlap; nothing but the size of a delta depends on it.
func tensorsOf(file []byte) (list []tensor, data int) {
	if len(file) < 8 {
		return nil, 0
	}
	size := le.Uint64(file)
	if size > maxTensorHeader || size > uint64(len(file)-8) {
		return nil, 0
	}
	data = 8 + int(size)
	var members map[string]json.RawMessage
	if json.Unmarshal(file[8:data], &members) != nil {
		return nil, 0
	}
	for name, member := range members {
		var t struct {
			DType   string `json:"dtype"`
			Shape   []int  `json:"shape"`
			Offsets []int  `json:"data_offsets"`
		}
		if name == "__metadata__" {
			continue
		}
		if json.Unmarshal(member, &t) != nil || len(t.Offsets) != 2 || t.Offsets[0] < 0 || t.Offsets[1] < t.Offsets[0] || t.Offsets[1] > len(file)-data {
			return nil, 0
		}
		if t.Offsets[0] < t.Offsets[1] { // empty tensors have no bytes to ship
			list = append(list, tensor{name: name, kind: fmt.Sprint(t.DType, t.Shape), from: data + t.Offsets[0], to: data + t.Offsets[1]})
		}
	}
	slices.SortFunc(list, func(a, b tensor) int { return a.from - b.from })
	at := data
	for _, t := range list {
		if t.from != at {
			return nil, 0
		}
		at = t.to
	}
	if at != len(file) {
		return nil, 0
	}
	return list, data
}
