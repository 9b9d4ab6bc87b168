package dataset

import (
	"encoding/hex"
	"fmt"
	"slices"
	"strconv"
	"strings"
	"testing"
)

var rfcEntries = []string{"", "\x00", "\x10", "\x20\x21", "\x30\x31", "\x40\x41\x42\x43", "\x50\x51\x52\x53\x54\x55\x56\x57",
	"\x60\x61\x62\x63\x64\x65\x66\x67\x68\x69\x6a\x6b\x6c\x6d\x6e\x6f"}

func rfcEntry(i int) []byte { return []byte(rfcEntries[i]) }

func TestTreeMatchesTheVectorsOfCertificateTransparency(t *testing.T) {
	roots := make(map[int][32]byte)
	for _, line := range vectorLines(t, "merkle.txt") {
		fields := strings.Fields(line)
		switch fields[0] {
		case "root":
			n := number(t, fields[1])
			roots[n] = treeHash(0, n, rfcEntry)
			if got := fmt.Sprintf("%x", roots[n]); got != fields[2] {
				t.Errorf("root of %d entries: expected %s, got %s", n, fields[2], got)
			}
		case "path":
			i, n := number(t, fields[1]), number(t, fields[2])
			path := auditPath(i, 0, n, rfcEntry)
			var got []string
			for _, hash := range path {
				got = append(got, hex.EncodeToString(hash[:]))
			}
			if !slices.Equal(got, fields[3:]) {
				t.Errorf("path of %d in %d: expected %s, got %s", i, n, fields[3:], got)
			}
			if err := VerifyProof(roots[n], rfcEntry(i), i, n, path); err != nil {
				t.Errorf("path of %d in %d: %v", i, n, err)
			}
		default:
			t.Fatalf("bad vector %q", line)
		}
	}
	if len(roots) != 9 {
		t.Errorf("expected vectors for 0 to 8 entries, got %d", len(roots))
	}
}

func number(t *testing.T, text string) int {
	t.Helper()
	n, err := strconv.Atoi(text)
	if err != nil {
		t.Fatal(err)
	}
	return n
}

// numbered is the table x with the rows 0 to n−1.
func numbered(t testing.TB, n int) *Table {
	var text strings.Builder
	text.WriteString("x\n")
	for i := range n {
		text.WriteString(decimal(i) + "\n")
	}
	return mustParse(t, text.String())
}

func TestEveryProofVerifiesAndNoChangedOneDoes(t *testing.T) {
	for rows := 1; rows <= 33; rows++ {
		table := numbered(t, rows)
		root := table.Root()
		for i := range rows {
			proof, err := table.Proof(i)
			if err != nil {
				t.Fatal(err)
			}
			row := table.Row(i)
			if err := VerifyProof(root, row, i, rows, proof); err != nil {
				t.Fatalf("row %d of %d: %v", i, rows, err)
			}
			refuse := func(what string, root [32]byte, row []byte, index, rows int, proof [][32]byte) {
				if VerifyProof(root, row, index, rows, proof) == nil {
					t.Errorf("row %d of %d: accepted with %s", i, rows, what)
				}
			}
			refuse("another root", LeafHash(root[:]), row, i, rows, proof)
			refuse("another row", root, []byte("other"), i, rows, proof)
			refuse("one hash more", root, row, i, rows, append(slices.Clone(proof), root))
			refuse("an index past the end", root, row, rows, rows, proof)
			refuse("a negative index", root, row, -1, rows, proof)
			for other := range rows {
				if other != i {
					refuse("another index", root, row, other, rows, proof)
				}
			}
			for k := range proof {
				changed := slices.Clone(proof)
				changed[k][31] ^= 1
				refuse("a changed hash", root, row, i, rows, changed)
			}
			if len(proof) > 0 {
				refuse("one hash less", root, row, i, rows, proof[:len(proof)-1])
				refuse("the first hash missing", root, row, i, rows, proof[1:])
			}
		}
	}
}

func TestAnInnerNodeIsNotARow(t *testing.T) {
	table := numbered(t, 4)
	left, right := LeafHash(table.Row(0)), LeafHash(table.Row(1))
	inner := append(left[:], right[:]...)
	proof := [][32]byte{treeHash(2, 4, table.Row)}
	if VerifyProof(table.Root(), inner, 0, 2, proof) == nil {
		t.Error("an inner node was accepted as a row")
	}
}

func TestProofOfARowTheTableHasNotIsRefused(t *testing.T) {
	for _, i := range []int{-1, 3, 1 << 30} {
		if _, err := numbered(t, 3).Proof(i); err == nil || !strings.Contains(err.Error(), "from 0 to 2") {
			t.Errorf("row %d: got %v", i, err)
		}
	}
}

func TestRootDependsOnRowsAndOrderButNotOnNames(t *testing.T) {
	root := mustParse(t, "x\n1\n2\n3\n").Root()
	if mustParse(t, "y\n1\n2\n3\n").Root() != root {
		t.Error("the header is not part of the root")
	}
	for _, other := range []string{"x\n2\n1\n3\n", "x\n1\n2\n", "x\n1\n2\n4\n"} {
		if mustParse(t, other).Root() == root {
			t.Errorf("%q has the same root", other)
		}
	}
}
