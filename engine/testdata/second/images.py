"""SPEC.md section 6: convolution and pooling. Rows are flat lists."""
from second.arithmetic import add, columns, cut, div, f32, fma, less, total
from second.modelspec import size


class Images:
    """The kinds of Layer that read images; self.n is the node, self.t its tensors, self.x the input."""

    def pixels(self, row):
        """Function (channel, row, column) of the value, +0 in the padding."""
        n = self.n

        def at(c, r, v):
            if 0 <= r < n.height and 0 <= v < n.width:
                return row[(c * n.height + r) * n.width + v]
            return 0

        return at

    def conv2d(self, xs):
        n, w, b = self.n, self.t["weight"], self.t["bias"]
        per, per_out = n.channels // n.groups, n.units // n.groups
        out = []
        for row in xs[0]:
            at, y = self.pixels(row), []
            for u in range(n.units):
                for p in range(n.out[1]):
                    for q in range(n.out[2]):
                        acc, k = b[u], u * per * n.kernel_height * n.kernel_width
                        for c in range(per):
                            for i in range(n.kernel_height):
                                for j in range(n.kernel_width):
                                    acc = fma(w[k], at(u // per_out * per + c, p * n.stride_height + i - n.padding_height,
                                                       q * n.stride_width + j - n.padding_width), acc)
                                    k += 1
                        y.append(acc)
            out.append(y)
        return out

    def conv2d_backward(self, dy):
        n, w = self.n, self.t["weight"]
        per, per_out = n.channels // n.groups, n.units // n.groups
        kh, kw, (_, oh, ow) = n.kernel_height, n.kernel_width, n.out
        grad = lambda r, u, p, q: dy[r][(u * oh + p) * ow + q]
        images = [self.pixels(row) for row in self.x]
        dw = []
        for u in range(n.units):
            for c in range(per):
                for i in range(kh):
                    for j in range(kw):
                        runs = []
                        for begin in range(0, len(images), 16):
                            acc = 0
                            for r in range(begin, min(begin + 16, len(images))):
                                for p in range(oh):
                                    for q in range(ow):
                                        x = images[r](u // per_out * per + c, p * n.stride_height + i - n.padding_height,
                                                      q * n.stride_width + j - n.padding_width)
                                        acc = fma(x, grad(r, u, p, q), acc)
                            runs.append(acc)
                        acc = runs[0]
                        for v in runs[1:]:
                            acc = add(acc, v)
                        dw.append(acc)
        db = columns([[total([grad(r, u, p, q) for p in range(oh) for q in range(ow)]) for u in range(n.units)] for r in range(len(images))])

        def source(at, k, stride, padding, count):
            """The output place that weight place k leads to at, or None."""
            p, rest = divmod(at - k + padding, stride)
            return p if rest == 0 and 0 <= p < count else None

        dx = []
        for r in range(len(images)):
            row = []
            for c in range(n.channels):
                group = c // per
                for y in range(n.height):
                    for x in range(n.width):
                        acc = 0
                        for u in range(group * per_out, (group + 1) * per_out):
                            for i in range(kh):
                                p = source(y, i, n.stride_height, n.padding_height, oh)
                                for j in range(kw):
                                    q = source(x, j, n.stride_width, n.padding_width, ow)
                                    g = 0 if p is None or q is None else grad(r, u, p, q)
                                    acc = fma(w[((u * per + c % per) * kh + i) * kw + j], g, acc)
                        row.append(acc)
            dx.append(row)
        return {"weight": dw, "bias": db}, [dx]

    def window(self, at):
        """Places, within the values of a row, of the window of output number at, in row-major order."""
        n = self.n
        c, rest = divmod(at, n.out[1] * n.out[2])
        p, q = divmod(rest, n.out[2])
        return [(c * n.height + p * n.stride_height + i) * n.width + q * n.stride_width + j
                for i in range(n.kernel_height) for j in range(n.kernel_width)]

    def max_pool(self, xs):
        self.places, out = [], []
        for row in xs[0]:
            places = []
            for at in range(size(self.n.out)):
                best, *rest = self.window(at)
                for k in rest:
                    if less(row[best], row[k]):
                        best = k
                places.append(best)
            self.places.append(places)
            out.append([row[k] for k in places])
        return out

    def max_pool_backward(self, dy):
        n, dx = self.n, []
        stored = (n.kernel_height, n.kernel_width, n.stride_height, n.stride_width) == (2, 2, 2, 2)
        for d, places in zip(dy, self.places):
            row = [0] * size(n.shape)
            for v, k in zip(d, places):
                row[k] = v if stored else add(row[k], v)
            dx.append(row)
        return {}, [dx]

    def average_pool(self, xs):
        count, out = f32(self.n.kernel_height * self.n.kernel_width), []
        for row in xs[0]:
            y = []
            for at in range(size(self.n.out)):
                acc = 0
                for k in self.window(at):
                    acc = add(acc, row[k])
                y.append(div(acc, count))
            out.append(y)
        return out

    def average_pool_backward(self, dy):
        count, dx = f32(self.n.kernel_height * self.n.kernel_width), []
        for d in dy:
            row = [0] * size(self.n.shape)
            for at, v in enumerate(d):
                g = div(v, count)
                for k in self.window(at):
                    row[k] = add(row[k], g)
            dx.append(row)
        return {}, [dx]

    def global_average_pool(self, xs):
        self.count = self.n.height * self.n.width
        return [[div(total(p), f32(self.count)) for p in cut(row, self.count)] for row in xs[0]]

    def global_average_pool_backward(self, dy):
        return {}, [[sum([[div(v, f32(self.count))] * self.count for v in row], []) for row in dy]]
