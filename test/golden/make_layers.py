"""Makes layers.safetensors: forward, gradients and initial distributions of PyTorch's layers. README.md names the tensors."""

import argparse
import math
import pathlib

import numpy as np
import torch
from diffusers.models.embeddings import Timesteps
from torch import nn

import formula
from make_golden import as_float32, flatten, write

# of each parameter, to tell its initial distribution
CONSTRUCTIONS = 2000


class SineLayer(nn.Module):
    """Sitzmann et al. 2020, section 3.2 and the supplement's section 1.5: sin(omega0 (W x + b)) and its initial weights."""

    def __init__(self, inputs, outputs, first, omega0=30.0):
        super().__init__()
        self.omega0 = omega0
        self.linear = nn.Linear(inputs, outputs)
        bound = 1 / inputs if first else math.sqrt(6 / inputs) / omega0
        nn.init.uniform_(self.linear.weight, -bound, bound)

    def forward(self, x):
        return torch.sin(self.omega0 * self.linear(x))


class TimeSiren(nn.Module):
    """[N] timesteps in 0..T, spread over -1..1, through two sine layers."""

    def __init__(self, steps, features):
        super().__init__()
        self.steps = steps
        self.net = nn.Sequential(SineLayer(1, features, True), SineLayer(features, features, False))

    def forward(self, t):
        return self.net((2 * t.to(self.net[0].linear.weight.dtype) / self.steps - 1)[:, None])


class Attention(nn.Module):
    """torch.nn.MultiheadAttention on [N, L, E], its parameters at the top, without the averaged weights."""

    def __init__(self, *args, causal=False, **options):
        super().__init__()
        self.causal = causal
        self.mha = nn.MultiheadAttention(*args, **options, batch_first=True)

    def forward(self, query, key=None, value=None, mask=None):
        key = query if key is None else key
        value = key if value is None else value
        # PyTorch's boolean mask marks what must NOT be attended
        blocked = None if mask is None else ~mask.bool()
        if self.causal:
            blocked = torch.ones(query.shape[1], key.shape[1], dtype=torch.bool).triu(1)
        return self.mha(query, key, value, attn_mask=blocked, need_weights=False)[0]


def integers(*values):
    return np.array(values, dtype=np.int32)


# a mask [L, S] in which every row has something to attend
MASK = np.array([[1, 0, 0, 0, 1], [1, 1, 0, 0, 0], [0, 1, 1, 1, 1]], dtype=np.uint8)
TIMES = integers(0, 1, 7, 100, 400, 999)

# name: (module, inputs by name: a shape for floats or the integers themselves); test/layers.test.ts has the same list
CASES = {
    "linear": (lambda: nn.Linear(3, 5), {"x": (4, 3)}),
    "linear-no-bias": (lambda: nn.Linear(4, 2, bias=False), {"x": (2, 3, 4)}),
    "conv2d": (lambda: nn.Conv2d(3, 4, 3, stride=2, padding=1), {"x": (2, 3, 6, 6)}),
    "conv-transpose2d": (lambda: nn.ConvTranspose2d(3, 4, 4, stride=2, padding=1), {"x": (2, 3, 3, 3)}),
    "batch-norm2d": (lambda: nn.BatchNorm2d(3), {"x": (2, 3, 4, 4)}),
    "layer-norm": (lambda: nn.LayerNorm(6), {"x": (2, 3, 6)}),
    "layer-norm-2": (lambda: nn.LayerNorm((3, 4), eps=1e-3), {"x": (2, 3, 4)}),
    "layer-norm-no-bias": (lambda: nn.LayerNorm(4, bias=False), {"x": (3, 4)}),
    "layer-norm-plain": (lambda: nn.LayerNorm(4, elementwise_affine=False), {"x": (3, 4)}),
    "group-norm": (lambda: nn.GroupNorm(2, 6), {"x": (2, 6, 3, 4)}),
    "group-norm-plain": (lambda: nn.GroupNorm(3, 6, eps=1e-2, affine=False), {"x": (2, 6, 5)}),
    "embedding": (lambda: nn.Embedding(7, 3), {"x": integers(3, 0, 3, 6, 3).reshape(5)}),
    "embedding-matrix": (lambda: nn.Embedding(4, 2), {"x": integers(3, 0, 1, 3, 3, 2).reshape(2, 3)}),
    "attention": (lambda: Attention(8, 2), {"query": (2, 4, 8)}),
    "attention-one-head": (lambda: Attention(4, 1, bias=False), {"query": (2, 3, 4)}),
    "attention-cross": (lambda: Attention(8, 4), {"query": (2, 3, 8), "key": (2, 5, 8)}),
    "attention-sizes": (
        lambda: Attention(8, 2, kdim=5, vdim=6),
        {"query": (2, 3, 8), "key": (2, 5, 5), "value": (2, 5, 6)},
    ),
    "attention-mask": (lambda: Attention(8, 2), {"query": (2, 3, 8), "key": (2, 5, 8), "mask": MASK}),
    "attention-causal": (lambda: Attention(4, 2, causal=True), {"query": (2, 4, 4)}),
    "sinusoidal": (lambda: Timesteps(8, False, 1), {"x": TIMES}),
    "sinusoidal-flipped": (lambda: Timesteps(10, True, 0, scale=0.5), {"x": TIMES}),
    "sine": (lambda: SineLayer(3, 4, True, omega0=5.0), {"x": (2, 3)}),
    "siren-embedding": (lambda: TimeSiren(400, 6), {"x": TIMES[:5]}),
}


