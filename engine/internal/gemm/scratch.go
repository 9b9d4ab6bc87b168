package gemm

// Scratch is the memory in which one goroutine packs parts of matrices. The zero value is ready; it grows with the products, to at most
// a few megabytes.
type Scratch struct {
	a, b, c []float32
}

// floats returns n values of unspecified content from *buf, which grows if it has to.
func floats(buf *[]float32, n int) []float32 {
	if len(*buf) < n {
		*buf = make([]float32, max(n, 2*len(*buf), 16<<10)) // a large object, so that it starts at a page
	}
	return (*buf)[:n]
}
