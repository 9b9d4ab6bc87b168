package modelspec

// The kinds that read images: [C, H, W], or [H, W] as one channel.

func resolveConv2D(_ *Spec, n *Node) error {
	if err := checkImage(n); err != nil {
		return err
	}
	if n.PaddingHeight >= n.KernelHeight || n.PaddingWidth >= n.KernelWidth {
		return specError("layer %q: expected a padding smaller than the kernel, got %d×%d for a kernel of %d×%d",
			n.Name, n.PaddingHeight, n.PaddingWidth, n.KernelHeight, n.KernelWidth)
	}
	channels, _, _ := n.Image()
	filters, groups := int(n.Units), int(n.Groups)
	if channels%groups != 0 || filters%groups != 0 {
		return specError("layer %q: expected groups that divide both the %d channels read and the %d units, got %d", n.Name, channels, filters, groups)
	}
	height, width, err := windows(n)
	if err != nil {
		return err
	}
	kh, kw := int(n.KernelHeight), int(n.KernelWidth)
	perGroup := channels / groups
	n.Out = []int{filters, height, width}
	n.Tensors = []Tensor{
		{Suffix: "weight", Shape: []int{filters, perGroup, kh, kw}, Init: GlorotUniform, FanIn: perGroup * kh * kw, FanOut: filters / groups * kh * kw},
		{Suffix: "bias", Shape: []int{filters}},
	}
	n.MultiplyAdds = product(filters, height, width, perGroup, kh, kw)
	// Every value is gathered once for each place of a window that it is in, however few filters use it.
	perValue := int64(simpleWork)
	if n.StrideWidth > 1 {
		perValue = gatherWork
	}
	n.Operations = plus(work(productWork, groups), work(simpleWork, n.Out...),
		work(plus(shortCallWork, times(perValue, int64(width))), channels, kh, kw, height))
	return nil
}

func resolvePool(_ *Spec, n *Node) error {
	if err := checkImage(n); err != nil {
		return err
	}
	height, width, err := windows(n)
	if err != nil {
		return err
	}
	channels, _, _ := n.Image()
	n.Out = []int{channels, height, width}
	n.Operations = work(plus(shortCallWork, times(gatherWork, int64(n.KernelWidth))), channels, height, width, int(n.KernelHeight))
	if n.Kind == KindMaxPool {
		n.Kept = product(n.Out...) // where each maximum was
	}
	return nil
}

func resolveGlobalAveragePool(_ *Spec, n *Node) error {
	if err := checkImage(n); err != nil {
		return err
	}
	channels, height, width := n.Image()
	n.Out = []int{channels}
	n.Operations = plus(work(callWork, channels), work(simpleWork, channels, height, width))
	return nil
}

func checkImage(n *Node) error {
	if channels, _, _ := n.Image(); channels == 0 {
		return specError("layer %q: kind %q reads images, [channels, height, width] or [height, width]; got shape %v", n.Name, n.Kind, n.In[0])
	}
	return nil
}

// windows returns how many windows fit, down and across; what is left over at the lower and right edge is not read.
func windows(n *Node) (height, width int, err error) {
	_, h, w := n.Image()
	height = places(h, n.KernelHeight, n.StrideHeight, n.PaddingHeight)
	width = places(w, n.KernelWidth, n.StrideWidth, n.PaddingWidth)
	if height == 0 || width == 0 {
		return 0, 0, specError("layer %q: the kernel of %d×%d is larger than the %d×%d values it reads (padding of %d and %d on each side); use a smaller kernel",
			n.Name, n.KernelHeight, n.KernelWidth, h, w, n.PaddingHeight, n.PaddingWidth)
	}
	return height, width, nil
}

func places(size int, kernel, stride, padding uint64) int {
	padded := uint64(size) + 2*padding
	if kernel > padded {
		return 0
	}
	return int((padded-kernel)/stride) + 1
}
