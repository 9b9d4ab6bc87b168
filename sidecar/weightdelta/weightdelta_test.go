package weightdelta

import (
	"bytes"
	"errors"
	"runtime"
	"slices"
	"testing"

	"github.com/klauspost/compress/zstd"

	"github.com/pold-network/pold/engine"
	"github.com/pold-network/pold/testutil/models"
)

const testLimit = 64 << 20

// file returns a canonical safetensors file.
func file(t testing.TB, tensors ...engine.Tensor) []byte {
	t.Helper()
	b, err := engine.EncodeSafetensors(tensors)
	if err != nil {
		t.Fatal(err)
	}
	return b
}

// weights returns a tensor of n values; those of another step differ a little.
func weights(name string, n, step int) engine.Tensor {
	x, change := models.Numbers(n, 1), models.Numbers(n, 100)
	for i := range x {
		x[i] += change[i] * float32(step) / 1024
	}
	return engine.NewTensor(name, []int{n}, x)
}

// bytesFrom returns bytes without pattern.
func bytesFrom(n int, seed uint64) []byte {
	b := make([]byte, n)
	for i, v := range models.Integers(n, 256, seed) {
		b[i] = byte(v)
	}
	return b
}

// bare writes a safetensors file with any header.
func bare(header string, data []byte) []byte {
	b := le.AppendUint64(nil, uint64(len(header)))
	return append(append(b, header...), data...)
}

// TestEveryPairIsRestored also holds each delta against the reference decoder.
func TestEveryPairIsRestored(t *testing.T) {
	odd := bytesFrom(300_001, 5)
	var special []float32
	for i := range 4096 {
		special = append(special, undoFloat(edges[i%len(edges)]), undoFloat(edges[(i*7+1)%len(edges)]))
	}
	large := file(t, weights("a", 200_000, 0), weights("b", 70_000, 0))
	half := []byte(`{"h":{"dtype":"BF16","shape":[50000],"data_offsets":[0,100000]},"d":{"dtype":"F64","shape":[1000],"data_offsets":[100000,108000]}}`)
	overlap := `{"x":{"dtype":"F32","shape":[9],"data_offsets":[0,36]},"y":{"dtype":"F32","shape":[9],"data_offsets":[32,68]}}`
	halfBase, halfFull := bytesFrom(108_000, 8), bytesFrom(108_000, 8)
	for i := 0; i < len(halfFull); i += 10 {
		halfFull[i]++
	}
	for _, c := range []struct {
		name       string
		base, full []byte
		smaller    bool
	}{
		{"nothing", nil, nil, false},
		{"nothing to something", nil, bytesFrom(1000, 1), false},
		{"something to nothing", bytesFrom(1000, 1), nil, false},
		{"the same bytes", odd, odd, true},
		{"a tail appended", odd, append(slices.Clone(odd), bytesFrom(5000, 6)...), true},
		{"a tail cut off", odd, odd[:200_003], true},
		{"one byte changed", odd, changed(odd, 150_000), true},
		{"noise against other noise", odd, bytesFrom(300_001, 7), false},
		{"zeros against noise", odd, make([]byte, 300_001), true},
		{"text without a base", nil, bytes.Repeat([]byte("label,weight\n"), 1000), true},
		{"one step", large, file(t, weights("a", 200_000, 1), weights("b", 70_000, 1)), true},
		{"a frozen tensor", large, file(t, weights("a", 200_000, 0), weights("b", 70_000, 1)), true},
		{"tensors renamed", large, file(t, weights("b", 200_000, 1), weights("c", 70_000, 1)), true},
		{"a tensor more in front", large, file(t, weights("0", 3000, 0), weights("a", 200_000, 1), weights("b", 70_000, 1)), true},
		{"a tensor less", large, file(t, weights("b", 70_000, 1)), true},
		{"another shape", large, file(t, weights("a", 200_000, 1), weights("b", 80_000, 1)), true},
		{"no base at all", nil, large, true},
		{"a base that is no safetensors file", odd, large, true},
		{"a full file that is no safetensors file", large, odd, false},
		{"many small tensors", file(t, smallTensors(0)...), file(t, smallTensors(1)...), true},
		{"special numbers", file(t, engine.NewTensor("x", []int{8192}, special)), file(t, engine.NewTensor("x", []int{8192}, rotated(special))), true},
		{"other types", bare(string(half), halfBase), bare(string(half), halfFull), true},
		{"a header that lies about the data", large, bare(`{"x":{"dtype":"F32","shape":[9],"data_offsets":[0,36]}}`, odd), false},
		{"a header with an overlap", large, bare(overlap, odd[:68]), false},
		{"a header without end", large, bare(`{"x":{`, odd[:5000]), false},
	} {
		t.Run(c.name, func(t *testing.T) {
			delta, smaller := Encode(c.base, c.full)
			if smaller != c.smaller {
				t.Fatalf("expected smaller = %v, got %v with %d of %d bytes", c.smaller, smaller, len(delta), len(c.full))
			}
			if !smaller {
				if delta != nil {
					t.Errorf("expected no delta, got %d bytes", len(delta))
				}
				return
			}
			if len(delta) >= len(c.full) {
				t.Errorf("expected fewer than %d bytes, got %d", len(c.full), len(delta))
			}
			for name, apply := range map[string]func(base, delta []byte, limit int64) ([]byte, error){"Apply": Apply, "ApplyVerified": ApplyVerified} {
				got, err := apply(c.base, delta, int64(len(c.full)))
				if err != nil {
					t.Fatalf("%s: %v", name, err)
				}
				if !bytes.Equal(got, c.full) {
					t.Errorf("%s: expected the full file", name)
				}
			}
			if !bytes.Equal(referenceApply(c.base, delta), c.full) {
				t.Error("reference decoder: expected the full file")
			}
		})
	}
}

