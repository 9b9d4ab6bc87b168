package engine

// window holds the matrix of what a band of pixels sees: one line for each (channel, kernel row, kernel column), one column for each
// pixel of the band.
type window struct {
	values        []float32
	height, width int // of the image of pixels
	rows, cols    int // of a band: whole pixel rows, or a part of one
}

// windowValues is about how many values a window may hold: few enough to stay in a processor's second-level cache. Where a single row of
// pixels needs more than rowValues, it is cut, because long lines of a wide image could fill any memory.
const (
	windowValues = 1 << 16
	rowValues    = 1 << 18
)

func (w *window) init(lines, height, width int) {
	w.height, w.width = height, width
	w.rows = max(1, min(height, windowValues/max(1, lines*width)))
	w.cols = width
	if lines*width > rowValues {
		w.cols = max(1, rowValues/lines)
	}
	w.values = make([]float32, lines*w.rows*w.cols)
}

// band is a part of the pixels: all columns of some rows, or some columns of one row.
type band struct{ top, rows, left, cols int }

// first returns the band at the top left.
func (w *window) first() band { return band{rows: w.rows, cols: w.cols} }

// next returns the band after b in row-major order of the pixels, one without rows after the last.
func (w *window) next(b band) band {
	if b.left += b.cols; b.left == w.width {
		b.left, b.top = 0, b.top+b.rows
	}
	b.rows, b.cols = min(w.rows, w.height-b.top), min(w.cols, w.width-b.left)
	return b
}

// begin returns the zeroed matrix of a band. A window of the whole image keeps its zeros: the same places are written every time.
func (w *window) begin(lines int, b band) []float32 {
	values := w.values[:lines*b.rows*b.cols]
	if w.rows < w.height || w.cols < w.width {
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

// gather fills the window of a band of the output for one group of channels of image x.
func (l *conv2d) gather(w *window, x []float32, group int, b band) []float32 {
	values := w.begin(l.columns, b)
	line, size := 0, b.rows*b.cols
	for c := range l.groupIn {
		image := x[(group*l.groupIn+c)*l.height*l.width:][:l.height*l.width]
		for i := range l.kernelHeight {
			top := b.top*l.strideHeight + i - l.padHeight
			fromRow, toRow := span(b.rows, l.strideHeight, top, l.height)
			for j := range l.kernelWidth {
				dst := values[line*size:][:size]
				line++
				left := b.left*l.strideWidth + j - l.padWidth
				from, to := span(b.cols, l.strideWidth, left, l.width)
				if fromRow == toRow || from == to {
					continue
				}
				if l.strideWidth == 1 {
					l.m.vec.CopyBlock(dst[fromRow*b.cols+from:], b.cols,
						image[(fromRow*l.strideHeight+top)*l.width+from+left:], l.width*l.strideHeight, toRow-fromRow, to-from)
					continue
				}
				for r := fromRow; r < toRow; r++ {
					src := image[(r*l.strideHeight+top)*l.width:][:l.width]
					for q := from; q < to; q++ {
						dst[r*b.cols+q] = src[q*l.strideWidth+left]
					}
				}
			}
		}
	}
	return values
}

// spread fills the window of a band of the input for one group with the dy that each weight led to it.
func (l *conv2d) spread(w *window, dy []float32, group int, b band) []float32 {
	values := w.begin(l.groupOut*l.kernelHeight*l.kernelWidth, b)
	line, size, pixels := 0, b.rows*b.cols, l.outPixels()
	for u := range l.groupOut {
		image := dy[(group*l.groupOut+u)*pixels:][:pixels]
		for i := range l.kernelHeight {
			// Output row p reaches input row p·stride + i - padding; in the band when that minus its top is within it.
			top := i - l.padHeight - b.top
			fromRow, toRow := span(l.outHeight, l.strideHeight, top, b.rows)
			for j := range l.kernelWidth {
				dst := values[line*size:][:size]
				line++
				left := j - l.padWidth - b.left
				from, to := span(l.outWidth, l.strideWidth, left, b.cols)
				if fromRow == toRow || from == to {
					continue
				}
				at := (fromRow*l.strideHeight+top)*b.cols + from*l.strideWidth + left
				if l.strideWidth == 1 {
					l.m.vec.CopyBlock(dst[at:], b.cols*l.strideHeight, image[fromRow*l.outWidth+from:], l.outWidth, toRow-fromRow, to-from)
					continue
				}
				for r := fromRow; r < toRow; r++ {
					for q := from; q < to; q++ {
						dst[at+(q-from)*l.strideWidth] = image[r*l.outWidth+q]
					}
					at += b.cols * l.strideHeight
				}
			}
		}
	}
	return values
}
