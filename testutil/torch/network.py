"""Any model spec as a PyTorch module, to compare with the engine: outputs, gradients, training steps, and weights as a file.

Tensors of the module have the names of the engine's checkpoint, so that a state dict is a checkpoint. Numbers travel as base64 of
little-endian float32.
"""

import base64
import json
import struct

import numpy as np
import serve
import torch
import torch.nn.functional as F
from torch import nn

torch.manual_seed(1)


def decode(text, *shape):
    return torch.from_numpy(np.frombuffer(base64.b64decode(text), "<f4").reshape(shape or (-1,)).copy())


def encode(tensor):
    return base64.b64encode(tensor.detach().contiguous().numpy().astype("<f4").tobytes()).decode()


class Position(nn.Module):
    def __init__(self, *shape):
        super().__init__()
        self.weight = nn.Parameter(torch.zeros(*shape))

    def forward(self, x):
        return x + self.weight


class Attention(nn.MultiheadAttention):
    def __init__(self, features, heads, causal):
        super().__init__(features, heads, batch_first=True)
        self.causal = causal

    def forward(self, x):
        n = x.shape[1]
        mask = torch.full((n, n), float("-inf")).triu(1) if self.causal else None
        return super().forward(x, x, x, attn_mask=mask, need_weights=False)[0]


class Image(nn.Module):
    """Lets a layer for images read rows of shape [H, W] as one channel."""

    def __init__(self, layer):
        super().__init__()
        self.layer = layer

    def forward(self, x):
        return self.layer(x.unsqueeze(1) if x.dim() == 3 else x)


def pair(layer, setting):
    return layer[setting + "Height"], layer[setting + "Width"]


def module(layer, shape):
    """The module of a layer that reads rows of this shape."""
    kind, units, epsilon = layer["Kind"], layer["Units"], layer["EpsilonE9"] / 1e9
    channels = shape[0] if len(shape) == 3 else 1
    if kind == "dense":
        return nn.Sequential(nn.Flatten(), nn.Linear(int(np.prod(shape)), units))
    if kind == "linear":
        return nn.Linear(shape[-1], units)
    if kind == "conv2d":
        return Image(nn.Conv2d(channels, units, pair(layer, "Kernel"), pair(layer, "Stride"), pair(layer, "Padding"), groups=layer["Groups"]))
    if kind == "batch_norm":
        norm = nn.BatchNorm1d if len(shape) == 1 else nn.BatchNorm2d
        return norm(shape[0], eps=epsilon, momentum=layer["MomentumE6"] / 1e6)
    simple = {
        "max_pool": lambda: Image(nn.MaxPool2d(pair(layer, "Kernel"), pair(layer, "Stride"))),
        "average_pool": lambda: Image(nn.AvgPool2d(pair(layer, "Kernel"), pair(layer, "Stride"))),
        "global_average_pool": lambda: nn.Sequential(Image(nn.AdaptiveAvgPool2d(1)), nn.Flatten()),
        "flatten": nn.Flatten,
        "embedding": lambda: nn.Embedding(layer["Vocabulary"], units),
        "position": lambda: Position(*shape),
        "layer_norm": lambda: nn.LayerNorm(shape[-1], eps=epsilon),
        "dropout": lambda: nn.Dropout(layer["RateE6"] / 1e6),
        "attention": lambda: Attention(shape[-1], layer["Heads"], layer["Causal"]),
        "relu": nn.ReLU,
        "gelu": lambda: nn.GELU(approximate="tanh"),
        "silu": nn.SiLU,
        "tanh": nn.Tanh,
        "sigmoid": nn.Sigmoid,
        "softmax": lambda: nn.Softmax(-1),
    }
    return simple[kind]()


class Network(nn.Module):
    def __init__(self, spec):
        super().__init__()
        self.spec, self.layers = spec, nn.ModuleDict()
        self.embeds = any(layer["Kind"] == "embedding" for layer in spec["Layers"])
        # Shapes are those that PyTorch itself finds on the way.
        with torch.no_grad():
            self.eval()(torch.zeros(2, int(np.prod(spec["InputShape"]))))

    def forward(self, rows):
        norm = self.spec["Normalization"]
        if norm:
            rows = (rows - norm["OffsetE6"] / 1e6) / (norm["DivisorE6"] / 1e6)
        outputs = {"input": rows.reshape(-1, *self.spec["InputShape"])}
        if self.embeds:
            outputs["input"] = outputs["input"].long()
        previous = "input"
        for layer in self.spec["Layers"]:
            name = layer["Name"]
            inputs = [outputs[n] for n in layer["Inputs"] or [previous]]
            if layer["Kind"] == "add":
                outputs[name] = inputs[0] + inputs[1]
            else:
                if name not in self.layers:
                    self.layers[name] = module(layer, list(inputs[0].shape[1:])).train(self.training)
                outputs[name] = self.layers[name](inputs[0])
            previous = name
        return outputs[previous]

    def tensors(self):
        """Weights and buffers by the names of the checkpoint."""
        found = {}
        for name, tensor in self.state_dict(keep_vars=True).items():
            parts = [p for p in name.split(".")[1:] if not (p.isdigit() or p == "layer")]
            if parts[-1] != "num_batches_tracked":
                found[".".join(parts)] = tensor
        return found

    def load(self, file):
        tensors = self.tensors()
        loaded = read_safetensors(file)
        if set(tensors) != set(loaded):
            raise ValueError(f"expected the tensors {sorted(tensors)}, got {sorted(loaded)}")
        with torch.no_grad():
            for name, tensor in tensors.items():
                tensor.copy_(loaded[name])


