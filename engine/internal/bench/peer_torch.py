"""PyTorch on the processor: training steps, evaluations and elementwise functions, each in the fastest plain form we found for it.

That is foreach optimisers, gradients set to None, ReLU in place, attention through baddbmm and bmm (a few percent ahead of
nn.MultiheadAttention in 1.13) and inference mode. Convolutions run twice: as modules come, and converted to channels_last, which most
programs do not do.
"""

import os

import contest
import torch
import torch.nn.functional as F
from torch import nn

torch.set_num_threads(int(os.environ["POLD_PEER_THREADS"]))
torch.manual_seed(1)


def mlp(*sizes):
    layers = [nn.Linear(sizes[0], sizes[1])]
    for inputs, outputs in zip(sizes[1:], sizes[2:]):
        layers += [nn.ReLU(inplace=True), nn.Linear(inputs, outputs)]
    return nn.Sequential(*layers)


def conv_net():
    return nn.Sequential(
        nn.Conv2d(1, 16, 3, padding=1), nn.ReLU(inplace=True), nn.MaxPool2d(2),
        nn.Conv2d(16, 32, 3, padding=1), nn.ReLU(inplace=True), nn.MaxPool2d(2),
        nn.Flatten(), nn.Linear(32 * 7 * 7, 128), nn.ReLU(inplace=True), nn.Linear(128, 10),
    )  # fmt: skip


class Attention(nn.Module):
    def __init__(self, features, heads, positions):
        super().__init__()
        self.heads = heads
        self.project_in = nn.Linear(features, 3 * features)
        self.project_out = nn.Linear(features, features)
        self.register_buffer("mask", torch.full((1, positions, positions), float("-inf")).triu(1))

    def forward(self, x):
        batch, positions, features = x.shape
        size = features // self.heads
        qkv = self.project_in(x).view(batch, positions, 3, self.heads, size).permute(2, 0, 3, 1, 4)
        q, k, v = qkv.reshape(3, batch * self.heads, positions, size)
        weights = torch.softmax(torch.baddbmm(self.mask, q, k.transpose(1, 2), alpha=size**-0.5), -1)
        mixed = torch.bmm(weights, v).view(batch, self.heads, positions, size).transpose(1, 2)
        return self.project_out(mixed.reshape(batch, positions, features))


class Block(nn.Module):
    def __init__(self, features, heads, positions):
        super().__init__()
        self.norm1, self.norm2 = nn.LayerNorm(features), nn.LayerNorm(features)
        self.attention = Attention(features, heads, positions)
        self.mlp = nn.Sequential(nn.Linear(features, 4 * features), nn.GELU(approximate="tanh"), nn.Linear(4 * features, features))

    def forward(self, x):
        x = x + self.attention(self.norm1(x))
        return x + self.mlp(self.norm2(x))


class Transformer(nn.Module):
    def __init__(self, vocabulary, positions, features, heads, blocks):
        super().__init__()
        self.embedding = nn.Embedding(vocabulary, features)
        self.position = nn.Parameter(torch.randn(positions, features) * 0.02)
        self.blocks = nn.Sequential(*(Block(features, heads, positions) for _ in range(blocks)))
        self.norm, self.head = nn.LayerNorm(features), nn.Linear(features, vocabulary)

    def forward(self, ids):
        return self.head(self.norm(self.blocks(self.embedding(ids) + self.position))).flatten(0, 1)


def network(name, rows):
    """The model of a benchmark row, and a batch for it: inputs and classes."""
    classes = torch.randint(0, 10, (rows,))
    if name == "mlp":
        return mlp(784, 512, 256, 10), torch.randn(rows, 784), classes
    if name in ("conv", "conv channels_last"):
        layout = torch.contiguous_format if name == "conv" else torch.channels_last
        images = torch.randn(rows, 1, 28, 28).contiguous(memory_format=layout)
        return conv_net().to(memory_format=layout), images, classes
    if name == "transformer":
        return Transformer(64, 64, 128, 4, 2), torch.randint(0, 64, (rows, 64)), torch.randint(0, 64, (rows * 64,))
    raise ValueError(f"expected mlp, conv, conv channels_last or transformer, got {name}")


@contest.case
def train(model, optimizer, rows):
    net, inputs, classes = network(model, rows)
    if optimizer == "sgd":
        update = torch.optim.SGD(net.parameters(), lr=0.01, momentum=0.9, foreach=True)
    else:
        update = torch.optim.Adam(net.parameters(), lr=0.001, foreach=True)

    def step():
        update.zero_grad(set_to_none=True)
        F.cross_entropy(net(inputs), classes).backward()
        update.step()

    return step


@contest.case
def evaluate(model, rows, batches):
    # In batches as in training: one large batch is no faster, or slower because it leaves the caches.
    net, inputs, classes = network(model, rows)
    net.eval()

    @torch.inference_mode()
    def forward():
        for _ in range(batches):
            F.cross_entropy(net(inputs), classes)

    return forward


@contest.case
def elementwise(function, rows, columns):
    x = torch.randn(rows, columns)
    y, weight, bias = torch.empty_like(x), torch.ones(columns), torch.zeros(columns)
    calls = {
        "exp": lambda: torch.exp(x, out=y),
        "tanh": lambda: torch.tanh(x, out=y),
        "gelu": lambda: F.gelu(x, approximate="tanh"),
        "softmax": lambda: torch.softmax(x, -1),
        "layernorm": lambda: F.layer_norm(x, (columns,), weight, bias),
    }
    return torch.inference_mode()(calls[function])


contest.run(versions={"torch": torch.__version__, "oneDNN": "yes" if torch.backends.mkldnn.is_available() else "no", "kernels": torch.__config__.show().split("CPU capability usage: ")[-1].split()[0]})
