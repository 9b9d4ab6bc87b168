package types

import (
	"math/big"

	"cosmossdk.io/math"
)

// bigQuo returns floor(a*b / (c*d)). The products may exceed the 256 bits of math.Int, so they are formed in big.Int.
func bigQuo(a, b, c, d math.Int) math.Int {
	n := new(big.Int).Mul(a.BigInt(), b.BigInt())
	m := new(big.Int).Mul(c.BigInt(), d.BigInt())
	return math.NewIntFromBigInt(n.Quo(n, m))
}

func powerOfTwo(n uint64) math.Int {
	return math.NewIntFromBigInt(new(big.Int).Lsh(big.NewInt(1), uint(n)))
}
