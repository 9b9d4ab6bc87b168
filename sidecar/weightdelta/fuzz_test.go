package weightdelta

import (
	"bytes"
	"errors"
	"testing"

	"github.com/pold-network/pold/engine"
)

// pairs are two files for each way of writing a block.
func pairs(t testing.TB) [][2][]byte {
	base := file(t, weights("a", 3000, 0), weights("b", 400, 0))
	return [][2][]byte{
		{base, file(t, weights("a", 3000, 1), weights("b", 400, 0))},
		{base, file(t, weights("b", 400, 1))},
		{nil, base},
		{base, bytes.Repeat([]byte("row,label\n"), 300)},
		{bytesFrom(9001, 1), append(bytesFrom(9001, 1), 1, 2, 3)},
		{file(t, engine.NewTensor("x", []int{2000}, make([]float32, 2000))), file(t, engine.NewTensor("x", []int{2000}, constants(2000)))},
	}
}

func constants(n int) []float32 {
	x := make([]float32, n)
	for i := range x {
		x[i] = 0.001
	}
	return x
}

// FuzzApply decodes what a peer could send. The header is made right, so that the blocks are reached.
func FuzzApply(f *testing.F) {
	for _, p := range pairs(f) {
		delta, smaller := Encode(p[0], p[1])
		if !smaller {
			f.Fatal("expected a smaller delta")
		}
		f.Add(p[0], delta[headerSize:], uint32(len(p[1])))
	}
	f.Fuzz(func(t *testing.T, base, blocks []byte, size uint32) {
		const limit = 1 << 20
		h := Header{BaseSHA256: hash(base), BaseSize: int64(len(base)), FullSize: int64(size)}
		delta := append(h.append(nil), blocks...)
		full, err := ApplyVerified(base, delta, limit)
		if err != nil {
			if !errors.Is(err, ErrDamaged) {
				t.Fatalf("expected ErrDamaged, got %v", err)
			}
			return
		}
		if len(full) != int(size) || size > limit {
			t.Fatalf("expected %d bytes of at most %d, got %d", size, limit, len(full))
		}
		h.FullSHA256 = hash(full)
		if again, err := Apply(base, append(h.append(nil), blocks...), limit); err != nil || !bytes.Equal(again, full) {
			t.Fatalf("expected the same file again, got error %v", err)
		}
		if !bytes.Equal(referenceApply(base, delta), full) {
			t.Fatal("expected the same file from the reference decoder")
		}
	})
}

func FuzzParseHeader(f *testing.F) {
	for _, p := range pairs(f) {
		delta, _ := Encode(p[0], p[1])
		f.Add(delta)
	}
	f.Fuzz(func(t *testing.T, delta []byte) {
		h, err := ParseHeader(delta)
		if err != nil {
			if !errors.Is(err, ErrDamaged) {
				t.Fatalf("expected ErrDamaged, got %v", err)
			}
			return
		}
		if !bytes.Equal(h.append(nil), delta[:headerSize]) {
			t.Fatal("expected a header that is written as it was read")
		}
	})
}

// FuzzEncode makes deltas between any bytes.
func FuzzEncode(f *testing.F) {
	for _, p := range pairs(f) {
		f.Add(p[0], p[1])
	}
	f.Fuzz(func(t *testing.T, base, full []byte) {
		delta, smaller := Encode(base, full)
		if !smaller {
			return
		}
		if len(delta) >= len(full) {
			t.Fatalf("expected fewer than %d bytes, got %d", len(full), len(delta))
		}
		got, err := Apply(base, delta, int64(len(full)))
		if err != nil || !bytes.Equal(got, full) {
			t.Fatalf("expected the full file, got error %v", err)
		}
	})
}
