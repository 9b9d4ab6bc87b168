package dataset

import (
	"bytes"
	"math/big"
	"os"
	"strconv"
	"strings"
	"testing"
)

func decimal(i int) string { return strconv.Itoa(i) }

// vectorLines reads a file of testdata without its comments.
func vectorLines(t testing.TB, name string) []string {
	t.Helper()
	text, err := os.ReadFile("testdata/" + name)
	if err != nil {
		t.Fatal(err)
	}
	var lines []string
	for line := range strings.Lines(string(text)) {
		if !strings.HasPrefix(line, "#") {
			lines = append(lines, strings.TrimSuffix(line, "\n"))
		}
	}
	return lines
}

func TestNumbersHaveTheCanonicalTextOfTheVectors(t *testing.T) {
	for _, line := range vectorLines(t, "numbers.txt") {
		in, want, found := strings.Cut(line, "-> ")
		in = strings.TrimSuffix(in, " ")
		if !found {
			t.Fatalf("bad vector %q", line)
		}
		got, err := canonicalNumber([]byte(in))
		if reason, refused := strings.CutPrefix(want, "! "); refused {
			if err == nil || !strings.Contains(err.Error(), reason) {
				t.Errorf("%q: expected a refusal with %q, got %q, %v", in, reason, got, err)
			}
			continue
		}
		if err != nil || string(got) != want {
			t.Errorf("%q: expected %q, got %q, %v", in, want, got, err)
		}
		if isNumber([]byte(in)) != (in == want) {
			t.Errorf("%q: canonical exactly when it equals %q", in, want)
		}
	}
}

func FuzzCanonicalNumberKeepsTheValue(f *testing.F) {
	for _, line := range vectorLines(f, "numbers.txt") {
		in, _, _ := strings.Cut(line, "-> ")
		f.Add(strings.TrimSuffix(in, " "))
	}
	f.Fuzz(func(t *testing.T, in string) {
		got, err := canonicalNumber([]byte(in))
		if err != nil {
			if isNumber([]byte(in)) {
				t.Fatalf("%q is canonical but refused: %v", in, err)
			}
			return
		}
		if !isNumber(got) {
			t.Fatalf("%q became %q, which is not canonical", in, got)
		}
		again, err := canonicalNumber(got)
		if err != nil || !bytes.Equal(again, got) {
			t.Fatalf("%q became %q, then %q, %v", in, got, again, err)
		}
		if isNumber([]byte(in)) != (in == string(got)) {
			t.Fatalf("%q became %q, but canonical is %v", in, got, isNumber([]byte(in)))
		}
		if value, err := strconv.ParseFloat(string(got), 32); err != nil {
			t.Fatalf("%q became %q, which is no float32: %v, %v", in, got, value, err)
		}
		if len(in) > 200 || strings.ContainsAny(in, "eE") && len(in) > 1+strings.IndexAny(in, "eE")+5 {
			return // big.Rat would need gigabytes for such exponents
		}
		before, ok := new(big.Rat).SetString(in)
		after, _ := new(big.Rat).SetString(string(got))
		if !ok || before.Cmp(after) != 0 {
			t.Fatalf("%q became %q, another value", in, got)
		}
	})
}
