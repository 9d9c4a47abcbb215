"""Makes the reference numbers of this folder with PyTorch. Run by hand; README.md says how and names the tensors."""

import argparse
import copy
import dataclasses
import itertools
import json
import math
import pathlib

import numpy as np
import torch
from safetensors.numpy import save_file

import formula
from networks import Conv, UNet, UNetTime

T = 400
STEPS = 5
LEARNING_RATE = 1e-4
NARROW = {"channels": (8, 12, 16, 20), "bottleneck": 24, "up": (24, 20, 16, 12)}


@dataclasses.dataclass(frozen=True)
class Case:
    """One file. `stored`: `all`, `some` (no moments, no float64 parameters) or `digest`.

    `variants` picks the batch of each step so that no ReLU sees a number nearer to zero than `margin`. Near zero,
    rounding alone decides the side, and one flipped ReLU moves gradients by 1e-4 of their norm and Adam's next
    steps by whole learning rates: two correct programs would differ. `--search` finds the variants.
    """

    network: type
    options: dict
    batch: int
    stored: str
    margin: float
    variants: tuple


CASES = {
    "unet-cond-narrow": Case(UNet, {**NARROW, "classes": 10}, 4, "all", 1e-5, (1, 0, 0, 0, 1)),
    "unet-narrow": Case(UNet, {**NARROW, "classes": 0}, 4, "some", 1e-5, (0, 0, 7, 3, 0)),
    "unet-time-narrow": Case(UNetTime, {**NARROW, "classes": 10, "time": 16}, 4, "some", 1e-5, (0, 0, 1, 3, 0)),
    "conv-narrow": Case(Conv, {"hidden": 8}, 4, "some", 1e-5, (0, 0, 0, 0, 0)),
    "unet-cond-full": Case(UNet, {"classes": 10}, 4, "digest", 1e-5, (114, 268, 44, 1078, 1095)),
}


# what a group is called when it was computed in float64
NAME64 = {
    "grad": "grad64",
    "buffers1": "buffers1_64",
    "after5": "after5_64",
    "after5.exp_avg": "after5_64.exp_avg",
    "after5.exp_avg_sq": "after5_64.exp_avg_sq",
}


def schedule():
    """The practical's schedule, t = 0..T, in float64."""
    t = torch.arange(T + 1, dtype=torch.float64)
    beta = (0.02 - 1e-4) * t / T + 1e-4
    alpha_bar = torch.exp(torch.cumsum(torch.log(1 - beta), dim=0))
    return {
        "beta": beta,
        "alpha": 1 - beta,
        "alpha_bar": alpha_bar,
        "sqrt_alpha_bar": alpha_bar.sqrt(),
        "sqrt_one_minus_alpha_bar": (1 - alpha_bar).sqrt(),
        "one_over_sqrt_alpha": 1 / (1 - beta).sqrt(),
        "eps_scale": beta / (1 - alpha_bar).sqrt(),
        "sigma": beta.sqrt(),
    }


def state_of(model):
    """Parameters and running statistics by path (the count of batches is not kept: momentum is fixed)."""
    return {path: v.detach() for path, v in model.state_dict().items() if not path.endswith("num_batches_tracked")}


def build(network, options, dtype):
    """The network with weights by formula. float64 starts from the same float32 values."""
    model = network(**options)
    weights = {p: torch.from_numpy(formula.weight(p, tuple(v.shape))) for p, v in state_of(model).items()}
    missing = model.load_state_dict(weights, strict=False).missing_keys
    assert all(path.endswith("num_batches_tracked") for path in missing), missing
    return model.to(dtype)


def squared_error(model, batch, table):
    """[N, C, H, W]: (eps - net(xt))^2, whose mean is the loss. Ho et al. 2020, equation 14."""
    dtype = next(model.parameters()).dtype
    x0 = torch.from_numpy(batch["images"]).to(dtype) / 127.5 - 1
    eps = torch.from_numpy(batch["eps"]).to(dtype)
    t = torch.from_numpy(batch["t"]).long()
    # the tables are rounded to float32 in float64 runs too: both precisions get the same inputs
    signal = table["sqrt_alpha_bar"][t].float().to(dtype)[:, None, None, None]
    noise = table["sqrt_one_minus_alpha_bar"][t].float().to(dtype)[:, None, None, None]
    labels = torch.from_numpy(batch["labels"]) if "labels" in batch else None
    return (eps - model(signal * x0 + noise * eps, labels, t)) ** 2


