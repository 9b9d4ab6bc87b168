package vector

import "github.com/pold-network/pold/engine/internal/isa"

// poolRowsAVX512 is MaxPool2Rows for rows > 0 and cols > 0.
//
//go:noescape
func poolRowsAVX512(dst *float32, index *uint32, src *float32, width, rows, cols int)

// poolRowsGradAVX512 is MaxPool2RowsGrad for rows > 0 and cols > 0.
//
//go:noescape
func poolRowsGradAVX512(dx, dy *float32, index *uint32, width, rows, cols int)

// poolRows does the work of MaxPool2Rows in one call where there is a kernel for it.
func (k *Kernels) poolRows(dst []float32, index []uint32, src []float32, width, rows, cols int) bool {
	if k.Level != isa.AVX512 {
		return false
	}
	poolRowsAVX512(&dst[0], &index[0], &src[0], width, rows, cols)
	return true
}

func (k *Kernels) poolRowsGrad(dx, dy []float32, index []uint32, width, rows, cols int) bool {
	if k.Level != isa.AVX512 {
		return false
	}
	poolRowsGradAVX512(&dx[0], &dy[0], &index[0], width, rows, cols)
	return true
}
