// Package python_test holds pold.py against the Go code it has to agree with: the
// engine for files, x/pol for commitments. It skips where python3 is missing.
package python_test

import (
	"bytes"
	"encoding/binary"
	"encoding/hex"
	"encoding/json"
	"fmt"
	"math"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/pold-network/pold/engine"
	"github.com/pold-network/pold/x/pol/types"
)

// python runs python3 in this folder and returns what it printed. -B keeps it from
// leaving compiled files in the source tree.
func python(t *testing.T, stdin string, arguments ...string) string {
	t.Helper()
	interpreter, err := exec.LookPath("python3")
	if err != nil {
		t.Skip("skipped: python3 is not installed, so pold.py cannot be run; install Python 3.8 or later to run this test")
	}
	command := exec.Command(interpreter, append([]string{"-B"}, arguments...)...)
	command.Stdin = strings.NewReader(stdin)
	var stdout, stderr bytes.Buffer
	command.Stdout, command.Stderr = &stdout, &stderr
	if err := command.Run(); err != nil {
		t.Fatalf("python3 %.80q: %v\n%s%s", arguments, err, stdout.Bytes(), stderr.Bytes())
	}
	return stdout.String()
}

func TestPythonUnitTestsPass(t *testing.T) {
	python(t, "", "-m", "unittest", "-q", "test_pold")
}

func tensor(name string, shape []int, values ...float32) engine.Tensor {
	return engine.NewTensor(name, shape, values)
}

// models are tensor lists whose encoding has some difficulty.
var models = map[string][]engine.Tensor{
	"no tensors":       {},
	"two layers":       {tensor("1.weight", []int{2, 3}, 1, 2, 3, 4, 5, 6), tensor("0.bias", []int{2}, 0.1, -0.1), tensor("10.bias", []int{1}, 7)},
	"a single number":  {tensor("scale", nil, 0.5)},
	"empty tensors":    {tensor("b", []int{1}, 1), tensor("c", []int{0}), tensor("a", []int{3, 0})},
	"names in UTF-8":   {tensor("\U00010000", []int{1}, 1), tensor("\uff61", []int{1}, 2), tensor("é", []int{1}, 3), tensor("\u2028", []int{1}, 4)},
	"names to escape":  {tensor(`quote"`, []int{1}, 1), tensor(`back\slash`, []int{1}, 2), tensor("slash/", []int{1}, 3), tensor("a b", []int{1}, 4)},
	"special numbers":  {tensor("x", []int{6}, float32(math.NaN()), float32(math.Inf(1)), float32(math.Inf(-1)), float32(math.Copysign(0, -1)), math.SmallestNonzeroFloat32, math.MaxFloat32)},
	"eight dimensions": {tensor("x", []int{1, 1, 1, 2, 1, 1, 1, 1}, 1, 2)},
}

func encoded(t *testing.T, tensors []engine.Tensor) []byte {
	t.Helper()
	file, err := engine.EncodeSafetensors(tensors)
	if err != nil {
		t.Fatal(err)
	}
	return file
}

// canonicalizeInPython returns pold.canonicalize of each file, nil where it refuses.
func canonicalizeInPython(t *testing.T, files [][]byte) [][]byte {
	t.Helper()
	var lines strings.Builder
	for _, file := range files {
		fmt.Fprintf(&lines, "%x\n", file)
	}
	const script = `
import sys, pold
for line in sys.stdin:
    try:
        out, changes = pold.canonicalize(bytes.fromhex(line))
    except pold.PoldError:
        print("refused")
    else:
        assert pold.is_canonical(out) and (not changes) == (out == bytes.fromhex(line)), changes
        print(out.hex())
`
	answers := strings.Fields(python(t, lines.String(), "-c", script))
	if len(answers) != len(files) {
		t.Fatalf("expected %d answers, got %d", len(files), len(answers))
	}
	out := make([][]byte, len(files))
	for i, answer := range answers {
		if answer != "refused" {
			file, err := hex.DecodeString(answer)
			if err != nil {
				t.Fatal(err)
			}
			out[i] = file
		}
	}
	return out
}

func TestFilesOfTheEngineAreCanonicalToPython(t *testing.T) {
	var names []string
	var files [][]byte
	for name, tensors := range models {
		names = append(names, name)
		files = append(files, encoded(t, tensors))
	}
	for i, got := range canonicalizeInPython(t, files) {
		if !bytes.Equal(got, files[i]) {
			t.Errorf("%s: Python changed or refused a canonical file:\n%q\n%q", names[i], files[i], got)
		}
	}
}

