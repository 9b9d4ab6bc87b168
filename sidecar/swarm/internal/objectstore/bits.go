package objectstore

import (
	"fmt"
	"math/bits"
	"slices"

	"github.com/pold-network/pold/sidecar/swarm/internal/dag"
)

// Bits says which chunks of an object are held: bit i of byte i/8, lowest
// first. The zero value has room for none.
type Bits struct {
	b     []byte
	n     int
	count int
}

// NewBits returns n bits, none set.
func NewBits(n int) Bits { return Bits{b: make([]byte, (n+7)/8), n: n} }

// AllBits returns n bits, all set.
func AllBits(n int) Bits {
	x := NewBits(n)
	for i := range x.b {
		x.b[i] = 0xff
	}
	if n%8 != 0 {
		x.b[n/8] = 1<<(n%8) - 1
	}
	x.count = n
	return x
}

// ParseBits reads what Bytes returns; bits beyond n must be clear.
func ParseBits(b []byte, n int) (Bits, error) {
	if len(b) != (n+7)/8 {
		return Bits{}, fmt.Errorf("%w: expected %d bytes for %d chunks, got %d", dag.ErrMismatch, (n+7)/8, n, len(b))
	}
	if n%8 != 0 && b[len(b)-1]>>(n%8) != 0 {
		return Bits{}, fmt.Errorf("%w: bits beyond the last of %d chunks", dag.ErrMismatch, n)
	}
	x := Bits{b: slices.Clone(b), n: n}
	for _, v := range b {
		x.count += bits.OnesCount8(v)
	}
	return x, nil
}

// Bytes returns the bits as ParseBits reads them; the caller must not change them.
func (x *Bits) Bytes() []byte { return x.b }

// Len is the number of bits, Count that of the set ones.
func (x *Bits) Len() int { return x.n }

// Count is the number of bits that are set.
func (x *Bits) Count() int { return x.count }

// All says whether every bit is set.
func (x *Bits) All() bool { return x.count == x.n }

// Has says whether bit i is set.
func (x *Bits) Has(i int) bool { return i >= 0 && i < x.n && x.b[i/8]>>(i%8)&1 == 1 }

// Set sets bit i and says whether it was clear.
func (x *Bits) Set(i int) bool {
	if x.Has(i) {
		return false
	}
	x.b[i/8] |= 1 << (i % 8)
	x.count++
	return true
}

// Clear clears bit i.
func (x *Bits) Clear(i int) {
	if x.Has(i) {
		x.b[i/8] &^= 1 << (i % 8)
		x.count--
	}
}

// Remove clears all bits that are set in y, which has as many.
func (x *Bits) Remove(y *Bits) {
	for i := range min(len(x.b), len(y.b)) {
		x.count -= bits.OnesCount8(x.b[i] & y.b[i])
		x.b[i] &^= y.b[i]
	}
}

// Clone returns a copy.
func (x *Bits) Clone() Bits { return Bits{slices.Clone(x.b), x.n, x.count} }
