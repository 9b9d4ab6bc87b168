// Package dataset is the canonical text table that training sets are kept in:
// a header and one example a line, in CSV, in file order, one text for one
// value. Two people who hold the same examples in the same order hold the same
// bytes, and with them the same SHA-256, row root and split.
//
// # Where to start
//
// [Parse] reads a table and refuses anything that is not canonical, with a line,
// a column and a remedy. [Canonicalize] turns an ordinary CSV file into a
// canonical one and lists what it changed; [ReadIDX] reads MNIST-style files.
//
//	table, err := dataset.Parse(file)
//	root := table.Root()                              // what the chain stores
//	train, validation := table.Split(key, 200)        // row indices, 20 % held out
//	features, _, err := table.Numeric(1)              // rows × (columns−1), float32
//	labels, err := table.Labels(10)                   // last column, 0..9
//
// A table is changed by a delta, a unified diff that applies to exactly one table:
//
//	delta, err := dataset.ParseDelta(body)            // of diff -u, git diff or Diff
//	next, err := table.Apply(delta)                   // no fuzz, no offset
//	summary := dataset.Summarize(table, next, 1)      // what to know before a vote
//
// # Format in one paragraph
//
// ASCII (hence UTF-8 without byte order mark), LF after every line including the
// last, no empty lines, no spaces, no quotes. The first line names the columns
// ([A-Za-z_][A-Za-z0-9_.-]*, unique); every further line is one example with as
// many cells, each a decimal number without exponent, without superfluous zeros
// and without a negative zero. No two rows are equal. The last columns are the
// targets; how many is the caller's to say. Columns whose name ends in ":cid" hold
// content identifiers instead of numbers; [Table.CIDs] lists them and [Table.Expand]
// puts the values in their place. SPEC.md is the norm.
//
// # Layout
//
//   - parse.go, number.go, cid.go, duplicates.go: the format's rules
//   - canonicalize.go, idx.go: ways into it
//   - digits/, letters/: tables to try things with
//   - merkle.go: RFC 6962 row root and inclusion proofs
//   - split.go: the keyed split; numeric.go: cells as float32 and labels
//   - expand.go: values in place of content identifiers
//   - diff.go, delta.go, apply.go, deltaerror.go: changes of a table
//   - summary.go, nearduplicates.go, outliers.go: what a change does, for people
//
// The package imports only the standard library, and nothing in it depends on
// the clock, on map order, on chance or on the machine.
package dataset
