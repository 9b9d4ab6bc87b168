#!/usr/bin/env python3
"""The definition of SPEC.md written a second time, in Python with exact integers, checked against vectors.json.

It shares no code with the Go package and no arithmetic with any processor: there is no floating point in it. Slow on purpose, and written
for reading beside SPEC.md: the files in second/ are its sections, and this one is section 13, the stored answers.

Run: python3 second_implementation.py vectors.json
"""
import json
import sys

sys.dont_write_bytecode = True  # leave no files behind in testdata

from second.arithmetic import (
    NAN, cut, dot, exp, fma, gelu, gelu_slope, gemm, is_nan, largest, log, sigmoid, silu, silu_slope, squares, tanh, total,
)
from second.layers import Layer
from second.modelspec import Refused, size, trained
from second.network import Net, make_mapping
from second.random_numbers import Stream
from second.training import Optimizer, Recipe, bits, e9, losses, train


def texts(values):
    return ["%08x" % (NAN if is_nan(v) else v) for v in values]


def one_layer(v):
    net = Net(bytes.fromhex(v["Spec"]))
    node, seed, flat, tensors = net.nodes[-1], bytes.fromhex(v.get("Seed", "")), bits(v.get("Tensors")), {}
    for suffix, shape, _ in node.tensors:
        tensors[suffix], flat = flat[: size(shape)], flat[size(shape) :]
    mapping = make_mapping(net.inputs, seed) if node.kind == "sml" else None
    layer = Layer(node, tensors, seed, mapping)
    xs = [cut(bits(v[k]), size(node.shape)) for k in ("X", "X2") if k in v]
    y = layer.forward(xs, v.get("Step", 1))
    got = {"Y": texts(sum(y, []))}
    g, dxs = layer.backward(cut(bits(v["DY"]), size(node.out)))
    for name, dx in zip(("DX", "DX2"), dxs):
        if dx is not None:
            got[name] = texts(sum(dx, []))
    got["Gradients"] = texts(sum([g[s] for s, _, _ in node.tensors if trained(s)], []))
    got["Statistics"] = texts(sum([tensors[s] for s, _, _ in node.tensors if not trained(s)], []))
    got["Evaluated"] = texts(sum(layer.forward(xs), []))
    if got["Evaluated"] == got["Y"]:
        got["Evaluated"] = []
    return got


def one_loss(v):
    out = cut(bits(v["Outputs"]), v["Positions"] * v["Classes"])
    per_row, g = losses(v["Objective"], out, v.get("Labels"), bits(v.get("Targets")), v["Positions"], bits(v["Smoothing"])[0])
    return {"Losses": texts(per_row), "Gradient": texts(sum(g, []))}


def one_update(v):
    def pieces(flat):
        out = []
        for n in v["Sizes"]:
            out.append(flat[:n])
            flat = flat[n:]
        return out

    w, optimizer, results = pieces(bits(v["Weights"])), Optimizer(Recipe(v["Recipe"]), v["Sizes"]), []
    for g in v["Gradients"]:
        optimizer.update(w, pieces(bits(g)))
        results.append(texts(sum(w, [])))
    return {"Results": results}


def one_mapping(v):
    net = Net(bytes.fromhex(v["Spec"]), bytes.fromhex(v["ModelSeed"]))
    outputs = lambda: texts(net.forward([bits(v["X"])])[0])
    got = {"Outputs": outputs()}
    net.rebase(make_mapping(net.inputs, bytes.fromhex(v["Mapping"])))
    got |= {"From": net.mapping[0], "Sign": texts(net.mapping[1]), "FirstSHA256": net.sha256(), "FirstOut": outputs()}
    net.rebase(make_mapping(net.inputs, bytes.fromhex(v["Second"])))
    return got | {"SecondSHA256": net.sha256(), "SecondOut": outputs()}


def one_spec(v):
    try:
        net = Net(bytes.fromhex(v["Spec"]))
    except Refused:
        return {"Valid": False}
    return {"Valid": True, "Out": net.out, "Parameters": net.parameters, "Buffers": net.buffers, "MultiplyAdds": net.multiply_adds,
            "Cost": net.cost, "Activations": net.activations}


