package modelspec

// Input is the index that stands for the input of the model in Node.Sources.
const Input = -1

// Node is a layer with its place in the network worked out. Slices belong to the plan; don't change them.
type Node struct {
	Layer
	// Sources are the indices of the nodes it reads (Input for the model's input), one, or two for kind add.
	Sources []int
	// In are the shapes of the sources, as the source gives them: a dense layer may read [8, 8] and take it as 64 values; a layer for
	// images reads [H, W] as one channel (Image gives the three sizes).
	In [][]int
	// Out is the shape of the output.
	Out []int
	// Tensors are the weights and buffers in the order of the checkpoint's definition; empty for most kinds.
	Tensors []Tensor
	// MultiplyAdds counts the fused multiply-adds of matrix products and convolutions of one row, forward.
	MultiplyAdds int64
	// Operations is the other work on one row, forward, counted in multiply-adds that take as long.
	Operations int64
	// Kept counts the values of one row that training keeps for the way back besides the output: attention maps, masks, places of
	// maxima, normalised values.
	Kept int64
}

// Inputs is the number of values in one row of the first source.
func (n *Node) Inputs() int { return size(n.In[0]) }

// Outputs is the number of values in one row of the output.
func (n *Node) Outputs() int { return size(n.Out) }

// Image returns the sizes of the first source as an image: [C, H, W], or [H, W] with one channel. It is for the kinds that read
// images; for other shapes it returns zeros.
func (n *Node) Image() (channels, height, width int) { return image(n.In[0]) }

// Rows returns the first source as a matrix for the kinds that work on the last axis (linear, layer_norm, softmax) and for attention:
// how many vectors there are in one row of data and how long each is.
func (n *Node) Rows() (count, length int) {
	in := n.In[0]
	length = in[len(in)-1]
	return size(in) / length, length
}

// Parameters is the number of trainable values.
func (n *Node) Parameters() int64 { return n.count(false) }

// Buffers is the number of values that are stored in the checkpoint but not trained.
func (n *Node) Buffers() int64 { return n.count(true) }

func (n *Node) count(buffers bool) int64 {
	var total int64
	for _, t := range n.Tensors {
		if t.Buffer == buffers {
			total += int64(t.Size())
		}
	}
	return total
}

// Tensor is one tensor of the checkpoint.
type Tensor struct {
	// Name is the full name, "<layer>.<suffix>"; Suffix is "weight", "bias", "running_mean", "out_proj.weight" and so on.
	Name, Suffix string
	Shape        []int
	// Buffer: stored in the checkpoint, but changed by statistics, not by the optimiser.
	Buffer bool
	// Init says how the first values are made.
	Init Init
	// FanIn and FanOut are for Init GlorotUniform: limit = sqrt(6 / (FanIn + FanOut)).
	FanIn, FanOut int
}

// Size is the number of values.
func (t *Tensor) Size() int { return size(t.Shape) }

// Init is a way to make the first values of a tensor.
type Init uint8

const (
	// Zeros: every value is 0.
	Zeros Init = iota
	// Ones: every value is 1.
	Ones
	// GlorotUniform: uniform between ± sqrt(6 / (FanIn + FanOut)). Embeddings and positions of d features use d as both fans, which gives
	// ± sqrt(3 / d).
	GlorotUniform
)

// size is the number of values in a shape; 1 for no sizes at all.
func size(shape []int) int {
	n := 1
	for _, d := range shape {
		n *= d
	}
	return n
}

func image(shape []int) (channels, height, width int) {
	switch len(shape) {
	case 2:
		return 1, shape[0], shape[1]
	case 3:
		return shape[0], shape[1], shape[2]
	}
	return 0, 0, 0
}
