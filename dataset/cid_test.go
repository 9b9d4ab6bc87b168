package dataset

import (
	"slices"
	"strings"
	"testing"
)

// Identifiers of the raw bytes "1,2,3\n" and "4,5,6\n" and of the root of a larger file.
const (
	cidA = "bafkreid2rgeosxrvnyvvxd7m6xrr67bop2h3iss43hmj5oyndzqld5ogre"
	cidB = "bafkreia3ndokuavcgfhmzpavhzs4guirfo7lujibfuzez7bub5irz25uxu"
	cidC = "bafybeicicneu2e36cyy3xiyb2wwkw3t3w6vhjtqrqxkfmvs66uoxg5txwi"
)

func TestContentIdentifiersHaveOneForm(t *testing.T) {
	for _, line := range vectorLines(t, "cids.txt") {
		cell, reason, refused := strings.Cut(line, " ! ")
		if isCID([]byte(cell)) == refused {
			t.Errorf("%q: expected refused to be %v", cell, refused)
		}
		if _, err := Parse(strings.NewReader("x,image:cid\n1," + cell + "\n")); refused {
			wantFault(t, err, 2, 2, reason)
		} else if err != nil {
			t.Error(err)
		}
	}
}

func TestTablesNameTheirContentIdentifiersInOrder(t *testing.T) {
	table := mustParse(t, "b:cid,x,a:cid\n"+cidB+",1,"+cidA+"\n"+cidA+",1,"+cidC+"\n"+cidB+",2,"+cidB+"\n")
	if got := table.CIDColumns(); !slices.Equal(got, []int{0, 2}) {
		t.Errorf("columns: got %v", got)
	}
	if got := table.CIDs(); !slices.Equal(got, []string{cidB, cidA, cidC}) {
		t.Errorf("identifiers: got %v", got)
	}
	plain := mustParse(t, "x\n1\n")
	if plain.CIDColumns() != nil || plain.CIDs() != nil {
		t.Error("a table of numbers has content identifiers")
	}
}

func TestContentIdentifiersAreNotReadAsNumbers(t *testing.T) {
	table := mustParse(t, "x,image:cid\n1,"+cidA+"\n")
	_, _, err := table.Numeric(1)
	wantFault(t, err, 1, 2, "(image:cid): expected a column of numbers, got one of content identifiers: the numbers stand in the files that it names; expand the table first")
	_, err = table.Labels(10)
	wantFault(t, err, 1, 2, "expand the table first")
	_, err = table.ClassBalance(10)
	wantFault(t, err, 1, 2, "expand the table first")
	labels, err := mustParse(t, "image:cid,label\n"+cidA+",1\n").Labels(10)
	if err != nil || !slices.Equal(labels, []uint32{1}) {
		t.Errorf("labels beside content identifiers: got %v, %v", labels, err)
	}
}

func TestRowsOfContentIdentifiersAreSplitAndProvedByTheirBytes(t *testing.T) {
	table := mustParse(t, "image:cid,label\n"+cidA+",1\n"+cidB+",0\n")
	proof, err := table.Proof(1)
	if err != nil {
		t.Fatal(err)
	}
	if err := VerifyProof(table.Root(), []byte(cidB+",0"), 1, 2, proof); err != nil {
		t.Error(err)
	}
	_, validation := table.Split([]byte("key"), 500)
	if slices.Contains(validation, 0) != HeldOut([]byte("key"), 500, []byte(cidA+",1")) {
		t.Error("the side of a row depends on more than its bytes")
	}
}
