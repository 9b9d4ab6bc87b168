package weightdelta

import (
	"bytes"
	"encoding/binary"
	"math"
	"slices"
	"sync"
)

// encoder writes blocks, one after the other.
type encoder struct {
	*compressor
	residuals, ordered []uint32 // of the block
	bytes              []byte
	best, trial        []byte
}

// spareEncoders are kept for the next call, because a new one has to clear some MiB of tables.
var spareEncoders = sync.Pool{New: func() any {
	return &encoder{compressor: newCompressor(), residuals: make([]uint32, maxBlock/4), ordered: make([]uint32, maxBlock/4)}
}}

// encode returns the smallest block for a range of the full file.
func (e *encoder) encode(base, full []byte, r run) block {
	b := block{from: r.from, size: r.size, base: r.base}
	to := full[r.from : r.from+r.size]
	var old []byte
	if r.base >= 0 {
		old = base[r.base : r.base+r.size]
		if bytes.Equal(old, to) {
			b.form = formCopy
			return b
		}
	}
	b.form = formBytes
	e.best = e.append(e.best[:0], to, false)
	if r.size%4 == 0 {
		rs, form := e.residualsOf(old, to)
		e.trial = e.words(e.trial[:0], rs, form, old)
		if len(e.trial) < len(e.best) {
			b.form = form
			e.best, e.trial = e.trial, e.best
		}
	}
	if b.form == formBytes {
		e.best = e.append(e.best[:0], to, true)
	}
	b.payload = bytes.Clone(e.best)
	return b
}

// residualsOf computes the residuals of a block in the form that seems to give the smallest ones.
func (e *encoder) residualsOf(old, to []byte) (rs []uint32, form byte) {
	rs = e.residuals[:len(to)/4]
	if old == nil {
		for i := range rs {
			rs[i] = xor(load(to, i), 0)
		}
		return rs, formPlain
	}
	var xors [classes]int
	for i := range rs {
		xors[classOf(xor(load(to, i), load(old, i)))]++
	}
	var differences [classes]int
	for i := range rs {
		rs[i] = difference(load(to, i), load(old, i))
		differences[classOf(rs[i])]++
	}
	if ideal(&differences) <= ideal(&xors) {
		return rs, formDifference
	}
	for i := range rs {
		rs[i] = xor(load(to, i), load(old, i))
	}
	return rs, formXor
}

// words appends the payload of a block of words: where the groups begin, and each group.
func (e *encoder) words(out []byte, rs []uint32, form byte, old []byte) []byte {
	var cuts []byte
	if form != formPlain && len(rs) >= minGrouped {
		cuts = chooseCuts(rs, old)
	}
	out = append(out, byte(len(cuts)))
	out = append(out, cuts...)
	if len(cuts) == 0 {
		return e.group(out, rs)
	}
	o := newOrder(cuts, old)
	ordered := e.ordered[:len(rs)]
	o.sort(ordered, rs, old)
	for g := range len(cuts) + 1 {
		out = e.group(out, ordered[o.starts[g]:o.starts[g+1]])
	}
	return out
}

// group appends a group of residuals in the smaller coding.
func (e *encoder) group(out []byte, rs []uint32) []byte {
	if len(rs) == 0 {
		return out
	}
	start := len(out)
	out = e.classes(out, rs, false)
	end := len(out)
	out = e.planes(out, rs, false)
	inClasses, inPlanes := end-start, len(out)-end
	// Planes win when the residuals are made of few patterns, as after the first step of Adam.
	if inPlanes < inClasses {
		return e.planes(out[:start], rs, true)
	}
	return e.classes(out[:start], rs, true)
}

// classes appends a group in classes.
func (e *encoder) classes(out []byte, rs []uint32, thorough bool) []byte {
	e.bytes = e.bytes[:0]
	for _, r := range rs {
		e.bytes = append(e.bytes, classOf(r))
	}
	out = e.append(append(out, codingClasses), e.bytes, thorough)
	e.bytes = appendLow(e.bytes[:0], rs)
	out = binary.AppendUvarint(out, uint64(len(e.bytes)))
	return append(out, e.bytes...)
}

// planes appends a group in byte planes.
func (e *encoder) planes(out []byte, rs []uint32, thorough bool) []byte {
	out = append(out, codingPlanes)
	for shift := 0; shift < 32; shift += 8 {
		e.bytes = e.bytes[:0]
		for _, r := range rs {
			e.bytes = append(e.bytes, byte(r>>shift))
		}
		out = e.append(out, e.bytes, thorough)
	}
	return out
}

// groupCost is about what a group costs in bytes beside its values: tables, frame and lengths.
const groupCost = 48

// chooseCuts chooses groups by what their classes would cost: it starts with one group for each exponent, and as long as two neighbours
// are cheaper together it joins those that gain most.
func chooseCuts(rs []uint32, old []byte) []byte {
	var counts [256][classes]int
	for i, r := range rs {
		counts[exponent(load(old, i))][classOf(r)]++
	}
	type group struct {
		first  byte
		counts *[classes]int
		cost   float64 // bytes
		gain   float64 // of joining it with the next one
	}
	var groups []group
	gain := func(i int) float64 {
		if i+1 == len(groups) {
			return 0
		}
		both := added(groups[i].counts, groups[i+1].counts)
		return groups[i].cost + groups[i+1].cost - ideal(&both) - groupCost
	}
	for x := range counts {
		if counts[x] != [classes]int{} {
			groups = append(groups, group{first: byte(x), counts: &counts[x], cost: ideal(&counts[x]) + groupCost})
		}
	}
	for i := range groups {
		groups[i].gain = gain(i)
	}
	for {
		at := 0
		for i := range groups {
			if groups[i].gain > groups[at].gain {
				at = i
			}
		}
		if groups[at].gain <= 0 {
			break
		}
		*groups[at].counts = added(groups[at].counts, groups[at+1].counts)
		groups[at].cost = ideal(groups[at].counts) + groupCost
		groups = slices.Delete(groups, at+1, at+2)
		for i := max(at-1, 0); i <= at; i++ {
			groups[i].gain = gain(i)
		}
	}
	var cuts []byte
	for _, g := range groups[1:] {
		cuts = append(cuts, g.first)
	}
	return cuts
}

// added returns the counts of two groups together.
func added(a, b *[classes]int) (c [classes]int) {
	for i := range c {
		c[i] = a[i] + b[i]
	}
	return c
}

// ideal returns the bytes that residuals of the counted classes need if an ideal code writes the classes.
func ideal(counts *[classes]int) float64 {
	total, bits := 0.0, 0.0
	for c, count := range counts {
		if n := float64(count); n > 0 {
			total += n
			bits += n * (float64(classBits[c]) - math.Log2(n))
		}
	}
	if total > 0 {
		bits += total * math.Log2(total)
	}
	return bits / 8
}
