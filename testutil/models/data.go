package models

// Numbers returns n values that look like normally distributed ones, exact sums of small fractions, from a seed.
func Numbers(n int, seed uint64) []float32 {
	x := make([]float32, n)
	for i := range x {
		// Four 16-bit uniform numbers: their sum has variance 1/3 in units of 2^16, 7/4 brings it near 1.
		w, sum := word(seed, uint64(i)), int32(-2*65535)
		for range 4 {
			sum += int32(w & 0xffff)
			w >>= 16
		}
		x[i] = float32(sum) * (1.75 / 65536)
	}
	return x
}

// Integers returns n values from 0 to below-1.
func Integers(n, below int, seed uint64) []uint32 {
	x := make([]uint32, n)
	for i := range x {
		x[i] = uint32(word(seed, uint64(i)) % uint64(below))
	}
	return x
}

// Floats converts integers: inputs of an embedding are given as floats.
func Floats(x []uint32) []float32 {
	f := make([]float32, len(x))
	for i, v := range x {
		f[i] = float32(v)
	}
	return f
}

// word is the finaliser of SplitMix64 on a counter.
func word(seed, i uint64) uint64 {
	z := (seed+1)*0x9e3779b97f4a7c15 + (i+1)*0xd1342543de82ef95
	z = (z ^ z>>30) * 0xbf58476d1ce4e5b9
	z = (z ^ z>>27) * 0x94d049bb133111eb
	return z ^ z>>31
}
