package modelspec

import "slices"

// The kinds that read a row as plain values, or as vectors along the last axis.

// resolveDense takes any shape as one vector: [8, 8] is read as 64 values.
func resolveDense(_ *Spec, n *Node) error {
	inputs, outputs := n.Inputs(), int(n.Units)
	n.Out = []int{outputs}
	n.Tensors = linearTensors(inputs, outputs)
	n.MultiplyAdds = product(inputs, outputs)
	return nil
}

func resolveLinear(_ *Spec, n *Node) error {
	count, features := n.Rows()
	n.Out = slices.Clone(n.In[0])
	n.Out[len(n.Out)-1] = int(n.Units)
	n.Tensors = linearTensors(features, int(n.Units))
	n.MultiplyAdds = product(count, features, int(n.Units))
	n.Operations = plus(work(2*shortCallWork, count), work(simpleWork, n.Out...))
	return nil
}

func linearTensors(inputs, outputs int) []Tensor {
	return []Tensor{
		{Suffix: "weight", Shape: []int{outputs, inputs}, Init: GlorotUniform, FanIn: inputs, FanOut: outputs},
		{Suffix: "bias", Shape: []int{outputs}},
	}
}

func resolveFlatten(_ *Spec, n *Node) error {
	n.Out = []int{n.Inputs()}
	return nil
}

// elementwise makes the rule of a kind that keeps the shape and has no tensors.
func elementwise(perValue int64) func(*Spec, *Node) error {
	return func(_ *Spec, n *Node) error {
		n.Out = slices.Clone(n.In[0])
		n.Operations = work(perValue, n.Out...)
		return nil
	}
}

func resolveDropout(s *Spec, n *Node) error {
	n.Kept = product(n.In[0]...)
	return elementwise(simpleWork)(s, n)
}

func resolveAdd(s *Spec, n *Node) error {
	if !slices.Equal(n.In[0], n.In[1]) {
		return specError("layer %q: expected two inputs of equal shape, got %s of shape %v and %s of shape %v",
			n.Name, n.Layer.Inputs[0], n.In[0], n.Layer.Inputs[1], n.In[1])
	}
	return elementwise(simpleWork)(s, n)
}

func resolveLayerNorm(s *Spec, n *Node) error {
	count, features := n.Rows()
	n.Tensors = normTensors(features)
	n.Kept = plus(product(n.In[0]...), int64(count)) // normalised values, and one deviation for each vector
	n.Out = slices.Clone(n.In[0])
	n.Operations = plus(work(vectorWork, count), work(normWork, n.Out...))
	return nil
}

func resolveBatchNorm(s *Spec, n *Node) error {
	if rank := len(n.In[0]); rank != 1 && rank != 3 {
		return specError("layer %q: kind %q expects features [n] or an image [C, H, W], got shape %v; use layer_norm for sequences", n.Name, n.Kind, n.In[0])
	}
	channels := n.In[0][0]
	n.Tensors = append(normTensors(channels),
		Tensor{Suffix: "running_mean", Shape: []int{channels}, Buffer: true},
		Tensor{Suffix: "running_var", Shape: []int{channels}, Buffer: true, Init: Ones})
	n.Kept = product(n.In[0]...)
	n.Out = slices.Clone(n.In[0])
	n.Operations = plus(work(callWork, channels), work(simpleWork, n.Out...))
	return nil
}

func resolveSoftmax(_ *Spec, n *Node) error {
	count, _ := n.Rows()
	n.Out = slices.Clone(n.In[0])
	n.Operations = plus(work(vectorWork, count), work(exponentialWork, n.Out...))
	return nil
}

func normTensors(features int) []Tensor {
	return []Tensor{{Suffix: "weight", Shape: []int{features}, Init: Ones}, {Suffix: "bias", Shape: []int{features}}}
}

// resolveSML: the layer stands in front of the network, so that whoever does not know the map can't use the weights behind it.
func resolveSML(s *Spec, n *Node) error {
	if n.Name != s.Layers[0].Name {
		return specError("layer %q: kind %q maps the input of the model; make it the first layer", n.Name, n.Kind)
	}
	n.Out = []int{n.Inputs()}
	n.Operations = work(simpleWork, n.Out...)
	return nil
}

// checkMapping keeps the map effective and exact: nothing reads around it, and only dense layers, whose weights can be rebased to another
// map by reordering columns, read it.
func checkMapping(nodes []Node, readers []int) error {
	name := nodes[0].Name
	for _, n := range nodes[1:] {
		if slices.Contains(n.Sources, Input) {
			return specError("layer %q reads the input beside the secure mapping layer %q; let it read %q", n.Name, name, name)
		}
	}
	for _, i := range readers {
		if nodes[i].Kind != KindDense {
			return specError("layer %q of kind %q reads the secure mapping layer %q; only dense layers may", nodes[i].Name, nodes[i].Kind, name)
		}
	}
	return nil
}
