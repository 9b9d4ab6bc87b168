"""SPEC.md sections 3, 5, 6 and 8: a whole network, its first weights, checkpoint file and gradients."""
import hashlib
import json
import struct

from second.arithmetic import NEG, ONE, add, cut, div, f32, mul, quotient, sqrt, sub
from second.layers import Layer
from second.modelspec import Node, fields, require, size, trained, varint, write, write_varint
from second.random_numbers import Stream


def make_mapping(n, seed):
    s = Stream(seed, "sml", 0)
    order = s.permutation(n)
    return order, [NEG | ONE if s.word() & 1 else ONE for _ in range(n)]


class Net:
    def __init__(self, spec, seed=None, mapping=None):
        self.norm, self.nodes, names, shapes = None, [], ["input"], []
        require(len(spec) <= 65536)
        messages = fields(spec, (1, 2, 3))
        require(messages and messages[0][0] == 1)
        message = []
        for number, v in messages:
            if number == 1:
                at, shape = 0, []
                while at < len(v):
                    d, at = varint(v, at)
                    shape.append(d)
                require(1 <= len(shape) <= 4 and 1 <= size(shape) <= 65536 and not shapes)
                shapes.append(shape)
                message.append((1, b"".join(map(write_varint, shape))))
            elif number == 2:
                require(not self.nodes and self.norm is None)
                n = dict(fields(v, ()))
                require(set(n) <= {1, 2})
                offset = n.get(1, 0)
                message.append((2, write([(1, offset), (2, n.get(2, 0))])))
                offset -= 2**64 if offset >> 63 else 0
                require(abs(offset) <= 10**15 and 1 <= n.get(2, 0) <= 10**15)
                self.norm = quotient(offset, 10**6), quotient(n[2], 10**6)
            else:
                require(number == 3)
                node = Node(v, names, shapes)
                names.append(node.name)
                shapes.append(node.out)
                self.nodes.append(node)
                message.append((3, write(node.message)))
        require(write(message) == spec)
        self.inputs, self.out = size(shapes[0]), shapes[-1]
        self.check()
        self.mapping = mapping or (list(range(self.inputs)), [ONE] * self.inputs)
        if seed is not None:
            self.tensors = [first_weights(n, seed) for n in self.nodes]

    def check(self):
        """Rules about the network as a whole."""
        require(1 <= len(self.nodes) <= 64)
        read = {s for n in self.nodes for s in n.sources}
        require(all(i in read for i in range(len(self.nodes) - 1)))
        kinds = [n.kind for n in self.nodes]
        require("embedding" not in kinds or self.norm is None)
        require("sml" not in kinds[1:])
        if kinds[0] == "sml":
            for n in self.nodes[1:]:
                require(-1 not in n.sources and (0 not in n.sources or n.kind == "dense"))
        self.parameters = sum(size(shape) for n in self.nodes for s, shape, _ in n.tensors if trained(s))
        self.buffers = sum(size(shape) for n in self.nodes for s, shape, _ in n.tensors if not trained(s))
        self.multiply_adds = sum(n.multiply_adds for n in self.nodes)
        self.cost = self.multiply_adds + sum(n.operations for n in self.nodes)
        self.activations = sum(size(n.out) + n.kept for n in self.nodes)
        require(self.parameters + self.buffers <= 16_777_216 and self.activations <= 4_194_304 and self.cost <= 2**36)

    def trained(self):
        """(node index, suffix) of the trained tensors in order."""
        return [(i, s) for i, n in enumerate(self.nodes) for s, _, _ in n.tensors if trained(s)]

    def file(self):
        """Section 3."""
        tensors = {n.name + "." + s: (shape, self.tensors[i][s]) for i, n in enumerate(self.nodes) for s, shape, _ in n.tensors}
        header, at = {}, 0
        for name in sorted(tensors):
            shape, data = tensors[name]
            header[name] = {"dtype": "F32", "shape": shape, "data_offsets": [at, at + 4 * len(data)]}
            at += 4 * len(data)
        text = json.dumps(header, separators=(",", ":")).encode()
        text += b" " * (-len(text) % 8)
        data = b"".join(struct.pack("<I", v) for name in sorted(tensors) for v in tensors[name][1])
        return struct.pack("<Q", len(text)) + text + data

    def sha256(self):
        return hashlib.sha256(self.file()).hexdigest()

    def forward(self, rows, step=None, seed=None):
        values = [[[div(sub(x, self.norm[0]), self.norm[1]) for x in row] for row in rows] if self.norm else rows]
        self.layers = []
        for n, t in zip(self.nodes, self.tensors):
            layer = Layer(n, t, seed, self.mapping)
            values.append(layer.forward([values[s + 1] for s in n.sources], step))
            self.layers.append(layer)
        return values[-1]

    def backward(self, dy):
        """Gradients of the trained tensors by (node index, suffix)."""
        dys, grads = {len(self.nodes) - 1: dy}, {}
        for i in reversed(range(len(self.nodes))):
            g, dxs = self.layers[i].backward(dys[i])
            grads.update({(i, s): v for s, v in g.items()})
            for s, dx in zip(self.nodes[i].sources, dxs):
                if s >= 0 and dx is not None:
                    dys[s] = [list(map(add, a, b)) for a, b in zip(dys[s], dx)] if s in dys else dx
        return grads

    def rebase(self, mapping):
        (old, sign), (new, new_sign) = self.mapping, mapping
        for n, t in zip(self.nodes, self.tensors):
            if n.sources[0] >= 0 and self.nodes[n.sources[0]].kind == "sml":
                rows = []
                for w in cut(t["weight"], self.inputs):
                    for j in range(self.inputs):
                        k = old.index(new[j])
                        rows.append(mul(new_sign[j], mul(sign[k], w[k])))
                t["weight"] = rows
        self.mapping = mapping


def first_weights(node, seed):
    stream, tensors = Stream(seed, "init/" + node.name, 0), {}
    for suffix, shape, first in node.tensors:
        if isinstance(first, tuple):
            limit = sqrt(div(f32(6), f32(sum(first))))
            tensors[suffix] = [mul(limit, stream.symmetric()) for _ in range(size(shape))]
        else:
            tensors[suffix] = [ONE if first else 0] * size(shape)
    return tensors
