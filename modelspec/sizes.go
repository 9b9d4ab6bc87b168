package modelspec

// OutputShape is the shape of one output row; nil when the spec is invalid.
func (s *Spec) OutputShape() []int {
	nodes, err := s.Plan()
	if err != nil {
		return nil
	}
	return nodes[len(nodes)-1].Out
}

// Inputs is the number of values in one input row; 0 when the input shape is invalid.
func (s *Spec) Inputs() int {
	if err := s.checkInput(); err != nil {
		return 0
	}
	return size(s.inputShape())
}

// Outputs is the number of values in one output row; 0 when the spec is invalid.
func (s *Spec) Outputs() int {
	if shape := s.OutputShape(); shape != nil {
		return size(shape)
	}
	return 0
}

// Parameters is the number of trainable values, weights and biases; 0 when the spec is invalid.
func (s *Spec) Parameters() int64 { return s.total((*Node).Parameters) }

// Buffers is the number of values that the checkpoint stores besides the parameters: running statistics. 0 when the spec is invalid.
func (s *Spec) Buffers() int64 { return s.total((*Node).Buffers) }

// MultiplyAdds is the number of fused multiply-adds in matrix products and convolutions of a forward pass over one row; 0 when the spec
// is invalid. A training step takes about three times that per row.
func (s *Spec) MultiplyAdds() int64 { return s.total(func(n *Node) int64 { return n.MultiplyAdds }) }

// Cost bounds the work of a forward pass over one row, in multiply-adds: those of MultiplyAdds, and all other work in as many as take the
// same time. 0 when the spec is invalid.
func (s *Spec) Cost() int64 {
	return s.total(func(n *Node) int64 { return n.MultiplyAdds + n.Operations })
}

// Vocabulary is how many different integers the input may hold, 0 to Vocabulary()-1, as the embeddings of the model want it; 0 when
// inputs are any numbers.
func (s *Spec) Vocabulary() int {
	nodes, err := s.Plan()
	if err != nil {
		return 0
	}
	least := 0
	for _, n := range nodes {
		if v := int(n.Vocabulary); v > 0 && (least == 0 || v < least) {
			least = v
		}
	}
	return least
}

func (s *Spec) total(of func(*Node) int64) int64 {
	nodes, err := s.Plan()
	if err != nil {
		return 0
	}
	var total int64
	for i := range nodes {
		total += of(&nodes[i])
	}
	return total
}
