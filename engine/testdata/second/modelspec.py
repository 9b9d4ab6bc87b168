"""SPEC.md section 2: bytes of a model spec, its rules, shapes, tensors and work."""
import math
import re


class Refused(Exception):
    """Bytes that are no valid model spec."""


def require(condition):
    if not condition:
        raise Refused


def varint(b, at):
    v = shift = 0
    while True:
        require(at < len(b) and shift < 64)
        c = b[at]
        at += 1
        v |= (c & 127) << shift
        shift += 7
        if c < 128:
            require(v < 2**64)
            return v, at


def fields(b, strings):
    """Fields of a protobuf message as (number, value); strings are the numbers of the length-delimited ones."""
    at, out = 0, []
    while at < len(b):
        tag, at = varint(b, at)
        require(tag & 7 == (2 if tag >> 3 in strings else 0))
        v, at = varint(b, at)
        if tag & 7 == 2:
            require(v <= len(b) - at)
            v, at = bytes(b[at : at + v]), at + v
        out.append((tag >> 3, v))
    return out


def write_varint(v):
    out = b""
    while v > 127:
        out, v = out + bytes([v & 127 | 128]), v >> 7
    return out + bytes([v])


def write(message):
    """Canonical bytes of a list of (number, value); zero numbers are left out."""
    out = b""
    for number, v in message:
        if isinstance(v, bytes):
            out += write_varint(number << 3 | 2) + write_varint(len(v)) + v
        elif v:
            out += write_varint(number << 3) + write_varint(v)
    return out


SETTINGS = ("units", "kernel_height", "kernel_width", "stride_height", "stride_width", "padding_height", "padding_width", "groups", "heads",
            "causal", "rate_e6", "epsilon_e9", "momentum_e6", "vocabulary")


WINDOW = ("kernel_height", "kernel_width", "stride_height", "stride_width")
# Settings that must be at least 1, then those that may be 0.
KINDS = {
    "dense": (("units",), ()), "linear": (("units",), ()), "conv2d": (("units", "groups") + WINDOW, ("padding_height", "padding_width")),
    "max_pool": (WINDOW, ()), "average_pool": (WINDOW, ()), "global_average_pool": ((), ()), "flatten": ((), ()),
    "embedding": (("units", "vocabulary"), ()), "position": ((), ()), "layer_norm": (("epsilon_e9",), ()),
    "batch_norm": (("epsilon_e9", "momentum_e6"), ()), "dropout": (("rate_e6",), ()), "add": ((), ()), "attention": (("heads",), ("causal",)),
    "relu": ((), ()), "gelu": ((), ()), "silu": ((), ()), "tanh": ((), ()), "sigmoid": ((), ()), "softmax": ((), ()), "sml": ((), ()),
}
LARGEST = {"causal": 1, "rate_e6": 999_999, "epsilon_e9": 10**9, "momentum_e6": 10**6}


def size(shape):
    return math.prod(shape)


