package engine

// window holds the matrix of what a band of pixel rows sees: one line for each (channel, kernel row, kernel column), one column for each
// pixel of the band.
type window struct {
	values []float32
	rows   int // pixel rows of a band
	whole  bool
}

// windowValues is about how many values a window may hold: few enough to stay in a processor's second-level cache.
const windowValues = 1 << 16

func (w *window) init(lines, height, width int) {
	w.rows = max(1, min(height, windowValues/max(1, lines*width)))
	w.whole = w.rows == height
	w.values = make([]float32, lines*w.rows*width)
}

// begin returns the zeroed matrix of a band. A window of the whole image keeps its zeros: the same places are written every time.
func (w *window) begin(lines, rows, width int) []float32 {
	values := w.values[:lines*rows*width]
	if !w.whole {
		clear(values)
	}
	return values
}

// span returns the range of i in [0, n) for which 0 ≤ i·stride + offset < size.
func span(n, stride, offset, size int) (from, to int) {
	if offset < 0 {
		from = (-offset + stride - 1) / stride
	}
	if last := size - 1 - offset; last >= 0 {
		to = min(n, last/stride+1)
	}
	return from, max(from, to)
}

// gather fills the window of the output rows first … first+rows-1 for one group of channels of image x.
func (l *conv2d) gather(w *window, x []float32, group, first, rows int) []float32 {
	values := w.begin(l.columns, rows, l.outWidth)
	line := 0
	for c := range l.groupIn {
		image := x[(group*l.groupIn+c)*l.height*l.width:][:l.height*l.width]
		for i := range l.kernelHeight {
			top := first*l.strideHeight + i - l.padHeight
			fromRow, toRow := span(rows, l.strideHeight, top, l.height)
			for j := range l.kernelWidth {
				dst := values[line*rows*l.outWidth:][:rows*l.outWidth]
				line++
				from, to := span(l.outWidth, l.strideWidth, j-l.padWidth, l.width)
				if fromRow == toRow || from == to {
					continue
				}
				if l.strideWidth == 1 {
					l.m.vec.CopyBlock(dst[fromRow*l.outWidth+from:], l.outWidth,
						image[(fromRow*l.strideHeight+top)*l.width+from+j-l.padWidth:], l.width*l.strideHeight, toRow-fromRow, to-from)
					continue
				}
				for r := fromRow; r < toRow; r++ {
					src := image[(r*l.strideHeight+top)*l.width:][:l.width]
					for q := from; q < to; q++ {
						dst[r*l.outWidth+q] = src[q*l.strideWidth+j-l.padWidth]
					}
				}
			}
		}
	}
	return values
}

// spread fills the window of the input rows first … first+rows-1 for one group with the dy that each weight led to them.
func (l *conv2d) spread(w *window, dy []float32, group, first, rows int) []float32 {
	values := w.begin(l.groupOut*l.kernelHeight*l.kernelWidth, rows, l.width)
	line, pixels := 0, l.outPixels()
	for u := range l.groupOut {
		image := dy[(group*l.groupOut+u)*pixels:][:pixels]
		for i := range l.kernelHeight {
			// Output row p reaches input row p·stride + i - padding; in the band when that minus first is within it.
			fromRow, toRow := span(l.outHeight, l.strideHeight, i-l.padHeight-first, rows)
			for j := range l.kernelWidth {
				dst := values[line*rows*l.width:][:rows*l.width]
				line++
				from, to := span(l.outWidth, l.strideWidth, j-l.padWidth, l.width)
				if fromRow == toRow || from == to {
					continue
				}
				at := (fromRow*l.strideHeight+i-l.padHeight-first)*l.width + from*l.strideWidth + j - l.padWidth
				if l.strideWidth == 1 {
					l.m.vec.CopyBlock(dst[at:], l.width*l.strideHeight, image[fromRow*l.outWidth+from:], l.outWidth, toRow-fromRow, to-from)
					continue
				}
				for r := fromRow; r < toRow; r++ {
					for q := from; q < to; q++ {
						dst[at+(q-from)*l.strideWidth] = image[r*l.outWidth+q]
					}
					at += l.width * l.strideHeight
				}
			}
		}
	}
	return values
}
