package objectstore

import (
	"bytes"
	"encoding/json"
	"math/rand/v2"
	"testing"

	"github.com/ipfs/go-cid"
	"github.com/stretchr/testify/require"

	"github.com/pold-network/pold/sidecar/swarm/internal/dag"
)

func jsonLength(e entry) (int, error) {
	b, err := json.Marshal(e.line())
	return len(b), err
}

func TestBitsAreASetOfNumbers(t *testing.T) {
	r := rand.New(rand.NewPCG(1, 2))
	for _, n := range []int{0, 1, 7, 8, 9, 64, 65, 1000} {
		x, model := NewBits(n), make(map[int]bool)
		check := func() {
			t.Helper()
			require.Equal(t, n, x.Len())
			require.Equal(t, len(model), x.Count())
			require.Equal(t, len(model) == n, x.All())
			for i := -2; i < n+10; i++ {
				require.Equal(t, model[i], x.Has(i), "bit %d of %d", i, n)
			}
			y, err := ParseBits(x.Bytes(), n)
			require.NoError(t, err)
			require.Equal(t, x.Bytes(), y.Bytes())
			require.Equal(t, x.Count(), y.Count())
		}
		check()
		for range 3 * n {
			i := r.IntN(n)
			before := x.Clone()
			if r.IntN(3) > 0 {
				require.Equal(t, !model[i], x.Set(i))
				model[i] = true
			} else {
				x.Clear(i)
				delete(model, i)
			}
			require.LessOrEqual(t, before.Count()-x.Count(), 1, "a copy does not change")
		}
		check()
		for i := range n {
			x.Set(i)
			model[i] = true
		}
		check()
		all := AllBits(n)
		require.Equal(t, x.Bytes(), all.Bytes())
		require.Equal(t, x.Count(), all.Count())
		x.Clear(n) // out of range is none
		check()
	}
	var zero Bits
	require.False(t, zero.Has(0))
	require.Zero(t, zero.Len())
}

func FuzzParseBits(f *testing.F) {
	f.Add([]byte{0xff, 0x01}, 9)
	f.Add([]byte{}, 0)
	f.Add([]byte{0xff}, 7)
	f.Fuzz(func(t *testing.T, b []byte, n int) {
		if n < 0 || n > 1<<20 {
			return
		}
		x, err := ParseBits(b, n)
		if err != nil {
			return
		}
		count := 0
		for i := range n + 16 {
			if x.Has(i) {
				count++
			}
		}
		if count != x.Count() || x.Count() > n || !bytes.Equal(x.Bytes(), b) {
			t.Fatalf("%d bits of %d, counted %d", x.Count(), n, count)
		}
	})
}

func FuzzParseLeaves(f *testing.F) {
	f.Add(make([]byte, 64), int64(dag.ChunkSize+1))
	f.Add([]byte{}, int64(0))
	f.Fuzz(func(t *testing.T, b []byte, size int64) {
		if size < 0 || size > dag.MaxSize {
			return
		}
		leaves, err := ParseLeaves(b, size)
		if err == nil && (len(leaves) != dag.Leaves(size) || !bytes.Equal(AppendLeaves(nil, leaves), b)) {
			t.Fatalf("%d bytes are read as %d leaves", len(b), len(leaves))
		}
	})
}

func FuzzLog(f *testing.F) {
	var text []byte
	for i := range 3 {
		b, err := json.Marshal(sampleEntry(i).line())
		require.NoError(f, err)
		text = append(append(text, b...), '\n')
	}
	f.Add(append([]byte(logVersion+"\n"), text...))
	f.Add([]byte(logVersion + "\n" + `{"cid":"x"}` + "\n"))
	f.Add([]byte(nil))
	f.Fuzz(func(t *testing.T, text []byte) {
		l := changeLog{entries: make(map[cid.Cid]entry)}
		if _, err := l.parse(text); err != nil {
			return
		}
		for c, e := range l.entries {
			if e.root != c {
				t.Fatalf("%s is noted as %s", e.root, c)
			}
			if _, err := dag.Root(c, e.size); err != nil {
				t.Fatal(err)
			}
			// What was read can be written and read again.
			b, err := json.Marshal(e.line())
			if err != nil {
				t.Fatal(err)
			}
			again := changeLog{entries: make(map[cid.Cid]entry)}
			if err := again.apply(b); err != nil {
				t.Fatalf("%s: %v", b, err)
			}
		}
	})
}
