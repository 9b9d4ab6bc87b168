// Package digits carries the data set a new network learns first: 1,797 images of
// handwritten digits, 8×8 values from 0 to 16 each, with their class 0 to 9.
//
// The rows are the test set of "Optical Recognition of Handwritten Digits" of the
// UCI Machine Learning Repository (E. Alpaydin, C. Kaynak, 1998; CC BY 4.0) as a
// canonical table of package dataset: columns p0 to p63 row by row from the top left,
// then label. CARD.md says where the data comes from and what it is not good for.
//
//	table, err := dataset.Parse(bytes.NewReader(digits.CSV()))
package digits

import _ "embed"

// What the shipped table is. The tests compute each of these from the bytes.
const (
	Name     = "digits"
	Rows     = 1797
	Features = 64 // columns p0 to p63, values 0 to 16
	Classes  = 10 // the last column, label
	MaxValue = 16 // largest value of a feature

	// SHA256 is the hash of the canonical file, in hex.
	SHA256 = "d7ff1341011182b7af3733b201a919cea2ffe00f25ff23ba48c5e791daffb498"
	// Root is the RFC 6962 tree hash over the rows, in hex.
	Root = "b5099f42c204df161b13d4416dc7c7c4bb10f28047d4c832a3794935480ac537"
)

var (
	//go:embed digits.csv
	csv string
	//go:embed CARD.md
	card string
)

// CSV returns a copy of the canonical table, 264,964 bytes.
func CSV() []byte { return []byte(csv) }

// Card returns the data card, Markdown text.
func Card() string { return card }
