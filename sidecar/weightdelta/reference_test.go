package weightdelta

import (
	"encoding/binary"
	"fmt"
	"math/bits"

	"github.com/klauspost/compress/zstd"
)

// referenceApply is docs/reference/weight-deltas.md read line by line: one value at a time, everything in the order of the file, and
// nothing shared with the package but the numbers of the forms. It trusts the delta.
func referenceApply(base, delta []byte) []byte {
	r := &reference{b: delta[88:]}
	var full []byte
	place := 0
	for len(r.b) > 0 {
		form, size := r.take(1)[0], r.uvarint()
		var old []byte
		if form == formCopy || form == formXor || form == formDifference {
			place += r.varint()
			old = base[place : place+size]
			place += size
		} else {
			old = make([]byte, size)
		}
		if form == formCopy {
			full = append(full, old...)
			continue
		}
		p := &reference{b: r.take(r.uvarint())}
		if form == formBytes {
			full = append(full, p.section(size)...)
			continue
		}
		full = append(full, p.words(form, old)...)
	}
	return full
}

type reference struct{ b []byte }

var referenceZstd, _ = zstd.NewReader(nil, zstd.WithDecoderConcurrency(1))

func (r *reference) take(n int) []byte {
	b := r.b[:n]
	r.b = r.b[n:]
	return b
}

func (r *reference) uvarint() int {
	v, n := binary.Uvarint(r.b)
	r.take(n)
	return int(v)
}

func (r *reference) varint() int {
	v, n := binary.Varint(r.b)
	r.take(n)
	return int(v)
}

func (r *reference) section(n int) []byte {
	if n == 0 {
		return nil
	}
	k := r.uvarint()
	switch k {
	case 0:
		c := r.take(1)[0]
		b := make([]byte, n)
		for i := range b {
			b[i] = c
		}
		return b
	case n:
		return r.take(n)
	}
	b, err := referenceZstd.DecodeAll(r.take(k), nil)
	if err != nil || len(b) != n {
		panic(fmt.Sprint(len(b), n, err))
	}
	return b
}

func (r *reference) words(form byte, old []byte) []byte {
	cuts := r.take(int(r.take(1)[0]))
	members := make([][]int, len(cuts)+1) // words of each group
	for i := range len(old) / 4 {
		exponent := binary.LittleEndian.Uint32(old[4*i:]) >> 23 & 0xff
		g := 0
		for g < len(cuts) && exponent >= uint32(cuts[g]) {
			g++
		}
		members[g] = append(members[g], i)
	}
	out := make([]byte, len(old))
	for _, group := range members {
		if len(group) == 0 {
			continue
		}
		for k, residual := range r.group(len(group)) {
			i := group[k]
			w := binary.LittleEndian.Uint32(old[4*i:])
			if form == formDifference {
				w = referenceLine(w)
				if residual%2 == 0 {
					w += residual / 2
				} else {
					w -= residual/2 + 1
				}
				w = referenceLine(w)
			} else {
				w ^= bits.RotateLeft32(residual, 31)
			}
			binary.LittleEndian.PutUint32(out[4*i:], w)
		}
	}
	return out
}

// referenceLine flips the other 31 bits of words with the first bit set.
func referenceLine(w uint32) uint32 {
	if w >= 1<<31 {
		return w ^ (1<<31 - 1)
	}
	return w
}

func (r *reference) group(n int) []uint32 {
	out := make([]uint32, n)
	if r.take(1)[0] == codingPlanes {
		for plane := range 4 {
			for i, b := range r.section(n) {
				out[i] |= uint32(b) << (8 * plane)
			}
		}
		return out
	}
	symbols := r.section(n)
	low := r.take(r.uvarint())
	at := 0
	for i, c := range symbols {
		if c < 4 {
			out[i] = uint32(c)
			continue
		}
		extra := int(c)/2 - 1
		out[i] = uint32(2+c%2) << extra
		for k := range extra {
			out[i] |= uint32(low[at/8]>>(at%8)&1) << k
			at++
		}
	}
	return out
}
