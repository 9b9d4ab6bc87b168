package modelspec

import (
	"slices"
	"strconv"
	"strings"
)

// TrainingMemory is the memory, in bytes, that a training step needs for each row of the batch: the input, every output and its gradient,
// and what layers keep for the way back. 0 when the spec is invalid.
func (s *Spec) TrainingMemory() int64 {
	nodes, err := s.Plan()
	if err != nil {
		return 0
	}
	values := int64(s.Inputs())
	for i := range nodes {
		values += 2*int64(nodes[i].Outputs()) + nodes[i].Kept
	}
	return 4 * values
}

// EvaluationMemory is the memory, in bytes, that a forward pass needs for each row when every output is dropped after its last reader: the
// most that is alive at once. 0 when the spec is invalid.
func (s *Spec) EvaluationMemory() int64 {
	nodes, err := s.Plan()
	if err != nil {
		return 0
	}
	lastRead := make([]int, len(nodes)+1) // of source i-1
	for i, n := range nodes {
		for _, src := range n.Sources {
			lastRead[src+1] = i
		}
	}
	lastRead[len(nodes)] = len(nodes)
	var most int64
	for i := range nodes {
		var alive int64
		if lastRead[0] >= i {
			alive = int64(s.Inputs())
		}
		for j := range nodes[:i+1] {
			if lastRead[j+1] >= i {
				alive += int64(nodes[j].Outputs())
			}
		}
		if nodes[i].Kind == KindAttention {
			alive += nodes[i].Kept
		}
		most = max(most, alive)
	}
	return 4 * most
}

// FileSize is the size of the canonical safetensors file of a checkpoint in bytes; 0 when the spec is invalid.
func (s *Spec) FileSize() int64 {
	nodes, err := s.Plan()
	if err != nil {
		return 0
	}
	var tensors []Tensor
	for _, n := range nodes {
		tensors = append(tensors, n.Tensors...)
	}
	slices.SortFunc(tensors, func(a, b Tensor) int { return strings.Compare(a.Name, b.Name) })
	header, offset := int64(len("{}")), int64(0)
	for i, t := range tensors {
		end := offset + 4*int64(t.Size())
		if i > 0 {
			header += int64(len(","))
		}
		header += int64(len(`"":{"dtype":"F32","shape":[],"data_offsets":[,]}`) + len(t.Name) + len(t.Shape) - 1)
		for _, d := range t.Shape {
			header += int64(len(strconv.Itoa(d)))
		}
		header += int64(len(strconv.FormatInt(offset, 10)) + len(strconv.FormatInt(end, 10)))
		offset = end
	}
	return 8 + (header+7)/8*8 + offset
}
