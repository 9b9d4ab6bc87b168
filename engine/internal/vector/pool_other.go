//go:build !amd64

package vector

func (*Kernels) poolRows([]float32, []uint32, []float32, int, int, int) bool { return false }

func (*Kernels) poolRowsGrad([]float32, []float32, []uint32, int, int, int) bool { return false }
