package weightdelta

import (
	"encoding/binary"
	"errors"
	"fmt"
	"math/bits"
)

// le is the order of bytes in all files.
var le = binary.LittleEndian

// A word is the bits of a float32. A residual is what remains of a word when the base is known: small where the two floats are close.

// line maps the bits of floats to integers in the order of the floats: neighbours differ by one, also across powers of two, and
// only the two zeros are apart. It is its own inverse.
func line(w uint32) uint32 { return w ^ uint32(int32(w)>>31)>>1 }

// difference returns how far w is from b on the line: 0, -1, 1, -2, 2, … as 0, 1, 2, 3, 4, …
func difference(w, b uint32) uint32 {
	d := line(w) - line(b)
	return d<<1 ^ uint32(int32(d)>>31)
}

// undoDifference is the inverse of difference.
func undoDifference(r, b uint32) uint32 { return line(line(b) + (r>>1 ^ -(r & 1))) }

// xor returns the bits in which w and b differ, the sign last, so that the exponent fills the first byte.
func xor(w, b uint32) uint32 { return bits.RotateLeft32(w^b, 1) }

// undoXor is the inverse of xor.
func undoXor(r, b uint32) uint32 { return bits.RotateLeft32(r, -1) ^ b }

// exponent returns the eight bits that say how large a float is. The step of an optimiser has about one size for all weights of a
// tensor, so the residual, which counts in units of the last place, depends on the exponent: large floats change by few units.
func exponent(w uint32) byte { return byte(w >> 23) }

// A residual r ≥ 4 of n bits has class 2n-2, or 2n-1 when the bit below its leading one is set, and is completed by its other n-2 bits.
// The classes 0 to 3 are the residuals themselves. Classes are skewed and compress well; the bits below them are as good as random.
const classes = 64

// classOf returns the class of a residual.
func classOf(r uint32) byte {
	if r < 4 {
		return byte(r)
	}
	n := bits.Len32(r)
	return byte(2*n - 2 + int(r>>(n-2)&1))
}

// Tables over all bytes, so that a lookup needs no check: how many bits complete a class, a mask of so many bits, and the smallest
// residual of the class. What is no class is completed by no bits.
var classBits, classMask, classStart = func() (n [256]uint8, mask, start [256]uint32) {
	for c := range uint32(classes) {
		start[c] = c
		if c >= 4 {
			n[c] = uint8(c/2 - 1)
			mask[c] = 1<<n[c] - 1
			start[c] = (2 + c&1) << n[c]
		}
	}
	return n, mask, start
}()

// appendLow appends the bits that complete the classes of rs, first bit lowest, the last byte filled with zeros.
func appendLow(out []byte, rs []uint32) []byte {
	var acc uint64
	held := 0
	for _, r := range rs {
		n := int(classBits[classOf(r)])
		acc |= uint64(r&(1<<n-1)) << held // at most 7 + 30 bits
		for held += n; held >= 8; held -= 8 {
			out = append(out, byte(acc))
			acc >>= 8
		}
	}
	if held > 0 {
		out = append(out, byte(acc))
	}
	return out
}

// complete is the inverse of appendLow: rs[i] is the residual of class symbols[i] with the next bits of low. It reports classes that are
// none, and bits that are missing or left over.
func complete(rs []uint32, symbols, low []byte) error {
	rs = rs[:len(symbols)]
	at, all, i := uint(0), byte(0), 0
	for i < len(symbols)-1 {
		// A word holds 57 bits from here on: enough for two residuals, unless both are among the largest.
		p := at / 8
		if p+8 > uint(len(low)) {
			break
		}
		w := le.Uint64(low[p:p+8]) >> (at % 8)
		c, d := symbols[i], symbols[i+1]
		n, m := uint(classBits[c]), uint(classBits[d])
		if n+m > 57 {
			break
		}
		rs[i] = classStart[c] + uint32(w)&classMask[c]
		rs[i+1] = classStart[d] + uint32(w>>(n%64))&classMask[d]
		at += n + m
		all |= c | d
		i += 2
	}
	for ; i < len(symbols); i++ {
		var word [8]byte
		copy(word[:], low[min(at/8, uint(len(low))):])
		c := symbols[i]
		rs[i] = classStart[c] + uint32(le.Uint64(word[:])>>(at%8))&classMask[c]
		at += uint(classBits[c])
		all |= c
	}
	switch {
	case all >= classes: // a power of two, so that no sum of classes reaches it
		return fmt.Errorf("expected classes below %d", classes)
	case (at+7)/8 != uint(len(low)):
		return fmt.Errorf("expected %d bits to complete the classes, got %d bytes", at, len(low))
	case at%8 != 0 && low[at/8]>>(at%8) != 0:
		return errors.New("expected zeros behind the last bit")
	}
	return nil
}

// joinPlanes puts words together from their byte planes, the lowest first.
func joinPlanes(rs []uint32, planes *[4][]byte) {
	a, b, c, d := planes[0][:len(rs)], planes[1][:len(rs)], planes[2][:len(rs)], planes[3][:len(rs)]
	for i := range rs {
		rs[i] = uint32(a[i]) | uint32(b[i])<<8 | uint32(c[i])<<16 | uint32(d[i])<<24
	}
}

// restore turns residuals in the order of the words into words.
func restore(to, old []byte, rs []uint32, form byte) {
	to, old = to[:4*len(rs)], old[:4*len(rs)]
	if form == formDifference {
		for i, r := range rs {
			store(to, i, undoDifference(r, load(old, i)))
		}
		return
	}
	for i, r := range rs {
		store(to, i, undoXor(r, load(old, i)))
	}
}

func load(b []byte, i int) uint32     { return le.Uint32(b[4*i:]) }
func store(b []byte, i int, w uint32) { le.PutUint32(b[4*i:], w) }
