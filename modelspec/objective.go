package modelspec

// Classification says how cross-entropy reads the output: as labels predictions for each row, each one of classes. An output [n] is one
// prediction, [positions, classes] is one for each position, row-major. It refuses models whose output is neither, that end in softmax
// (cross-entropy applies it itself) or that have fewer than 2 classes. Errors wrap ErrInvalidSpec.
func (s *Spec) Classification() (labels, classes int, err error) {
	nodes, err := s.Plan()
	if err != nil {
		return 0, 0, err
	}
	last := &nodes[len(nodes)-1]
	if last.Kind == KindSoftmax {
		return 0, 0, specError("layer %q: cross-entropy applies the softmax itself; end the model with the layer before %q", last.Name, last.Name)
	}
	labels, classes = 1, last.Outputs()
	switch rank := len(last.Out); {
	case rank == 1 || s.Parameters() == 0:
		// A model without weights is today's relu or tanh of the input, which is one prediction whatever its shape.
	case rank == 2:
		labels, classes = last.Out[0], last.Out[1]
	default:
		return 0, 0, specError("layer %q: cross-entropy expects outputs [classes] or [positions, classes], got shape %v; add flatten, global_average_pool or dense",
			last.Name, last.Out)
	}
	if classes < 2 {
		return 0, 0, specError("layer %q: cross-entropy needs at least 2 outputs, one per class, the model has %d", last.Name, classes)
	}
	return labels, classes, nil
}

// LabelsPerRow is the number of labels that cross-entropy wants for each row; 0 when Classification refuses the model.
func (s *Spec) LabelsPerRow() int {
	labels, _, err := s.Classification()
	if err != nil {
		return 0
	}
	return labels
}

// CheckBinary refuses models that binary cross-entropy can't read: those that end in sigmoid or softmax, since it applies the sigmoid
// itself. Any shape will do, one target for each output. Errors wrap ErrInvalidSpec.
func (s *Spec) CheckBinary() error {
	nodes, err := s.Plan()
	if err != nil {
		return err
	}
	if last := nodes[len(nodes)-1]; last.Kind == KindSigmoid || last.Kind == KindSoftmax {
		return specError("layer %q: binary cross-entropy applies the sigmoid itself; end the model with the layer before %q", last.Name, last.Name)
	}
	return nil
}

// CheckForChain refuses valid models that no training group can use: those without anything to learn, and those with a secure mapping
// layer, whose map the chain does not derive yet. Errors wrap ErrInvalidSpec.
func (s *Spec) CheckForChain() error {
	nodes, err := s.Plan()
	if err != nil {
		return err
	}
	var parameters int64
	for i := range nodes {
		if nodes[i].Kind == KindSML {
			return specError("layer %q: training groups can't use kind %q yet; remove the layer", nodes[i].Name, KindSML)
		}
		parameters += nodes[i].Parameters()
	}
	if parameters == 0 {
		return specError("expected at least one layer with weights, for example dense; there is nothing to learn")
	}
	return nil
}
