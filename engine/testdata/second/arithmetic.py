"""SPEC.md section 1 with exact integers: a number is the bit pattern of an f32, every operation is rounded once."""
import math
from fractions import Fraction


NAN, INF, NEG = 0x7FC00000, 0x7F800000, 0x80000000
ONE, TWO, HALF = 0x3F800000, 0x40000000, 0x3F000000


def is_nan(a):
    return a & 0x7FFFFFFF > INF


def is_inf(a):
    return a & 0x7FFFFFFF == INF


def special(a):
    return a & INF == INF


def is_zero(a):
    return a & 0x7FFFFFFF == 0


def split(a):
    """Signed significand and exponent of finite bits."""
    e, m = a >> 23 & 0xFF, a & 0x7FFFFF
    if e:
        m, e = m | 1 << 23, e - 1
    return (-m if a & NEG else m), e - 149


def rounded(m, e, zero_sign=0):
    """RN of m * 2**e; zero_sign is the sign bit of an exact zero."""
    if m == 0:
        return zero_sign
    sign = 0
    if m < 0:
        sign, m = NEG, -m
    drop = max(m.bit_length() - 24, -149 - e)
    if drop > 0:
        rest, half = m & (1 << drop) - 1, 1 << drop - 1
        m >>= drop
        if rest > half or rest == half and m & 1:
            m += 1
    else:
        m <<= -drop
    # The hidden bit of m raises the exponent field by one, and so does a carry out of the rounding.
    bits = (e + drop + 149 << 23) + m
    return sign | min(bits, INF)


def value(a):
    m, e = split(a)
    return Fraction(m) * Fraction(2) ** e


def near(q):
    """Nearest integer, ties to even."""
    n, rest = divmod(q.numerator, q.denominator)
    twice = 2 * rest - q.denominator
    return n + (twice > 0 or twice == 0 and n & 1)


def f32(n):
    """f32(n) of an integer."""
    return rounded(n, 0)


def f64(q):
    """The f64 nearest to a fraction of ordinary size, as a fraction."""
    if q == 0:
        return q
    unit = Fraction(2) ** (abs(q.numerator).bit_length() - q.denominator.bit_length() - 53)
    while abs(q) / unit >= 2**53:
        unit *= 2
    return near(q / unit) * unit


def f32_of_f64(q):
    """RN of an f64, given as a fraction with a power of two below."""
    return rounded(q.numerator, 1 - q.denominator.bit_length())


def quotient(n, d):
    """f32(n/d): RN of the f64 quotient."""
    return f32_of_f64(f64(Fraction(n, d)))


def add(a, b):
    if special(a) or special(b):
        if is_nan(a) or is_nan(b) or is_inf(a) and is_inf(b) and a != b:
            return NAN
        return a if is_inf(a) else b
    (m, e), (n, f) = split(a), split(b)
    low = min(e, f)
    return rounded((m << e - low) + (n << f - low), low, a & b & NEG)


def neg(a):
    return a ^ NEG


def sub(a, b):
    return add(a, neg(b))


def mul(a, b):
    sign = (a ^ b) & NEG
    if special(a) or special(b):
        return NAN if is_nan(a) or is_nan(b) or is_zero(a) or is_zero(b) else sign | INF
    (m, e), (n, f) = split(a), split(b)
    return rounded(m * n, e + f, sign)


def div(a, b):
    sign = (a ^ b) & NEG
    if is_nan(a) or is_nan(b) or is_inf(a) and is_inf(b) or is_zero(a) and is_zero(b):
        return NAN
    if is_inf(a) or is_zero(b):
        return sign | INF
    if is_inf(b) or is_zero(a):
        return sign
    (m, e), (n, f) = split(a & ~NEG), split(b & ~NEG)
    # 80 more bits than needed, and one that says whether anything is left, decide every rounding.
    q, rest = divmod(m << 80, n)
    return sign | rounded(q << 1 | (rest != 0), e - f - 81)


