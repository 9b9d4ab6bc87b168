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

// CheckForChain refuses valid models that a training group can't use: those without anything to learn, and those whose secure mapping
// layer does not suit the group. mapping says that the group derives a map for each trainer; then the first layer has to be of kind sml,
// otherwise no layer may be. Errors wrap ErrInvalidSpec.
func (s *Spec) CheckForChain(mapping bool) error {
	nodes, err := s.Plan()
	if err != nil {
		return err
	}
	var parameters int64
	for i := range nodes {
		parameters += nodes[i].Parameters()
	}
	if parameters == 0 {
		return specError("expected at least one layer with weights, for example dense; there is nothing to learn")
	}
	switch mapped := nodes[0].Kind == KindSML; { // Plan allows it nowhere else
	case mapped && !mapping:
		return specError("layer %q: only groups with the option mapping can use kind %q; switch it on or remove the layer", nodes[0].Name, KindSML)
	case !mapped && mapping:
		return specError("layer %q: the option mapping needs a first layer of kind %q, got %q; add the layer or switch the option off", nodes[0].Name, KindSML, nodes[0].Kind)
	}
	return nil
}
