package main

import (
	"bufio"
	"bytes"
	"fmt"
	"math"
	"os"
	"path/filepath"
	"strconv"
	"strings"

	"github.com/spf13/cobra"

	"github.com/pold-network/pold/dataset"
	"github.com/pold-network/pold/dataset/digits"
	"github.com/pold-network/pold/dataset/letters"
	"github.com/pold-network/pold/engine"
	"github.com/pold-network/pold/sidecar/training"
)

// exampleFlags say what to learn from.
type exampleFlags struct {
	table, images, labels, text string
	digits, letters             bool
	targets                     int
	objective, shape, splitKey  string
	validation                  float64
	context, stride             int
	cmd                         *cobra.Command
}

func (f *exampleFlags) add(cmd *cobra.Command) {
	f.cmd = cmd
	cmd.Flags().StringVar(&f.table, "data", "", "canonical table (CSV); the last column is the class, or see --objective and --targets")
	cmd.Flags().StringVar(&f.images, "images", "", "IDX file of images, as MNIST has it, unpacked")
	cmd.Flags().StringVar(&f.labels, "labels", "", "IDX file of the images' labels")
	cmd.Flags().StringVar(&f.text, "text", "", "UTF-8 text: learn to predict the next character")
	cmd.Flags().BoolVar(&f.digits, "digits", false, "built-in table: 1,797 handwritten digits of 8 by 8")
	cmd.Flags().BoolVar(&f.letters, "letters", false, "built-in table: 20,000 synthetic letters described by 16 numbers")
	cmd.Flags().StringVar(&f.objective, "objective", "cross-entropy", "what to minimise: "+strings.Join(objectiveNames(), ", "))
	cmd.Flags().IntVar(&f.targets, "targets", 1, "how many of the table's last columns are to be predicted")
	cmd.Flags().StringVar(&f.shape, "shape", "", "shape of one row of --data, such as 28,28 (default: as many values as columns)")
	cmd.Flags().Float64Var(&f.validation, "validation", 0.2, "part of the rows to hold out, such as 0.2, rounded to thousandths; 0 for none")
	cmd.Flags().StringVar(&f.splitKey, "split-key", "", "key of the split; a training set's name gives the rows that the chain holds out (default: the data's name)")
	cmd.Flags().IntVar(&f.context, "context", 64, "characters that the model sees, for --text")
	cmd.Flags().IntVar(&f.stride, "stride", 0, "characters between the starts of two rows, for --text (default: an eighth of the context)")
}

// objectiveName is how a flag names an objective.
func objectiveName(o engine.Objective) string { return strings.ReplaceAll(o.String(), " ", "-") }

func objectiveNames() (names []string) {
	for _, o := range engine.Objectives() {
		names = append(names, objectiveName(o))
	}
	return names
}

// given repeats the flags that were given, each after a space.
func (f *exampleFlags) given() string {
	return repeated(f.cmd, "data", "images", "labels", "text", "digits", "letters", "objective", "targets", "shape", "validation", "split-key", "context", "stride")
}

// repeated writes those of the flags of a command that were given, each after a space.
func repeated(cmd *cobra.Command, names ...string) string {
	text := ""
	for _, name := range names {
		switch flag := cmd.Flags().Lookup(name); {
		case !flag.Changed:
		case flag.Value.Type() == "bool":
			text += " --" + name
		default:
			text += " --" + name + " " + flag.Value.String()
		}
	}
	return text
}

// load reads the examples.
func (f *exampleFlags) load() (*training.Examples, error) {
	if err := f.checkSource(); err != nil {
		return nil, err
	}
	permille, err := f.permille()
	if err != nil {
		return nil, err
	}
	if f.text != "" {
		return f.loadText(permille)
	}
	o := training.TableOptions{Targets: f.targets, SplitKey: f.splitKey, ValidationPermille: permille}
	for _, x := range engine.Objectives() {
		if objectiveName(x) == f.objective {
			o.Objective = x
		}
	}
	if o.Objective == 0 {
		return nil, usage("--objective: expected one of %s; got %q", strings.Join(objectiveNames(), ", "), f.objective)
	}
	if o.Shape, err = parseShape(f.shape); err != nil {
		return nil, err
	}
	table, name, shape, err := f.loadTable()
	if err != nil {
		return nil, err
	}
	if o.Shape == nil {
		o.Shape = shape
	}
	if o.SplitKey == "" {
		o.SplitKey = name
	}
	return training.FromTable(name, table, o)
}