def read_safetensors(file):
    (size,) = struct.unpack("<Q", file[:8])
    header, data = json.loads(file[8 : 8 + size]), file[8 + size :]
    header.pop("__metadata__", None)
    tensors = {}
    for name, entry in header.items():
        begin, end = entry["data_offsets"]
        tensors[name] = torch.from_numpy(np.frombuffer(data[begin:end], "<f4").reshape(entry["shape"]).copy())
    return tensors


def write_safetensors(tensors):
    header, data = {"__metadata__": {"format": "pt"}}, b""
    for name, tensor in tensors.items():
        raw = tensor.detach().contiguous().numpy().tobytes()
        header[name] = {"dtype": "F32", "shape": list(tensor.shape), "data_offsets": [len(data), len(data) + len(raw)]}
        data += raw
    text = json.dumps(header).encode()
    return struct.pack("<Q", len(text)) + text + data


def loss_of(request, outputs):
    name, smoothing = request["loss"], request.get("smoothing", 0)
    if name == "cross-entropy":
        labels = torch.tensor(request["labels"])
        return F.cross_entropy(outputs.reshape(len(labels), -1), labels, label_smoothing=smoothing)
    targets = decode(request["targets"]).reshape(outputs.shape)
    if name == "binary":
        return F.binary_cross_entropy_with_logits(outputs, targets)
    return F.mse_loss(outputs, targets)


def load(request):
    network = Network(request["spec"])
    network.load(base64.b64decode(request["file"]))
    return network, decode(request["x"], request["rows"], -1)


def gradients(request):
    """Outputs as evaluated, and the loss, the gradients and the buffers of one training step without the update."""
    network, x = load(request)
    with torch.no_grad():
        evaluated = network.eval()(x)
    loss = loss_of(request, network.train()(x))
    loss.backward()
    found = {name: encode(t.grad if t.grad is not None else t) for name, t in network.tensors().items()}
    return {"outputs": encode(evaluated), "loss": loss.item(), "tensors": found}


def steps(request):
    """Losses and tensors of some training steps on the whole data as one batch."""
    network, x = load(request)
    network.train()
    r = request["recipe"]
    decay = r["WeightDecay"]
    update = {
        "sgd": lambda p: torch.optim.SGD(p, r["LearningRate"], r["Momentum"], weight_decay=decay),
        "nesterov": lambda p: torch.optim.SGD(p, r["LearningRate"], r["Momentum"], weight_decay=decay, nesterov=True),
        "adam": lambda p: torch.optim.Adam(p, r["LearningRate"], (r["Momentum"], r["Beta2"]), r["Epsilon"], decay),
        "adamw": lambda p: torch.optim.AdamW(p, r["LearningRate"], (r["Momentum"], r["Beta2"]), r["Epsilon"], decay),
    }[r["Optimizer"]](network.parameters())
    schedule = {
        "": lambda: None,
        "constant": lambda: None,
        "step": lambda: torch.optim.lr_scheduler.StepLR(update, r["StepSize"], r["Gamma"]),
        "cosine": lambda: torch.optim.lr_scheduler.CosineAnnealingLR(update, r["Steps"] - r["WarmupSteps"]),
    }[r["Schedule"]]()
    losses = []
    base = r["LearningRate"]
    for step in range(r["Steps"]):
        if step < r["WarmupSteps"]:
            for group in update.param_groups:
                group["lr"] = base * (step + 1) / r["WarmupSteps"]
        elif step == r["WarmupSteps"] and step > 0:
            for group in update.param_groups:
                group["lr"] = base
        update.zero_grad()
        loss = loss_of(request, network(x))
        loss.backward()
        if r["ClipNorm"]:
            nn.utils.clip_grad_norm_(network.parameters(), r["ClipNorm"])
        update.step()
        if schedule and step >= r["WarmupSteps"]:
            schedule.step()
        losses.append(loss.item())
    return {"losses": losses, "tensors": {name: encode(t) for name, t in network.tensors().items()}}


def state_dict(request):
    """A module with PyTorch's own first weights, as a file, and what it predicts."""
    network = Network(request["spec"])
    x = decode(request["x"], request["rows"], -1)
    with torch.no_grad():
        network.train()(x)  # running statistics that are not the first ones
        outputs = network.eval()(x)
    return {"file": base64.b64encode(write_safetensors(network.tensors())).decode(), "outputs": encode(outputs)}


def versions(_):
    return f"PyTorch {torch.__version__}"


serve.run(gradients=gradients, steps=steps, state_dict=state_dict, versions=versions)
