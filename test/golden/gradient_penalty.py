"""PyTorch's numbers for the critic of packages/graph-builder/examples/gradient-penalty.ts. Run by hand, as
make_golden.py: writes gradient-penalty.safetensors into this folder."""

import pathlib

import numpy as np
import torch
from safetensors.numpy import save_file

import formula

BATCH = 4
WEIGHT = 10
SHAPES = {
    "conv1.weight": (8, 1, 4, 4),
    "conv1.bias": (8,),
    "conv2.weight": (16, 8, 4, 4),
    "conv2.bias": (16,),
    "out.weight": (1, 64),
    "out.bias": (1,),
}


def critic(weights, images, seen):
    """[N,1]; what the leaky ReLUs see is added to `seen`."""
    x = images
    for layer in ("conv1", "conv2"):
        x = torch.nn.functional.conv2d(x, weights[f"{layer}.weight"], weights[f"{layer}.bias"], stride=2, padding=1)
        seen.append(x.detach().abs().min().item())
        x = torch.nn.functional.leaky_relu(x, 0.2)
    return torch.nn.functional.linear(x.flatten(1), weights["out.weight"], weights["out.bias"])


def losses(weights, real, fake, mix):
    """The critic's loss and the penalty in it (Gulrajani et al. 2017, algorithm 1)."""
    seen = []
    x = (mix * real + (1 - mix) * fake).requires_grad_()
    (slope,) = torch.autograd.grad(critic(weights, x, seen).sum(), x, create_graph=True)
    penalty = ((slope.flatten(1).norm(dim=1) - 1) ** 2).mean()
    distance = critic(weights, fake, seen).mean() - critic(weights, real, seen).mean()
    # At its kink a leaky ReLU takes a side by rounding, which is 1e-7 in float32 here, and the slope with it.
    assert min(seen) > 5e-6, min(seen)
    return distance + WEIGHT * penalty, penalty


def main():
    stored = {}
    for name in ("real", "fake"):
        stored[name] = formula.units(f"gradient-penalty/{name}", BATCH * 64).reshape(BATCH, 1, 8, 8).astype(np.float32)
    mix = formula.units("gradient-penalty/mix", BATCH).reshape(BATCH, 1, 1, 1) / 2 + 0.5
    stored["mix"] = mix.astype(np.float32)
    stored |= {f"weights/{name}": formula.weight(f"gradient-penalty/{name}", shape) for name, shape in SHAPES.items()}
    given = {name: torch.from_numpy(values).double() for name, values in stored.items()}
    weights = {name: given[f"weights/{name}"].requires_grad_() for name in SHAPES}
    loss, penalty = losses(weights, given["real"], given["fake"], given["mix"])
    stored["loss"], stored["penalty"] = (np.array([value.item()]) for value in (loss, penalty))
    for group, result in (("grad", loss), ("penalty_grad", penalty)):
        grads = torch.autograd.grad(result, list(weights.values()), retain_graph=True, allow_unused=True)
        for name, grad in zip(weights, grads):
            # The slope does not depend on the last bias: PyTorch has no gradient there.
            stored[f"{group}/{name}"] = (torch.zeros_like(weights[name]) if grad is None else grad).numpy()
    file = pathlib.Path(__file__).parent / "gradient-penalty.safetensors"
    save_file({name: np.ascontiguousarray(values) for name, values in stored.items()}, file)


if __name__ == "__main__":
    torch.set_num_threads(1)
    main()