func TestFilesWrittenByPythonAreCanonicalToTheEngine(t *testing.T) {
	type numbers struct {
		Name   string
		Shape  []int
		Values []float64
	}
	want := []numbers{
		{"é.weight", []int{2, 2}, []float64{0.1, -2.5, 1e-45, 3e38}},
		{"10", []int{1}, []float64{16777219}},
		{"9", []int{}, []float64{0.3333333333}},
		{"empty", []int{0, 4}, []float64{}},
	}
	request, err := json.Marshal(want)
	if err != nil {
		t.Fatal(err)
	}
	path := filepath.Join(t.TempDir(), "model.safetensors")
	const script = `
import json, sys, pold
pold.write(sys.argv[1], {t["Name"]: pold.Tensor.of(t["Shape"], t["Values"]) for t in json.load(sys.stdin)})
print(pold.checkpoint_hash(sys.argv[1]).hex())
`
	python(t, string(request), "-c", script, path)
	file, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	if !engine.IsCanonical(file) {
		t.Fatalf("the engine refuses the file: %q", file)
	}
	tensors, err := engine.DecodeSafetensors(file)
	if err != nil || len(tensors) != len(want) {
		t.Fatalf("expected %d tensors, got %d, %v", len(want), len(tensors), err)
	}
	for _, w := range want {
		i := slices.IndexFunc(tensors, func(t engine.Tensor) bool { return t.Name == w.Name })
		if i < 0 || !slices.Equal(tensors[i].Shape, w.Shape) {
			t.Fatalf("tensor %q is missing or has another shape", w.Name)
		}
		values, err := tensors[i].Float32s()
		if err != nil || len(values) != len(w.Values) {
			t.Fatalf("tensor %q: %v, %v", w.Name, values, err)
		}
		for k, value := range values {
			if math.Float32bits(value) != math.Float32bits(float32(w.Values[k])) {
				t.Errorf("tensor %q, element %d: expected %v, got %v", w.Name, k, float32(w.Values[k]), value)
			}
		}
	}
}

// withHeader is a file with a header as it stands and the given number of data bytes.
func withHeader(header string, data int) []byte {
	file := binary.LittleEndian.AppendUint64(nil, uint64(len(header)))
	file = append(file, header...)
	for i := range data {
		file = append(file, byte(i))
	}
	return file
}

