package engine

import (
	"encoding/binary"
	"fmt"
	"maps"
	"math"
	"slices"
	"strings"

	"github.com/pold-network/pold/modelspec"
)

// ImportStateDict reads the weights of spec from a safetensors file of a PyTorch state dict and says in words what it changed. Tensors
// may stand in any order, be F32, F16 or BF16 (converted exactly), and have sizes of 1 in front of their shape. A tensor belongs to
// "<layer>.<tensor>" of the spec if it has that name, or if it does once the dots between modules are written as "_" or "-":
// "blocks.0.attn.in_proj_weight" is the in_proj_weight of a layer blocks_0_attn. rename maps other names, of tensors or of modules, to
// those of the spec: {"0": "hidden"} for the first module of a Sequential, {"module": ""} to leave out a prefix. The counters
// num_batches_tracked are left out. Errors wrap ErrMalformed, ErrWrongTensors, ErrNonFinite or ErrInvalidSpec; those about names list
// every tensor that is missing and every one that is left over.
func ImportStateDict(spec *Spec, file []byte, rename map[string]string) (m *Model, changes []string, err error) {
	if m, err = newModel(spec); err != nil {
		return nil, nil, err
	}
	tensors, err := DecodeSafetensors(file)
	if err != nil {
		return nil, nil, err
	}
	i := importer{found: map[string]foreignTensor{}, exact: map[string]bool{}}
	for j := range m.nodes {
		i.wanted = append(i.wanted, m.nodes[j].Tensors...)
		for range m.nodes[j].Tensors {
			i.layers = append(i.layers, m.nodes[j].Name)
		}
	}
	if err := i.place(tensors, rename); err != nil {
		return nil, nil, err
	}
	m.eachTensor(func(_ *modelspec.Node, want *modelspec.Tensor, values []float32) {
		if err == nil {
			err = i.load(want, values)
		}
	})
	if err != nil {
		return nil, nil, err
	}
	return m, i.changes, nil
}

// importer finds out which tensor of a file is which of a spec.
type importer struct {
	wanted  []modelspec.Tensor
	layers  []string                 // of each wanted tensor
	found   map[string]foreignTensor // by the name in the spec
	exact   map[string]bool          // names of the spec that stand in the file as they are, or by order of rename
	changes []string
}

// foreignTensor is a tensor of the file, with the name that rename gives it.
type foreignTensor struct {
	Tensor
	renamed string
}

const batchCounter = "num_batches_tracked"

// place gives every tensor of the file its place in the spec.
func (i *importer) place(tensors []Tensor, rename map[string]string) error {
	unused := maps.Clone(rename)
	var left []foreignTensor
	counters := 0
	for _, t := range tensors {
		if t.DType == "I64" && (t.Name == batchCounter || strings.HasSuffix(t.Name, "."+batchCounter)) {
			counters++
			continue
		}
		f := foreignTensor{Tensor: t, renamed: t.Name}
		if from := renameKey(t.Name, rename); from != "" {
			f.renamed = strings.TrimPrefix(rename[from]+t.Name[len(from):], ".")
			delete(unused, from)
		}
		at := slices.IndexFunc(i.wanted, func(w modelspec.Tensor) bool { return w.Name == f.renamed })
		if at < 0 {
			left = append(left, f)
		} else if err := i.put(i.wanted[at].Name, f); err != nil {
			return err
		}
	}
	if len(unused) > 0 {
		return fmt.Errorf("%w: nothing in the file is called %s, which rename names; the file has %s",
			ErrWrongTensors, list(slices.Sorted(maps.Keys(unused))), list(namesOf(tensors)))
	}
	if counters > 0 {
		i.changes = append(i.changes, fmt.Sprintf("left out %s (%s), which evaluation does not use", count(counters, "counter"), batchCounter))
	}
	return i.placeModules(left)
}

// renameKey returns the longest key of rename that is the name or the beginning of it up to a dot.
func renameKey(name string, rename map[string]string) string {
	for end := len(name); end > 0; end = strings.LastIndexByte(name[:end], '.') {
		if _, ok := rename[name[:end]]; ok {
			return name[:end]
		}
	}
	return ""
}

