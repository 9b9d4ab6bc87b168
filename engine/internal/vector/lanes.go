package vector

// The small pieces of the portable kernels.

// choose returns a if mask, else b.
func choose[T float32 | uint32](mask bool, a, b T) T {
	if mask {
		return a
	}
	return b
}

// larger returns a if it is strictly above b, else b.
func larger(a, b float32) float32 {
	if a > b {
		return a
	}
	return b
}

// smaller returns a if it is strictly below b, else b.
func smaller(a, b float32) float32 {
	if a < b {
		return a
	}
	return b
}

// foldSum adds the upper half of the lanes to the lower half until one is left.
func foldSum(lane *[Lanes]float32) float32 {
	for half := Lanes / 2; half > 0; half /= 2 {
		for i := range half {
			lane[i] += lane[i+half]
		}
	}
	return lane[0]
}

// foldMax folds like foldSum, with the comparison of Max.
func foldMax(lane *[Lanes]float32) float32 {
	for half := Lanes / 2; half > 0; half /= 2 {
		for i := range half {
			lane[i] = larger(lane[i+half], lane[i])
		}
	}
	return lane[0]
}

// copyBlock is CopyBlock of every level.
func copyBlock(dst []float32, dstStride int, src []float32, srcStride, rows, cols int) {
	for r := range rows {
		copy(dst[r*dstStride:][:cols], src[r*srcStride:][:cols])
	}
}
