// Package letters makes a synthetic table of the size of a classic one: 20,000 drawings of the capital letters A to Z, each described by
// 16 whole numbers from 0 to 15, with the letter as class 0 to 25.
//
// It stands in for "Letter Recognition" of the UCI repository (P. W. Frey, D. J. Slate, 1991), whose size and kinds of features it has and
// whose rows it does not have: every row is computed here. A letter is a few strokes (strokes.go), distorted at random and drawn with a
// pen of random width (draw.go); the features are moments and edge counts of the drawing (features.go). The numbers say something about
// learning on a table of this kind, and nothing about reading real letters. CARD.md has the details.
//
// All arithmetic is on integers and chance comes from a counter, so the table has the same bytes on every machine.
//
//	table, err := dataset.Parse(bytes.NewReader(letters.CSV()))
package letters

import (
	_ "embed"
	"strconv"
	"strings"
)

// What the table is. The tests compute each of these from the bytes.
const (
	Name     = "letters"
	Rows     = 20_000
	Features = 16 // columns x_box to y_edges_x, values 0 to 15
	Classes  = 26 // the last column, label: 0 for A to 25 for Z
	MaxValue = 15

	// SHA256 is the hash of the canonical file, in hex.
	SHA256 = "09dffbb33edeb5701f4c785c445bb26065100d3a861965e3368fd46199c3c0f1"
	// Root is the RFC 6962 tree hash over the rows, in hex.
	Root = "ccb5e1d7281a6b9ecb270e4db65a663e1ecb867af5e08825d4b14cab3053d017"
)

//go:embed CARD.md
var card string

// Card returns the data card, Markdown text.
func Card() string { return card }

// columns are the names of the features, after those of the classic table.
var columns = [Features]string{"x_box", "y_box", "width", "height", "pixels", "x_mean", "y_mean", "x_variance", "y_variance",
	"xy", "xxy", "xyy", "x_edges", "x_edges_y", "y_edges", "y_edges_x"}

// CSV makes the canonical table, about 730,000 bytes, in less than a second. Rows that equal an earlier one are drawn again.
func CSV() []byte {
	out := []byte(strings.Join(columns[:], ",") + ",label\n")
	seen := make(map[string]bool, Rows)
	for example := uint64(0); len(seen) < Rows; example++ {
		chance := random{state: example << 32}
		letter := int(chance.below(Classes))
		var row []byte
		for _, v := range features(draw(letter, &chance)) {
			row = strconv.AppendInt(row, int64(v), 10)
			row = append(row, ',')
		}
		row = strconv.AppendInt(row, int64(letter), 10)
		row = append(row, '\n')
		if !seen[string(row)] {
			seen[string(row)] = true
			out = append(out, row...)
		}
	}
	return out
}

// random is SplitMix64 (G. Steele, D. Lea, C. Flood, 2014): equal states give equal numbers everywhere.
type random struct{ state uint64 }

func (r *random) next() uint64 {
	r.state += 0x9e3779b97f4a7c15
	z := r.state
	z = (z ^ z>>30) * 0xbf58476d1ce4e5b9
	z = (z ^ z>>27) * 0x94d049bb133111eb
	return z ^ z>>31
}

// below returns a number from 0 to n-1.
func (r *random) below(n uint64) uint64 { return (r.next() >> 32) * n >> 32 }

// between returns a number from low to high, both included.
func (r *random) between(low, high int) int { return low + int(r.below(uint64(high-low+1))) }
