package engine

import (
	"math"

	"github.com/pold-network/pold/engine/internal/exact"
	"github.com/pold-network/pold/engine/internal/vector"
)

type function = func(dst, x []float32)

// selfTestFunction samples all exponents and both signs evenly.
func selfTestFunction(of func(*vector.Kernels) function) func(*machine) []byte {
	return func(on *machine) []byte {
		const samples = 4099
		x := make([]float32, samples)
		for i := range x {
			x[i] = math.Float32frombits(uint32(i) * (1<<32/samples + 1))
		}
		// A second half where the functions are neither constant nor trivial.
		for _, v := range selfTestNumbers("function", samples) {
			x = append(x, v*16)
		}
		for _, b := range []uint32{0, 1, 0x7fffff, 0x800000, 0x3f800000, 0x42b17217, 0x42b17218, 0x42cff1b4, 0x42cff1b5, 0x7f7fffff, 0x7f800000, 0x7fc00001} {
			x = append(x, math.Float32frombits(b), math.Float32frombits(b|exact.SignBit))
		}
		of(on.vec)(x, x)
		return appendBits(nil, x...)
	}
}

func selfTestReductions(on *machine) []byte {
	x := selfTestNumbers("reductions", 1000)
	var b []byte
	for n := range 70 {
		b = appendBits(b, on.vec.Sum(x[:n]))
	}
	columns := make([]float32, 10)
	on.vec.SumColumns(columns, x, 100, 10, make([]float32, 16*10))
	return appendBits(b, columns...)
}

// kernelCall is one use of a kernel: n values of each input and output.
type kernelCall struct {
	n             int
	a, b          []float32 // inputs, at least 2n+1 values
	dst, u, v     []float32 // outputs, which some kernels read as well
	s, t, r       float32   // scalars
	result        float32   // what a reduction returns
	index         []uint32  // n numbers from 0 to 3
	rows, columns int       // of a block
}

