package transfer

import (
	"bufio"
	"bytes"
	"encoding/binary"
	"math"
	"strings"
	"testing"

	"github.com/ipfs/go-cid"
	"github.com/stretchr/testify/require"

	"github.com/pold-network/pold/sidecar/swarm/internal/dag"
	"github.com/pold-network/pold/sidecar/swarm/internal/objectstore"
)

func someBits(n int, set ...int) objectstore.Bits {
	b := objectstore.NewBits(n)
	for _, i := range set {
		b.Set(i)
	}
	return b
}

// messages are one of every kind and shape.
func messages(t testing.TB) map[string]*message {
	x := newSample(t, "wire", 3*dag.ChunkSize+1)
	large := cid.NewCidV1(cid.DagProtobuf, x.root.Hash())
	forms := []objectstore.Form{{Base: x.root, Delta: dag.LeafCID(x.leaves[0]), Size: 5}, {Base: dag.LeafCID(x.leaves[1]), Delta: x.root, Size: dag.MaxSize}}
	many := make([]uint32, maxHaves)
	for i := range many {
		many[i] = uint32(dag.Leaves(dag.MaxSize) - 1 - i)
	}
	return map[string]*message{
		"want":                 {kind: msgWant, root: x.root},
		"want with digests":    {kind: msgWant, root: x.root, digests: true},
		"drop":                 {kind: msgDrop, root: x.root},
		"idle":                 {kind: msgIdle, root: x.root},
		"map of nothing":       {kind: msgMap, root: x.root, size: -1},
		"map of all":           {kind: msgMap, root: x.root, size: int64(len(x.data)), have: objectstore.AllBits(4)},
		"map of a part":        {kind: msgMap, root: x.root, size: int64(len(x.data)), have: someBits(4, 1, 3)},
		"map without a chunk":  {kind: msgMap, root: x.root, size: int64(len(x.data)), have: someBits(4)},
		"map with digests":     {kind: msgMap, root: x.root, size: int64(len(x.data)), have: someBits(4, 0), leaves: objectstore.AppendLeaves(nil, x.leaves)},
		"map with forms":       {kind: msgMap, root: x.root, size: int64(len(x.data)), have: objectstore.AllBits(4), forms: forms},
		"map of one chunk":     {kind: msgMap, root: dag.LeafCID(x.leaves[0]), size: 7, have: objectstore.AllBits(1)},
		"map of nothing big":   {kind: msgMap, root: large, size: dag.MaxSize, have: someBits(dag.Leaves(dag.MaxSize), 5)},
		"map of the largest":   {kind: msgMap, root: large, size: dag.MaxSize, have: objectstore.AllBits(dag.Leaves(dag.MaxSize))},
		"have":                 {kind: msgHave, root: x.root, numbers: []uint32{0, 3, 1 << 19, 3}},
		"have of many numbers": {kind: msgHave, root: x.root, numbers: many},
	}
}

func TestMessagesTravelUnchanged(t *testing.T) {
	var all []byte
	var order []*message
	for name, m := range messages(t) {
		b := m.encode()
		require.LessOrEqual(t, len(b), maxMessage, name)
		got, err := decodeMessage(b)
		require.NoError(t, err, name)
		require.Equal(t, b, got.encode(), name)
		require.Equal(t, m.size, got.size, name)
		require.Equal(t, m.have.Count(), got.have.Count(), name)
		require.Equal(t, m.forms, got.forms, name)
		require.Equal(t, m.numbers, got.numbers, name)
		require.Equal(t, m.digests, got.digests, name)
		all = appendMessage(all, m)
		order = append(order, m)
	}
	r := bufio.NewReader(bytes.NewReader(all))
	for _, m := range order {
		got, err := readMessage(r)
		require.NoError(t, err)
		require.Equal(t, m.encode(), got.encode())
	}
	_, err := readMessage(r)
	require.Error(t, err)
}

