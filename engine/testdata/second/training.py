"""SPEC.md sections 7, 9, 10 and 11: losses, recipes, training and evaluation."""
import hashlib
import struct

from second.arithmetic import (
    HALF, ONE, add, cut, div, dot, exp, f32, fabs, fma, horner, is_inf, is_nan, is_zero, largest, less, log, mul, near, neg, sigmoid, sqrt,
    sub, total, value,
)
from second.modelspec import size
from second.network import Net, make_mapping
from second.random_numbers import Stream


def argmax(z):
    best = 0
    for j in range(1, len(z)):
        if less(z[best], z[j]):
            best = j
    return best


def decision(z, c, smoothing, scaling):
    """Loss and gradient of one decision of cross-entropy."""
    n = f32(len(z))
    m = largest(z)
    e = [exp(sub(v, m)) for v in z]
    s = total(e)
    big = log(s)
    loss = sub(big, sub(z[c], m))
    g = [div(v, s) for v in e]
    if is_zero(smoothing):
        g[c] = sub(g[c], ONE)
    else:
        rest = sub(ONE, smoothing)
        a = div(total([sub(v, m) for v in z]), n)
        loss = fma(smoothing, sub(big, a), mul(rest, loss))
        g = [sub(v, div(smoothing, n)) for v in g]
        g[c] = sub(g[c], rest)
    return loss, [mul(v, scaling) for v in g]


