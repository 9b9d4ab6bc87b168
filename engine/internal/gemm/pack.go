package gemm

import "unsafe"

// packPanel copies columns j0 ≤ j < j0+width of rows q0 ≤ q < q0+depth of op(B) to dst, row by row, with rows of stride values. What lies
// beyond width is left as it is: lanes do not mix, and no result is taken from there.
func packPanel(dst []float32, stride int, p *Product, j0, width, q0, depth int) {
	if p.TransB {
		packTransposed(dst, stride, p.B[j0*p.LDB+q0:], p.LDB, width, depth)
		return
	}
	src := p.B[q0*p.LDB+j0:]
	for q := range depth {
		copy(dst[q*stride:][:width], src[q*p.LDB:][:width])
	}
}

// packTransposed writes the transpose of src, width rows of depth values, to dst. Edges are covered by blocks that overlap the ones
// before: the values that are written twice are the same.
func packTransposed(dst []float32, stride int, src []float32, ld, width, depth int) {
	if width < 8 || depth < 8 {
		for j := range width {
			for q, v := range src[j*ld:][:depth] {
				dst[q*stride+j] = v
			}
		}
		return
	}
	_, _ = dst[(depth-1)*stride+width-1], src[(width-1)*ld+depth-1] // the kernel does not look
	for j := 0; j < width; j += 8 {
		j = min(j, width-8)
		transpose8(unsafe.Pointer(&dst[j]), 4*stride, unsafe.Pointer(&src[j*ld]), 4*ld, depth/8)
		if q := depth - 8; depth%8 != 0 {
			transpose8(unsafe.Pointer(&dst[q*stride+j]), 4*stride, unsafe.Pointer(&src[j*ld+q]), 4*ld, 1)
		}
	}
}