func TestMessagesThatNobodyWrites(t *testing.T) {
	all := messages(t)
	for name, m := range all {
		b := m.encode()
		if len(b) < 1000 {
			for cut := range b {
				got, err := decodeMessage(b[:cut])
				require.False(t, err == nil && !bytes.Equal(got.encode(), b[:cut]), "%s cut to %d bytes", name, cut)
			}
		}
		if m.kind != msgHave {
			_, err := decodeMessage(append(bytes.Clone(b), 0))
			require.ErrorIs(t, err, errMessage, "%s and a byte", name)
		}
	}
	change := func(name string, fn func(b []byte) []byte) []byte { return fn(bytes.Clone(all[name].encode())) }
	head := 1 + dag.CIDSize
	root := all["want"].root
	raw := all["map of one chunk"]
	for name, b := range map[string][]byte{
		"nothing":             {},
		"an unknown kind":     change("want", func(b []byte) []byte { b[0] = 9; return b }),
		"another kind of CID": change("want", func(b []byte) []byte { b[1] = 0; return b }),
		"a want of 2":         change("want", func(b []byte) []byte { b[head] = 2; return b }),
		"a state of 3":        change("map of all", func(b []byte) []byte { b[head] = 3; return b }),
		"forms without end":   change("map of all", func(b []byte) []byte { b[len(b)-2] = maxForms; return b }),
		"too many forms":      change("map of all", func(b []byte) []byte { b[len(b)-2] = maxForms + 1; return b }),
		"digests too short":   (&message{kind: msgMap, root: root, size: 3*dag.ChunkSize + 1, have: objectstore.AllBits(4), leaves: make([]byte, 96)}).encode(),
		"digests without end": change("map of all", func(b []byte) []byte { return binary.AppendUvarint(b[:len(b)-1], 128) }),
		"digests of 2^60":     change("map of all", func(b []byte) []byte { return binary.AppendUvarint(b[:len(b)-1], 1<<60) }),
		"a part that is all":  change("map of a part", func(b []byte) []byte { b[len(b)-1] = 0x0f; return b }),
		"bits beyond the end": change("map of a part", func(b []byte) []byte { b[len(b)-1] |= 0x10; return b }),
		"a size too large":    append(append([]byte{msgMap}, root.Bytes()...), append([]byte{mapComplete}, binary.AppendUvarint(nil, uint64(dag.MaxSize)+1)...)...),
		"a size going round":  append(append([]byte{msgMap}, root.Bytes()...), append([]byte{mapComplete}, binary.AppendUvarint(nil, math.MaxUint64)...)...),
		// A single chunk of a terabyte would have to be allocated.
		"a large single chunk":  (&message{kind: msgMap, root: raw.root, size: dag.ChunkSize + 1, have: objectstore.AllBits(2)}).encode(),
		"a small one of inner":  (&message{kind: msgMap, root: root, size: 5, have: objectstore.AllBits(1)}).encode(),
		"no numbers":            change("have", func(b []byte) []byte { return b[:head] }),
		"a number out of range": binary.AppendUvarint(change("have", func(b []byte) []byte { return b[:head] }), uint64(dag.Leaves(dag.MaxSize))),
		"a number going round":  binary.AppendUvarint(change("have", func(b []byte) []byte { return b[:head] }), math.MaxUint64),
		"a number spelled long": change("have", func(b []byte) []byte { return append(b[:head], 0x80, 0x00) }),
		"a number without end":  change("have", func(b []byte) []byte { return append(b[:head], 0x80) }),
		"too many numbers":      change("have of many numbers", func(b []byte) []byte { return append(b, 1) }),
	} {
		t.Run(name, func(t *testing.T) {
			_, err := decodeMessage(b)
			require.ErrorIs(t, err, errMessage)
		})
	}
	for name, b := range map[string][]byte{
		"longer than allowed":   binary.AppendUvarint(nil, maxMessage+1),
		"as long as can be":     binary.AppendUvarint(nil, math.MaxUint64),
		"a length without end":  []byte(strings.Repeat("\x80", 20)),
		"longer than what came": append(binary.AppendUvarint(nil, 100), make([]byte, 99)...),
		"empty":                 {0},
	} {
		t.Run(name, func(t *testing.T) {
			_, err := readMessage(bufio.NewReader(bytes.NewReader(b)))
			require.Error(t, err)
		})
	}
}

func TestFrames(t *testing.T) {
	for _, number := range []uint32{0, 1, leavesNumber, busyNumber, cancelBit - 3} {
		for _, length := range []uint32{0, dag.ChunkSize, missingLength, takenLength} {
			n, l := readFrame(frame(number, length, nil))
			require.Equal(t, number, n)
			require.Equal(t, length, l)
		}
	}
	// Numbers of chunks never look like anything else.
	most := uint32(dag.Leaves(dag.MaxSize))
	require.Less(t, most, uint32(busyNumber))
	require.Zero(t, most&cancelBit)
	require.Less(t, uint64(dag.Leaves(dag.MaxSize))*32, uint64(takenLength), "the longest list of digests is no special length")
}

func FuzzDecodeMessage(f *testing.F) {
	for _, m := range messages(f) {
		if b := m.encode(); len(b) < 1000 {
			f.Add(b)
		}
	}
	f.Fuzz(func(t *testing.T, b []byte) {
		m, err := decodeMessage(b)
		if err != nil {
			return
		}
		if !bytes.Equal(m.encode(), b) {
			t.Fatalf("%x is read as %x", b, m.encode())
		}
		if m.kind == msgMap && m.size >= 0 {
			if _, err := dag.Root(m.root, m.size); err != nil || m.have.Len() != dag.Leaves(m.size) {
				t.Fatalf("map of %d bytes with %d bits: %v", m.size, m.have.Len(), err)
			}
		}
		if len(m.forms) > maxForms || len(m.numbers) > maxHaves || len(m.leaves) > maxInline {
			t.Fatal("a bound does not hold")
		}
	})
}
