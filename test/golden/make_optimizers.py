"""Makes torch.optim's numbers: optimizers.safetensors, unet-cond-narrow-adamw.safetensors. README.md names the tensors."""

import argparse
import math
import pathlib

import numpy as np
import torch
from diffusers.training_utils import EMAModel
from torch.nn.utils import clip_grad_norm_
from torch.optim.swa_utils import AveragedModel, get_ema_multi_avg_fn

import formula
from make_golden import CASES as NETWORKS
from make_golden import T, as_float32, build, digest, flatten, schedule, squared_error, state_of, write

STEPS = 12
SHAPES = {"hidden.weight": (5, 3), "hidden.bias": (5,), "out.weight": (2, 5), "out.bias": (2,)}


def learning_rate(step):
    """Another one in every step: it is an input of the graphs. Rounded to float32 as there."""
    return float(np.float32(0.05 / step))


def averaging(decay):
    """torch's average, buffers too, with the decays that diffusers' EMAModel has in its steps: a warm-up."""
    warmed = EMAModel([], decay=decay)
    return lambda averages, values, count: get_ema_multi_avg_fn(warmed.get_decay(int(count) + 1))(averages, values, count)


class Small(torch.nn.Module):
    """[16, 3] -> [16, 2]; smooth, so that rounding stays small."""

    def __init__(self):
        super().__init__()
        self.hidden = torch.nn.Linear(3, 5)
        self.out = torch.nn.Linear(5, 2)

    def forward(self, x):
        return self.out(torch.tanh(self.hidden(x)))


def everything(model):
    return [{"params": list(model.parameters())}]


def grouped(model):
    """Biases without weight decay, the last layer at a tenth of the learning rate."""
    return [
        {"params": [model.hidden.bias, model.out.bias], "weight_decay": 0.0},
        {"params": [model.out.weight], "scale": 0.1},
        {"params": [model.hidden.weight]},
    ]


def frozen(model):
    model.hidden.requires_grad_(False)
    return [{"params": list(model.out.parameters())}]


def sgd(**options):
    return lambda groups: torch.optim.SGD(groups, lr=1.0, foreach=False, **options)


def adam(kind=torch.optim.Adam, **options):
    return lambda groups: kind(groups, lr=1.0, foreach=False, **options)


def adamw(**options):
    return adam(torch.optim.AdamW, **options)


# name: (optimizer, parameter groups, clip, ema); test/optimizers.test.ts has the same list
CASES = {
    "sgd": (sgd(), everything, None, None),
    "sgd-momentum": (sgd(momentum=0.9), everything, None, None),
    "sgd-dampening": (sgd(momentum=0.8, dampening=0.3, weight_decay=0.1), everything, None, None),
    "sgd-nesterov": (sgd(momentum=0.9, nesterov=True, weight_decay=0.02), everything, None, None),
    "adam": (adam(), everything, None, None),
    "adam-decay": (adam(weight_decay=0.1, betas=(0.8, 0.95), eps=1e-3), everything, None, None),
    "adam-beta0": (adam(betas=(0.0, 0.9)), everything, None, None),
    "adamw": (adamw(), everything, None, None),
    "adamw-decay": (adamw(weight_decay=0.5, betas=(0.7, 0.99)), everything, None, None),
    "sgd-clip": (sgd(), everything, 3.0, None),
    "adamw-clip-ema": (adamw(weight_decay=0.1), everything, 2.0, 0.9),
    "adamw-groups": (adamw(weight_decay=0.3), grouped, None, None),
    "adam-frozen-ema": (adam(), frozen, None, 0.5),
}


def small_batch(step, dtype):
    x = torch.from_numpy(formula.units(f"small{step}/x", 48).reshape(16, 3)).to(dtype)
    y = torch.from_numpy(2 * formula.units(f"small{step}/y", 32).reshape(16, 2)).to(dtype)
    return x, y


