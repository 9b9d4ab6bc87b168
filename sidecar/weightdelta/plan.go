package weightdelta

import "bytes"

// minRun is the size in bytes from which on a run ends with its tensor. Smaller tensors share blocks, because every block brings tables
// of its own; larger ones do not, because tensors differ in how much they change.
const minRun = 32 << 10

// run is a range of the full file whose counterpart in the base, if any, is in one piece too.
type run struct {
	from, size int
	base       int // offset in the base, -1 for none
	same       bool
}

// plan cuts the full file into runs.
func plan(base, full []byte) []run {
	var runs []run
	add := func(from, size, place int) {
		if size == 0 {
			return
		}
		r := run{from: from, size: size, base: place}
		r.same = place >= 0 && bytes.Equal(full[from:from+size], base[place:place+size])
		if n := len(runs); n > 0 && runs[n-1].takes(r) {
			runs[n-1].size += size
			return
		}
		runs = append(runs, r)
	}
	tensors, data := tensorsOf(full)
	if tensors == nil {
		shared := min(len(base), len(full))
		add(0, shared, 0)
		add(shared, len(full)-shared, -1)
		return runs
	}
	header := -1
	if bytes.HasPrefix(base, full[:data]) {
		header = 0
	}
	add(0, data, header)
	known := map[string]tensor{}
	counterparts, _ := tensorsOf(base)
	for _, t := range counterparts {
		known[t.name] = t
	}
	for _, t := range tensors {
		place := -1
		if b, ok := known[t.name]; ok && b.kind == t.kind && b.to-b.from == t.to-t.from {
			place = b.from
		}
		add(t.from, t.to-t.from, place)
	}
	return runs
}

// takes reports whether next, which follows in the full file, continues the run.
func (r run) takes(next run) bool {
	if r.same != next.same || (r.base < 0) != (next.base < 0) || r.base >= 0 && r.base+r.size != next.base {
		return false
	}
	return r.same || r.size < minRun
}

// cut divides a run into blocks of about equal size, all but the last of whole words. A run without change is one block.
func (r run) cut() []run {
	if r.same {
		return []run{r}
	}
	var parts []run
	words := r.size / 4
	count := (words + maxBlock/4 - 1) / (maxBlock / 4)
	at := 0
	part := func(size int) {
		p := run{from: r.from + at, size: size, base: r.base}
		if r.base >= 0 {
			p.base += at
		}
		parts = append(parts, p)
		at += size
	}
	for i := range count {
		part(4 * (words*(i+1)/count - words*i/count))
	}
	if rest := r.size % 4; rest > 0 {
		part(rest)
	}
	return parts
}