func TestUnchangedTensorsCostNothing(t *testing.T) {
	base := file(t, weights("a", 500_000, 0), weights("b", 100, 0), weights("c", 500_000, 0))
	full := file(t, weights("a", 500_000, 0), weights("b", 100, 1), weights("c", 500_000, 0))
	delta, smaller := Encode(base, full)
	if !smaller || len(delta) > headerSize+450 {
		t.Errorf("expected little more than the 400 changed bytes, got %d", len(delta))
	}
}

func TestEqualInputsGiveEqualDeltas(t *testing.T) {
	base, full := file(t, weights("a", 600_000, 0)), file(t, weights("a", 600_000, 1))
	first, _ := Encode(base, full)
	defer runtime.GOMAXPROCS(runtime.GOMAXPROCS(0))
	for _, processors := range []int{1, 2, 3} {
		runtime.GOMAXPROCS(processors)
		if again, _ := Encode(base, full); !bytes.Equal(first, again) {
			t.Errorf("with %d processors: expected the same bytes", processors)
		}
		if got, err := Apply(base, first, testLimit); err != nil || !bytes.Equal(got, full) {
			t.Errorf("with %d processors: expected the full file, got error %v", processors, err)
		}
	}
}

func TestHeaderNamesBothFiles(t *testing.T) {
	base, full := file(t, weights("a", 5000, 0)), file(t, weights("a", 5000, 1), weights("b", 9, 1))
	delta, _ := Encode(base, full)
	h, err := ParseHeader(delta)
	if err != nil {
		t.Fatal(err)
	}
	want := Header{BaseSHA256: hash(base), FullSHA256: hash(full), BaseSize: int64(len(base)), FullSize: int64(len(full))}
	if h != want {
		t.Errorf("expected %+v, got %+v", want, h)
	}
}

func TestAnotherBaseIsReported(t *testing.T) {
	base, full := file(t, weights("a", 5000, 0)), file(t, weights("a", 5000, 1))
	delta, _ := Encode(base, full)
	for name, other := range map[string][]byte{"none": nil, "longer": append(slices.Clone(base), 0), "one bit": changed(base, 3000), "the full file": full} {
		if _, err := Apply(other, delta, testLimit); !errors.Is(err, ErrBase) {
			t.Errorf("%s: expected ErrBase, got %v", name, err)
		}
	}
}

// TestDamagedDeltas changes, cuts and extends a small delta at every byte. A few bits of a zstd frame mean nothing; the result is right then.
func TestDamagedDeltas(t *testing.T) {
	base := file(t, weights("a", 1500, 0), weights("b", 300, 0), weights("c", 10, 0))
	full := file(t, weights("a", 1500, 1), weights("b", 300, 0), weights("d", 10, 0))
	delta, _ := Encode(base, full)
	check := func(what string, at int, damaged []byte) {
		t.Helper()
		got, err := Apply(base, damaged, testLimit)
		if !errors.Is(err, ErrDamaged) && !errors.Is(err, ErrBase) && !(err == nil && bytes.Equal(got, full)) {
			t.Errorf("%s %d of %d: expected an error or the full file, got error %v and %d bytes", what, at, len(delta), err, len(got))
		}
		if got, err := ApplyVerified(base, damaged, testLimit); err == nil && len(got) != len(full) {
			t.Errorf("%s %d of %d: expected an error or %d bytes, got %d bytes", what, at, len(delta), len(full), len(got))
		}
	}
	for i := range delta {
		check("changed", i, changed(delta, i))
		check("cut at", i, delta[:i])
	}
	check("extended to", len(delta)+1, append(slices.Clone(delta), 0))
}