def run_small(optimizer, groups, clip, ema, dtype):
    model = Small()
    weights = {p: formula.units(f"small/{p}", math.prod(s)).astype(np.float32).reshape(s) for p, s in SHAPES.items()}
    model.load_state_dict({p: torch.from_numpy(w) for p, w in weights.items()})
    model = model.to(dtype)
    torch_optimizer = optimizer(groups(model))
    average = ema and AveragedModel(model, multi_avg_fn=averaging(ema))
    made = {}
    norms = []
    for step in range(1, STEPS + 1):
        for group in torch_optimizer.param_groups:
            group["lr"] = learning_rate(step) * group.get("scale", 1.0)
        x, y = small_batch(step, dtype)
        torch_optimizer.zero_grad()
        ((model(x) - y) ** 2).mean().backward()
        if clip:
            norms.append(clip_grad_norm_(model.parameters(), clip, foreach=False).item())
        torch_optimizer.step()
        if ema:
            average.update_parameters(model)
        if step in (1, STEPS):
            made |= {f"after{step}/{p}": v.detach().numpy().copy() for p, v in model.named_parameters()}
    if ema:
        made |= {f"ema/{p}": v.detach().numpy().copy() for p, v in average.module.named_parameters()}
    for path, parameter in model.named_parameters():
        for slot, value in torch_optimizer.state[parameter].items():
            if slot != "step" and value is not None:
                made[f"{slot}/{path}"] = value.numpy().copy()
    if clip:
        made["norms"] = np.array(norms)
    return made


def small():
    """All cases as `<case>/...`, and how far float32 is from float64."""
    tensors, worst = {}, 0.0
    for name, case in CASES.items():
        r32, r64 = (run_small(*case, dtype) for dtype in (torch.float32, torch.float64))
        for key, values in r64.items():
            worst = max(worst, float(np.linalg.norm(r32[key] - values) / np.linalg.norm(values)))
        tensors |= flatten(name, r64, as_float32)
    return tensors, {"float32 against float64, of its norm, worst tensor": worst}


def unet():
    """Five steps of the narrow conditional U-Net with AdamW, clipping and an average; digests."""
    case = NETWORKS["unet-cond-narrow"]
    batches = [formula.batch(k, v, case.batch, 10, T) for k, v in enumerate(case.variants)]
    results = []
    for dtype in (torch.float32, torch.float64):
        model = build(case.network, case.options, dtype)
        optimizer = torch.optim.AdamW(model.parameters(), lr=1e-4, weight_decay=0.1, foreach=False)
        average = AveragedModel(model, multi_avg_fn=averaging(0.5), use_buffers=True)
        table = schedule()
        losses, norms = [], []
        model.train()
        for batch in batches:
            optimizer.zero_grad()
            loss = squared_error(model, batch, table).mean()
            loss.backward()
            norms.append(clip_grad_norm_(model.parameters(), 1.0, foreach=False).item())
            optimizer.step()
            average.update_parameters(model)
            losses.append(loss.item())
        results.append(
            {
                "after5": {p: v.numpy().copy() for p, v in state_of(model).items()},
                "ema": {p: v.numpy().copy() for p, v in state_of(average.module).items()},
                "losses": np.array(losses),
                "norms": np.array(norms),
            }
        )
    r32, r64 = results
    far = {
        group: max(float(np.linalg.norm(r32[group][p] - v) / np.linalg.norm(v)) for p, v in r64[group].items())
        for group in ("after5", "ema")
    }
    tensors = {name: r64[name] for name in ("losses", "norms")}
    for group in ("after5", "ema"):
        tensors |= flatten(f"{group}.digest", r64[group], digest)
    return tensors, {"float32 against float64, of its norm, worst tensor": far, "norms": r64["norms"].tolist()}


def main():
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--out", type=pathlib.Path, default=pathlib.Path(__file__).parent)
    out = parser.parse_args().out
    torch.set_num_threads(1)
    torch.use_deterministic_algorithms(True)
    for name, make, arguments in (
        ("optimizers", small, {"steps": STEPS}),
        ("unet-cond-narrow-adamw", unet, {"steps": 5, "learning_rate": 1e-4, "weight_decay": 0.1, "clip": 1.0, "ema": 0.5}),
    ):
        tensors, extra = make()
        write(out / f"{name}.safetensors", tensors, arguments, extra)
        print(f"  {extra}")


if __name__ == "__main__":
    main()
