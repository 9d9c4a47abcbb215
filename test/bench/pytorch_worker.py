"""The practical's training step and sampling in PyTorch, timed on request: one JSON line in, one out.

Started by pytorch.mjs. Requests: {"what": "step", "count": n}, {"what": "sample", "sampler": "ddpm" | "ddim"}.
"""

import argparse
import json
import resource
import sys
import time
from pathlib import Path

import torch

sys.path.insert(0, str(Path(__file__).parent.parent / "golden"))
from networks import UNet  # noqa: E402

parser = argparse.ArgumentParser()
parser.add_argument("--batch", type=int, default=16)
parser.add_argument("--threads", type=int, default=0)
parser.add_argument("--mode", choices=["eager", "compile", "diffusers"], default="eager")
parser.add_argument("--device", default="cpu")
parser.add_argument("--images", required=True, help="uint8 [N, 3, 32, 32]")
parser.add_argument("--labels", required=True, help="uint8 [N]")
args = parser.parse_args()
if args.threads:
    torch.set_num_threads(args.threads)
torch.set_flush_denormal(True)
torch.manual_seed(0)
device = torch.device(args.device)

T = 400
betas = torch.linspace(1e-4, 0.02, T, device=device)
alpha_bar = torch.cumprod(1 - betas, 0)
root, rest = alpha_bar.sqrt(), (1 - alpha_bar).sqrt()
images = torch.frombuffer(bytearray(Path(args.images).read_bytes()), dtype=torch.uint8).view(-1, 3, 32, 32)
labels = torch.frombuffer(bytearray(Path(args.labels).read_bytes()), dtype=torch.uint8).long()

network = UNet(classes=10).to(device)
optimizer = torch.optim.Adam(network.parameters(), lr=1e-4)


def loss_of(x0, t, eps, label):
    xt = root[t].view(-1, 1, 1, 1) * x0 + rest[t].view(-1, 1, 1, 1) * eps
    return torch.nn.functional.mse_loss(network(xt, label), eps)


evaluate = lambda x, label: network(x, label)  # noqa: E731
if args.mode == "compile":
    options = {"mode": "reduce-overhead"} if device.type == "cuda" else {}
    loss_of = torch.compile(loss_of, **options)
    evaluate = torch.compile(evaluate, **options)


def step():
    chosen = torch.randint(len(images), (args.batch,))
    x0 = images[chosen].to(device).float() * (2 / 255) - 1
    eps = torch.randn_like(x0)
    t = torch.randint(T, (args.batch,), device=device)
    optimizer.zero_grad(set_to_none=True)
    loss = loss_of(x0, t, eps, labels[chosen].to(device))
    loss.backward()
    optimizer.step()
    return loss.item()


@torch.no_grad()
def sample(kind):
    network.eval()
    label = torch.arange(10, device=device)
    x = torch.randn(10, 3, 32, 32, device=device)
    times = list(range(T - 1, -1, -1)) if kind == "ddpm" else list(range(T - 1, -1, -T // 50))
    for i, t in enumerate(times):
        eps = evaluate(x, label)
        before = alpha_bar[times[i + 1]] if i + 1 < len(times) else torch.ones((), device=device)
        x0 = ((x - rest[t] * eps) / root[t]).clamp(-1, 1)
        if kind == "ddim":
            x = before.sqrt() * x0 + (1 - before).sqrt() * (x - root[t] * x0) / rest[t]
            continue
        beta = 1 - alpha_bar[t] / before
        mean = before.sqrt() * beta / (1 - alpha_bar[t]) * x0
        mean = mean + (1 - beta).sqrt() * (1 - before) / (1 - alpha_bar[t]) * x
        deviation = (beta * (1 - before) / (1 - alpha_bar[t])).sqrt()
        x = mean + deviation * torch.randn_like(x) if i + 1 < len(times) else mean
    network.train()
    return float(x.mean())


@torch.no_grad()
def sample_with_diffusers(kind):
    """The loop that a diffusers pipeline has around its network: https://huggingface.co/docs/diffusers."""
    network.eval()
    scheduler = schedulers[kind]
    scheduler.set_timesteps(400 if kind == "ddpm" else 50, device=device)
    label = torch.arange(10, device=device)
    x = torch.randn(10, 3, 32, 32, device=device)
    for t in scheduler.timesteps:
        x = scheduler.step(network(scheduler.scale_model_input(x, t), label), t, x).prev_sample
    network.train()
    return float(x.mean())


if args.mode == "diffusers":
    from diffusers import DDIMScheduler, DDPMScheduler

    choices = {"num_train_timesteps": T, "beta_start": 1e-4, "beta_end": 0.02, "timestep_spacing": "trailing"}
    schedulers = {"ddpm": DDPMScheduler(**choices), "ddim": DDIMScheduler(**choices)}
    sample = sample_with_diffusers


def wait():
    if device.type == "cuda":
        torch.cuda.synchronize()


print(json.dumps({"torch": torch.__version__, "threads": torch.get_num_threads()}), flush=True)
for line in sys.stdin:
    request = json.loads(line)
    wait()
    start = time.perf_counter()
    if request["what"] == "step":
        count = request["count"]
        for _ in range(count):
            result = step()
    else:
        count = 1
        result = sample(request["sampler"])
    wait()
    milliseconds = (time.perf_counter() - start) * 1000 / count
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024
    print(json.dumps({"milliseconds": milliseconds, "result": result, "peak": peak}), flush=True)
