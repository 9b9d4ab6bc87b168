package vector

// MaxPool2Rows is MaxPool2 over an image: rows × cols outputs from 2·rows lines of width ≥ 2·cols values.
func (k *Kernels) MaxPool2Rows(dst []float32, index []uint32, src []float32, width, rows, cols int) {
	if rows <= 0 || cols <= 0 {
		return
	}
	dst, index, src = dst[:rows*cols], index[:rows*cols], src[:(2*rows-1)*width+2*cols]
	if width < 2*cols {
		panic("vector: MaxPool2Rows: lines are too short")
	}
	if k.poolRows(dst, index, src, width, rows, cols) {
		return
	}
	for r := range rows {
		top := src[2*r*width:]
		k.MaxPool2(dst[r*cols:][:cols], index[r*cols:][:cols], top[:2*cols], top[width:][:2*cols])
	}
}

// MaxPool2RowsGrad is MaxPool2Grad over an image. Values of a line beyond 2·cols stay as they are.
func (k *Kernels) MaxPool2RowsGrad(dx, dy []float32, index []uint32, width, rows, cols int) {
	if rows <= 0 || cols <= 0 {
		return
	}
	dy, index, dx = dy[:rows*cols], index[:rows*cols], dx[:(2*rows-1)*width+2*cols]
	if width < 2*cols {
		panic("vector: MaxPool2RowsGrad: lines are too short")
	}
	if k.poolRowsGrad(dx, dy, index, width, rows, cols) {
		return
	}
	for r := range rows {
		top := dx[2*r*width:]
		k.MaxPool2Grad(top[:2*cols], top[width:][:2*cols], dy[r*cols:][:cols], index[r*cols:][:cols])
	}
}
