package main

import (
	"bytes"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"
)

func TestTablesAlignTheirColumns(t *testing.T) {
	var out bytes.Buffer
	p := &printer{out: &out}
	p.table([]string{">N", "NAME", "WHY"}, [][]string{{"1", "ö", "first"}, {"12", "long", ""}})
	require.Equal(t, " N  NAME  WHY\n 1  ö     first\n12  long\n", out.String())
}

func TestColoursAndOverwrittenLinesAreForTerminalsAlone(t *testing.T) {
	var out, err bytes.Buffer
	p := &printer{out: &out, err: &err}
	require.Equal(t, "x", p.paint(red, "x"))
	p.progress("one")
	p.progress("two")
	p.progress("two")
	p.endProgress()
	require.Equal(t, "one\ntwo\n", err.String())

	err.Reset()
	p = &printer{out: &out, err: &err, colour: true, live: true}
	require.Equal(t, "\x1b[31mx\x1b[0m", p.paint(red, "x"))
	p.progress("one")
	p.warn("a word")
	require.Equal(t, "\r\x1b[Kone\r\x1b[Knote: a word\n", err.String(), "progress is gone when something else is said")
	err.Reset()
	p.progress("%s", strings.Repeat("x", 200))
	require.Equal(t, "\r\x1b[K"+strings.Repeat("x", 77)+"…", err.String(), "a line that wraps could not be overwritten")
}

func TestTextsOfOthersCantMoveTheCursor(t *testing.T) {
	require.Equal(t, "a [31mb c d", plain("a\x1b[31mb\nc\u202ed"))
}

func TestScriptsGetJSONAndNoNextStep(t *testing.T) {
	var out bytes.Buffer
	p := &printer{out: &out, err: &out, json: true}
	require.NoError(t, p.show(exportView{TrainingSet: "birds", Columns: []string{"x"}}))
	p.next("pold data status birds")
	require.Equal(t, `{
  "training_set": "birds",
  "version": 0,
  "file": "",
  "rows": 0,
  "columns": [
    "x"
  ],
  "targets": 0,
  "validation_rows": 0,
  "size": 0,
  "sha256": "",
  "root": ""
}
`, out.String())
}