def parameters(module):
    """By path, as the layer itself names them: what wraps the attention is left out."""
    return {path.removeprefix("mha."): p for path, p in module.named_parameters()}


def make(name, factory, inputs):
    module = factory()
    weights = {}
    for path, parameter in parameters(module).items():
        # uniform in -0.5..0.5, and a scale of a norm around 1, so that every parameter makes a difference
        u = 0.5 * formula.units(f"{name}/{path}", parameter.numel()).reshape(parameter.shape)
        weights[path] = (u + 1 if "norm" in name and path == "weight" else u).astype(np.float32)
    values = {
        key: value
        if isinstance(value, np.ndarray)
        else (2 * formula.units(f"{name}/{key}", math.prod(value))).astype(np.float32).reshape(value)
        for key, value in inputs.items()
    }
    is_float = {key: value.dtype == np.float32 for key, value in values.items()}
    r64, r32 = (run(factory(), weights, values, is_float, name, dtype) for dtype in (torch.float64, torch.float32))
    worst = max(
        (float(np.linalg.norm(r32[key] - value) / np.linalg.norm(value)), key)
        for key, value in r64.items()
        if np.linalg.norm(value) > 1e-6
    )
    tensors = {f"weight/{path}": w for path, w in weights.items()} | {f"input/{k}": v for k, v in values.items()}
    return tensors | {key: as_float32(value) for key, value in r64.items()} | initial(factory), worst


def run(module, weights, values, is_float, name, dtype):
    module = module.to(dtype)
    with torch.no_grad():
        for path, parameter in parameters(module).items():
            parameter.copy_(torch.from_numpy(weights[path]))
    tensors = {
        key: torch.from_numpy(value).to(dtype).requires_grad_() if is_float[key] else torch.from_numpy(value)
        for key, value in values.items()
    }
    output = module(**tensors) if "query" in tensors else module(tensors["x"])
    made = {"output": output.detach().numpy()}
    if not output.requires_grad:
        return made
    seed = formula.units(f"{name}/seed", output.numel()).astype(np.float32)
    output.backward(torch.from_numpy(seed).to(dtype).reshape(output.shape))
    made |= {f"grad/{path}": p.grad.numpy() for path, p in parameters(module).items()}
    return made | {f"grad-input/{key}": t.grad.numpy() for key, t in tensors.items() if is_float[key]}


def initial(factory):
    """For each parameter [mean, standard deviation, smallest, largest] over many constructions."""
    torch.manual_seed(0)
    drawn = {}
    for _ in range(CONSTRUCTIONS):
        for path, parameter in parameters(factory()).items():
            drawn.setdefault(path, []).append(parameter.detach().numpy().ravel().astype(np.float64))
    return {
        f"initial/{path}": np.array([v.mean(), v.std(), v.min(), v.max()])
        for path, v in ((path, np.concatenate(vs)) for path, vs in drawn.items())
    }


def main():
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--out", type=pathlib.Path, default=pathlib.Path(__file__).parent)
    out = parser.parse_args().out
    torch.set_num_threads(1)
    torch.use_deterministic_algorithms(True)
    tensors, far = {}, {}
    for name, (factory, inputs) in CASES.items():
        made, far[name] = make(name, factory, inputs)
        tensors |= flatten(name, made, lambda values: values)
        print(f"  {name}: float32 against float64, worst tensor: {far[name]}")
    write(out / "layers.safetensors", tensors, {"constructions": CONSTRUCTIONS}, {"float32 against float64": far})


if __name__ == "__main__":
    main()