// selfTestCalls says for every kernel of the table how to call it. A test compares the list with the table.
var selfTestCalls = []struct {
	kernel, answer string
	call           func(k *vector.Kernels, c *kernelCall)
}{
	{"Exp", "bb47d076b01fbd9b914084b5f1601fc188e6a086d5250ad5638e49e9126fa809", func(k *vector.Kernels, c *kernelCall) { k.Exp(c.dst[:c.n], c.a) }},
	{"Log", "d334c3fc37af1482414059cbfe53e93943bc7ca193ce3d8c72aa8d93cf5dc073", func(k *vector.Kernels, c *kernelCall) { k.Log(c.dst[:c.n], c.a) }},
	{"Tanh", "1b7d5cf22b269bb8888cebcc9cdb200083395c3d0f6dc1ba96a2d64ee700bd22", func(k *vector.Kernels, c *kernelCall) { k.Tanh(c.dst[:c.n], c.a) }},
	{"Sigmoid", "f3b4c8f82ec4883127f5fae1b24e3a7c1b6ccd7d32e77913060ce184c9fc72e0", func(k *vector.Kernels, c *kernelCall) { k.Sigmoid(c.dst[:c.n], c.a) }},
	{"GELU", "42ece6e411ec5f7fe43aae33f9aeec0e62ed243a2552ec5a8751e49f63088aaf", func(k *vector.Kernels, c *kernelCall) { k.GELU(c.dst[:c.n], c.a) }},
	{"SiLU", "dfc090d8f7180d148f829417e25f2fe411acf9aa7e7ebb03c5d8f4db3635dfd5", func(k *vector.Kernels, c *kernelCall) { k.SiLU(c.dst[:c.n], c.a) }},
	{"ReLU", "9321f09821e5430ecfabb898feece13ed23f305dc8197311ff64cd7d15546265", func(k *vector.Kernels, c *kernelCall) { k.ReLU(c.dst[:c.n], c.a) }},
	{"ReLUGrad", "25e4c20958fc3b2aac5550ba63fc54de018f73307b1f1d1b9d5b12f7e27209f9", func(k *vector.Kernels, c *kernelCall) { k.ReLUGrad(c.dst[:c.n], c.b, c.a) }},
	{"TanhGrad", "0f1c9db0aacf60e26b05b00a263af5b180c95b958df68b2fd6ad154c215a373b", func(k *vector.Kernels, c *kernelCall) { k.TanhGrad(c.dst[:c.n], c.b, c.a) }},
	{"SigmoidGrad", "4bcbc7bac4bdab84391641dcef5f32dd2b7f4f273054bf185f79bea876766258", func(k *vector.Kernels, c *kernelCall) { k.SigmoidGrad(c.dst[:c.n], c.b, c.a) }},
	{"GELUGrad", "dc47e52caee82804124277792b8ccbed4558e29a94b9407c5d1d12eafc9924bd", func(k *vector.Kernels, c *kernelCall) { k.GELUGrad(c.dst[:c.n], c.b, c.a) }},
	{"SiLUGrad", "91da5b335bc4dc23e319a382907d4782d79fa0a669cc04a57872beb1d4d3420b", func(k *vector.Kernels, c *kernelCall) { k.SiLUGrad(c.dst[:c.n], c.b, c.a) }},
	{"Add", "87df352a393b008c91742b2911f8197690edf24fcf72f4ac738740439f9bb39e", func(k *vector.Kernels, c *kernelCall) { k.Add(c.dst[:c.n], c.a, c.b) }},
	{"Sub", "090d8932463cab3cc424ac156b2841b8ed360e2f219a6d8716953ac851ce6c75", func(k *vector.Kernels, c *kernelCall) { k.Sub(c.dst[:c.n], c.b, c.a) }},
	{"Mul", "43085283c7315a62509240dbbc92964078b28350b6738335655c352ad1a76324", func(k *vector.Kernels, c *kernelCall) { k.Mul(c.dst[:c.n], c.a, c.b) }},
	{"AddScaled", "e4a54f9d71c0ede017dcbf05a598fe510554317e8c85566acc71065517650ec5", func(k *vector.Kernels, c *kernelCall) { k.AddScaled(c.dst[:c.n], c.a, c.b, c.s) }},
	{"Scale", "58037b7f71df2eef24899f4fcf4a6eb26bbe0f9c2cebe6542c2ecac863c8c5e8", func(k *vector.Kernels, c *kernelCall) { k.Scale(c.dst[:c.n], c.a, c.s) }},
	{"AddScalar", "ce0dd02193aba0f7615f3c085a5f567130e6503b4fe2151b14333cefd2818d27", func(k *vector.Kernels, c *kernelCall) { k.AddScalar(c.dst[:c.n], c.a, c.s) }},
	{"DivScalar", "2dbe32df0518c8d4c2fc3b67f672fbf3d8b8ee9e0a96ef4e92970511fe18b5c4", func(k *vector.Kernels, c *kernelCall) { k.DivScalar(c.dst[:c.n], c.a, c.t) }},
	{"DivScale", "f65bbe4d0070caddffec351cc7dc359089b8986553548f2cc538e3e213ed93ec", func(k *vector.Kernels, c *kernelCall) { k.DivScale(c.dst[:c.n], c.a, c.t, c.s) }},
	{"Normalize", "12299993b05ada1ced2f02083ce9eb04371d36d2f3bd83b469b7b4d60c800977", func(k *vector.Kernels, c *kernelCall) { k.Normalize(c.dst[:c.n], c.a, c.s, c.t) }},
	{"Standardize", "2dc9f3478b3cdae85bac0e13bd3559b346c04e80fce1cc946adeaa56e5150de0", func(k *vector.Kernels, c *kernelCall) { k.Standardize(c.dst[:c.n], c.a, c.s, c.t) }},
	{"Affine", "00e4d957129380b488a70def6d394e0b72ff6f4b1048c14d2ae9feadb610db12", func(k *vector.Kernels, c *kernelCall) { k.Affine(c.dst[:c.n], c.a, c.t, c.s) }},
	{"AffineRow", "2b25c4a52218b431b4fcebacd29d47953a781a319dbd450f7897898ccb676737", func(k *vector.Kernels, c *kernelCall) { k.AffineRow(c.dst[:c.n], c.b, c.u, c.a) }},
	{"LayerNormGrad", "3fc567b3205ec49f6d01b5688bd7fa2d82c84e494dda12693a30afdb222f4200", func(k *vector.Kernels, c *kernelCall) { k.LayerNormGrad(c.dst[:c.n], c.a, c.b, c.s, c.t, c.r) }},
	{"Sum", "3b1fe1901fa0a25fa7ec11c36f012d4913029871ab70a550607618569b7b5499", func(k *vector.Kernels, c *kernelCall) { c.result = k.Sum(c.a[:c.n]) }},
	{"Dot", "63682b8c5598ec0566aec92033809c7d75183907e36caef6b0146beb5eda6557", func(k *vector.Kernels, c *kernelCall) { c.result = k.Dot(c.a[:c.n], c.b) }},
	{"SumSquaredDiff", "b4d0ca8490b5b96d18631484857e86c58f965e342283b25101775389a77a2222", func(k *vector.Kernels, c *kernelCall) { c.result = k.SumSquaredDiff(c.a[:c.n], c.s) }},
	{"Max", "ed27eadb6593b4b76fa46bc9007d69cedfb0916b3d766a6d14b667802ab77837", func(k *vector.Kernels, c *kernelCall) { c.result = k.Max(c.a[:c.n+1]) }},
	{"ExpSubSum", "38ddfae83d8d092d1c09e9d01545acaddfd24911ee747677d8f5fa96aa791fab", func(k *vector.Kernels, c *kernelCall) { c.result = k.ExpSubSum(c.dst[:c.n], c.a, c.s) }},
	{"SGDPlain", "3371b7061a21cbaf1b1068d214dfaf1ec0365b0021da85b6455dda479ff82a0f", func(k *vector.Kernels, c *kernelCall) { c.result = k.SGDPlain(c.dst[:c.n], c.b, c.s) }},
	{"SGD", "71af2a6ad6a785e2179b5fdfad799c235dc5a9432e9dd582cc04b96d20078295", func(k *vector.Kernels, c *kernelCall) { c.result = k.SGD(c.dst[:c.n], c.u, c.b, c.s, c.r) }},
	{"Nesterov", "23f987ceb70e6758fb546e927a9764c73303351cbea9f4db7761e8ad9d39fa7f", func(k *vector.Kernels, c *kernelCall) { c.result = k.Nesterov(c.dst[:c.n], c.u, c.b, c.s, c.r) }},
	{"Adam", "1ac18420a3f54724088418c68db339899875da27d8226f8d478ae07a868afab9", func(k *vector.Kernels, c *kernelCall) {
		c.result = k.Adam(c.dst[:c.n], c.u, c.v, c.b, &vector.AdamCoefficients{Rate: c.s, Beta1: 0.9, Beta2: 0.99, Rest1: 0.1, Rest2: 0.01,
			Epsilon: 1e-8, Correction1: 0.271, Correction2: 0.029701, Keep: c.r})
	}},
	{"NonFinite", "04258c77f65fb692dff8b96f095ca1d450d59c54b54c28b1171114f81f67bb12", func(k *vector.Kernels, c *kernelCall) { c.result = k.NonFinite(c.a[:c.n]) }},
	{"CopyBlock", "3d1862e60154fbc76b2343134e8c2a0b743e689a2dec32e6f9ec06da07b872ab", func(k *vector.Kernels, c *kernelCall) {
		k.CopyBlock(c.u, c.columns+3, c.a, c.columns+1, c.rows, c.columns)
	}},
	{"MaxPool2", "fd53ba46e7ec5ce3ffa722dd31987792d697932ed465fd887b4c02cbc3a2424d", func(k *vector.Kernels, c *kernelCall) { k.MaxPool2(c.u[:c.n], c.index, c.a[:2*c.n], c.b[:2*c.n]) }},
	{"MaxPool2Grad", "ae02f8663ccb7af597f15a4f3b3777e38b8247e965b8410ddb8b59c062688839", func(k *vector.Kernels, c *kernelCall) { k.MaxPool2Grad(c.u[:2*c.n], c.v[:2*c.n], c.a[:c.n], c.index) }},
}