func TestEngineAndPythonTreatForeignFilesAlike(t *testing.T) {
	const x = `"x":{"dtype":"F32","shape":[1],"data_offsets":[0,4]}`
	const y = `"y":{"dtype":"F32","shape":[1],"data_offsets":[4,8]}`
	files := map[string][]byte{
		"canonical but for padding":    withHeader("{"+x+"}", 4),
		"padded too far":               withHeader("{"+x+"}"+strings.Repeat(" ", 64), 4),
		"padded with newlines":         withHeader("{"+x+"}\n\t\r ", 4),
		"padded with NUL":              withHeader("{"+x+"}\x00", 4),
		"a space before":               withHeader(" {"+x+"}", 4),
		"spaces inside":                withHeader("{ "+strings.ReplaceAll(x, ":", " :\n")+" }", 4),
		"metadata":                     withHeader(`{"__metadata__":{"format":"pt"},`+x+"}", 4),
		"metadata last":                withHeader("{"+x+`,"__metadata__":{"format":"pt","":"\u00e9"}}`, 4),
		"empty metadata":               withHeader(`{"__metadata__":{},`+x+"}", 4),
		"metadata with a number":       withHeader(`{"__metadata__":{"n":1},`+x+"}", 4),
		"metadata that is a list":      withHeader(`{"__metadata__":[],`+x+"}", 4),
		"metadata twice":               withHeader(`{"__metadata__":{},"__metadata__":{},`+x+"}", 4),
		"the same metadata key twice":  withHeader(`{"__metadata__":{"a":"1","a":"2"},`+x+"}", 4),
		"a half surrogate in metadata": withHeader(`{"__metadata__":{"a":"\ud800"},`+x+"}", 4),
		"header in another order":      withHeader("{"+y+","+x+"}", 8),
		"data in another order":        withHeader(`{"y":{"shape":[1],"data_offsets":[0,4],"dtype":"F32"},"x":{"dtype":"F32","shape":[1],"data_offsets":[4,8]}}`, 8),
		"an escaped name":              withHeader(strings.Replace("{"+x+"}", `"x"`, `"\u0078"`, 1), 4),
		"a name of escapes":            withHeader(strings.Replace("{"+x+"}", `"x"`, `"\/\\\"\uD83D\ude00"`, 1), 4),
		"an escaped control character": withHeader(strings.Replace("{"+x+"}", `"x"`, `"\n"`, 1), 4),
		"a half surrogate":             withHeader(strings.Replace("{"+x+"}", `"x"`, `"\ud83d"`, 1), 4),
		"surrogates the wrong way":     withHeader(strings.Replace("{"+x+"}", `"x"`, `"\ude00\ud83d"`, 1), 4),
		"a bad escape":                 withHeader(strings.Replace("{"+x+"}", `"x"`, `"\x78"`, 1), 4),
		"a bad hexadecimal escape":     withHeader(strings.Replace("{"+x+"}", `"x"`, `"\u00 8"`, 1), 4),
		"a raw control character":      withHeader(strings.Replace("{"+x+"}", `"x"`, "\"x\x01\"", 1), 4),
		"a DEL":                        withHeader(strings.Replace("{"+x+"}", `"x"`, "\"x\x7f\"", 1), 4),
		"broken UTF-8":                 withHeader(strings.Replace("{"+x+"}", `"x"`, "\"\xff\"", 1), 4),
		"a surrogate in UTF-8":         withHeader(strings.Replace("{"+x+"}", `"x"`, "\"\xed\xa0\x80\"", 1), 4),
		"an empty name":                withHeader(strings.Replace("{"+x+"}", `"x"`, `""`, 1), 4),
		"a name of 256 bytes":          withHeader(strings.Replace("{"+x+"}", "x", strings.Repeat("é", 128), 1), 4),
		"a name of 257 bytes":          withHeader(strings.Replace("{"+x+"}", "x", strings.Repeat("é", 128)+"x", 1), 4),
		"the same name twice":          withHeader("{"+x+`,"\u0078":{"dtype":"F32","shape":[1],"data_offsets":[4,8]}}`, 8),
		"the same key twice":           withHeader(`{"x":{"dtype":"F32","dtype":"F32","shape":[1],"data_offsets":[0,4]}}`, 4),
		"an unknown key":               withHeader(`{"x":{"dtype":"F32","shape":[1],"data_offsets":[0,4],"a":[]}}`, 4),
		"another spelling of a key":    withHeader(strings.Replace("{"+x+"}", "dtype", "DType", 1), 4),
		"a missing key":                withHeader(`{"x":{"dtype":"F32","data_offsets":[0,4]}}`, 4),
		"another type":                 withHeader(`{"x":{"dtype":"F16","shape":[2],"data_offsets":[0,4]}}`, 4),
		"an unknown type":              withHeader(strings.Replace("{"+x+"}", "F32", "f32", 1), 4),
		"a type that is a number":      withHeader(strings.Replace("{"+x+"}", `"F32"`, "32", 1), 4),
		"a leading zero":               withHeader(strings.Replace("{"+x+"}", "[1]", "[01]", 1), 4),
		"minus zero":                   withHeader(strings.Replace("{"+x+"}", "[0,", "[-0,", 1), 4),
		"a fraction":                   withHeader(strings.Replace("{"+x+"}", "[1]", "[1.0]", 1), 4),
		"an exponent":                  withHeader(strings.Replace("{"+x+"}", "[1]", "[1e0]", 1), 4),
		"true as a size":               withHeader(strings.Replace("{"+x+"}", "[1]", "[true]", 1), 4),
		"an endless number":            withHeader(strings.Replace("{"+x+"}", "[1]", "["+strings.Repeat("9", 5000)+"]", 1), 4),
		"a shape that overflows":       withHeader(strings.Replace("{"+x+"}", "[1]", "[4294967296,4294967296,4294967296]", 1), 4),
		"a large shape with a zero":    withHeader(`{"x":{"dtype":"F32","shape":[1099511627776,0],"data_offsets":[0,0]}}`, 0),
		"a zero before a large shape":  withHeader(`{"x":{"dtype":"F32","shape":[0,1099511627776,1099511627776],"data_offsets":[0,0]}}`, 0),
		"a dimension past the limit":   withHeader(`{"x":{"dtype":"F32","shape":[0,1099511627777],"data_offsets":[0,0]}}`, 0),
		"nine dimensions":              withHeader(strings.Replace("{"+x+"}", "[1]", "[1,1,1,1,1,1,1,1,1]", 1), 4),
		"three offsets":                withHeader(strings.Replace("{"+x+"}", "[0,4]", "[0,4,4]", 1), 4),
		"a gap":                        withHeader("{"+y+"}", 8),
		"an overlap":                   withHeader("{"+x+","+strings.Replace(x, "x", "y", 1)+"}", 4),
		"cut data":                     withHeader("{"+x+"}", 3),
		"surplus data":                 withHeader("{"+x+"}", 5),
		"empty tensors in between":     withHeader(`{"z":{"dtype":"F32","shape":[0],"data_offsets":[4,4]},`+y+","+x+`,"a":{"dtype":"F32","shape":[0],"data_offsets":[4,4]}}`, 8),
		"a trailing comma":             withHeader("{"+x+",}", 4),
		"a missing comma":              withHeader("{"+x+" "+y+"}", 8),
		"two objects":                  withHeader("{"+x+"}{}", 4),
		"a list":                       withHeader("[]", 0),
		"a NaN with payload":           append(withHeader("{"+x+"}", 0), 1, 0, 0xc0, 0xff),
		"an empty file":                {},
		"a cut length":                 {8, 0, 0},
		"no header":                    make([]byte, 8),
		"a header past the end":        binary.LittleEndian.AppendUint64(nil, 1<<63),
	}
	// Tensor counts at and past the limit.
	for _, count := range []int{4096, 4097} {
		entries := make([]string, count)
		for i := range entries {
			entries[i] = fmt.Sprintf(`"%d":{"dtype":"F32","shape":[0],"data_offsets":[0,0]}`, i)
		}
		files[fmt.Sprintf("%d tensors", count)] = withHeader("{"+strings.Join(entries, ",")+"}", 0)
	}

	var names []string
	var inputs [][]byte
	for name, file := range files {
		names = append(names, name)
		inputs = append(inputs, file)
	}
	refused := 0
	for i, got := range canonicalizeInPython(t, inputs) {
		want, _, err := engine.Canonicalize(inputs[i])
		if err != nil {
			refused++
			if got != nil {
				t.Errorf("%s: the engine refuses it (%v), Python accepts it", names[i], err)
			}
			continue
		}
		if !bytes.Equal(got, want) {
			t.Errorf("%s: expected %.300q\ngot %.300q", names[i], want, got)
		}
	}
	if refused == 0 || refused == len(files) {
		t.Errorf("expected some files to be refused and some not, got %d of %d", refused, len(files))
	}
}

