package engine

import (
	"fmt"
	"strconv"
	"unicode/utf16"
	"unicode/utf8"
)

// metadataKey is the one member of a safetensors header that is no tensor.
const metadataKey = "__metadata__"

// headerEntry is one tensor as the header describes it.
type headerEntry struct {
	name, dtype string
	shape       []int
	begin, end  uint64
}

type header struct {
	entries  []headerEntry
	metadata []string // keys, in the order of the file
}

// parseHeader reads the JSON subset of safetensors headers. A parser of its own, because encoding/json lets duplicate keys, other
// spellings of a key and broken UTF-8 pass.
func parseHeader(b []byte) (header, error) {
	p := &jsonParser{b: b}
	var h header
	if len(b) == 0 || b[0] != '{' {
		return h, fmt.Errorf("%w: expected a header that starts with '{'", ErrMalformed)
	}
	if !utf8.Valid(b) {
		return h, fmt.Errorf("%w: the header is not valid UTF-8", ErrMalformed)
	}
	err := p.object(func(key string) error {
		if key == metadataKey {
			return p.object(func(k string) error {
				h.metadata = append(h.metadata, k)
				_, err := p.str()
				return err
			})
		}
		if len(h.entries) == maxTensors {
			return p.errorf("expected at most %d tensors", maxTensors)
		}
		e := headerEntry{name: key}
		if err := p.entry(&e); err != nil {
			return fmt.Errorf("tensor %.80q: %w", key, err)
		}
		h.entries = append(h.entries, e)
		return nil
	})
	if err == nil && p.space() != 0 {
		err = p.errorf("expected nothing but spaces after the closing '}'")
	}
	return h, err
}

func (p *jsonParser) entry(e *headerEntry) error {
	var haveType, haveShape, haveOffsets bool
	err := p.object(func(key string) (err error) {
		var numbers []uint64
		switch key {
		case "dtype":
			haveType = true
			e.dtype, err = p.str()
		case "shape":
			haveShape = true
			numbers, err = p.numbers(maxRank)
			e.shape = make([]int, len(numbers))
			for i, n := range numbers {
				e.shape[i] = int(n)
			}
		case "data_offsets":
			haveOffsets = true
			if numbers, err = p.numbers(2); err == nil && len(numbers) != 2 {
				err = p.errorf("expected two data_offsets, got %d", len(numbers))
			}
			if err == nil {
				e.begin, e.end = numbers[0], numbers[1]
			}
		default:
			err = p.errorf("unknown key %.80q; expected dtype, shape and data_offsets", key)
		}
		return err
	})
	if err == nil && !(haveType && haveShape && haveOffsets) {
		err = p.errorf("expected dtype, shape and data_offsets")
	}
	return err
}

// jsonParser reads objects, strings and lists of non-negative integers; nothing else occurs in a header.
type jsonParser struct {
	b  []byte
	at int
}

func (p *jsonParser) errorf(format string, a ...any) error {
	return fmt.Errorf("%w: header byte %d: %s", ErrMalformed, p.at, fmt.Sprintf(format, a...))
}

// space skips white space and returns the next byte without consuming it, 0 at the end.
func (p *jsonParser) space() byte {
	for p.at < len(p.b) {
		switch c := p.b[p.at]; c {
		case ' ', '\t', '\n', '\r':
			p.at++
		case 0:
			return 1 // not the end, and nothing that any caller expects
		default:
			return c
		}
	}
	return 0
}

func (p *jsonParser) expect(c byte) error {
	if p.space() != c {
		return p.errorf("expected %q", c)
	}
	p.at++
	return nil
}

// object reads an object; visit reads the value of each key. Duplicate keys are refused.
func (p *jsonParser) object(visit func(key string) error) error {
	if err := p.expect('{'); err != nil {
		return err
	}
	seen := map[string]bool{}
	return p.list('}', func() error {
		key, err := p.str()
		if err != nil {
			return err
		}
		if seen[key] {
			return p.errorf("the key %.80q occurs twice", key)
		}
		seen[key] = true
		if err := p.expect(':'); err != nil {
			return err
		}
		return visit(key)
	})
}

// list reads elements separated by commas up to the closing byte.
func (p *jsonParser) list(closing byte, element func() error) error {
	if p.space() == closing {
		p.at++
		return nil
	}
	for {
		if err := element(); err != nil {
			return err
		}
		switch p.space() {
		case ',':
			p.at++
		case closing:
			p.at++
			return nil
		default:
			return p.errorf("expected ',' or %q", closing)
		}
	}
}

func (p *jsonParser) numbers(limit int) ([]uint64, error) {
	if err := p.expect('['); err != nil {
		return nil, err
	}
	var list []uint64
	err := p.list(']', func() error {
		p.space()
		start := p.at
		for p.at < len(p.b) && p.b[p.at] >= '0' && p.b[p.at] <= '9' {
			p.at++
		}
		digits := string(p.b[start:p.at])
		n, err := strconv.ParseUint(digits, 10, 62)
		if err != nil || len(digits) > 1 && digits[0] == '0' {
			return p.errorf("expected a non-negative integer, got %.20q", digits)
		}
		if len(list) == limit {
			return p.errorf("expected at most %d numbers", limit)
		}
		list = append(list, n)
		return nil
	})
	return list, err
}

// str reads a string.
func (p *jsonParser) str() (string, error) {
	if err := p.expect('"'); err != nil {
		return "", err
	}
	var out []byte
	for p.at < len(p.b) {
		c := p.b[p.at]
		p.at++
		switch {
		case c == '"':
			return string(out), nil
		case c < ' ':
			return "", p.errorf("control character in a string")
		case c != '\\':
			out = append(out, c)
		default:
			r, err := p.escape()
			if err != nil {
				return "", err
			}
			out = utf8.AppendRune(out, r)
		}
	}
	return "", p.errorf("unterminated string")
}

// escape reads what follows a backslash.
func (p *jsonParser) escape() (rune, error) {
	if p.at == len(p.b) {
		return 0, p.errorf("unterminated string")
	}
	c := p.b[p.at]
	p.at++
	switch c {
	case '"', '\\', '/':
		return rune(c), nil
	case 'b':
		return '\b', nil
	case 'f':
		return '\f', nil
	case 'n':
		return '\n', nil
	case 'r':
		return '\r', nil
	case 't':
		return '\t', nil
	case 'u':
		high, err := p.hex4()
		if err != nil || !utf16.IsSurrogate(high) {
			return high, err
		}
		if p.at+1 < len(p.b) && p.b[p.at] == '\\' && p.b[p.at+1] == 'u' {
			p.at += 2
			low, err := p.hex4()
			if err != nil {
				return 0, err
			}
			if r := utf16.DecodeRune(high, low); r != utf8.RuneError {
				return r, nil
			}
		}
		return 0, p.errorf("half of a surrogate pair")
	}
	return 0, p.errorf("unknown escape")
}

func (p *jsonParser) hex4() (rune, error) {
	if p.at+4 > len(p.b) {
		return 0, p.errorf("unterminated escape")
	}
	n, err := strconv.ParseUint(string(p.b[p.at:p.at+4]), 16, 16)
	if err != nil {
		return 0, p.errorf("expected four hexadecimal digits")
	}
	p.at += 4
	return rune(n), nil
}
