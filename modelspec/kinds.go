package modelspec

import "strings"

// Layer kinds. The table kinds below says which settings each uses; the functions it names say which shapes each takes and gives.
const (
	KindDense             = "dense"               // all values of the row -> [units]: y = x·Wᵀ + b
	KindLinear            = "linear"              // [..., features] -> [..., units], the same map for each vector
	KindConv2D            = "conv2d"              // [C, H, W] -> [units, H', W'], cross-correlation
	KindMaxPool           = "max_pool"            // [C, H, W] -> [C, H', W']
	KindAveragePool       = "average_pool"        // [C, H, W] -> [C, H', W']
	KindGlobalAveragePool = "global_average_pool" // [C, H, W] -> [C]
	KindFlatten           = "flatten"             // any shape -> [n]
	KindEmbedding         = "embedding"           // [T] of integers -> [T, units]
	KindPosition          = "position"            // adds a learned value to each value of the row
	KindLayerNorm         = "layer_norm"          // over the last axis
	KindBatchNorm         = "batch_norm"          // [n] per feature, [C, H, W] per channel
	KindDropout           = "dropout"             // in training only
	KindAdd               = "add"                 // the sum of two layers of equal shape
	KindAttention         = "attention"           // [T, d] -> [T, d], multi-head self-attention
	KindReLU              = "relu"                // y = x where x > 0, else 0
	KindGELU              = "gelu"                // the tanh form
	KindSiLU              = "silu"                // x · sigmoid(x)
	KindTanh              = "tanh"
	KindSigmoid           = "sigmoid"
	KindSoftmax           = "softmax" // over the last axis
	KindSML               = "sml"     // secure mapping layer: a fixed signed permutation of the input
)

// kind is one row of the table.
type kind struct {
	name string
	// needs are the settings that must be at least 1, may those that may also be 0; every other one must be 0.
	needs, may []setting
	// sources is how many layers it reads.
	sources int
	// resolve checks the shapes and fills in Out, Tensors, MultiplyAdds, Operations and Kept. Settings are within their limits and In is
	// set when it is called.
	resolve func(s *Spec, n *Node) error
}

var kinds = []kind{
	{KindDense, []setting{units}, nil, 1, resolveDense},
	{KindLinear, []setting{units}, nil, 1, resolveLinear},
	{KindConv2D, []setting{units, kernelHeight, kernelWidth, strideHeight, strideWidth, groups}, []setting{paddingHeight, paddingWidth}, 1, resolveConv2D},
	{KindMaxPool, []setting{kernelHeight, kernelWidth, strideHeight, strideWidth}, nil, 1, resolvePool},
	{KindAveragePool, []setting{kernelHeight, kernelWidth, strideHeight, strideWidth}, nil, 1, resolvePool},
	{KindGlobalAveragePool, nil, nil, 1, resolveGlobalAveragePool},
	{KindFlatten, nil, nil, 1, resolveFlatten},
	{KindEmbedding, []setting{units, vocabulary}, nil, 1, resolveEmbedding},
	{KindPosition, nil, nil, 1, resolvePosition},
	{KindLayerNorm, []setting{epsilonE9}, nil, 1, resolveLayerNorm},
	{KindBatchNorm, []setting{epsilonE9, momentumE6}, nil, 1, resolveBatchNorm},
	{KindDropout, []setting{rateE6}, nil, 1, resolveDropout},
	{KindAdd, nil, nil, 2, resolveAdd},
	{KindAttention, []setting{heads}, []setting{causal}, 1, resolveAttention},
	{KindReLU, nil, nil, 1, elementwise(simpleWork)},
	{KindGELU, nil, nil, 1, elementwise(exponentialWork)},
	{KindSiLU, nil, nil, 1, elementwise(exponentialWork)},
	{KindTanh, nil, nil, 1, elementwise(exponentialWork)},
	{KindSigmoid, nil, nil, 1, elementwise(exponentialWork)},
	{KindSoftmax, nil, nil, 1, resolveSoftmax},
	{KindSML, nil, nil, 1, resolveSML},
}

