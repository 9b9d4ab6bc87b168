#!/usr/bin/env python3
"""The definition of SPEC.md written a second time, in Python with exact fractions, checked against vectors.json.

It shares no code and no floating point arithmetic with the Go package: every number is an integer bit pattern, every rounding is done
on exact fractions. Slow on purpose. Run: python3 second_implementation.py vectors.json
"""
import hashlib
import json
import math
import struct
import sys
from fractions import Fraction

NAN, INF, NEG = 0x7FC00000, 0x7F800000, 0x80000000
ONE = 0x3F800000


def is_nan(a):
    return a & 0x7FFFFFFF > INF


def is_inf(a):
    return a & 0x7FFFFFFF == INF


def value(a):
    """Exact value of finite bits."""
    e, f = a >> 23 & 0xFF, a & 0x7FFFFF
    v = Fraction(f | 1 << 23) * Fraction(2) ** (e - 150) if e else Fraction(f) * Fraction(2) ** -149
    return -v if a & NEG else v


def near(q):
    """Nearest integer, ties to even."""
    n, rest = divmod(q.numerator, q.denominator)
    twice = 2 * rest - q.denominator
    return n + (twice > 0 or twice == 0 and n & 1)


def rn(q, zero_sign=0):
    """Bits of the f32 nearest to a fraction; zero_sign is the sign bit of an exact zero."""
    if q == 0:
        return zero_sign
    sign, q = (NEG, -q) if q < 0 else (0, q)
    e = q.numerator.bit_length() - q.denominator.bit_length()
    if q < Fraction(2) ** e:
        e -= 1
    unit = max(e - 23, -149)
    n = near(q / Fraction(2) ** unit)
    if n >> 24:
        n, unit = n >> 1, unit + 1
    if n < 1 << 23:
        return sign | n
    return sign | (INF if unit + 150 > 254 else unit + 150 << 23 | n & 0x7FFFFF)


def f32(x):
    """Bits of an integer or float that has an exact or nearest f32."""
    return rn(Fraction(x))


def add(a, b):
    if is_nan(a) or is_nan(b) or is_inf(a) and is_inf(b) and a != b:
        return NAN
    if is_inf(a):
        return a
    if is_inf(b):
        return b
    return rn(value(a) + value(b), a & b & NEG)


def neg(a):
    return a ^ NEG


def sub(a, b):
    return add(a, neg(b))


def mul(a, b):
    sign = (a ^ b) & NEG
    if is_nan(a) or is_nan(b):
        return NAN
    if is_inf(a) or is_inf(b):
        return NAN if a & ~NEG == 0 or b & ~NEG == 0 else sign | INF
    return rn(value(a) * value(b), sign)


def div(a, b):
    sign = (a ^ b) & NEG
    if is_nan(a) or is_nan(b) or is_inf(a) and is_inf(b):
        return NAN
    if is_inf(a):
        return sign | INF
    if is_inf(b):
        return sign
    if value(b) == 0:
        return NAN if value(a) == 0 else sign | INF
    return rn(value(a) / value(b), sign)