// placeModules places tensors by the names of their modules.
func (i *importer) placeModules(tensors []foreignTensor) error {
	var left []string
	for _, f := range tensors {
		var fitting []string
		for j, w := range i.wanted {
			module, ok := strings.CutSuffix(f.renamed, "."+w.Suffix)
			if _, taken := i.found[w.Name]; ok && !(taken && i.exact[w.Name]) && sameModule(module, i.layers[j]) {
				fitting = append(fitting, w.Name)
			}
		}
		switch len(fitting) {
		case 0:
			left = append(left, f.Name)
		case 1:
			if err := i.put(fitting[0], f); err != nil {
				return err
			}
		default:
			return fmt.Errorf("%w: tensor %q may be any of %s; say which with rename", ErrWrongTensors, f.Name, list(fitting))
		}
	}
	var missing []string
	for _, w := range i.wanted {
		if _, ok := i.found[w.Name]; !ok {
			missing = append(missing, fmt.Sprintf("%s of shape %v", w.Name, w.Shape))
		}
	}
	if len(missing)+len(left) == 0 {
		return nil
	}
	slices.Sort(left)
	return fmt.Errorf("%w: missing from the file: %s; left over: %s; map module or tensor names of the file to those of the spec with rename, "+
		"and add tensors of zeros for modules made without bias", ErrWrongTensors, list(missing), list(left))
}

// sameModule says whether a module path and a layer's name are the same but for dots, which a layer's name can't have.
func sameModule(path, layer string) bool {
	if len(path) != len(layer) {
		return false
	}
	for i := range len(path) {
		if path[i] != layer[i] && (path[i] != '.' || layer[i] != '_' && layer[i] != '-') {
			return false
		}
	}
	return true
}

func (i *importer) put(name string, f foreignTensor) error {
	if other, ok := i.found[name]; ok {
		return fmt.Errorf("%w: tensors %q and %q of the file are both %s of the spec; tell them apart with rename", ErrWrongTensors, other.Name, f.Name, name)
	}
	i.found[name] = f
	i.exact[name] = f.renamed == name
	return nil
}

// load converts the tensor and notes what that changed.
func (i *importer) load(want *modelspec.Tensor, values []float32) error {
	f := i.found[want.Name]
	if !slices.Equal(withoutLeadingOnes(f.Shape), withoutLeadingOnes(want.Shape)) {
		return fmt.Errorf("%w: tensor %q for %s: expected shape %v, got %v", ErrWrongTensors, f.Name, want.Name, want.Shape, f.Shape)
	}
	convert, ok := conversions[f.DType]
	if !ok {
		return fmt.Errorf("%w: tensor %q has dtype %s; expected F32, F16 or BF16: save the state dict with .float(), because another conversion "+
			"may change the predictions", ErrWrongTensors, f.Name, f.DType)
	}
	if f.Name != want.Name {
		i.changes = append(i.changes, fmt.Sprintf("took %s as %s", f.Name, want.Name))
	}
	if !slices.Equal(f.Shape, want.Shape) {
		i.changes = append(i.changes, fmt.Sprintf("gave %s the shape %v instead of %v", want.Name, want.Shape, f.Shape))
	}
	if f.DType != DTypeF32 {
		i.changes = append(i.changes, fmt.Sprintf("converted %s from %s to %s, exactly", want.Name, f.DType, DTypeF32))
	}
	convert(values, f.Data)
	return checkFinite(f.Name, values)
}

func withoutLeadingOnes(shape []int) []int {
	for len(shape) > 0 && shape[0] == 1 {
		shape = shape[1:]
	}
	return shape
}

// conversions are those that keep every value.
var conversions = map[string]func(dst []float32, b []byte){
	DTypeF32: decodeF32,
	"F16": func(dst []float32, b []byte) {
		for i := range dst {
			dst[i] = fromHalf(binary.LittleEndian.Uint16(b[2*i:]))
		}
	},
	"BF16": func(dst []float32, b []byte) {
		for i := range dst {
			dst[i] = math.Float32frombits(uint32(binary.LittleEndian.Uint16(b[2*i:])) << 16)
		}
	},
}

// fromHalf converts an IEEE binary16 number.
func fromHalf(h uint16) float32 {
	sign, exponent, fraction := uint32(h>>15)<<31, uint32(h>>10)&31, uint32(h)&0x3ff
	switch exponent {
	case 0: // zero or subnormal: fraction · 2^-24, exact
		return math.Float32frombits(sign | math.Float32bits(float32(fraction)*0x1p-24))
	case 31: // infinity or NaN
		return math.Float32frombits(sign | 0xff<<23 | fraction<<13)
	}
	return math.Float32frombits(sign | (exponent+127-15)<<23 | fraction<<13)
}

func namesOf(tensors []Tensor) []string {
	var names []string
	for _, t := range tensors {
		names = append(names, t.Name)
	}
	slices.Sort(names)
	return names
}

// list joins names for an error, not all of a great many.
func list(names []string) string {
	const most = 50
	if len(names) == 0 {
		return "nothing"
	}
	if rest := len(names) - most; rest > 0 {
		names = append(slices.Clone(names[:most]), fmt.Sprintf("and %d more", rest))
	}
	return strings.Join(names, ", ")
}
