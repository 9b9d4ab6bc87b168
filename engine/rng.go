package engine

import (
	"crypto/sha256"
	"encoding/binary"
	"math"
	"math/bits"
)

// philox4x32 is one block of the counter-based generator Philox4x32-10 (Salmon, Moraes, Dror, Shaw: "Parallel random numbers: as easy
// as 1, 2, 3", SC11): ten rounds that turn a 128-bit counter and a 64-bit key into four random words.
func philox4x32(counter [4]uint32, key [2]uint32) [4]uint32 {
	const (
		mul0, mul1   = 0xd2511f53, 0xcd9e8d57
		weyl0, weyl1 = 0x9e3779b9, 0xbb67ae85
		rounds       = 10
	)
	c, k := counter, key
	for range rounds {
		hi0, lo0 := bits.Mul32(mul0, c[0])
		hi1, lo1 := bits.Mul32(mul1, c[2])
		c = [4]uint32{hi1 ^ c[1] ^ k[0], lo1, hi0 ^ c[3] ^ k[1], lo0}
		k[0] += weyl0
		k[1] += weyl1
	}
	return c
}

// stream is an endless sequence of random words. Streams with different seed, label or index are independent; a stream can be opened
// anywhere without running those before it, so that any training step can be replayed alone.
type stream struct {
	key   [2]uint32
	nonce [2]uint32 // upper half of the counter
	block uint64    // lower half: number of the next block
	words [4]uint32
	used  int // words already handed out
}

const streamDomain = Version + "/stream\x00"

// newStream opens the stream (seed, label, index). Key and nonce are the first 16 bytes of
// SHA-256(domain ‖ seed ‖ index as 8 bytes little endian ‖ label).
func newStream(seed [32]byte, label string, index uint64) *stream {
	s := openStream(seed, label, index)
	return &s
}

// openStream is newStream without an allocation, for labels of up to 96 bytes.
func openStream(seed [32]byte, label string, index uint64) stream {
	var room [len(streamDomain) + len(seed) + 8 + 96]byte
	b := append(append(room[:0], streamDomain...), seed[:]...)
	b = binary.LittleEndian.AppendUint64(b, index)
	h := sha256.Sum256(append(b, label...))
	word := func(i int) uint32 { return binary.LittleEndian.Uint32(h[4*i:]) }
	return stream{key: [2]uint32{word(0), word(1)}, nonce: [2]uint32{word(2), word(3)}, used: 4}
}

// skip passes over the first n words of a stream that has not been read yet.
func (s *stream) skip(n uint64) {
	s.block = n / 4
	for range n % 4 {
		s.uint32()
	}
}

// uint32 returns the next random word.
func (s *stream) uint32() uint32 {
	if s.used == len(s.words) {
		s.words = philox4x32([4]uint32{uint32(s.block), uint32(s.block >> 32), s.nonce[0], s.nonce[1]}, s.key)
		s.block++
		s.used = 0
	}
	w := s.words[s.used]
	s.used++
	return w
}

// below returns a uniform integer in [0, n), n > 0. Words that would favour some results are thrown away (Lemire 2019).
func (s *stream) below(n uint32) uint32 {
	reject := -n % n // 2^32 mod n
	for {
		if hi, lo := bits.Mul32(s.uint32(), n); lo >= reject {
			return hi
		}
	}
}

// symmetric returns a uniform float32 in (-1, 1): an odd multiple of 2^-23, hence exact and never zero.
func (s *stream) symmetric() float32 {
	odd := int32(s.uint32()>>9)*2 + 1 - 1<<23
	return float32(odd) * (1.0 / (1 << 23))
}

// permute fills p with a random order of 0..len(p)-1 (Fisher–Yates from the end).
func (s *stream) permute(p []int) {
	for i := range p {
		p[i] = i
	}
	for i := len(p) - 1; i > 0; i-- {
		j := int(s.below(uint32(i + 1)))
		p[i], p[j] = p[j], p[i]
	}
}

// glorotUniform fills w with numbers between ±sqrt(6 / (inputs + outputs)) (Glorot and Bengio 2010).
func (s *stream) glorotUniform(w []float32, inputs, outputs int) {
	limit := float32(math.Sqrt(float64(6 / float32(inputs+outputs))))
	for i := range w {
		w[i] = limit * s.symmetric()
	}
}
