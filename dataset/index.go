package dataset

import (
	"bytes"
	"hash/maphash"
)

// textIndex finds texts by their bytes. A text is known by a number, from which the
// function at gets it. The random seed decides only where texts land, never the
// answer, and keeps a crafted file from making the search slow.
type textIndex struct {
	at     func(int) []byte
	places []uint32 // number + 1, or 0 for a free place; a power of two of them
	seed   maphash.Seed
}

// newTextIndex makes an index for at most the given number of texts.
func newTextIndex(most int, at func(int) []byte) *textIndex {
	size := 1
	for size < 2*most {
		size *= 2
	}
	return &textIndex{at: at, places: make([]uint32, size), seed: maphash.MakeSeed()}
}

// place returns where the text is, or the free place where it would go.
func (x *textIndex) place(text []byte) int {
	mask := len(x.places) - 1
	place := int(maphash.Bytes(x.seed, text) & uint64(mask))
	for x.places[place] != 0 && !bytes.Equal(x.at(int(x.places[place]-1)), text) {
		place = (place + 1) & mask
	}
	return place
}

// add takes in text i and returns i, or the number of an equal text that is there
// already and stays.
func (x *textIndex) add(i int) int {
	place := x.place(x.at(i))
	if x.places[place] == 0 {
		x.places[place] = uint32(i + 1)
	}
	return int(x.places[place] - 1)
}

// find returns the number of the text, or −1.
func (x *textIndex) find(text []byte) int { return int(x.places[x.place(text)]) - 1 }
