package gemm

// grid says into how many bands of rows and of columns a product is cut; their intersections are the parts that threads take.
type grid struct{ rows, cols int }

func (k *kernelSet) grid(p *Product, threads int) grid {
	if threads == 1 || float64(p.M)*float64(p.N)*float64(p.K) < k.worthSharing {
		return grid{1, 1}
	}
	return grid{min(p.M, threads), 1}
}