class Checks:
    def __init__(self):
        self.count, self.wrong = 0, []

    def check(self, what, got, want):
        self.count += 1
        if got != want:
            self.wrong.append("%s: SPEC.md gives %s, the stored answer is %s" % (what, got, want))

    def all(self, what, got, stored, names):
        """Compares results by name; an empty one may be missing on either side."""
        for name in names.split():
            if name in got or name in stored:
                self.check("%s: %s" % (what, name), got.get(name) or [], stored.get(name) or [])


def main():
    vectors = json.load(open(sys.argv[1]))
    c = Checks()
    for i, case in enumerate(vectors["FMA"]):
        x, y, z, want = bits(case)
        c.check("FMA %d" % i, fma(x, y, z), want)
    functions = {"Sigmoid": sigmoid, "SiLU": silu, "GELU": gelu, "SiLUGrad": silu_slope, "GELUGrad": gelu_slope}
    functions = [(name, f, vectors["Functions"][name]) for name, f in functions.items()]
    for name, f, cases in [("Exp", exp, vectors["Exp"]), ("Log", log, vectors["Log"]), ("Tanh", tanh, vectors["Tanh"])] + functions:
        for case in cases:
            x, want = bits(case)
            c.check("%s(%08x)" % (name, x), "%08x" % f(x), "%08x" % want)
    for name, f in (("Sum", total), ("Max", largest)):
        for case in vectors[name]:
            *xs, want = bits(case)
            c.check("%s of %d" % (name, len(xs)), f(xs), want)
    for v in vectors["Dot"]:
        c.check("Dot of %d" % len(v["A"]), [dot(bits(v["A"]), bits(v["B"]))], bits(v["Result"]))
    for v in vectors["Squares"]:
        c.check("Squares of %d" % len(v["A"]), [squares(bits(v["A"]), bits(v["B"])[0])], bits(v["Result"]))
    for i, v in enumerate(vectors["Gemm"]):
        a, b, c0, want = (bits(v[k]) for k in ("A", "B", "C", "Result"))
        m, n, k = v["M"], v["N"], v["K"]
        got = gemm(m, n, k, lambda i, p: a[p * m + i] if v["TransA"] else a[i * k + p],
                   lambda p, j: b[j * k + p] if v["TransB"] else b[p * n + j], (lambda i, j: c0[i * n + j]) if v["Accumulate"] else None)
        c.check("Gemm %d" % i, sum(got, []), want)
    v = vectors["Stream"]
    fresh = lambda: Stream(bytes.fromhex(v["Seed"]), v["Label"], v["Index"])
    s = fresh()
    c.check("Words", [s.word() for _ in v["Words"]], v["Words"])
    s = fresh()
    c.check("Symmetric", texts([s.symmetric() for _ in v["Symmetric"]]), v["Symmetric"])
    s = fresh()
    c.check("Below10", [s.below(10) for _ in v["Below10"]], v["Below10"])
    c.check("Permutation", fresh().permutation(20), v["Permutation"])
    for case in vectors["LossE9"]:
        c.check("LossE9 %s" % case["Loss"][0], e9(int(case["Loss"][0], 16)), case["LossE9"])
    for v in vectors["Layers"]:
        c.all("Layer %s" % v["Name"], one_layer(v), v, "Y DX DX2 Gradients Statistics Evaluated")
    for i, v in enumerate(vectors["Losses"]):
        c.all("Losses %d" % i, one_loss(v), v, "Losses Gradient")
    for i, v in enumerate(vectors["Schedules"]):
        r = Recipe(v["Recipe"])
        c.check("Schedules %d" % i, texts([r.rate_at(s) for s in range(1, r.steps + 1)]), v["Rates"])
    for i, v in enumerate(vectors["Updates"]):
        c.all("Updates %d" % i, one_update(v), v, "Results")
    for i, v in enumerate(vectors["Mapping"]):
        c.all("Mapping %d" % i, one_mapping(v), v, "From Sign Outputs FirstSHA256 FirstOut SecondSHA256 SecondOut")
    for v in vectors["Training"]:
        c.all("Training %s" % v["Name"], train(v), v, "InitialSHA256 Losses FinalSHA256 LossE9 MetricE9 Digest")
    for v in vectors["Specs"]:
        c.all("Spec %s" % v["Name"], one_spec(v), v, "Valid Out Parameters Buffers MultiplyAdds Cost Activations")
    if c.wrong:
        sys.exit("\n".join(c.wrong) + "\n%d of %d answers differ" % (len(c.wrong), c.count))
    print("%d answers agree" % c.count)


if __name__ == "__main__":
    main()
