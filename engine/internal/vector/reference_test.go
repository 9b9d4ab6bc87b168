package vector

import (
	"github.com/pold-network/pold/engine/internal/exact"
	"github.com/pold-network/pold/engine/internal/isa"
)

// reference is the definition of every kernel, written for reading.
var reference = Kernels{
	Level: isa.Portable,

	Exp:     apply(exact.Exp),
	Log:     apply(exact.Log),
	Tanh:    apply(exact.Tanh),
	Sigmoid: apply(exact.Sigmoid),
	GELU:    apply(exact.GELU),
	SiLU:    apply(exact.SiLU),
	ReLU:    apply(func(x float32) float32 { return ifPositive(x, x) }),

	ReLUGrad:    apply2(func(y, dy float32) float32 { return ifPositive(y, dy) }),
	TanhGrad:    apply2(func(y, dy float32) float32 { return dy * exact.FMA(-y, y, 1) }),
	SigmoidGrad: apply2(func(y, dy float32) float32 { return dy * exact.FMA(-y, y, y) }),
	GELUGrad:    apply2(func(x, dy float32) float32 { return dy * exact.GELUDerivative(x) }),
	SiLUGrad:    apply2(func(x, dy float32) float32 { return dy * exact.SiLUDerivative(x) }),

	Add: apply2(func(a, b float32) float32 { return a + b }),
	Sub: apply2(func(a, b float32) float32 { return a - b }),
	Mul: apply2(func(a, b float32) float32 { return a * b }),
	AddScaled: func(dst, a, b []float32, s float32) {
		for i := range dst {
			dst[i] = exact.FMA(s, b[i], a[i])
		}
	},
	Scale: func(dst, x []float32, s float32) {
		for i := range dst {
			dst[i] = s * x[i]
		}
	},
	AddScalar: func(dst, x []float32, s float32) {
		for i := range dst {
			dst[i] = x[i] + s
		}
	},
	DivScalar: func(dst, x []float32, s float32) {
		for i := range dst {
			dst[i] = x[i] / s
		}
	},
	DivScale: func(dst, x []float32, s, t float32) {
		for i := range dst {
			dst[i] = float32(x[i]/s) * t
		}
	},
	Normalize: func(dst, x []float32, offset, divisor float32) {
		for i := range dst {
			dst[i] = (x[i] - offset) / divisor
		}
	},
	Standardize: func(dst, x []float32, mean, rstd float32) {
		for i := range dst {
			dst[i] = (x[i] - mean) * rstd
		}
	},
	Affine: func(dst, x []float32, scale, shift float32) {
		for i := range dst {
			dst[i] = exact.FMA(x[i], scale, shift)
		}
	},
	AffineRow: func(dst, x, scale, shift []float32) {
		for i := range dst {
			dst[i] = exact.FMA(x[i], scale[i], shift[i])
		}
	},
	LayerNormGrad: func(dx, t, xhat []float32, a, b, rstd float32) {
		for i := range dx {
			dx[i] = rstd * exact.FMA(-xhat[i], b, t[i]-a)
		}
	},

	Sum: func(x []float32) float32 {
		return sumLanes(len(x), func(i int, lane float32) float32 { return lane + x[i] })
	},
	Dot: func(a, b []float32) float32 {
		return sumLanes(len(a), func(i int, lane float32) float32 { return exact.FMA(a[i], b[i], lane) })
	},
	SumSquaredDiff: func(x []float32, mean float32) float32 {
		return sumLanes(len(x), func(i int, lane float32) float32 {
			d := x[i] - mean
			return exact.FMA(d, d, lane)
		})
	},
	Max: func(x []float32) float32 {
		var lane [Lanes]float32
		for i := range lane {
			lane[i] = x[0]
		}
		for i, v := range x {
			lane[i%Lanes] = larger(v, lane[i%Lanes])
		}
		for half := Lanes / 2; half > 0; half /= 2 {
			for i := range half {
				lane[i] = larger(lane[i+half], lane[i])
			}
		}
		return lane[0]
	},
	ExpSubSum: func(dst, x []float32, m float32) float32 {
		return sumLanes(len(dst), func(i int, lane float32) float32 {
			dst[i] = exact.Exp(x[i] - m)
			return lane + dst[i]
		})
	},

	SGDPlain: func(w, g []float32, rate float32) float32 {
		return sumLanes(len(w), func(i int, lane float32) float32 {
			w[i] = exact.FMA(-rate, g[i], w[i])
			return exact.FMA(w[i], 0, lane)
		})
	},
	SGD: func(w, v, g []float32, rate, momentum float32) float32 {
		return sumLanes(len(w), func(i int, lane float32) float32 {
			v[i] = exact.FMA(momentum, v[i], g[i])
			w[i] = exact.FMA(-rate, v[i], w[i])
			return exact.FMA(w[i], 0, lane)
		})
	},
	Nesterov: func(w, v, g []float32, rate, momentum float32) float32 {
		return sumLanes(len(w), func(i int, lane float32) float32 {
			v[i] = exact.FMA(momentum, v[i], g[i])
			w[i] = exact.FMA(-rate, exact.FMA(momentum, v[i], g[i]), w[i])
			return exact.FMA(w[i], 0, lane)
		})
	},
	Adam: func(w, m, v, g []float32, c *AdamCoefficients) float32 {
		return sumLanes(len(w), func(i int, lane float32) float32 {
			m[i] = exact.FMA(c.Beta1, m[i], float32(c.Rest1*g[i]))
			v[i] = exact.FMA(c.Beta2, v[i], float32(c.Rest2*float32(g[i]*g[i])))
			mean := m[i] / c.Correction1
			size := exact.Sqrt(v[i]/c.Correction2) + c.Epsilon
			w[i] = exact.FMA(-c.Rate, mean/size, float32(w[i]*c.Keep))
			return exact.FMA(w[i], 0, lane)
		})
	},
	NonFinite: func(x []float32) float32 {
		return sumLanes(len(x), func(i int, lane float32) float32 { return exact.FMA(x[i], 0, lane) })
	},

	CopyBlock: func(dst []float32, dstStride int, src []float32, srcStride, rows, cols int) {
		for r := range rows {
			for c := range cols {
				dst[r*dstStride+c] = src[r*srcStride+c]
			}
		}
	},
	MaxPool2: func(dst []float32, index []uint32, top, bottom []float32) {
		for i := range dst {
			best, at := top[2*i], uint32(0)
			for j, v := range [4]float32{top[2*i], top[2*i+1], bottom[2*i], bottom[2*i+1]} {
				if v > best {
					best, at = v, uint32(j)
				}
			}
			dst[i], index[i] = best, at
		}
	},
	MaxPool2Grad: func(top, bottom, dy []float32, index []uint32) {
		for i, v := range dy {
			block := [4]float32{}
			block[index[i]] = v
			top[2*i], top[2*i+1], bottom[2*i], bottom[2*i+1] = block[0], block[1], block[2], block[3]
		}
	},
}

// apply makes the kernel of a function of one number.
func apply(f func(x float32) float32) func(dst, x []float32) {
	return func(dst, x []float32) {
		for i := range dst {
			dst[i] = f(x[i])
		}
	}
}

// apply2 makes the kernel of a function of two numbers.
func apply2(f func(a, b float32) float32) func(dst, a, b []float32) {
	return func(dst, a, b []float32) {
		for i := range dst {
			dst[i] = f(a[i], b[i])
		}
	}
}

// ifPositive returns v if x > 0, else +0.
func ifPositive(x, v float32) float32 {
	if x > 0 {
		return v
	}
	return 0
}

// sumLanes runs step over the elements, each on its lane, and adds up the lanes.
func sumLanes(n int, step func(i int, lane float32) float32) float32 {
	var lane [Lanes]float32
	for i := range n {
		lane[i%Lanes] = step(i, lane[i%Lanes])
	}
	for half := Lanes / 2; half > 0; half /= 2 {
		for i := range half {
			lane[i] += lane[i+half]
		}
	}
	return lane[0]
}