def losses(objective, out, labels, targets, positions=1, smoothing=0):
    """Loss of each row and gradient of their mean. labels and targets are flat."""
    per_row, grad, count, n = [], [], len(out), len(out[0])
    for r, z in enumerate(out):
        if objective == 1:
            scaling = div(ONE, f32(count * positions))
            results = [decision(d, labels[r * positions + i], smoothing, scaling) for i, d in enumerate(cut(z, n // positions))]
            all_losses = [l for l, _ in results]
            per_row.append(all_losses[0] if positions == 1 else div(total(all_losses), f32(positions)))
            grad.append(sum([g for _, g in results], []))
            continue
        t, scaling = targets[r * n : (r + 1) * n], div(ONE, f32(count * n))
        if objective == 2:
            d = [sub(v, w) for v, w in zip(z, t)]
            per_row.append(div(total([mul(v, v) for v in d]), f32(n)))
            grad.append([mul(add(v, v), scaling) for v in d])
        else:
            part = lambda v: v if less(0, v) or is_nan(v) else 0
            l = [add(sub(part(v), mul(v, w)), log(add(exp(neg(fabs(v))), ONE))) for v, w in zip(z, t)]
            per_row.append(div(total(l), f32(n)))
            grad.append([mul(sub(sigmoid(v), w), scaling) for v, w in zip(z, t)])
    return per_row, grad


def bits(texts):
    return [int(t, 16) for t in texts or []]


class Recipe:
    def __init__(self, v):
        self.optimizer, self.batch, self.steps, self.seed = v["Optimizer"], v["BatchSize"], v["Steps"], bytes.fromhex(v["Seed"])
        self.rate, self.beta1, self.beta2, self.epsilon = bits(v["Rates"])
        self.decay, self.clip, self.smoothing, self.gamma = bits(v.get("More", ["00000000"] * 4))
        self.schedule, self.warmup, self.step_size = v.get("Schedule", ""), v.get("WarmupSteps", 0), v.get("StepSize", 0)

    def rate_at(self, s):
        if s <= self.warmup:
            return mul(self.rate, div(f32(s), f32(self.warmup)))
        i = s - 1 - self.warmup
        if self.schedule == "step":
            p = ONE
            for bit in bin(i // self.step_size)[2:]:
                p = mul(p, p)
                if bit == "1":
                    p = mul(p, self.gamma)
            return mul(self.rate, p)
        if self.schedule == "cosine":
            u = div(f32(i), f32(self.steps - self.warmup))
            return mul(self.rate, mul(HALF, add(ONE, cos_pi(u))))
        return self.rate


def cos_pi(u):
    if less(HALF, u):
        return neg(cos_pi(sub(ONE, u)))
    return horner(0x3AFCE9C5, mul(u, u), (0xBCD368F9, 0x3E70FA83, 0xBFAAE9E4, 0x4081E0F8, 0xC09DE9E6, ONE))


class Optimizer:
    def __init__(self, recipe, sizes):
        self.r, self.power1, self.power2, self.step = recipe, ONE, ONE, 0
        self.first, self.second = ([[0] * n for n in sizes] for _ in range(2))

    def update(self, ws, gs):
        """Changes the tensors ws in place."""
        r = self.r
        self.step += 1
        rate = r.rate_at(self.step)
        adam = r.optimizer in ("adam", "adamw")
        if adam:
            self.power1, self.power2 = mul(self.power1, r.beta1), mul(self.power2, r.beta2)
        if less(0, r.clip):
            q = 0
            for g in gs:
                q = add(q, dot(g, g))
            norm = sqrt(q)
            if less(r.clip, norm):
                factor = div(r.clip, norm)
                gs = [[mul(v, factor) for v in g] for g in gs]
        for w, g, first, second in zip(ws, gs, self.first, self.second):
            for i in range(len(w)):
                d = g[i]
                if not is_zero(r.decay) and r.optimizer != "adamw":
                    d = fma(r.decay, w[i], d)
                if adam:
                    first[i] = fma(r.beta1, first[i], mul(sub(ONE, r.beta1), d))
                    second[i] = fma(r.beta2, second[i], mul(sub(ONE, r.beta2), mul(d, d)))
                    mean = div(first[i], sub(ONE, self.power1))
                    deviation = add(sqrt(div(second[i], sub(ONE, self.power2))), r.epsilon)
                    kept = mul(w[i], sub(ONE, mul(rate, r.decay))) if r.optimizer == "adamw" else w[i]
                    w[i] = fma(neg(rate), div(mean, deviation), kept)
                    continue
                if not is_zero(r.beta1):
                    first[i] = fma(r.beta1, first[i], d)
                    d = fma(r.beta1, first[i], d) if r.optimizer == "nesterov" else first[i]
                w[i] = fma(neg(rate), d, w[i])


def e9(x):
    return 2**63 - 1 if is_inf(x) else min(2**63 - 1, near(value(x) * 10**9))


def train(v):
    x, y = cut(bits(v["X"]), v["Features"]), cut(bits(v["Y"]), v["Targets"])
    labels = cut(v["Labels"] or [], len(v["Labels"] or []) // len(x) or 1)
    mapping = make_mapping(v["Features"], bytes.fromhex(v["Mapping"])) if "Mapping" in v else None
    net, r, objective = Net(bytes.fromhex(v["Spec"]), bytes.fromhex(v["ModelSeed"]), mapping), Recipe(v["Recipe"]), v["Objective"]
    result = {"InitialSHA256": net.sha256(), "Losses": []}
    tensors = [net.tensors[i][s] for i, s in net.trained()]
    positions = net.out[0] if len(net.out) == 2 and tensors else 1
    optimizer = Optimizer(r, [len(t) for t in tensors])
    order, epoch = [], 0
    pick = lambda rows, idx: sum([rows[i] for i in idx], []) if rows else []
    for step in range(1, r.steps + 1):
        while len(order) < r.batch:
            order += Stream(r.seed, "order", epoch).permutation(len(x))
            epoch += 1
        batch, order = order[: r.batch], order[r.batch :]
        out = net.forward([x[i] for i in batch], step, r.seed)
        per_row, dy = losses(objective, out, pick(labels, batch), pick(y, batch), positions, r.smoothing)
        result["Losses"].append("%08x" % div(total(per_row), f32(len(batch))))
        grads = net.backward(dy)
        optimizer.update(tensors, [grads[k] for k in net.trained()])
    result["FinalSHA256"] = net.sha256()
    evaluate(v, net, x, labels, y, positions, result)
    return result


def evaluate(v, net, x, labels, y, positions, result):
    objective, rows, n = v["Objective"], len(x), size(net.out)
    out = net.forward(x)
    per_row, _ = losses(objective, out, sum(labels, []), sum(y, []), positions)
    h = hashlib.sha256(b"pold-engine/1/evaluation\0" + struct.pack("<IQI", objective, rows, n))
    metric = 0
    for r, z in enumerate(out):
        h.update(struct.pack("<%dI" % (n + 1), *z, per_row[r]))
        if objective == 1:
            right = sum(argmax(d) == c for d, c in zip(cut(z, n // positions), labels[r]))
            metric += 10**9 * right // positions
        elif objective == 2:
            metric += e9(div(total([fabs(sub(a, b)) for a, b in zip(z, y[r])]), f32(n)))
        else:
            metric += 10**9 * sum(less(0, a) == less(HALF, b) for a, b in zip(z, y[r])) // n
    result["LossE9"] = sum(e9(p) for p in per_row) // rows
    result["MetricE9"] = metric // rows
    result["Digest"] = h.hexdigest()
