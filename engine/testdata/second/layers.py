"""SPEC.md section 6: layers forward and backward. x, y and dy are lists of rows, each a flat list."""
from fractions import Fraction

from second.arithmetic import (
    ONE, add, columns, cut, div, dot, exp, f32, f32_of_f64, f64, fma, gelu, gelu_slope, gemm, largest, less, mul, neg, quotient, sigmoid,
    silu, silu_slope, sqrt, squares, sub, tanh, total, value,
)
from second.images import Images
from second.random_numbers import Stream


def linear_forward(x, w, b):
    n = len(x[0])
    return gemm(len(x), len(b), n, lambda r, p: x[r][p], lambda p, j: w[j * n + p], lambda r, j: b[j])


def linear_backward(x, w, dy):
    """Gradients of weight, bias and x."""
    n, units, rows = len(x[0]), len(dy[0]), len(x)
    dw = gemm(units, n, rows, lambda j, r: dy[r][j], lambda r, p: x[r][p])
    dx = gemm(rows, n, units, lambda r, j: dy[r][j], lambda j, p: w[j * n + p])
    return sum(dw, []), columns(dy), dx


def softmax(x):
    m = largest(x)
    e = [exp(sub(v, m)) for v in x]
    s = total(e)
    return [div(v, s) for v in e]


def softmax_backward(y, dy):
    s = dot(dy, y)
    return [mul(sub(d, s), v) for d, v in zip(dy, y)]