// Kinds lists the layer kinds that a spec may use.
func Kinds() []string {
	names := make([]string, len(kinds))
	for i, k := range kinds {
		names[i] = k.name
	}
	return names
}

// Settings lists the settings of a kind by their names in the protobuf message: those that must be at least 1 and those that may also be
// 0. Both are empty for a kind without settings and for one that does not exist.
func Settings(name string) (needed, optional []string) {
	for _, k := range kinds {
		if k.name == name {
			return settingNames(k.needs), settingNames(k.may)
		}
	}
	return nil, nil
}

func settingNames(list []setting) []string {
	var names []string
	for _, s := range list {
		names = append(names, settings[s].name)
	}
	return names
}

func kindOf(l *Layer) (kind, error) {
	for _, k := range kinds {
		if k.name == l.Kind {
			return k, nil
		}
	}
	return kind{}, specError("layer %q has unknown kind %.80q; expected one of %s", l.Name, l.Kind, strings.Join(Kinds(), ", "))
}

// setting is one of the numbers of a layer. The order is that of the fields of the protobuf message.
type setting int

const (
	units setting = iota
	kernelHeight
	kernelWidth
	strideHeight
	strideWidth
	paddingHeight
	paddingWidth
	groups
	heads
	causal
	rateE6
	epsilonE9
	momentumE6
	vocabulary
	settingCount
)

// settings gives each its name in the protobuf message and its largest value.
var settings = [settingCount]struct {
	name string
	most uint64
}{
	units:         {"units", MaxUnits},
	kernelHeight:  {"kernel_height", MaxInputs},
	kernelWidth:   {"kernel_width", MaxInputs},
	strideHeight:  {"stride_height", MaxInputs},
	strideWidth:   {"stride_width", MaxInputs},
	paddingHeight: {"padding_height", MaxInputs},
	paddingWidth:  {"padding_width", MaxInputs},
	groups:        {"groups", MaxUnits},
	heads:         {"heads", MaxUnits},
	causal:        {"causal", 1},
	rateE6:        {"rate_e6", 999_999},
	epsilonE9:     {"epsilon_e9", 1_000_000_000},
	momentumE6:    {"momentum_e6", 1_000_000},
	vocabulary:    {"vocabulary", MaxVocabulary},
}

func (l *Layer) values() [settingCount]uint64 {
	v := [settingCount]uint64{
		units: l.Units, kernelHeight: l.KernelHeight, kernelWidth: l.KernelWidth, strideHeight: l.StrideHeight, strideWidth: l.StrideWidth,
		paddingHeight: l.PaddingHeight, paddingWidth: l.PaddingWidth, groups: l.Groups, heads: l.Heads, rateE6: l.RateE6,
		epsilonE9: l.EpsilonE9, momentumE6: l.MomentumE6, vocabulary: l.Vocabulary,
	}
	if l.Causal {
		v[causal] = 1
	}
	return v
}

// checkSettings refuses a setting beyond its limits and one that the kind does not use.
func (k kind) checkSettings(l *Layer) error {
	var least [settingCount]int // 0: not used, 1: may be 0, 2: at least 1
	for _, s := range k.may {
		least[s] = 1
	}
	for _, s := range k.needs {
		least[s] = 2
	}
	for i, v := range l.values() {
		s := settings[i]
		switch {
		case least[i] == 0 && v != 0:
			used := strings.Join(append(settingNames(k.needs), settingNames(k.may)...), ", ")
			if used == "" {
				used = "none"
			}
			return specError("layer %q: kind %q does not use %s; leave %s at 0, got %d (settings of %s: %s)", l.Name, l.Kind, s.name, s.name, v, l.Kind, used)
		case least[i] == 1 && v > s.most:
			return specError("layer %q: expected 0 to %d %s, got %d", l.Name, s.most, s.name, v)
		case least[i] == 2 && (v == 0 || v > s.most):
			return specError("layer %q: expected 1 to %d %s, got %d", l.Name, s.most, s.name, v)
		}
	}
	return nil
}