def adam(model):
    return torch.optim.Adam(model.parameters(), lr=LEARNING_RATE, betas=(0.9, 0.999), eps=1e-8, foreach=False)


def step(model, optimizer, batch, table):
    """One training step; returns the loss. The gradients stay on the parameters."""
    optimizer.zero_grad()
    loss = squared_error(model, batch, table).mean()
    loss.backward()
    optimizer.step()
    return loss.item()


def train(model, batches, table):
    """One step a batch. Returns what the first step saw and what the last one left, as numpy by name."""
    optimizer = adam(model)
    losses, grad, buffers1 = [], {}, {}
    model.train()
    for batch in batches:
        losses.append(step(model, optimizer, batch, table))
        if len(losses) == 1:
            grad = {path: p.grad.numpy().copy() for path, p in model.named_parameters()}
            buffers1 = {p: v.numpy().copy() for p, v in state_of(model).items() if ".running_" in p}
    moments = {path: optimizer.state[p] for path, p in model.named_parameters()}
    return {
        "losses": np.array(losses, dtype=np.float64),
        "grad": grad,
        "buffers1": buffers1,
        "after5": {path: v.numpy().copy() for path, v in state_of(model).items()},
        "after5.exp_avg": {path: m["exp_avg"].numpy() for path, m in moments.items()},
        "after5.exp_avg_sq": {path: m["exp_avg_sq"].numpy() for path, m in moments.items()},
    }


def relu_margin(model, batch, table):
    """The smallest magnitude that any ReLU sees in a training forward pass. Leaves the model as it was."""
    probe = copy.deepcopy(model)
    smallest = []
    for module in probe.modules():
        if isinstance(module, torch.nn.ReLU):
            module.register_forward_pre_hook(lambda _module, inputs: smallest.append(inputs[0].abs().min().item()))
    with torch.no_grad():
        squared_error(probe.train(), batch, table)
    return min(smallest)


def search(case):
    """Walks the training steps and takes, for each, the first variant of its batch that keeps the margin."""
    table = schedule()
    model = build(case.network, case.options, torch.float32)
    optimizer = adam(model)
    variants = []
    for index in range(STEPS):
        for variant in itertools.count():
            batch = formula.batch(index, variant, case.batch, model.classes, T)
            if relu_margin(model, batch, table) >= case.margin:
                break
        variants.append(variant)
        step(model.train(), optimizer, batch, table)
        print(f"  batch {index}: variant {variant}", flush=True)
    return variants


def evaluate(model, table, batch, classes):
    """The trained network with running statistics: its output for a fixed sample, and each image's loss in `batch`."""
    model.eval()
    count = len(batch["t"])
    made = {"sample": formula.noise("eval/sample", count)}
    t = None
    if isinstance(model, UNetTime):
        made["t"] = 1 + formula.integers("eval/t", count, T)
        t = torch.from_numpy(made["t"]).long()
    labels = None
    if classes > 0:
        made["labels"] = formula.integers("eval/labels", count, classes)
        labels = torch.from_numpy(made["labels"])
    with torch.no_grad():
        sample = torch.from_numpy(made["sample"]).to(next(model.parameters()).dtype)
        made["out_sample"] = model(sample, labels, t).numpy()
        made["losses"] = squared_error(model, batch, table).mean(dim=(1, 2, 3)).numpy()
    return made