def sqrt(a):
    if is_nan(a) or a & NEG and a != NEG:
        return NAN
    if is_inf(a) or a & ~NEG == 0:
        return a
    # 60 extra bits and a sticky bit decide the rounding exactly.
    q = value(a) * Fraction(4) ** 220
    root = math.isqrt(q.numerator // q.denominator)
    sticky = Fraction(root) if root * root == q else Fraction(2 * root + 1, 2)
    return rn(sticky / Fraction(2) ** 220)


def fma(a, b, c):
    p_sign = (a ^ b) & NEG
    if is_nan(a) or is_nan(b) or is_nan(c):
        return NAN
    if is_inf(a) or is_inf(b):
        p = mul(a, b)
        return add(p, c) if is_inf(c) else p
    if is_inf(c):
        return c
    return rn(value(a) * value(b) + value(c), p_sign & c)


def less(a, b):
    if is_nan(a) or is_nan(b):
        return False
    key = lambda x: Fraction(2) ** 200 * (-1 if x & NEG else 1) if is_inf(x) else value(x)
    return key(a) < key(b)


def total(xs):
    lane = [0] * 16
    for i, x in enumerate(xs):
        lane[i % 16] = add(lane[i % 16], x)
    for h in (8, 4, 2, 1):
        for i in range(h):
            lane[i] = add(lane[i], lane[i + h])
    return lane[0]


def horner(first, x, rest):
    for c in rest:
        first = fma(first, x, c)
    return first


def pow2(n):
    return n + 127 << 23


def exp(x):
    if is_nan(x):
        return NAN
    if less(0x42B17218, x):
        return INF
    if less(x, 0xC2CFF1B4):
        return 0
    magic = 0x4B400000
    s = fma(x, 0x3FB8AA3B, magic)
    n = s - magic
    k = neg(sub(s, magic))
    r = fma(k, 0x35BFBE8E, fma(k, 0x3F317200, x))
    q = horner(0x3AB511A6, r, (0x3C091D36, 0x3D2AAC7A, 0x3E2AAA48, 0x3EFFFFFE))
    y = add(ONE, fma(mul(r, r), q, r))
    return mul(mul(y, pow2(n // 2)), pow2(n - n // 2))


def log(x):
    if is_nan(x) or less(x, 0):
        return NAN
    if x & ~NEG == 0:
        return NEG | INF
    if x == INF:
        return INF
    e = 0
    if x < 1 << 23:
        x, e = mul(x, pow2(23)), -23
    b = x - 0x3F3504F3
    e += b >> 23
    f = sub((b & 0x7FFFFF) + 0x3F3504F3, ONE)
    e = f32(e)
    p = horner(0x3D8A2B9B, f, (0xBDEF1DD8, 0x3DF37833, 0xBDFE110C, 0x3E119BB5, 0xBE2AAE26, 0x3E4CD25B, 0xBE800003, 0x3EAAAAA4))
    q = mul(f, f)
    t = fma(e, 0x35BFBE8E, mul(mul(q, f), p))
    return fma(e, 0x3F317200, add(f, fma(q, 0xBF000000, t)))


def tanh(x):
    if is_nan(x):
        return NAN
    a = x & ~NEG
    if less(a, 0x3F200000):
        s = mul(a, a)
        p = horner(0xBBBAF0EC, s, (0x3CA9134F, 0xBD5C1E2D, 0x3E088393, 0xBEAAAA99))
        y = fma(mul(s, a), p, a)
    elif less(a, 0x41180000):
        y = sub(ONE, div(0x40000000, add(exp(add(a, a)), ONE)))
    else:
        y = ONE
    return y | x & NEG


def gemm(m, n, k, a, b, c0):
    """a(i, p), b(p, j) and c0(i, j) are functions; c0 is None for a start at +0."""
    out = []
    for i in range(m):
        for j in range(n):
            acc = c0(i, j) if c0 else 0
            for p in range(k):
                acc = fma(a(i, p), b(p, j), acc)
            out.append(acc)
    return out


class Stream:
    def __init__(self, seed, label, index):
        h = hashlib.sha256(b"pold-engine/1/stream\0" + seed + struct.pack("<Q", index) + label.encode()).digest()
        self.key, self.nonce = struct.unpack("<2I", h[:8]), struct.unpack("<2I", h[8:16])
        self.block, self.words = 0, []

    def word(self):
        if not self.words:
            c = [self.block & 0xFFFFFFFF, self.block >> 32, *self.nonce]
            k0, k1 = self.key
            for _ in range(10):
                p0, p1 = 0xD2511F53 * c[0], 0xCD9E8D57 * c[2]
                c = [p1 >> 32 ^ c[1] ^ k0, p1 & 0xFFFFFFFF, p0 >> 32 ^ c[3] ^ k1, p0 & 0xFFFFFFFF]
                k0, k1 = k0 + 0x9E3779B9 & 0xFFFFFFFF, k1 + 0xBB67AE85 & 0xFFFFFFFF
            self.block, self.words = self.block + 1, c
        return self.words.pop(0)

    def below(self, n):
        while True:
            w = self.word()
            if w * n % 2**32 >= 2**32 % n:
                return w * n >> 32

    def symmetric(self):
        return rn(Fraction(2 * (self.word() >> 9) + 1 - 2**23, 2**23))

    def permutation(self, n):
        p = list(range(n))
        for i in range(n - 1, 0, -1):
            j = self.below(i + 1)
            p[i], p[j] = p[j], p[i]
        return p


def fields(b):
    """Fields of a protobuf message as (number, value)."""
    at, out = 0, []

    def varint():
        nonlocal at
        v = shift = 0
        while True:
            c = b[at]
            at += 1
            v |= (c & 127) << shift
            shift += 7
            if c < 128:
                return v

    while at < len(b):
        tag = varint()
        v = varint()
        if tag & 7 == 2:
            v, at = b[at : at + v], at + v
        out.append((tag >> 3, v))
    return out


class Net:
    def __init__(self, spec, seed):
        self.norm, self.layers, width = None, [], 1
        for number, v in fields(spec):
            if number == 1:
                for d in v:  # sizes below 128 in the vectors
                    width *= d
                self.inputs = width
            elif number == 2:
                n = dict(fields(v))
                offset = n.get(1, 0)
                offset -= 2**64 if offset >> 63 else 0
                # f64 division first: it is correctly rounded in Python as well.
                self.norm = f32(offset / 10**6), f32(n[2] / 10**6)
            else:
                layer = dict(fields(v))
                units = layer.get(4, width)
                self.layers.append((layer[1].decode(), layer[2].decode(), width, units))
                width = units
        self.outputs = width
        self.w = {}
        for name, kind, inputs, units in self.layers:
            if kind == "dense":
                s = Stream(seed, "init/" + name, 0)
                limit = sqrt(div(f32(6), f32(inputs + units)))
                self.w[name + ".weight"] = [mul(limit, s.symmetric()) for _ in range(inputs * units)]
                self.w[name + ".bias"] = [0] * units
        self.shapes = {n + ".weight": [u, i] for n, k, i, u in self.layers if k == "dense"}
        self.shapes |= {n + ".bias": [u] for n, k, _, u in self.layers if k == "dense"}

    def file(self):
        header, at = {}, 0
        for name in sorted(self.w):
            end = at + 4 * len(self.w[name])
            header[name] = {"dtype": "F32", "shape": self.shapes[name], "data_offsets": [at, end]}
            at = end
        text = json.dumps(header, separators=(",", ":")).encode()
        text += b" " * (-len(text) % 8)
        data = b"".join(struct.pack("<I", v) for name in sorted(self.w) for v in self.w[name])
        return struct.pack("<Q", len(text)) + text + data

    def forward(self, rows):
        acts = [[[div(sub(x, self.norm[0]), self.norm[1]) for x in row] for row in rows] if self.norm else rows]
        for name, kind, inputs, units in self.layers:
            x = acts[-1]
            if kind == "dense":
                w, b = self.w[name + ".weight"], self.w[name + ".bias"]
                y = gemm(len(x), units, inputs, lambda r, p: x[r][p], lambda p, j: w[j * inputs + p], lambda r, j: b[j])
                y = [y[r * units : (r + 1) * units] for r in range(len(x))]
            elif kind == "relu":
                y = [[v if less(0, v) else 0 for v in row] for row in x]
            else:
                y = [[tanh(v) for v in row] for row in x]
            acts.append(y)
        return acts

    def backward(self, acts, dy):
        g = {}
        for (name, kind, inputs, units), x, y in reversed(list(zip(self.layers, acts, acts[1:]))):
            if kind == "dense":
                w, rows = self.w[name + ".weight"], len(x)
                g[name + ".weight"] = gemm(units, inputs, rows, lambda j, r: dy[r][j], lambda r, p: x[r][p], None)
                g[name + ".bias"] = [total([row[j] for row in dy]) for j in range(units)]
                dx = gemm(rows, inputs, units, lambda r, j: dy[r][j], lambda j, p: w[j * inputs + p], None)
                dy = [dx[r * inputs : (r + 1) * inputs] for r in range(rows)]
            elif kind == "relu":
                dy = [[d if less(0, v) else 0 for d, v in zip(dr, yr)] for dr, yr in zip(dy, y)]
            else:
                dy = [[mul(d, fma(neg(v), v, ONE)) for d, v in zip(dr, yr)] for dr, yr in zip(dy, y)]
        return g


def argmax(z):
    best = 0
    for j in range(1, len(z)):
        if less(z[best], z[j]):
            best = j
    return best


def losses(objective, out, labels, targets):
    """Loss of each row and gradient of their mean."""
    rows, n, per_row, grad = len(out), len(out[0]), [], []
    for r, z in enumerate(out):
        if objective == 1:
            m = z[argmax(z)]
            e = [exp(sub(v, m)) for v in z]
            s = total(e)
            per_row.append(sub(log(s), sub(z[labels[r]], m)))
            g = [div(v, s) for v in e]
            g[labels[r]] = sub(g[labels[r]], ONE)
            scale = div(ONE, f32(rows))
        else:
            d = [sub(v, t) for v, t in zip(z, targets[r])]
            per_row.append(div(total([mul(v, v) for v in d]), f32(n)))
            g = [add(v, v) for v in d]
            scale = div(ONE, f32(rows * n))
        grad.append([mul(v, scale) for v in g])
    return per_row, grad


def e9(x):
    return 2**63 - 1 if is_inf(x) else min(2**63 - 1, near(value(x) * 10**9))


def train(v):
    bits = lambda key: [int(x, 16) for x in v[key] or []]
    f, t = v["Features"], v["Targets"]
    x, y, labels = bits("X"), bits("Y"), v["Labels"]
    rows = len(x) // f
    x = [x[r * f : (r + 1) * f] for r in range(rows)]
    y = [y[r * t : (r + 1) * t] for r in range(rows)]
    net = Net(bytes.fromhex(v["Spec"]), bytes.fromhex(v["ModelSeed"]))
    result = {"InitialSHA256": hashlib.sha256(net.file()).hexdigest(), "Losses": []}
    recipe = v["Recipe"]
    rate, beta1, beta2, epsilon = (int(b, 16) for b in recipe["Rates"])
    first = {k: [0] * len(w) for k, w in net.w.items()}
    second = {k: [0] * len(w) for k, w in net.w.items()}
    power1 = power2 = ONE
    order, epoch = [], 0
    for _ in range(recipe["Steps"]):
        while len(order) < recipe["BatchSize"]:
            order += Stream(bytes.fromhex(recipe["Seed"]), "order", epoch).permutation(rows)
            epoch += 1
        batch, order = order[: recipe["BatchSize"]], order[recipe["BatchSize"] :]
        acts = net.forward([x[i] for i in batch])
        per_row, grad = losses(v["Objective"], acts[-1], [labels[i] for i in batch], [y[i] for i in batch])
        result["Losses"].append("%08x" % div(total(per_row), f32(len(batch))))
        g = net.backward(acts, grad)
        power1, power2 = mul(power1, beta1), mul(power2, beta2)
        for k, w in net.w.items():
            for i in range(len(w)):
                if recipe["Optimizer"] == "sgd":
                    first[k][i] = fma(beta1, first[k][i], g[k][i])
                    w[i] = fma(neg(rate), first[k][i], w[i])
                    continue
                first[k][i] = fma(beta1, first[k][i], mul(sub(ONE, beta1), g[k][i]))
                second[k][i] = fma(beta2, second[k][i], mul(sub(ONE, beta2), mul(g[k][i], g[k][i])))
                mean = div(first[k][i], sub(ONE, power1))
                scale = add(sqrt(div(second[k][i], sub(ONE, power2))), epsilon)
                w[i] = fma(neg(rate), div(mean, scale), w[i])
    result["FinalSHA256"] = hashlib.sha256(net.file()).hexdigest()
    out = net.forward(x)[-1]
    per_row, _ = losses(v["Objective"], out, labels, y)
    n = net.outputs
    h = hashlib.sha256(b"pold-engine/1/evaluation\0" + struct.pack("<IQI", v["Objective"], rows, n))
    metric = 0
    for r, z in enumerate(out):
        h.update(struct.pack("<%dI" % (n + 1), *z, per_row[r]))
        if v["Objective"] == 1:
            metric += 10**9 * (argmax(z) == labels[r])
        else:
            metric += e9(div(total([sub(a, b) & ~NEG for a, b in zip(z, y[r])]), f32(n)))
    result["LossE9"] = sum(e9(p) for p in per_row) // rows
    result["MetricE9"] = metric // rows
    result["Digest"] = h.hexdigest()
    return result


def main():
    vectors = json.load(open(sys.argv[1]))
    checked = 0

    def check(what, got, want):
        nonlocal checked
        checked += 1
        if got != want:
            sys.exit("%s: SPEC.md gives %s, the stored answer is %s" % (what, got, want))

    for i, case in enumerate(vectors["FMA"]):
        x, y, z, want = (int(b, 16) for b in case)
        check("FMA %d" % i, fma(x, y, z), want)
    for name, function in (("Exp", exp), ("Log", log), ("Tanh", tanh)):
        for case in vectors[name]:
            x, want = (int(b, 16) for b in case)
            check("%s(%08x)" % (name, x), function(x), want)
    for case in vectors["Sum"]:
        *xs, want = (int(b, 16) for b in case)
        check("Sum of %d" % len(xs), total(xs), want)
    for i, v in enumerate(vectors["Gemm"]):
        a, b, c, want = ([int(x, 16) for x in v[k]] for k in ("A", "B", "C", "Result"))
        m, n, k = v["M"], v["N"], v["K"]
        got = gemm(m, n, k, lambda i, p: a[p * m + i] if v["TransA"] else a[i * k + p],
                   lambda p, j: b[j * k + p] if v["TransB"] else b[p * n + j], (lambda i, j: c[i * n + j]) if v["Accumulate"] else None)
        check("Gemm %d" % i, got, want)
    v = vectors["Stream"]
    fresh = lambda: Stream(bytes.fromhex(v["Seed"]), v["Label"], v["Index"])
    s = fresh()
    check("Words", [s.word() for _ in v["Words"]], v["Words"])
    s = fresh()
    check("Symmetric", ["%08x" % s.symmetric() for _ in v["Symmetric"]], v["Symmetric"])
    s = fresh()
    check("Below10", [s.below(10) for _ in v["Below10"]], v["Below10"])
    check("Permutation", fresh().permutation(20), v["Permutation"])
    for case in vectors["LossE9"]:
        check("LossE9 %s" % case["Loss"][0], e9(int(case["Loss"][0], 16)), case["LossE9"])
    for v in vectors["Training"]:
        for key, got in train(v).items():
            check("Training %s: %s" % (v["Name"], key), got, v[key])
    print("%d answers agree" % checked)


if __name__ == "__main__":
    main()
