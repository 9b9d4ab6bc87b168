package engine

import (
	"fmt"

	"github.com/pold-network/pold/modelspec"
)

// layer is one step of the network. A layer belongs to one pass and keeps there what it needs on the way back.
type layer interface {
	// forward computes b.y from b.x.
	forward(b *io)
	// backward computes the gradients of the weights and those of the inputs (b.dx, where not nil) from b.dy, after a forward of the same
	// batch in training.
	backward(b *io)
}

// layerTensors are the tensors of one layer in the order of its node.
type layerTensors struct {
	params    [][]float32
	gradients [][]float32 // of params; nil when the pass does not train
	buffers   [][]float32
}

// traits say what the memory plan may do with the values of a layer.
type traits struct {
	needsInput  bool // backward reads x
	needsOutput bool // backward reads y
	elementwise bool // y may be x (the first), and dx may be dy
	view        bool // y is x under another shape
}

func traitsOf(kind string) traits {
	switch kind {
	case modelspec.KindReLU, modelspec.KindTanh, modelspec.KindSigmoid, modelspec.KindSoftmax:
		return traits{elementwise: true, needsOutput: true}
	case modelspec.KindGELU, modelspec.KindSiLU:
		return traits{elementwise: true, needsInput: true}
	case modelspec.KindDropout, modelspec.KindAdd, modelspec.KindPosition:
		return traits{elementwise: true}
	case modelspec.KindFlatten:
		return traits{view: true}
	case modelspec.KindSML, modelspec.KindMaxPool, modelspec.KindAveragePool, modelspec.KindGlobalAveragePool:
		return traits{}
	}
	return traits{needsInput: true}
}

// newLayer makes the layer of a node for up to capacity rows.
func newLayer(m *machine, n *modelspec.Node, t layerTensors, capacity int, mode passMode, mapping *Mapping) layer {
	switch n.Kind {
	case modelspec.KindDense:
		return newDense(m, t, 1, n.Inputs(), n.Outputs())
	case modelspec.KindLinear:
		count, length := n.Rows()
		return newDense(m, t, count, length, n.Outputs()/count)
	case modelspec.KindReLU, modelspec.KindTanh, modelspec.KindSigmoid, modelspec.KindGELU, modelspec.KindSiLU:
		return newActivation(m, n.Kind)
	case modelspec.KindSoftmax:
		_, length := n.Rows()
		return newSoftmax(m, length)
	case modelspec.KindAdd:
		return newAddition(m)
	case modelspec.KindPosition:
		return newPosition(m, t)
	case modelspec.KindFlatten:
		return flatten{}
	case modelspec.KindDropout:
		return newDropout(m, n, capacity, mode)
	case modelspec.KindEmbedding:
		return newEmbedding(m, t, n)
	case modelspec.KindSML:
		return newMappingLayer(m, mapping)
	case modelspec.KindConv2D:
		return newConv2D(m, n, t, capacity, mode)
	case modelspec.KindMaxPool:
		return newMaxPool(m, n, capacity, mode)
	case modelspec.KindAveragePool:
		return newAveragePool(m, n)
	case modelspec.KindGlobalAveragePool:
		return newGlobalAveragePool(m, n)
	case modelspec.KindLayerNorm:
		return newLayerNorm(m, n, t, capacity, mode)
	case modelspec.KindBatchNorm:
		return newBatchNorm(m, n, t, capacity, mode)
	case modelspec.KindAttention:
		return newAttention(m, n, t, capacity, mode)
	}
	panic(fmt.Sprintf("engine: layer kind %q has a plan but no code", n.Kind)) // a test makes every kind
}
