package engine

// lanes is the number of partial sums of every reduction: one 512-bit register, two of 256 or four of 128 hold them.
const lanes = 16

// sum adds the elements of x in the one order of the definition: element i goes to lane i mod 16, the lanes start at +0 and are then
// folded 8 on 8, 4 on 4, 2 on 2, 1 on 1.
func sum(x []float32) float32 {
	var lane [lanes]float32
	for i, v := range x {
		lane[i%lanes] += v
	}
	foldLanes(lane[:], 1)
	return lane[0]
}

// sumColumns stores in dst[j] the sum of column j of the rows×columns matrix x, in the order of sum over the rows.
func sumColumns(dst, x []float32, rows, columns int) {
	lane := make([]float32, lanes*columns)
	for r := range rows {
		acc := lane[r%lanes*columns:][:columns]
		for j, v := range x[r*columns:][:columns] {
			acc[j] += v
		}
	}
	foldLanes(lane, columns)
	copy(dst[:columns], lane)
}

// foldLanes adds the upper half of the lanes to the lower half until one is left; each lane is width numbers wide.
func foldLanes(lane []float32, width int) {
	for half := lanes / 2; half > 0; half /= 2 {
		low, high := lane[:half*width], lane[half*width:2*half*width]
		for i := range low {
			low[i] += high[i]
		}
	}
}
