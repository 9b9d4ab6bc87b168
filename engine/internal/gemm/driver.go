package gemm

import (
	"iter"
	"unsafe"

	"github.com/pold-network/pold/engine/internal/isa"
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
		if p.M*min(p.K, k.blockK) <= k.blockA || p.N <= k.vectors*k.lanes {
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

// panelRun is a number of panels of the same width side by side. Only when count is 1 may the last vector be incomplete.
type panelRun struct {
	column, width  int // width in columns of one panel
	vectors, count int
	b              unsafe.Pointer // first row of the block of op(B), first column of the run
	bStep, bNext   int            // values from a row of op(B) to the next, and from a panel to the next
}

// partial reports whether the last vector is incomplete.
func (x *panelRun) partial(lanes int) bool { return x.width < x.vectors*lanes }

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

// blocks cuts n into blocks of at most about size, nearly equal, and yields where each begins and how long it is.
func blocks(n, size int) iter.Seq2[int, int] {
	return func(yield func(from, length int) bool) {
		count := (n + size - 1) / size
		length := ((n+count-1)/count + 15) &^ 15
		for from := 0; from < n; from += length {
			if !yield(from, min(length, n-from)) {
				return
			}
		}
	}
}

// panelByPanel takes one panel after the other and computes all rows of C in it, so that the panel stays in the nearest caches.
func (d *driver) panelByPanel() {
	p := d.p
	cut := d.panels(p.N)
	if p.M*p.K <= d.blockA {
		// All of op(A) stays near. A panel that has to be transposed is short, for the nearest cache.
		block := d.blockK
		if p.TransB {
			block = d.blockTransposed
		}
		for column, i := 0, 0; i < cut.count; i++ {
			for q0, depth := range blocks(p.K, block) {
				d.panel(column, cut.vectors(i), q0, depth)
			}
			column += cut.vectors(i) * d.lanes
		}
		return
	}
	for q0, depth := range blocks(p.K, d.blockK) {
		for column, i := 0, 0; i < cut.count; i++ {
			d.panel(column, cut.vectors(i), q0, depth)
			column += cut.vectors(i) * d.lanes
		}
	}
}

// panel computes all rows of C in one panel, which is packed just before it is used, or read in place.
func (d *driver) panel(column, vectors, q0, depth int) {
	p := d.p
	x := panelRun{column: column, width: min(vectors*d.lanes, p.N-column), vectors: vectors, count: 1}
	if p.TransB || p.M > d.inPlaceRows || (x.partial(d.lanes) && !d.masked) {
		x.bStep = vectors * d.lanes
		b := floats(&d.s.b, depth*x.bStep)
		packPanel(b, x.bStep, p, column, x.width, q0, depth)
		x.b = unsafe.Pointer(&b[0])
	} else {
		x.b, x.bStep = unsafe.Pointer(&p.B[q0*p.LDB+column]), p.LDB
	}
	// The rows are cut into tiles of nearly equal height, the taller ones first.
	tiles := (p.M + d.rows - 1) / d.rows
	rows, taller := p.M/tiles, p.M%tiles
	if taller > 0 {
		d.column(&x, 0, rows+1, taller, q0, depth)
	}
	d.column(&x, taller*(rows+1), rows, tiles-taller, q0, depth)
}

// blockByBlock packs a block of op(B) that stays in the second-level cache and takes one row of tiles after the other through it.
func (d *driver) blockByBlock() {
	p := d.p
	for j0, columns := range blocks(p.N, d.blockColumns) {
		cut := d.panels(columns)
		for q0, depth := range blocks(p.K, d.blockK) {
			b := floats(&d.s.b, (columns+d.lanes-1)/d.lanes*d.lanes*depth)
			var runs [3]panelRun // wide, narrow, and one incomplete panel
			used := runs[:0]
			for column, at, i := j0, 0, 0; i < cut.count; i++ {
				x := panelRun{column: column, vectors: cut.vectors(i), count: 1, b: unsafe.Pointer(&b[at])}
				x.width = min(x.vectors*d.lanes, j0+columns-column)
				x.bStep = x.vectors * d.lanes
				x.bNext = x.bStep * depth
				packPanel(b[at:], x.bStep, p, column, x.width, q0, depth)
				if n := len(used); n > 0 && used[n-1].width == x.width {
					used[n-1].count++
				} else {
					used = append(used, x)
				}
				at += x.bNext
				column += x.width
			}
			tall := (p.M + d.rows - 1) / d.rows
			for i := range tall {
				i0, i1 := i*p.M/tall, (i+1)*p.M/tall
				for r := range used {
					d.row(&used[r], i0, i1-i0, q0, depth)
				}
			}
		}
	}
}

// column computes count tiles of a panel, one below the other from row i0 on.
func (d *driver) column(x *panelRun, i0, rows, count, q0, depth int) {
	once := count
	if !d.masked && x.partial(d.lanes) {
		once = bufferedRows / rows
	}
	for ; count > 0; count -= once {
		t := d.tiles(x, i0, q0, depth)
		t.count = min(count, once)
		t.nextA, t.nextC = rows*t.rowStep, rows*t.cStep
		height := t.count * rows
		d.compute(&t, x, i0, rows, height)
		i0 += height
	}
}

// row computes the tiles of a run of panels, one beside the other.
func (d *driver) row(x *panelRun, i0, rows, q0, depth int) {
	t := d.tiles(x, i0, q0, depth)
	t.count, t.nextB, t.nextC = x.count, 4*x.bNext, 4*x.width
	d.compute(&t, x, i0, rows, rows)
}

// tiles returns the arguments that do not depend on how the tiles lie.
func (d *driver) tiles(x *panelRun, i0, q0, depth int) tiles {
	p := d.p
	t := tiles{
		a: unsafe.Pointer(&p.A[i0*d.aRow+q0*d.aColumn]), rowStep: 4 * d.aRow, kStep: 4 * d.aColumn,
		b: x.b, bStep: 4 * x.bStep,
		c: unsafe.Pointer(&p.C[i0*p.LDC+x.column]), cStep: 4 * p.LDC, k: depth,
	}
	if p.Accumulate || q0 > 0 {
		t.accumulate = 1
	}
	return t
}

// compute runs the kernel for tiles of rows rows, which cover height rows of C from i0 on. Where a kernel can only write whole vectors
// an incomplete one is computed in a buffer.
func (d *driver) compute(t *tiles, x *panelRun, i0, rows, height int) {
	partial := x.partial(d.lanes)
	t.kernel = d.kernelNumber(rows, x.vectors, partial && d.masked)
	switch {
	case !partial:
		d.run(t)
	case d.masked:
		t.mask = d.mask(x.width - (x.vectors-1)*d.lanes)
		d.run(t)
	default:
		stride := x.vectors * d.lanes
		buffer := floats(&d.s.c, height*stride)
		c := d.p.C[i0*d.p.LDC+x.column:]
		if t.accumulate != 0 {
			for i := range height {
				copy(buffer[i*stride:][:x.width], c[i*d.p.LDC:])
			}
		}
		t.c, t.cStep, t.nextC = unsafe.Pointer(&buffer[0]), 4*stride, 4*stride*rows
		d.run(t)
		for i := range height {
			copy(c[i*d.p.LDC:][:x.width], buffer[i*stride:])
		}
	}
}
