package weightdelta

import (
	"errors"
	"fmt"
	"sync"
)

// decoder restores blocks, one after the other.
type decoder struct {
	*decompressor
	residuals []uint32
	space     [4][]byte
}

// spareDecoders are kept for the next call, because a new one costs as much as restoring some 100 KiB.
var spareDecoders = sync.Pool{New: func() any {
	d := &decoder{decompressor: newDecompressor(), residuals: make([]uint32, maxBlock/4)}
	for i := range d.space {
		d.space[i] = make([]byte, maxBlock/4)
	}
	return d
}}

// zeros is the base of blocks without one.
var zeros [maxBlock]byte

// restore restores the blocks of a task.
func (d *decoder) restore(full, base []byte, t task) error {
	for range t.blocks {
		b, err := t.reader.read()
		if err != nil {
			return err
		}
		if err := d.decode(full[b.from:b.from+b.size], base, b); err != nil {
			return fmt.Errorf("%w: block at byte %d: %w", ErrDamaged, b.from, err)
		}
	}
	return nil
}

// decode writes a block to its place in the full file.
func (d *decoder) decode(to, base []byte, b block) error {
	if b.size == 0 { // behind the last one
		return nil
	}
	if b.form == formCopy {
		copy(to, base[b.base:])
		return nil
	}
	in := b.payload
	if b.form == formBytes {
		section, err := d.read(&in, to, len(to))
		if err != nil {
			return err
		}
		copy(to, section) // a section that is not compressed is still part of the delta
		return finished(in)
	}
	old := zeros[:len(to)]
	if b.hasBase() {
		old = base[b.base : b.base+b.size]
	}
	return d.words(to, old, in, b.form)
}

func finished(in []byte) error {
	if len(in) > 0 {
		return fmt.Errorf("%d bytes follow the last section; expected none", len(in))
	}
	return nil
}

// words restores a block of words.
func (d *decoder) words(to, old, in []byte, form byte) error {
	cuts, err := readCuts(&in, len(to)/4)
	if err != nil {
		return err
	}
	rs := d.residuals[:len(to)/4]
	if len(cuts) == 0 {
		if err := d.group(rs, &in); err != nil {
			return err
		}
		restore(to, old, rs, form)
		return finished(in)
	}
	o := newOrder(cuts, old)
	for g := range len(cuts) + 1 {
		if err := d.group(rs[o.starts[g]:o.starts[g+1]], &in); err != nil {
			return fmt.Errorf("group %d: %w", g, err)
		}
	}
	if form == formDifference {
		o.restoreDifferences(to, old, rs)
	} else {
		o.restoreXors(to, old, rs)
	}
	return finished(in)
}

// readCuts reads at which exponents the second group and those after it begin, for a block of n words.
func readCuts(in *[]byte, n int) ([]byte, error) {
	if len(*in) == 0 || int((*in)[0]) >= len(*in) {
		return nil, errors.New("the list of groups is cut off")
	}
	end := 1 + int((*in)[0])
	cuts := (*in)[1:end]
	*in = (*in)[end:]
	if len(cuts) > 0 && n < minGrouped {
		return nil, fmt.Errorf("expected one group in a block of %d words, got %d; several need %d words", n, len(cuts)+1, minGrouped)
	}
	for i := 1; i < len(cuts); i++ {
		if cuts[i] <= cuts[i-1] {
			return nil, errors.New("expected groups in ascending order")
		}
	}
	return cuts, nil
}

// group reads a group of residuals.
func (d *decoder) group(rs []uint32, in *[]byte) error {
	if len(rs) == 0 {
		return nil
	}
	if len(*in) == 0 || (*in)[0] >= codings {
		return fmt.Errorf("expected a coding below %d", codings)
	}
	coding := (*in)[0]
	*in = (*in)[1:]
	if coding == codingPlanes {
		var planes [4][]byte
		for i := range planes {
			var err error
			if planes[i], err = d.read(in, d.space[i], len(rs)); err != nil {
				return err
			}
		}
		joinPlanes(rs, &planes)
		return nil
	}
	symbols, err := d.read(in, d.space[0], len(rs))
	if err != nil {
		return err
	}
	return d.low(rs, symbols, in)
}

// low reads the bits that complete classes.
func (d *decoder) low(rs []uint32, symbols []byte, in *[]byte) error {
	size, err := readUvarint(in, len(*in))
	if err != nil || size > len(*in) {
		return errors.New("the bits behind the classes are cut off")
	}
	low := (*in)[:size]
	*in = (*in)[size:]
	return complete(rs, symbols, low)
}