func selfTestKernels() []selfTestItem {
	var items []selfTestItem
	for _, call := range selfTestCalls {
		items = append(items, selfTestItem{"kernel " + call.kernel, call.answer, selfTestKernel(call.call)})
	}
	return items
}

// selfTestKernel calls a kernel for many lengths with ordinary numbers, special ones, those around the smallest normal number, and a few
// small ones again and again.
func selfTestKernel(call func(k *vector.Kernels, c *kernelCall)) func(*machine) []byte {
	return func(on *machine) []byte {
		const longest, room = 100, 2*100 + 40
		ordinary, other := selfTestNumbers("kernel/a", room), selfTestNumbers("kernel/b", room)
		words := newStream([32]byte{}, "self-test/kernel/words", 0)
		special, tiny, equal, index := make([]float32, room), make([]float32, room), make([]float32, room), make([]uint32, room)
		for i := range room {
			ordinary[i] *= 5
			tiny[i] = other[room-1-i] * 0x1p-126
			index[i] = words.uint32() >> 30
			equal[i] = (float32(index[i]) - 1) * 0x1p-128
			if special[i] = math.Float32frombits(words.uint32()); i%3 == 0 {
				special[i] = specialNumbers[i/3%len(specialNumbers)]
			}
		}
		sets := []struct{ a, b, scalars []float32 }{
			{ordinary, other, []float32{0.3, -1.7}}, {special, other, []float32{-0x1p-125, 0x1p-3}}, {tiny, other, []float32{0x1p-127, 0.9}},
			{tiny, equal, []float32{0x1p-127, 0.9}}, {equal, equal, []float32{0x1p-66, -1.1}}, {ordinary, equal, []float32{95, 3}},
		}
		out := make([]byte, 0, 1<<17)
		c := kernelCall{r: 0.95, dst: make([]float32, room), u: make([]float32, room), v: make([]float32, room), index: make([]uint32, room), rows: 3}
		for n := 0; n <= longest; n += 1 + n/24*7 { // all up to 24, then in larger steps
			for i, set := range sets {
				c.n, c.a, c.b, c.columns = n, set.a[n%7:], set.b[n%5:], n/3
				c.s, c.t, c.result = set.scalars[0], set.scalars[1], 0
				copy(c.dst, set.a)
				copy(c.u, other[3:])
				copy(c.v, other)
				copy(c.index, index)
				for i, v := range c.v {
					c.v[i] = v * v
				}
				if n%2 == 1 {
					c.a = c.dst[:2*n+1] // in place
				}
				call(on.vec, &c)
				out = appendBits(append(out, byte(n), byte(i)), c.result)
				out = appendBits(out, c.dst[:n+8]...) // and a few values that must not change
				out = appendBits(appendBits(out, c.u[:2*n+8]...), c.v[:2*n+8]...)
				for _, i := range c.index[:n+1] {
					out = append(out, byte(i))
				}
			}
		}
		return out
	}
}

// specialNumbers are zeros, ends of ranges, ties and what is no number.
var specialNumbers = func() (x []float32) {
	for _, b := range []uint32{0x7fc00001, 0, 1, 0x7fffff, 0x800000, 0x3f800000, 0x3f800001, 0x42b17217, 0x42cff1b5, 0x4b000001, 0x7f7fffff, 0x7f800000} {
		x = append(x, math.Float32frombits(b), math.Float32frombits(b|exact.SignBit))
	}
	return x
}()