func TestCommitmentIsTheOneOfTheChain(t *testing.T) {
	type reveal struct {
		ChainID, Group, Trainer, Hash, Root, Salt string
		Round, Loss                               uint64
	}
	hash, root := strings.Repeat("5a", 32), strings.Repeat("c3", 32)
	reveals := []reveal{
		{"pold-devnet-1", "digits", "pol1qqqsyqcyq5rqwzqfpg9scrgwpugpzysn", hash, "", strings.Repeat("01", 16), 0, 0},
		{"pold-devnet-1", "digits", "pol1qqqsyqcyq5rqwzqfpg9scrgwpugpzysn", hash, root, strings.Repeat("ff", 64), 1, 2_302_585_093},
		{"pôld", "", "", hash, "", strings.Repeat("00", 32), math.MaxUint64, math.MaxUint64},
	}
	request, err := json.Marshal(reveals)
	if err != nil {
		t.Fatal(err)
	}
	const script = `
import json, sys, pold
for r in json.load(sys.stdin):
    print(pold.commitment(r["ChainID"], r["Group"], r["Round"], r["Trainer"], bytes.fromhex(r["Hash"]), r["Loss"],
                          bytes.fromhex(r["Salt"]), transcript_root=bytes.fromhex(r["Root"])).hex())
`
	answers := strings.Fields(python(t, string(request), "-c", script))
	if len(answers) != len(reveals) {
		t.Fatalf("expected %d answers, got %q", len(reveals), answers)
	}
	for i, r := range reveals {
		want := hex.EncodeToString(types.CommitmentOf(r.ChainID, r.Group, r.Round, r.Trainer, unhex(t, r.Hash), unhex(t, r.Root), r.Loss, unhex(t, r.Salt)))
		if answers[i] != want {
			t.Errorf("reveal %d: expected %s, got %s", i, want, answers[i])
		}
	}
}

func unhex(t *testing.T, text string) []byte {
	t.Helper()
	data, err := hex.DecodeString(text)
	if err != nil {
		t.Fatal(err)
	}
	return data
}