def digest(values):
    """float64 [2 + k]: norm, sum, and the values at floor(j * size / k), j = 0..k-1, k = min(64, size)."""
    flat = np.asarray(values).reshape(-1).astype(np.float64)
    k = min(64, flat.size)
    at = [j * flat.size // k for j in range(k)]
    return np.concatenate([[math.sqrt((flat * flat).sum()), flat.sum()], flat[at]])


def flatten(prefix, group, convert):
    return {f"{prefix}/{path}": convert(np.asarray(values)) for path, values in group.items()}


def as_float32(values):
    return values.astype(np.float32) if values.dtype == np.float64 else values


def make(case):
    """All tensors of one file by name, the shapes of the state, and how far float32 is from float64."""
    table = schedule()
    model, model64 = (build(case.network, case.options, dtype) for dtype in (torch.float32, torch.float64))
    weights = {path: v.numpy().copy() for path, v in state_of(model).items()}
    batches = [formula.batch(k, v, case.batch, model.classes, T) for k, v in enumerate(case.variants)]
    r32, r64 = train(model, batches, table), train(model64, batches, table)

    suffix, convert = (".digest", digest) if case.stored == "digest" else ("", as_float32)
    groups = ["grad", "buffers1", "after5"] + ([] if case.stored == "some" else ["after5.exp_avg", "after5.exp_avg_sq"])
    groups64 = {"all": ["grad", "after5"], "some": ["grad"], "digest": groups}[case.stored]

    tensors = {"losses": r32["losses"], "losses64": r64["losses"], "variants": np.array(case.variants, dtype=np.int32)}
    tensors |= flatten(f"weights{suffix}", weights, convert)
    for k, batch in enumerate(batches):
        tensors |= flatten(f"batch{k}{suffix}", batch, convert)
    for group in groups:
        tensors |= flatten(f"{group}{suffix}", r32[group], convert)
    for group in groups64:
        tensors |= flatten(f"{NAME64[group]}{suffix}", r64[group], convert)
    tensors |= flatten(f"eval{suffix}", evaluate(model, table, batches[0], model.classes), convert)
    outputs64 = evaluate(model64, table, batches[0], model.classes)
    tensors |= flatten(f"eval64{suffix}", {name: outputs64[name] for name in ("out_sample", "losses")}, convert)
    shapes = {path: list(v.shape) for path, v in weights.items()}
    return tensors, shapes, distances(r32, r64)


def distances(r32, r64):
    """How far PyTorch's float32 is from its float64: the part of any difference that is rounding and no mistake."""

    def relative(group):
        norm = {p: np.linalg.norm(v) for p, v in r64[group].items()}
        return max((float(np.linalg.norm(r32[group][p] - v) / norm[p]), p) for p, v in r64[group].items())

    after = max((float(np.abs(r32["after5"][p] - v).max()), p) for p, v in r64["after5"].items())
    return {
        "loss, relative, worst of 5": float(np.max(np.abs(r32["losses"] / r64["losses"] - 1))),
        "gradient, of its norm, worst tensor": relative("grad"),
        "after5, of its norm, worst tensor": relative("after5"),
        "after5, largest absolute": after,
    }


def write(path, tensors, arguments, extra):
    metadata = {
        "torch": torch.__version__,
        "numpy": np.__version__,
        "cpu": torch.backends.cpu.get_cpu_capability(),
        "arguments": arguments,
        **extra,
    }
    contiguous = {name: np.ascontiguousarray(values) for name, values in tensors.items()}
    save_file(contiguous, path, metadata={"golden": json.dumps(metadata, sort_keys=True)})
    print(f"{path.name}: {len(tensors)} tensors, {path.stat().st_size / 1e6:.2f} MB")


def main():
    here = pathlib.Path(__file__).parent
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--out", type=pathlib.Path, default=here, help="folder to write to (default: this one)")
    parser.add_argument("--only", choices=[*CASES, "schedule"], help="make this file alone")
    parser.add_argument("--search", action="store_true", help="print variants that keep the margin; writes nothing")
    options = parser.parse_args()
    torch.set_num_threads(1)
    torch.use_deterministic_algorithms(True)
    options.out.mkdir(parents=True, exist_ok=True)
    arguments = {"T": T, "steps": STEPS, "learning_rate": LEARNING_RATE}
    if options.only in (None, "schedule") and not options.search:
        write(options.out / "schedule.safetensors", {n: v.numpy() for n, v in schedule().items()}, arguments, {})
    for name, case in CASES.items():
        if options.only not in (None, name):
            continue
        if options.search:
            print(f"{name}: variants {tuple(search(case))}")
            continue
        tensors, shapes, far = make(case)
        network = {"name": case.network.__name__, **case.options}
        extra = {"batch": case.batch, "network": network, "shapes": shapes, "float32 against float64": far}
        write(options.out / f"{name}.safetensors", tensors, arguments, extra)
        for label, value in far.items():
            print(f"  PyTorch's float32 against its float64: {label}: {value}")


if __name__ == "__main__":
    main()
