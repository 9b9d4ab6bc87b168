package modelspec

import "slices"

// The kinds for sequences: [T, d], T positions of d features.

// resolveEmbedding: it reads integers, which no other layer and no normalization gives.
func resolveEmbedding(s *Spec, n *Node) error {
	if n.Sources[0] != Input {
		return specError("layer %q: kind %q reads integers and so the input of the model itself; set its inputs to %q", n.Name, n.Kind, InputName)
	}
	if s.Normalization != nil {
		return specError("layer %q: kind %q reads integers, so the model can have no normalization; remove it", n.Name, n.Kind)
	}
	if len(n.In[0]) != 1 {
		return specError("layer %q: kind %q expects an input_shape of one size, the number of positions, got %v", n.Name, n.Kind, n.In[0])
	}
	if err := checkPositions(n); err != nil {
		return err
	}
	features := int(n.Units)
	n.Out = []int{n.In[0][0], features}
	n.Tensors = []Tensor{{Suffix: "weight", Shape: []int{int(n.Vocabulary), features}, Init: GlorotUniform, FanIn: features, FanOut: features}}
	n.Operations = work(simpleWork, n.Out...)
	return nil
}

func resolvePosition(s *Spec, n *Node) error {
	in := n.In[0]
	if len(in) > 2 {
		return specError("layer %q: kind %q expects shape [n] or [positions, features], got %v", n.Name, n.Kind, in)
	}
	if len(in) == 2 {
		if err := checkPositions(n); err != nil {
			return err
		}
	}
	features := in[len(in)-1]
	n.Tensors = []Tensor{{Suffix: "weight", Shape: slices.Clone(in), Init: GlorotUniform, FanIn: features, FanOut: features}}
	return elementwise(simpleWork)(s, n)
}

func resolveAttention(_ *Spec, n *Node) error {
	if len(n.In[0]) != 2 {
		return specError("layer %q: kind %q expects shape [positions, features], got %v", n.Name, n.Kind, n.In[0])
	}
	if err := checkPositions(n); err != nil {
		return err
	}
	positions, features, heads := n.In[0][0], n.In[0][1], int(n.Heads)
	if features%heads != 0 {
		return specError("layer %q: expected heads that divide the %d features, got %d", n.Name, features, heads)
	}
	n.Out = []int{positions, features}
	n.Tensors = []Tensor{
		// Three square maps on top of each other, hence the fans of one.
		{Suffix: "in_proj_weight", Shape: []int{3 * features, features}, Init: GlorotUniform, FanIn: features, FanOut: features},
		{Suffix: "in_proj_bias", Shape: []int{3 * features}},
		{Suffix: "out_proj.weight", Shape: []int{features, features}, Init: GlorotUniform, FanIn: features, FanOut: features},
		{Suffix: "out_proj.bias", Shape: []int{features}},
	}
	// Four projections, and for each head scores and mix; a causal mask is not deducted.
	n.MultiplyAdds = plus(product(4, positions, features, features), product(2, positions, positions, features))
	n.Operations = plus(work(exponentialWork, heads, positions, positions), work(vectorWork, heads, positions), work(2*productWork, heads),
		work(4*shortCallWork, positions), work(4*simpleWork, positions, features))
	// Queries, keys, values and the mix; the attention maps.
	n.Kept = plus(product(4, positions, features), product(heads, positions, positions))
	return nil
}

func checkPositions(n *Node) error {
	if t := n.In[0][0]; t > MaxPositions {
		return specError("layer %q: expected at most %d positions, got %d", n.Name, MaxPositions, t)
	}
	return nil
}
