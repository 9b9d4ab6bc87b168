package vector

// copyRowsAVX512 copies rows > 0 rows of cols values; strides are in values.
//
//go:noescape
func copyRowsAVX512(dst *float32, dstStride int, src *float32, srcStride, rows, cols int)

// copyBlockAVX512 is copyBlock for the many short rows of images: a call of copy for each of them takes several times as long.
func copyBlockAVX512(dst []float32, dstStride int, src []float32, srcStride, rows, cols int) {
	if rows <= 0 || cols <= 0 || dstStride < 0 || srcStride < 0 {
		return
	}
	_, _ = dst[(rows-1)*dstStride+cols-1], src[(rows-1)*srcStride+cols-1]
	copyRowsAVX512(&dst[0], dstStride, &src[0], srcStride, rows, cols)
}

func init() { tableAVX512.CopyBlock = copyBlockAVX512 }
