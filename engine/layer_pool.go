package engine

import "github.com/pold-network/pold/modelspec"

// poolShape is what max and average pooling have in common: windows over each channel of an image.
type poolShape struct {
	m                         *machine
	channels, height, width   int
	outHeight, outWidth       int
	kernelHeight, kernelWidth int
	strideHeight, strideWidth int
	b                         *io
	ahead, back               task
}

func newPoolShape(m *machine, n *modelspec.Node) poolShape {
	p := poolShape{m: m, outHeight: n.Out[1], outWidth: n.Out[2], kernelHeight: int(n.KernelHeight), kernelWidth: int(n.KernelWidth),
		strideHeight: int(n.StrideHeight), strideWidth: int(n.StrideWidth)}
	p.channels, p.height, p.width = n.Image()
	return p
}

func (p *poolShape) forward(b *io) {
	p.b = b
	p.m.run(&p.ahead, b.rows*p.channels, rowPiece(p.height*p.width))
}

func (p *poolShape) backward(b *io) {
	if b.dx[0] != nil {
		p.b = b
		p.m.run(&p.back, b.rows*p.channels, rowPiece(p.height*p.width))
	}
}

// planes returns plane i (a channel of an image) of input-sized and output-sized values.
func (p *poolShape) planes(i int, in, out []float32) (image, pooled []float32) {
	return in[i*p.height*p.width:][:p.height*p.width], out[i*p.outHeight*p.outWidth:][:p.outHeight*p.outWidth]
}

// maxPool takes the largest value of each window, the first of equals in row-major order; NaN is taken only from the first place. It
// keeps where each came from: the place in the window.
type maxPool struct {
	poolShape
	places []uint32
}

func newMaxPool(m *machine, n *modelspec.Node, capacity int, mode passMode) layer {
	l := &maxPool{poolShape: newPoolShape(m, n), places: make([]uint32, capacity*n.Outputs())}
	two := l.kernelHeight == 2 && l.kernelWidth == 2 && l.strideHeight == 2 && l.strideWidth == 2
	size := l.outHeight * l.outWidth
	l.ahead.work = func(_, from, to int) {
		for i := from; i < to; i++ {
			x, y := l.planes(i, l.b.x[0], l.b.y)
			places := l.places[i*size:][:size]
			if two {
				m.vec.MaxPool2Rows(y, places, x, l.width, l.outHeight, l.outWidth)
				continue
			}
			l.largest(x, y, places)
		}
	}
	l.back.work = func(_, from, to int) {
		for i := from; i < to; i++ {
			dx, dy := l.planes(i, l.b.dx[0], l.b.dy)
			places := l.places[i*size:][:size]
			if two {
				if l.width > 2*l.outWidth || l.height > 2*l.outHeight {
					clear(dx)
				}
				m.vec.MaxPool2RowsGrad(dx, dy, places, l.width, l.outHeight, l.outWidth)
				continue
			}
			clear(dx)
			l.scatter(dx, dy, places)
		}
	}
	return l
}

func (l *maxPool) largest(x, y []float32, places []uint32) {
	for r := range l.outHeight {
		for q := range l.outWidth {
			corner := x[r*l.strideHeight*l.width+q*l.strideWidth:]
			best, at := corner[0], 0
			for i := range l.kernelHeight {
				for j, v := range corner[i*l.width:][:l.kernelWidth] {
					if v > best {
						best, at = v, i*l.kernelWidth+j
					}
				}
			}
			y[r*l.outWidth+q], places[r*l.outWidth+q] = best, uint32(at)
		}
	}
}

// scatter adds each dy where its maximum came from, in the order of the outputs.
func (l *maxPool) scatter(dx, dy []float32, places []uint32) {
	for r := range l.outHeight {
		for q := range l.outWidth {
			place := int(places[r*l.outWidth+q])
			row, column := r*l.strideHeight+place/l.kernelWidth, q*l.strideWidth+place%l.kernelWidth
			dx[row*l.width+column] += dy[r*l.outWidth+q]
		}
	}
}

// averagePool is the sum of a window, row-major from +0, divided by the number of its values.
type averagePool struct{ poolShape }

func newAveragePool(m *machine, n *modelspec.Node) layer {
	l := &averagePool{newPoolShape(m, n)}
	count := float32(l.kernelHeight * l.kernelWidth)
	l.ahead.work = func(_, from, to int) {
		for i := from; i < to; i++ {
			x, y := l.planes(i, l.b.x[0], l.b.y)
			for at := range y {
				sum := float32(0)
				corner := x[at/l.outWidth*l.strideHeight*l.width+at%l.outWidth*l.strideWidth:]
				for i := range l.kernelHeight {
					for _, v := range corner[i*l.width:][:l.kernelWidth] {
						sum += v
					}
				}
				y[at] = sum / count
			}
		}
	}
	l.back.work = func(_, from, to int) {
		for i := from; i < to; i++ {
			dx, dy := l.planes(i, l.b.dx[0], l.b.dy)
			clear(dx)
			for at, g := range dy {
				share := g / count
				corner := dx[at/l.outWidth*l.strideHeight*l.width+at%l.outWidth*l.strideWidth:]
				for i := range l.kernelHeight {
					row := corner[i*l.width:][:l.kernelWidth]
					for j := range row {
						row[j] += share
					}
				}
			}
		}
	}
	return l
}

// globalAveragePool is the mean of each channel, in the order of reductions.
type globalAveragePool struct {
	m           *machine
	pixels      int
	b           *io
	ahead, back task
}

func newGlobalAveragePool(m *machine, n *modelspec.Node) layer {
	l := &globalAveragePool{m: m, pixels: n.Inputs() / n.Outputs()}
	l.ahead.work = func(_, from, to int) {
		for i := from; i < to; i++ {
			l.b.y[i] = m.vec.Sum(l.b.x[0][i*l.pixels:][:l.pixels]) / float32(l.pixels)
		}
	}
	l.back.work = func(_, from, to int) {
		for i := from; i < to; i++ {
			fill(l.b.dx[0][i*l.pixels:][:l.pixels], l.b.dy[i]/float32(l.pixels))
		}
	}
	return l
}

func (l *globalAveragePool) forward(b *io) {
	l.b = b
	l.m.run(&l.ahead, len(b.y), rowPiece(l.pixels))
}

func (l *globalAveragePool) backward(b *io) {
	if b.dx[0] != nil {
		l.b = b
		l.m.run(&l.back, len(b.dy), rowPiece(l.pixels))
	}
}
