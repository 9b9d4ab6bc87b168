package modelspec

import "math"

// Work per value in Node.Operations, in multiply-adds of a large matrix product that take as long on a processor with vector units. They
// are rounded up: the cost of a group has to bound what validators do, not to predict it.
const (
	simpleWork      = 4  // load, one operation, store
	normWork        = 32 // two passes for mean and variance, one to apply them
	exponentialWork = 64 // anything with exp in it
	gatherWork      = 32 // a value that is looked up by itself: windows of pools, strides

	// Starting on a vector, a line or a channel takes time however short it is.
	shortCallWork = 128  // copy or fill
	callWork      = 512  // a kernel or two
	vectorWork    = 2048 // a norm or a softmax
	productWork   = 4096 // a matrix product
)

// product multiplies sizes, each 0 or above; what does not fit is the largest number, which no limit allows.
func product(sizes ...int) int64 {
	p := int64(1)
	for _, d := range sizes {
		p = times(p, int64(d))
	}
	return p
}

func times(a, b int64) int64 {
	if b != 0 && a > math.MaxInt64/b {
		return math.MaxInt64
	}
	return a * b
}

// plus adds amounts, each 0 or above, in the same way.
func plus(amounts ...int64) int64 {
	var total int64
	for _, a := range amounts {
		if total > math.MaxInt64-a {
			return math.MaxInt64
		}
		total += a
	}
	return total
}

// work is the time of an elementwise step over a shape.
func work(perValue int64, shape ...int) int64 { return times(perValue, product(shape...)) }
