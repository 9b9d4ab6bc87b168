package types

import "math/big"

// product multiplies without a bound; math.Int would panic beyond 256 bits.
func product(factors ...*big.Int) *big.Int {
	p := big.NewInt(1)
	for _, f := range factors {
		p.Mul(p, f)
	}
	return p
}