class Layer(Images):
    """Computes a node. Keeps what backward needs from the last forward in training."""

    def __init__(self, node, tensors, seed=None, mapping=None):
        self.n, self.t, self.seed, self.mapping = node, tensors, seed, mapping

    def forward(self, xs, step=None):
        """step is None in evaluation."""
        self.x, self.step = xs[0], step
        self.y = getattr(self, self.n.kind)(xs)
        return self.y

    def backward(self, dy):
        """Gradients of the tensors by suffix, and of each input."""
        g, dx = getattr(self, self.n.kind + "_backward")(dy)
        return g, dx

    # One vector for each row.
    def dense(self, xs):
        return linear_forward(xs[0], self.t["weight"], self.t["bias"])

    def dense_backward(self, dy):
        dw, db, dx = linear_backward(self.x, self.t["weight"], dy)
        return {"weight": dw, "bias": db}, [dx]

    def vectors(self, rows, length):
        return cut(sum(rows, []), length)

    def as_rows(self, vectors, rows):
        flat = sum(vectors, [])
        return cut(flat, len(flat) // rows)

    def linear(self, xs):
        return self.as_rows(linear_forward(self.vectors(xs[0], self.n.shape[-1]), self.t["weight"], self.t["bias"]), len(xs[0]))

    def linear_backward(self, dy):
        dw, db, dx = linear_backward(self.vectors(self.x, self.n.shape[-1]), self.t["weight"], self.vectors(dy, self.n.units))
        return {"weight": dw, "bias": db}, [self.as_rows(dx, len(dy))]

    # Elementwise kinds.
    def each(self, f, *lists):
        return [[f(*v) for v in zip(*rows)] for rows in zip(*lists)]

    def relu(self, xs):
        return self.each(lambda v: v if less(0, v) else 0, xs[0])

    def relu_backward(self, dy):
        return {}, [self.each(lambda y, d: d if less(0, y) else 0, self.y, dy)]

    def tanh(self, xs):
        return self.each(tanh, xs[0])

    def tanh_backward(self, dy):
        return {}, [self.each(lambda y, d: mul(d, fma(neg(y), y, ONE)), self.y, dy)]

    def sigmoid(self, xs):
        return self.each(sigmoid, xs[0])

    def sigmoid_backward(self, dy):
        return {}, [self.each(lambda y, d: mul(d, fma(neg(y), y, y)), self.y, dy)]

    def silu(self, xs):
        return self.each(silu, xs[0])

    def silu_backward(self, dy):
        return {}, [self.each(lambda x, d: mul(d, silu_slope(x)), self.x, dy)]

    def gelu(self, xs):
        return self.each(gelu, xs[0])

    def gelu_backward(self, dy):
        return {}, [self.each(lambda x, d: mul(d, gelu_slope(x)), self.x, dy)]

    def add(self, xs):
        return self.each(add, *xs)

    def add_backward(self, dy):
        return {}, [dy, dy]

    def flatten(self, xs):
        return xs[0]

    def flatten_backward(self, dy):
        return {}, [dy]

    def position(self, xs):
        return [[add(v, w) for v, w in zip(row, self.t["weight"])] for row in xs[0]]

    def position_backward(self, dy):
        return {"weight": columns(dy)}, [dy]

    def sml(self, xs):
        order, sign = self.mapping
        return [[mul(row[k], s) for k, s in zip(order, sign)] for row in xs[0]]

    def sml_backward(self, dy):
        return {}, [None]

    def dropout(self, xs):
        if self.step is None:
            return xs[0]
        stream = Stream(self.seed, "dropout/" + self.n.name, self.step)
        limit, kept = (self.n.rate_e6 << 32) // 10**6, f32_of_f64(f64(1 / f64(1 - f64(Fraction(self.n.rate_e6, 10**6)))))
        self.mask = [[0 if stream.word() < limit else kept for _ in row] for row in xs[0]]
        return self.each(mul, xs[0], self.mask)

    def dropout_backward(self, dy):
        return {}, [self.each(mul, dy, self.mask)]

    # Vectors of the last axis.
    def softmax(self, xs):
        return self.as_rows([softmax(v) for v in self.vectors(xs[0], self.n.shape[-1])], len(xs[0]))

    def softmax_backward(self, dy):
        d = self.n.shape[-1]
        return {}, [self.as_rows([softmax_backward(y, g) for y, g in zip(self.vectors(self.y, d), self.vectors(dy, d))], len(dy))]

    def layer_norm(self, xs):
        n, w, b = self.n.shape[-1], self.t["weight"], self.t["bias"]
        epsilon = quotient(self.n.epsilon_e9, 10**9)
        self.normal, self.r, out = [], [], []
        for x in self.vectors(xs[0], n):
            mean = div(total(x), f32(n))
            r = div(ONE, sqrt(add(div(squares(x, mean), f32(n)), epsilon)))
            normal = [mul(sub(v, mean), r) for v in x]
            out.append([fma(v, w[i], b[i]) for i, v in enumerate(normal)])
            self.normal.append(normal)
            self.r.append(r)
        return self.as_rows(out, len(xs[0]))

    def layer_norm_backward(self, dy):
        n, w = self.n.shape[-1], self.t["weight"]
        vectors, dx = self.vectors(dy, n), []
        for d, normal, r in zip(vectors, self.normal, self.r):
            t = [mul(v, w[i]) for i, v in enumerate(d)]
            a, c = div(total(t), f32(n)), div(dot(t, normal), f32(n))
            dx.append([mul(r, fma(neg(x), c, sub(v, a))) for v, x in zip(t, normal)])
        dw = columns([[mul(v, x) for v, x in zip(d, normal)] for d, normal in zip(vectors, self.normal)])
        return {"weight": dw, "bias": columns(vectors)}, [self.as_rows(dx, len(dy))]

    # Channels.
    def planes(self, rows):
        """For each row its channels, each a list of pixels."""
        return [cut(row, len(row) // self.n.shape[0]) for row in rows]

    def batch_norm(self, xs):
        t, x = self.t, self.planes(xs[0])
        epsilon, momentum = quotient(self.n.epsilon_e9, 10**9), quotient(self.n.momentum_e6, 10**6)
        count = f32(len(x) * len(x[0][0]))
        channels = range(len(x[0]))
        mean, var = t["running_mean"], t["running_var"]
        if self.step is not None:
            mean = [div(v, count) for v in columns([[total(p) for p in row] for row in x])]
            q = columns([[squares(row[c], mean[c]) for c in channels] for row in x])
            var = [div(v, count) for v in q]
            for c in channels:
                v = var[c] if count == ONE else div(q[c], sub(count, ONE))
                for name, now in (("running_mean", mean[c]), ("running_var", v)):
                    t[name][c] = fma(momentum, sub(now, t[name][c]), t[name][c])
        self.count = count
        self.r = [div(ONE, sqrt(add(v, epsilon))) for v in var]
        self.normal = [[[mul(sub(v, mean[c]), self.r[c]) for v in row[c]] for c in channels] for row in x]
        return [sum([[fma(v, t["weight"][c], t["bias"][c]) for v in row[c]] for c in channels], []) for row in self.normal]

    def batch_norm_backward(self, dy):
        d = self.planes(dy)
        channels = range(len(d[0]))
        db = columns([[total(p) for p in row] for row in d])
        dw = columns([[dot(row[c], normal[c]) for c in channels] for row, normal in zip(d, self.normal)])
        dx = []
        for row, normal in zip(d, self.normal):
            out = []
            for c in channels:
                a, b, factor = div(db[c], self.count), div(dw[c], self.count), mul(self.t["weight"][c], self.r[c])
                out += [mul(factor, fma(neg(x), b, sub(v, a))) for v, x in zip(row[c], normal[c])]
            dx.append(out)
        return {"weight": dw, "bias": db}, [dx]

    # Sequences.
    def embedding(self, xs):
        w, u = self.t["weight"], self.n.units
        self.words = [[int(value(v)) for v in row] for row in xs[0]]
        return [sum([w[k * u : (k + 1) * u] for k in row], []) for row in self.words]

    def embedding_backward(self, dy):
        u = self.n.units
        dw = [0] * len(self.t["weight"])
        for row, d in zip(self.words, dy):
            for k, g in zip(row, cut(d, u)):
                for j in range(u):
                    dw[k * u + j] = add(dw[k * u + j], g[j])
        return {"weight": dw}, [None]

    def attention(self, xs):
        n, t = self.n, self.t
        positions, d = n.shape
        h = d // n.heads
        self.factor = div(ONE, sqrt(f32(h)))
        self.inner = self.vectors(xs[0], d)
        projected = linear_forward(self.inner, t["in_proj_weight"], t["in_proj_bias"])
        self.mixed = [[0] * d for _ in projected]
        self.heads = []
        for r in range(len(xs[0])):
            for a in range(n.heads):
                rows = projected[r * positions : (r + 1) * positions]
                q, k, v = ([row[which * d + a * h : which * d + (a + 1) * h] for row in rows] for which in range(3))
                s = gemm(positions, positions, h, lambda i, p: q[i][p], lambda p, j: k[j][p])
                weights = []
                for i, row in enumerate(s):
                    seen = i + 1 if n.causal else positions
                    weights.append(softmax([mul(v, self.factor) for v in row[:seen]]) + [0] * (positions - seen))
                y = gemm(positions, h, positions, lambda i, p: weights[i][p], lambda p, j: v[p][j])
                for i in range(positions):
                    self.mixed[r * positions + i][a * h : (a + 1) * h] = y[i]
                self.heads.append((r, a, q, k, v, weights))
        return self.as_rows(linear_forward(self.mixed, t["out_proj.weight"], t["out_proj.bias"]), len(xs[0]))

    def attention_backward(self, dy):
        n, t = self.n, self.t
        positions, d = n.shape
        h = d // n.heads
        g = {}
        g["out_proj.weight"], g["out_proj.bias"], d_mixed = linear_backward(self.mixed, t["out_proj.weight"], self.vectors(dy, d))
        projected = [[0] * (3 * d) for _ in d_mixed]
        for r, a, q, k, v, weights in self.heads:
            d_y = [d_mixed[r * positions + i][a * h : (a + 1) * h] for i in range(positions)]
            d_v = gemm(positions, h, positions, lambda j, i: weights[i][j], lambda i, c: d_y[i][c])
            d_a = gemm(positions, positions, h, lambda i, c: d_y[i][c], lambda c, j: v[j][c])
            d_s = []
            for i in range(positions):
                seen = i + 1 if n.causal else positions
                d_s.append(softmax_backward(weights[i][:seen], d_a[i][:seen]) + [0] * (positions - seen))
            d_s = [[mul(x, self.factor) for x in row] for row in d_s]
            d_q = gemm(positions, h, positions, lambda i, j: d_s[i][j], lambda j, c: k[j][c])
            d_k = gemm(positions, h, positions, lambda j, i: d_s[i][j], lambda i, c: q[i][c])
            for which, part in enumerate((d_q, d_k, d_v)):
                for i in range(positions):
                    projected[r * positions + i][which * d + a * h : which * d + (a + 1) * h] = part[i]
        g["in_proj_weight"], g["in_proj_bias"], dx = linear_backward(self.inner, t["in_proj_weight"], projected)
        return g, [self.as_rows(dx, len(dy))]