func (f *exampleFlags) checkSource() error {
	n := 0
	for _, given := range []bool{f.table != "", f.images != "" || f.labels != "", f.text != "", f.digits, f.letters} {
		if given {
			n++
		}
	}
	if n != 1 {
		return usage("expected one of --data, --images with --labels, --text, --digits and --letters, got %d of them", n)
	}
	if (f.images == "") != (f.labels == "") {
		return usage("expected both --images and --labels, or neither")
	}
	if f.text != "" {
		return f.refuse("--text", "objective", "targets", "shape")
	}
	if f.table == "" {
		if err := f.refuse("these data", "shape"); err != nil {
			return err
		}
	}
	return f.refuse("data without --text", "context", "stride")
}

// refuse reports a flag that was given and means nothing for these data.
func (f *exampleFlags) refuse(data string, names ...string) error {
	for _, name := range names {
		if f.cmd.Flags().Changed(name) {
			return usage("--%s has no meaning for %s; leave it out", name, data)
		}
	}
	return nil
}

func (f *exampleFlags) permille() (uint32, error) {
	if !(f.validation >= 0 && f.validation < 1) {
		return 0, usage("--validation: expected a part of at least 0 and below 1, such as 0.2, got %v", f.validation)
	}
	permille := uint32(math.Round(f.validation * 1000))
	if f.validation > 0 && (permille == 0 || permille > 999) {
		return 0, usage("--validation: expected 0 or a part from 0.001 to 0.999, got %v", f.validation)
	}
	return permille, nil
}

func parseShape(text string) ([]uint32, error) {
	if text == "" {
		return nil, nil
	}
	var shape []uint32
	for part := range strings.SplitSeq(text, ",") {
		d, err := strconv.ParseUint(part, 10, 32)
		if err != nil || d == 0 {
			return nil, usage("--shape: expected sizes such as 28,28, got %q", text)
		}
		shape = append(shape, uint32(d))
	}
	return shape, nil
}

// loadTable returns the table, its name and, where it is known, the shape of a row.
func (f *exampleFlags) loadTable() (*dataset.Table, string, []uint32, error) {
	switch {
	case f.digits:
		table, err := dataset.Parse(bytes.NewReader(digits.CSV()))
		return table, digits.Name, []uint32{8, 8}, err
	case f.letters:
		table, err := dataset.Parse(bytes.NewReader(letters.CSV()))
		return table, letters.Name, nil, err
	case f.images != "":
		table, shape, err := readIDX(f.images, f.labels)
		return table, stem(f.images), shape, err
	}
	file, err := os.Open(f.table)
	if err != nil {
		return nil, "", nil, err
	}
	defer file.Close()
	table, err := dataset.Parse(bufio.NewReader(file))
	if err != nil {
		return nil, "", nil, fmt.Errorf("%s: %w", f.table, err)
	}
	return table, stem(f.table), nil, nil
}

func readIDX(images, labels string) (*dataset.Table, []uint32, error) {
	b, err := os.ReadFile(images)
	if err != nil {
		return nil, nil, err
	}
	l, err := os.ReadFile(labels)
	if err != nil {
		return nil, nil, err
	}
	shape, err := dataset.IDXShape(bytes.NewReader(b))
	if err != nil {
		return nil, nil, err
	}
	table, err := dataset.ReadIDX(bytes.NewReader(b), bytes.NewReader(l))
	return table, shape, err
}

func (f *exampleFlags) loadText(permille uint32) (*training.Examples, error) {
	b, err := os.ReadFile(f.text)
	if err != nil {
		return nil, err
	}
	o := training.TextOptions{Context: f.context, Stride: f.stride, SplitKey: f.splitKey, ValidationPermille: permille}
	if o.Stride == 0 {
		o.Stride = max(1, o.Context/8)
	}
	if o.SplitKey == "" {
		o.SplitKey = stem(f.text)
	}
	e, err := training.FromText(stem(f.text), string(b), o)
	if err != nil {
		return nil, fmt.Errorf("%s: %w", f.text, err)
	}
	return e, nil
}

// stem is the name of a file without its folder and its ending.
func stem(path string) string {
	base := filepath.Base(path)
	if name := strings.TrimSuffix(base, filepath.Ext(base)); name != "" {
		return name
	}
	return base
}
