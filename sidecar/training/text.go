package training

import (
	"errors"
	"fmt"
	"slices"
	"strings"
	"unicode/utf8"

	"github.com/pold-network/pold/dataset"
	"github.com/pold-network/pold/engine"
)

// Vocabulary lists the characters of a text by code point; a character's number is its place.
type Vocabulary []rune

// maxVocabulary is how many characters a model may tell apart; the engine's own limit is the same.
const maxVocabulary = 65_536

// NewVocabulary lists the characters of a text.
func NewVocabulary(text string) (Vocabulary, error) {
	if !utf8.ValidString(text) {
		return nil, errors.New("expected a text in UTF-8, got other bytes; convert it first, for example with iconv")
	}
	v := Vocabulary(text)
	slices.Sort(v)
	v = slices.Compact(v)
	if len(v) < 2 || len(v) > maxVocabulary {
		return nil, fmt.Errorf("expected a text of 2 to %d different characters, got %d", maxVocabulary, len(v))
	}
	return slices.Clip(v), nil
}

// Encode returns the numbers of the characters of a text; one that is not in the vocabulary is an error.
func (v Vocabulary) Encode(text string) ([]uint32, error) {
	numbers := make([]uint32, 0, len(text))
	for _, c := range text {
		n, ok := slices.BinarySearch(v, c)
		if !ok {
			return nil, fmt.Errorf("the character %q is not among the %d of the text that the model has learned", c, len(v))
		}
		numbers = append(numbers, uint32(n))
	}
	return numbers, nil
}

// Decode returns the characters of numbers below len(v).
func (v Vocabulary) Decode(numbers []uint32) string {
	var b strings.Builder
	for _, n := range numbers {
		b.WriteRune(v[n])
	}
	return b.String()
}

// TextOptions say how a text is cut into rows.
type TextOptions struct {
	Context int // characters in a row
	Stride  int // characters from the start of a training row to the start of the next
	// SplitKey and ValidationPermille choose the blocks held out: the text is cut into blocks of blockContexts·Context characters, and
	// each is held out or not by the rule of package dataset for its UTF-8 bytes. No training row shares a character with a row held out.
	SplitKey           string
	ValidationPermille uint32
}

const blockContexts = 8

// FromText makes rows for a character-level language model: Context characters as numbers, with the character that follows each of them
// as its label. Rows that are held out don't overlap.
func FromText(name, text string, o TextOptions) (*Examples, error) {
	if o.Context < 1 || o.Stride < 1 {
		return nil, fmt.Errorf("expected a context and a stride of at least 1 character, got %d and %d", o.Context, o.Stride)
	}
	vocabulary, err := NewVocabulary(text)
	if err != nil {
		return nil, err
	}
	characters := []rune(text)
	e := &Examples{Name: name, Objective: engine.CrossEntropy, InputShape: []uint32{uint32(o.Context)}, Outputs: len(vocabulary), Vocabulary: vocabulary,
		Training: &engine.Data{Features: o.Context}, Validation: &engine.Data{Features: o.Context}}
	for _, p := range passages(characters, o) {
		numbers, err := vocabulary.Encode(string(characters[p.from:p.to]))
		if err != nil {
			return nil, err
		}
		if p.heldOut {
			addRows(e.Validation, numbers, o.Context, o.Context)
		} else {
			addRows(e.Training, numbers, o.Context, o.Stride)
		}
	}
	if len(e.Validation.X) == 0 {
		e.Validation = nil
	}
	if len(e.Training.X) == 0 {
		return nil, fmt.Errorf("expected a text of more than %d characters to learn from, got %d in all; use a longer text, a smaller context or hold out less", o.Context, len(characters))
	}
	return e, nil
}

// passage is a run of neighbouring blocks on the same side.
type passage struct {
	from, to int
	heldOut  bool
}

func passages(text []rune, o TextOptions) []passage {
	var all []passage
	block := blockContexts * o.Context
	for from := 0; from < len(text); from += block {
		to := min(from+block, len(text))
		heldOut := dataset.HeldOut([]byte(o.SplitKey), o.ValidationPermille, []byte(string(text[from:to])))
		if n := len(all); n > 0 && all[n-1].heldOut == heldOut {
			all[n-1].to = to
		} else {
			all = append(all, passage{from, to, heldOut})
		}
	}
	return all
}

// addRows adds every stride-th window of a passage that has a character after its last.
func addRows(d *engine.Data, numbers []uint32, context, stride int) {
	for at := 0; at+context < len(numbers); at += stride {
		for _, n := range numbers[at : at+context] {
			d.X = append(d.X, float32(n))
		}
		d.Labels = append(d.Labels, numbers[at+1:at+context+1]...)
	}
}
