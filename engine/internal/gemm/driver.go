package gemm

import (
	"unsafe"

	"github.com/pold-network/pold/engine/internal/isa"
)

// Sizes of blocks, chosen by measurement; they change speed only.
const (
	blockK       = 512 // rows of op(B) and columns of op(A) at a time
	blockRows    = 240 // rows of op(A) that stay in the second-level cache, blockK wide
	blockColumns = 384 // columns of a packed block of op(B) that stays there
	inPlaceRows  = 160 // up to this many rows of C, op(B) is read where it is: a copy would not be used often enough
)

// serial computes a product on one thread.
func (k *kernelSet) serial(p *Product, s *Scratch) {
	switch {
	case p.M == 0 || p.N == 0:
	case k.level == isa.Portable:
		p.reference()
	case p.K == 0:
		if !p.Accumulate {
			p.clear()
		}
	default:
		d := driver{kernelSet: k, p: p, s: s}
		d.aRow, d.aColumn = p.LDA, 1
		if p.TransA {
			d.aRow, d.aColumn = 1, p.LDA
		}
		if p.M <= blockRows || p.N <= k.vectors*k.lanes {
			d.panelByPanel()
		} else {
			d.blockByBlock()
		}
	}
}

// driver is one product on one thread. It cuts C into panels, as wide as a tile, and panels into tiles.
type driver struct {
	*kernelSet
	p             *Product
	s             *Scratch
	aRow, aColumn int // distances in op(A)
}

// panel is a range of columns as wide as a tile.
type panel struct {
	column, width int // width in columns: what exists of the vectors
	vectors       int
	b             unsafe.Pointer // row q0 of op(B), first column of the panel
	bStep         int            // in values
}

// panels cuts columns into panels of nearly equal width. Number i has wide or wide-1 vectors.
type panels struct{ count, wide, wider int }

func (k *kernelSet) panels(columns int) panels {
	vectors := (columns + k.lanes - 1) / k.lanes
	count := (vectors + k.vectors - 1) / k.vectors
	return panels{count, vectors/count + 1, vectors % count}
}

func (q panels) vectors(i int) int {
	if i < q.wider {
		return q.wide
	}
	return q.wide - 1
}

// steps cuts k into blocks of nearly equal depth and calls f for each.
func steps(k, block int, f func(from, depth int)) {
	count := (k + block - 1) / block
	depth := ((k+count-1)/count + 7) &^ 7
	for from := 0; from < k; from += depth {
		f(from, min(depth, k-from))
	}
}

// panelByPanel takes one panel after the other and computes all rows of C in it, so that the panel stays in the nearest caches. Each
// panel is packed just before it is used, or read in place.
func (d *driver) panelByPanel() {
	p := d.p
	cut := d.panels(p.N)
	steps(p.K, blockK, func(q0, depth int) {
		x := panel{}
		for i := range cut.count {
			x.vectors = cut.vectors(i)
			x.width = min(x.vectors*d.lanes, p.N-x.column)
			whole := x.width == x.vectors*d.lanes
			if p.TransB || p.M > inPlaceRows || (!whole && !d.masked) {
				x.bStep = x.vectors * d.lanes
				b := floats(&d.s.b, depth*x.bStep)
				packPanel(b, x.bStep, p, x.column, x.width, q0, depth)
				x.b = unsafe.Pointer(&b[0])
			} else {
				x.b, x.bStep = unsafe.Pointer(&p.B[q0*p.LDB+x.column]), p.LDB
			}
			d.tilesOfPanel(&x, 0, p.M, q0, depth)
			x.column += x.width
		}
	})
}

// tilesOfPanel computes the rows i0 ≤ i < i1 of a panel. They are cut into tiles of nearly equal height.
func (d *driver) tilesOfPanel(x *panel, i0, i1, q0, depth int) {
	p := d.p
	c, cStep := unsafe.Pointer(&p.C[i0*p.LDC+x.column]), p.LDC
	accumulate := p.Accumulate || q0 > 0
	buffered := x.width < x.vectors*d.lanes && !d.masked
	if buffered {
		cStep = x.vectors * d.lanes
		buffer := floats(&d.s.c, (i1-i0)*cStep)
		if accumulate {
			for i := range i1 - i0 {
				copy(buffer[i*cStep:][:x.width], p.C[(i0+i)*p.LDC+x.column:])
			}
		}
		c = unsafe.Pointer(&buffer[0])
	}
	t := tiles{
		a: unsafe.Pointer(&p.A[i0*d.aRow+q0*d.aColumn]), rowStep: 4 * d.aRow, kStep: 4 * d.aColumn,
		b: x.b, bStep: 4 * x.bStep, c: c, cStep: 4 * cStep, k: depth,
	}
	if accumulate {
		t.accumulate = 1
	}
	masked := x.width < x.vectors*d.lanes && d.masked
	if masked {
		t.mask = d.mask(x.width - (x.vectors-1)*d.lanes)
	}
	count := (i1 - i0 + d.rows - 1) / d.rows
	rows, taller := (i1-i0)/count, (i1-i0)%count
	if taller > 0 {
		t.count = taller
		t.nextA, t.nextC = (rows+1)*t.rowStep, (rows+1)*t.cStep
		t.kernel = d.kernelNumber(rows+1, x.vectors, masked)
		d.run(&t)
		done := taller * (rows + 1)
		t.a = unsafe.Pointer(&p.A[(i0+done)*d.aRow+q0*d.aColumn])
		t.c = unsafe.Add(c, done*t.cStep)
	}
	t.count = count - taller
	t.nextA, t.nextC = rows*t.rowStep, rows*t.cStep
	t.kernel = d.kernelNumber(rows, x.vectors, masked)
	d.run(&t)
	if buffered {
		buffer := d.s.c
		for i := range i1 - i0 {
			copy(p.C[(i0+i)*p.LDC+x.column:][:x.width], buffer[i*cStep:])
		}
	}
}

// blockByBlock packs a block of op(B) that stays in the second-level cache and takes one row of tiles after the other through it.
func (d *driver) blockByBlock() {
	p := d.p
	for j0 := 0; j0 < p.N; j0 += blockColumns {
		columns := min(blockColumns, p.N-j0)
		cut := d.panels(columns)
		steps(p.K, blockK, func(q0, depth int) {
			b := floats(&d.s.b, (columns+d.lanes)*depth)
			x := panel{column: j0}
			at := 0
			for i := range cut.count {
				x.vectors = cut.vectors(i)
				x.width = min(x.vectors*d.lanes, j0+columns-x.column)
				x.bStep = x.vectors * d.lanes
				packPanel(b[at:], x.bStep, p, x.column, x.width, q0, depth)
				at += x.bStep * depth
				x.column += x.width
			}
			tall := (p.M + d.rows - 1) / d.rows
			for t := range tall {
				i0, i1 := t*p.M/tall, (t+1)*p.M/tall
				x, at := panel{column: j0}, 0
				for i := range cut.count {
					x.vectors = cut.vectors(i)
					x.width = min(x.vectors*d.lanes, j0+columns-x.column)
					x.bStep = x.vectors * d.lanes
					x.b = unsafe.Pointer(&b[at])
					d.tilesOfPanel(&x, i0, i1, q0, depth)
					at += x.bStep * depth
					x.column += x.width
				}
			}
		})
	}
}