func TestLimitBoundsTheResult(t *testing.T) {
	base := file(t, weights("a", 50_000, 0))
	full := file(t, weights("a", 50_000, 1))
	delta, _ := Encode(base, full)
	for _, limit := range []int64{-1, 0, int64(len(full)) - 1} {
		if _, err := Apply(base, delta, limit); !errors.Is(err, ErrDamaged) {
			t.Errorf("limit %d: expected ErrDamaged, got %v", limit, err)
		}
	}
}

// TestHostileDeltasAreCheap gives deltas that promise more than they may, and counts what they make the decoder allocate.
func TestHostileDeltasAreCheap(t *testing.T) {
	compress, err := zstd.NewWriter(nil)
	if err != nil {
		t.Fatal(err)
	}
	bomb := compress.EncodeAll(make([]byte, 256<<20), nil)
	const full = 1 << 20
	section := func(n int, frame []byte) []byte { // a block of n bytes in one section
		w := blockWriter{}
		w.write(block{form: formBytes, size: n, payload: append(uvarint(len(frame)), frame...)})
		w.flush()
		return w.out
	}
	copied := func(n, base int) []byte {
		w := blockWriter{}
		w.write(block{form: formCopy, size: n, base: base})
		w.flush()
		return w.out
	}
	words := func(n int, payload ...byte) []byte {
		w := blockWriter{}
		w.write(block{form: formDifference, size: n, payload: payload})
		w.flush()
		return w.out
	}
	base := make([]byte, full)
	for _, c := range []struct {
		name string
		size int64 // of the full file, as the header says
		body []byte
	}{
		{"a huge file", 1 << 62, copied(full, 0)},
		{"more than its blocks", full + 1, copied(full, 0)},
		{"a frame that grows", full, section(maxBlock, bomb)},
		{"a frame that is too short", full, section(maxBlock, compress.EncodeAll(make([]byte, maxBlock-1), nil))},
		{"a tiny frame", full, section(minCompressed-1, compress.EncodeAll(make([]byte, minCompressed-1), nil))},
		{"a block that is too large", full, section(maxBlock+1, bomb)},
		{"a copy from behind the base", full, copied(full, 1)},
		{"a copy from before the base", full, copied(full, -1)},
		{"a block of no bytes", full, append(copied(0, 0), 0, 0, 0)},
		{"a form that is none", full, []byte{forms, 1}},
		{"half a word", full, words(maxBlock-2, 0)},
		{"no groups", full, words(maxBlock)},
		{"255 groups that are not there", full, words(maxBlock, 255)},
		{"255 groups out of order", full, words(maxBlock, append([]byte{255}, make([]byte, 300)...)...)},
		{"groups in a small block", full, words(400, 1, 120, 1, 0, 0, 0)},
		{"a coding that is none", full, words(maxBlock, 0, codings)},
		{"a class that is none", full, words(maxBlock, 0, codingClasses, 0, classes, 0)},
		{"classes without bits", full, words(maxBlock, 0, codingClasses, 0, classes-1, 0)},
		{"a plane too few", full, words(maxBlock, 0, codingPlanes, 0, 1, 0, 1, 0, 1)},
		{"a plane too many", full, words(maxBlock, 0, codingPlanes, 0, 1, 0, 1, 0, 1, 0, 1, 0, 1)},
		{"numbers that never end", full, bytes.Repeat([]byte{0x80}, 100)},
	} {
		t.Run(c.name, func(t *testing.T) {
			h := Header{BaseSHA256: hash(base), BaseSize: full, FullSize: c.size}
			body := c.body
			if rest := len(base) - sizeOfFirst(body); c.size == full && rest > 0 && rest < full {
				body = append(slices.Clone(body), copied(rest, 0)...) // the first block is to blame, not the size
			}
			delta := append(h.append(nil), body...)
			var before, after runtime.MemStats
			runtime.ReadMemStats(&before)
			_, err := ApplyVerified(base, delta, full)
			runtime.ReadMemStats(&after)
			if !errors.Is(err, ErrDamaged) {
				t.Errorf("expected ErrDamaged, got %v", err)
			}
			if used := after.TotalAlloc - before.TotalAlloc; used > full+16<<20 {
				t.Errorf("expected at most the limit and 16 MiB, got %d bytes", used)
			}
		})
	}
}