class Node:
    """A layer with its place worked out: sources (-1 is the input), shape read, shape given, tensors, work."""

    def __init__(self, message, names, shapes):
        f = fields(message, (1, 2, 3))
        self.name, self.kind = dict(f).get(1, b""), dict(f).get(2, b"")
        reads = [v for k, v in f if k == 3]
        require(all(k <= 17 and (v != 0) for k, v in f))
        self.message = [(1, self.name), (2, self.kind)] + [(3, r) for r in reads]
        self.name, self.kind = self.name.decode("latin-1"), self.kind.decode("latin-1")
        require(len(self.name) <= 64 and re.fullmatch("[A-Za-z][A-Za-z0-9_-]*", self.name) and self.name not in names)
        require(self.kind in KINDS)
        needed, optional = KINDS[self.kind]
        for i, name in enumerate(SETTINGS):
            v = dict(f).get(4 + i, 0)
            setattr(self, name, v)
            self.message.append((4 + i, v))
            require((v > 0) == (name in needed) or name in optional)
            require(v <= LARGEST.get(name, 65536))
        reads = [r.decode("latin-1") for r in reads]
        require(len(reads) == len(set(reads)) == 2 if self.kind == "add" else len(reads) <= 1)
        require(all(r in names for r in reads))
        # names[0] is "input"; sources count from it.
        self.sources = [names.index(r) - 1 for r in reads] or [len(names) - 2]
        self.reads = [shapes[s + 1] for s in self.sources]
        self.shape = self.reads[0]
        self.tensors = []  # (suffix, shape, first values): fans, 0 or 1
        self.multiply_adds = self.operations = self.kept = 0
        self.out = self.plan(list(self.shape))

    def tensor(self, suffix, shape, first=0):
        self.tensors.append((suffix, shape, first))

    def windows(self):
        def places(n, kernel, stride, padding):
            require(kernel <= n + 2 * padding)
            return (n + 2 * padding - kernel) // stride + 1

        return [places(self.height, self.kernel_height, self.stride_height, self.padding_height),
                places(self.width, self.kernel_width, self.stride_width, self.padding_width)]

    def plan(self, shape):
        n, d, u, kind = size(shape), shape[-1], self.units, self.kind
        kernel = [self.kernel_height, self.kernel_width]
        if len(shape) in (2, 3):
            self.channels, self.height, self.width = [1, *shape] if len(shape) == 2 else shape
        if kind in ("conv2d", "max_pool", "average_pool", "global_average_pool"):
            require(len(shape) in (2, 3))
        if kind == "embedding" or kind in ("position", "attention") and len(shape) == 2:
            require(shape[0] <= 4096)
        if kind == "dense":
            self.tensor("weight", [u, n], (n, u))
            self.tensor("bias", [u])
            self.multiply_adds = n * u
            return [u]
        if kind == "linear":
            self.tensor("weight", [u, d], (d, u))
            self.tensor("bias", [u])
            self.multiply_adds = n * u
            self.operations = (256 + 4 * u) * (n // d)
            return shape[:-1] + [u]
        if kind == "conv2d":
            require(self.padding_height < self.kernel_height and self.padding_width < self.kernel_width)
            require(self.channels % self.groups == 0 and u % self.groups == 0)
            per, area, windows = self.channels // self.groups, size(kernel), self.windows()
            self.tensor("weight", [u, per, *kernel], (per * area, u // self.groups * area))
            self.tensor("bias", [u])
            self.multiply_adds = u * size(windows) * per * area
            gather = 4 if self.stride_width == 1 else 32
            self.operations = 4096 * self.groups + 4 * u * size(windows)
            self.operations += self.channels * area * windows[0] * (128 + gather * windows[1])
            return [u, *windows]
        if kind in ("max_pool", "average_pool"):
            out = [self.channels, *self.windows()]
            self.operations = size(out) * kernel[0] * (128 + 32 * kernel[1])
            if kind == "max_pool":
                self.kept = size(out)
            return out
        if kind == "global_average_pool":
            self.operations = 512 * self.channels + 4 * n
            return [self.channels]
        if kind == "flatten":
            return [n]
        if kind == "embedding":
            require(len(shape) == 1 and self.sources == [-1])
            self.tensor("weight", [self.vocabulary, u], (u, u))
            self.operations = 4 * shape[0] * u
            return [shape[0], u]
        self.operations = 4 * n
        if kind == "sml":
            return [n]
        if kind == "position":
            require(len(shape) <= 2)
            self.tensor("weight", shape, (d, d))
        elif kind == "layer_norm":
            self.tensor("weight", [d], 1)
            self.tensor("bias", [d])
            self.operations, self.kept = 32 * n + 2048 * (n // d), n + n // d
        elif kind == "batch_norm":
            require(len(shape) in (1, 3))
            self.tensor("weight", [shape[0]], 1)
            self.tensor("bias", [shape[0]])
            self.tensor("running_mean", [shape[0]])
            self.tensor("running_var", [shape[0]], 1)
            self.operations, self.kept = 4 * n + 512 * shape[0], n
        elif kind == "dropout":
            self.kept = n
        elif kind == "add":
            require(self.reads[0] == self.reads[1])
        elif kind == "attention":
            require(len(shape) == 2 and d % self.heads == 0)
            self.tensor("in_proj_weight", [3 * d, d], (d, d))
            self.tensor("in_proj_bias", [3 * d])
            self.tensor("out_proj.weight", [d, d], (d, d))
            self.tensor("out_proj.bias", [d])
            t, maps = shape[0], self.heads * shape[0] ** 2
            self.multiply_adds = 4 * t * d * d + 2 * t * t * d
            self.operations = 64 * maps + 2048 * self.heads * t + 8192 * self.heads + 512 * t + 16 * t * d
            self.kept = 4 * t * d + maps
        elif kind == "softmax":
            self.operations = 64 * n + 2048 * (n // d)
        elif kind != "relu":
            self.operations = 64 * n
        return shape


def trained(suffix):
    return not suffix.startswith("running_")
