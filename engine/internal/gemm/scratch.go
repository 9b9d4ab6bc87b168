package gemm

import "github.com/pold-network/pold/engine/internal/isa"

// Scratch is the memory in which one goroutine packs parts of matrices. The zero value is ready; it grows with the products, to at most
// a few megabytes.
type Scratch struct {
	b []float32 // packed panels of op(B)
	c []float32 // rows of C with whole vectors
}

// bufferedRows is the number of rows of C that are computed in Scratch.c at a time.
const bufferedRows = 128

// reserve makes the scratch memory large enough for every part of the product in this grid.
func (k *kernelSet) reserve(s *Scratch, p *Product, g grid) {
	if k.level == isa.Portable {
		return
	}
	partial := !k.masked && p.N%k.lanes != 0
	if p.TransB || (p.M+g.rows-1)/g.rows > k.inPlaceRows || partial {
		columns := ((p.N+k.lanes-1)/k.lanes + g.cols - 1) / g.cols * k.lanes
		floats(&s.b, min(p.K, k.blockK)*min(columns, k.blockColumns))
	}
	if partial {
		floats(&s.c, bufferedRows*k.vectors*k.lanes)
	}
}

// floats returns n values of unspecified content from *buf, which grows if it has to.
func floats(buf *[]float32, n int) []float32 {
	if len(*buf) < n {
		*buf = make([]float32, max(n, 2*len(*buf), 16<<10)) // a large object, so that it starts at a page
	}
	return (*buf)[:n]
}
