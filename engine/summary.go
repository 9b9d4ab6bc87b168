package engine

import (
	"fmt"
	"strconv"
	"strings"
	"text/tabwriter"
)

// Summary returns a table of the layers for people: name, kind, output size and number of parameters. For an invalid spec it returns
// the reason.
func (s *Spec) Summary() string {
	nodes, err := s.plan()
	if err != nil {
		return err.Error() + "\n"
	}
	var b strings.Builder
	w := tabwriter.NewWriter(&b, 0, 0, 2, ' ', 0)
	fmt.Fprintln(w, "LAYER\tKIND\tREADS\tOUTPUTS\tPARAMETERS")
	shape := make([]string, len(s.InputShape))
	for i, d := range s.InputShape {
		shape[i] = strconv.Itoa(int(d))
	}
	fmt.Fprintf(w, "%s\t-\t-\t%s\t0\n", inputName, strings.Join(shape, "×"))
	for _, n := range nodes {
		reads := inputName
		if n.source >= 0 {
			reads = nodes[n.source].Name
		}
		fmt.Fprintf(w, "%s\t%s\t%s\t%s\t%s\n", n.Name, n.Kind, reads, grouped(int64(n.outputs)), grouped(n.params))
	}
	w.Flush()
	if n := s.Normalization; n != nil {
		fmt.Fprintf(&b, "inputs are used as (x - %s) / %s\n", decimalE6(n.OffsetE6), decimalE6(int64(n.DivisorE6)))
	}
	fmt.Fprintf(&b, "%s parameters (%s bytes), %s multiply-adds per row\n",
		grouped(s.Parameters()), grouped(4*s.Parameters()), grouped(s.MultiplyAdds()))
	return b.String()
}

// decimalE6 writes a number of millionths as a decimal, without a float on the way.
func decimalE6(e6 int64) string {
	sign := ""
	if e6 < 0 {
		sign, e6 = "-", -e6
	}
	return strings.TrimSuffix(strings.TrimRight(fmt.Sprintf("%s%d.%06d", sign, e6/1e6, e6%1e6), "0"), ".")
}

// grouped writes n with a comma between thousands.
func grouped(n int64) string {
	s := strconv.FormatInt(n, 10)
	for i := len(s) - 3; i > 0; i -= 3 {
		s = s[:i] + "," + s[i:]
	}
	return s
}
