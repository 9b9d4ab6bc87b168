package modelspec

import (
	"fmt"
	"strconv"
	"strings"
	"text/tabwriter"
)

// Summary returns a table of the layers for people: name, kind, what it reads, output shape and number of parameters, and below it the
// totals. For an invalid spec it returns the reason.
func (s *Spec) Summary() string {
	nodes, err := s.Plan()
	if err != nil {
		return err.Error() + "\n"
	}
	var b strings.Builder
	w := tabwriter.NewWriter(&b, 0, 0, 2, ' ', 0)
	fmt.Fprintln(w, "LAYER\tKIND\tREADS\tOUTPUT\tPARAMETERS")
	fmt.Fprintf(w, "%s\t-\t-\t%s\t0\n", InputName, shapeText(s.inputShape()))
	for i := range nodes {
		n := &nodes[i]
		reads := make([]string, len(n.Sources))
		for j, src := range n.Sources {
			reads[j] = InputName
			if src != Input {
				reads[j] = nodes[src].Name
			}
		}
		fmt.Fprintf(w, "%s\t%s\t%s\t%s\t%s\n", n.Name, n.describe(), strings.Join(reads, ", "), shapeText(n.Out), grouped(n.Parameters()+n.Buffers()))
	}
	w.Flush()
	if n := s.Normalization; n != nil {
		fmt.Fprintf(&b, "inputs are used as (x - %s) / %s\n", decimal(n.OffsetE6, 6), decimal(int64(n.DivisorE6), 6))
	}
	if v := s.Vocabulary(); v > 0 {
		fmt.Fprintf(&b, "inputs are integers from 0 to %s\n", grouped(int64(v-1)))
	}
	trained, buffers := s.Parameters(), s.Buffers()
	fmt.Fprintf(&b, "%s parameters (%s bytes)", grouped(trained+buffers), grouped(4*(trained+buffers)))
	if buffers > 0 {
		fmt.Fprintf(&b, ", %s trained and %s running statistics", grouped(trained), grouped(buffers))
	}
	fmt.Fprintf(&b, "; checkpoint file: %s bytes\n", grouped(s.FileSize()))
	fmt.Fprintf(&b, "memory per row: %s bytes in training, %s in evaluation\n", grouped(s.TrainingMemory()), grouped(s.EvaluationMemory()))
	m := s.MultiplyAdds()
	fmt.Fprintf(&b, "%s multiply-adds per row: %s FLOP forward, %s in training; cost %s\n", grouped(m), grouped(2*m), grouped(6*m), grouped(s.Cost()))
	return b.String()
}

// describe is the kind with the settings that its shapes don't show.
func (n *Node) describe() string {
	var d []string
	switch n.Kind {
	case KindConv2D:
		d = append(d, window(n)...)
		if n.PaddingHeight|n.PaddingWidth != 0 {
			d = append(d, fmt.Sprintf("padding %d×%d", n.PaddingHeight, n.PaddingWidth))
		}
		if n.Groups > 1 {
			d = append(d, fmt.Sprintf("groups %d", n.Groups))
		}
	case KindMaxPool, KindAveragePool:
		d = window(n)
	case KindEmbedding:
		d = append(d, fmt.Sprintf("vocabulary %d", n.Vocabulary))
	case KindDropout:
		d = append(d, decimal(int64(n.RateE6), 6))
	case KindAttention:
		d = append(d, fmt.Sprintf("heads %d", n.Heads))
		if n.Causal {
			d = append(d, "causal")
		}
	}
	if len(d) == 0 {
		return n.Kind
	}
	return n.Kind + " (" + strings.Join(d, ", ") + ")"
}

func window(n *Node) []string {
	return []string{fmt.Sprintf("%d×%d", n.KernelHeight, n.KernelWidth), fmt.Sprintf("stride %d×%d", n.StrideHeight, n.StrideWidth)}
}

func shapeText(shape []int) string {
	text := make([]string, len(shape))
	for i, d := range shape {
		text[i] = strconv.Itoa(d)
	}
	return strings.Join(text, "×")
}

// decimal writes n / 10^digits without a float on the way.
func decimal(n int64, digits int) string {
	sign := ""
	if n < 0 {
		sign, n = "-", -n
	}
	text := fmt.Sprintf("%0*d", digits+1, n)
	whole, fraction := text[:len(text)-digits], strings.TrimRight(text[len(text)-digits:], "0")
	if fraction == "" {
		return sign + whole
	}
	return sign + whole + "." + fraction
}

// grouped writes n with a comma between thousands.
func grouped(n int64) string {
	s := strconv.FormatInt(n, 10)
	for i := len(s) - 3; i > 0; i -= 3 {
		s = s[:i] + "," + s[i:]
	}
	return s
}
