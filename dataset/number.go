package dataset

import (
	"bytes"
	"errors"
	"fmt"
)

// isNumber reports whether a cell is a number in canonical form:
// -?(0|[1-9][0-9]*)(.[0-9]*[1-9])?, but not -0, within the digit limits.
func isNumber(cell []byte) bool {
	negative := len(cell) > 0 && cell[0] == '-'
	if negative {
		cell = cell[1:]
	}
	integer := digits(cell)
	if integer == 0 || integer > MaxIntegerDigits || cell[0] == '0' && integer > 1 {
		return false
	}
	if integer == len(cell) {
		return !(negative && cell[0] == '0')
	}
	fraction := cell[integer+1:]
	return cell[integer] == '.' && len(fraction) > 0 && len(fraction) <= MaxFractionDigits &&
		digits(fraction) == len(fraction) && fraction[len(fraction)-1] != '0'
}

// digits counts the decimal digits text starts with.
func digits(text []byte) int {
	n := 0
	for n < len(text) && '0' <= text[n] && text[n] <= '9' {
		n++
	}
	return n
}

// errNotNumber and its neighbours say why a cell has no canonical form.
var (
	errMissing   = errors.New("an empty cell has no value")
	errNotFinite = errors.New("infinities and NaN cannot be learned from")
	errNotNumber = errors.New("cells are decimal numbers such as -1.5, separated by commas")
	errTooLarge  = fmt.Errorf("numbers have at most %d digits before the point, to fit into a float32", MaxIntegerDigits)
	errTooFine   = fmt.Errorf("numbers have at most %d digits after the point", MaxFractionDigits)
)

// canonicalNumber rewrites a decimal number, with or without sign, point and
// exponent, as the one canonical text of exactly the same value.
func canonicalNumber(cell []byte) ([]byte, error) {
	if len(cell) == 0 {
		return nil, errMissing
	}
	if isNumber(cell) {
		return cell, nil
	}
	negative := cell[0] == '-'
	rest := cell
	if negative || cell[0] == '+' {
		rest = cell[1:]
	}
	if isNotFinite(rest) {
		return nil, errNotFinite
	}
	integer := rest[:digits(rest)]
	rest = rest[len(integer):]
	var fraction []byte
	if len(rest) > 0 && rest[0] == '.' {
		fraction = rest[1 : 1+digits(rest[1:])]
		rest = rest[1+len(fraction):]
	}
	if len(integer)+len(fraction) == 0 {
		return nil, errNotNumber
	}
	exponent, ok := parseExponent(rest)
	if !ok {
		return nil, errNotNumber
	}

	// The value is 0.mantissa × 10^point.
	mantissa := append(bytes.Clone(integer), fraction...)
	point := exponent + int64(len(integer))
	significant := bytes.TrimLeft(mantissa, "0")
	point -= int64(len(mantissa) - len(significant))
	significant = bytes.TrimRight(significant, "0")
	switch after := int64(len(significant)) - point; {
	case len(significant) == 0:
		return []byte("0"), nil
	case point > MaxIntegerDigits:
		return nil, errTooLarge
	case after > MaxFractionDigits:
		return nil, errTooFine
	}
	return plainDecimal(negative, significant, int(point)), nil
}

// plainDecimal writes 0.significant × 10^point without an exponent.
func plainDecimal(negative bool, significant []byte, point int) []byte {
	var out []byte
	if negative {
		out = append(out, '-')
	}
	switch {
	case point <= 0:
		out = append(out, '0', '.')
		out = append(out, bytes.Repeat([]byte{'0'}, -point)...)
		return append(out, significant...)
	case point >= len(significant):
		out = append(out, significant...)
		return append(out, bytes.Repeat([]byte{'0'}, point-len(significant))...)
	}
	out = append(out, significant[:point]...)
	out = append(out, '.')
	return append(out, significant[point:]...)
}

// parseExponent reads "" or e[+-]digits, and saturates far beyond any file's size.
func parseExponent(text []byte) (int64, bool) {
	if len(text) == 0 {
		return 0, true
	}
	if text[0] != 'e' && text[0] != 'E' {
		return 0, false
	}
	text = text[1:]
	negative := len(text) > 0 && text[0] == '-'
	if negative || len(text) > 0 && text[0] == '+' {
		text = text[1:]
	}
	if len(text) == 0 || digits(text) != len(text) {
		return 0, false
	}
	const most = int64(1) << 40
	var value int64
	for _, c := range text {
		value = min(value*10+int64(c-'0'), most)
	}
	if negative {
		value = -value
	}
	return value, true
}

func isNotFinite(text []byte) bool {
	for _, name := range []string{"inf", "infinity", "nan"} {
		if bytes.EqualFold(text, []byte(name)) {
			return true
		}
	}
	return false
}

// numberFault says what is wrong with a cell that is not a canonical number.
func numberFault(cell []byte, line, column int, name string) *Error {
	e := &Error{Line: line, Column: column, Name: name}
	if bytes.IndexByte(cell, '\r') >= 0 {
		e.What, e.Why, e.Fix = "expected LF after the number, got "+excerpt(cell), "lines end in LF alone", "save the file with LF line ends"
		return e
	}
	trimmed, _ := trimCell(cell)
	number, err := canonicalNumber(trimmed)
	if err == nil {
		e.What = fmt.Sprintf("expected %s, got %s", number, excerpt(cell))
		e.Why, e.Fix = "one value has one text", "write it so, or "+canonicalizeFix
		return e
	}
	e.What, e.Why = "expected a number, got "+excerpt(cell), err.Error()
	switch {
	case errors.Is(err, errMissing):
		e.What, e.Fix = "expected a number, got nothing", "fill in a value or remove the row"
	case errors.Is(err, errNotFinite):
		e.Fix = "replace the value or remove the row"
	case errors.Is(err, errTooLarge), errors.Is(err, errTooFine):
		e.Fix = "scale the column or round the value"
	default:
		e.Fix = "number the classes 0, 1, 2 and so on where the cell is a text"
	}
	return e
}