def sqrt(a):
    if is_nan(a) or a & NEG and a != NEG:
        return NAN
    if is_inf(a) or is_zero(a):
        return a
    m, e = split(a)
    if e & 1:
        m, e = m << 1, e - 1
    m <<= 80
    root = math.isqrt(m)
    return rounded(root << 1 | (root * root != m), e // 2 - 41)


def fma(a, b, c):
    if special(a) or special(b) or special(c):
        if is_nan(a) or is_nan(b) or is_nan(c):
            return NAN
        if is_inf(a) or is_inf(b):
            return add(mul(a, b), c)
        return c
    (m, e), (n, f), (k, g) = split(a), split(b), split(c)
    m, e = m * n, e + f
    low = min(e, g)
    return rounded((m << e - low) + (k << g - low), low, (a ^ b) & c & NEG)


def less(a, b):
    """a < b."""
    if is_nan(a) or is_nan(b):
        return False
    order = lambda x: -(x & ~NEG) if x & NEG else x
    return order(a) < order(b)


def fabs(a):
    return a & ~NEG


def lanes(n, first, step, fold):
    lane = [first] * 16
    for i in range(n):
        lane[i % 16] = step(i, lane[i % 16])
    for h in (8, 4, 2, 1):
        for i in range(h):
            lane[i] = fold(lane[i], lane[i + h])
    return lane[0]


def total(xs):
    """The reduction sum."""
    return lanes(len(xs), 0, lambda i, lane: add(lane, xs[i]), add)


def dot(a, b):
    return lanes(len(a), 0, lambda i, lane: fma(a[i], b[i], lane), add)


def squares(xs, m):
    def step(i, lane):
        d = sub(xs[i], m)
        return fma(d, d, lane)

    return lanes(len(xs), 0, step, add)


def largest(xs):
    """The reduction max."""
    greater = lambda lane, x: x if less(lane, x) else lane
    return lanes(len(xs), xs[0], lambda i, lane: greater(lane, xs[i]), greater)


def horner(first, x, rest):
    for c in rest:
        first = fma(first, x, c)
    return first


def pow2(n):
    return n + 127 << 23


def parts(x, low):
    magic = 0x4B400000
    s = fma(x, 0x3FB8AA3B, magic)
    n = s - magic
    k = neg(sub(s, magic))
    r = add(fma(k, 0x35BFBE8E, fma(k, 0x3F317200, x)), low)
    q = horner(0x3AB511A6, r, (0x3C091D36, 0x3D2AAC7A, 0x3E2AAA48, 0x3EFFFFFE))
    return add(ONE, fma(mul(r, r), q, r)), n


def scale(y, n):
    h = n // 2
    return mul(mul(y, pow2(h)), pow2(n - h))


def exp(x):
    if is_nan(x):
        return NAN
    if less(0x42B17218, x):
        return INF
    if less(x, 0xC2CFF1B4):
        return 0
    return scale(*parts(x, 0))


def log(x):
    if is_nan(x) or less(x, 0):
        return NAN
    if is_zero(x):
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
    a = fabs(x)
    if less(a, 0x3F200000):
        s = mul(a, a)
        p = horner(0xBBBAF0EC, s, (0x3CA9134F, 0xBD5C1E2D, 0x3E088393, 0xBEAAAA99))
        y = fma(mul(s, a), p, a)
    elif less(a, 0x41180000):
        y = sub(ONE, div(TWO, add(exp(add(a, a)), ONE)))
    else:
        y = ONE
    return y | x & NEG


def sigmoid(x):
    if is_nan(x):
        return NAN
    e = exp(neg(fabs(x)))
    return div(e if less(x, 0) else ONE, add(ONE, e))


def limited(x, limit):
    return limit if less(limit, fabs(x)) else fabs(x)


def gate(x, a, y, n):
    b = add(ONE, scale(y, n))
    return scale(div(mul(neg(a), y), b), n) if less(x, 0) else div(x, b)


def silu(x):
    if is_nan(x):
        return NAN
    a = limited(x, f32(112))
    return gate(x, a, *parts(neg(a), 0))


GELU_A, GELU_A1, GELU_A2 = 0x3FCC422A, 0x3FCC4000, 0x388A67A8
GELU_B, GELU_B2, GELU_B3 = 0x3D922279, 0x3124D8B5, 0x3E5B33B6


def gelu(x):
    if is_nan(x):
        return NAN
    a = limited(x, f32(11))
    s = mul(a, a)
    t = fma(a, a, neg(s))
    q = fma(GELU_B, s, GELU_A1)
    d = sub(q, GELU_A1)
    u = fma(GELU_B, s, neg(d))
    u = fma(GELU_B, t, u)
    u = fma(GELU_B2, s, u)
    u = add(u, GELU_A2)
    w = mul(a, q)
    low = fma(a, u, fma(a, q, neg(w)))
    return gate(x, a, *parts(neg(w), neg(low)))


def silu_slope(x):
    if is_nan(x):
        return NAN
    a = limited(x, f32(112))
    e = exp(neg(a))
    r = div(ONE, add(ONE, e))
    p = mul(e, r)
    return fma(mul(p, r), neg(a), p) if less(x, 0) else fma(mul(p, r), a, r)


def gelu_slope(x):
    if is_nan(x):
        return NAN
    a = limited(x, f32(11))
    s = mul(a, a)
    e = exp(neg(mul(a, fma(GELU_B, s, GELU_A))))
    r = div(ONE, add(ONE, e))
    p = mul(e, r)
    slope = fma(GELU_B3, s, GELU_A)
    return fma(mul(p, r), mul(neg(a), slope), p) if less(x, 0) else fma(mul(p, r), mul(a, slope), r)


def gemm(m, n, k, a, b, c0=None):
    """a(i, p), b(p, j) and c0(i, j) are functions; without c0 chains start at +0. Returns rows."""
    out = []
    for i in range(m):
        row = []
        for j in range(n):
            acc = c0(i, j) if c0 else 0
            for p in range(k):
                acc = fma(a(i, p), b(p, j), acc)
            row.append(acc)
        out.append(row)
    return out


def cut(x, n):
    return [x[i : i + n] for i in range(0, len(x), n)]


def columns(rows):
    """The reduction sum over the rows, for each column."""
    return [total(list(c)) for c in zip(*rows)]
