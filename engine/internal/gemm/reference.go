package gemm

import "github.com/pold-network/pold/engine/internal/exact"

// reference computes the product as it is defined, on every processor. The loop over j inside the loop over p runs n independent chains
// side by side, which hides the latency of each.
func (p *Product) reference() {
	if p.N == 0 {
		return
	}
	if !p.Accumulate {
		p.clear()
	}
	rowStep, kStep := p.LDA, 1
	if p.TransA {
		rowStep, kStep = 1, p.LDA
	}
	for i := range p.M {
		c := p.C[i*p.LDC:][:p.N]
		for q := range p.K {
			x := p.A[i*rowStep+q*kStep]
			if p.TransB {
				for j := range c {
					c[j] = exact.FMA(x, p.B[j*p.LDB+q], c[j])
				}
				continue
			}
			b := p.B[q*p.LDB:][:len(c)]
			for j, y := range b {
				c[j] = exact.FMA(x, y, c[j])
			}
		}
	}
}
