"""The practical's training step and sampling in PyTorch, timed on request: one JSON line in, one out.

Started by pytorch.mjs. Requests: {"what": "step", "count": n}, {"what": "sample", "sampler": "ddpm" | "ddim"}, {"what": "matmul"}.
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
parser.add_argument("--tf32", choices=["on", "off"], default="on")
parser.add_argument("--images", required=True, help="uint8 [N, 3, 32, 32]")
parser.add_argument("--labels", required=True, help="uint8 [N]")
args = parser.parse_args()
if args.threads:
    torch.set_num_threads(args.threads)
torch.set_flush_denormal(True)
torch.manual_seed(0)
device = torch.device(args.device)
cuda = device.type == "cuda"
torch.backends.cuda.matmul.allow_tf32 = torch.backends.cudnn.allow_tf32 = args.tf32 == "on"

T = 400
betas = torch.linspace(1e-4, 0.02, T, device=device)
alpha_bar = torch.cumprod(1 - betas, 0)
root, rest = alpha_bar.sqrt(), (1 - alpha_bar).sqrt()
images = torch.frombuffer(bytearray(Path(args.images).read_bytes()), dtype=torch.uint8).view(-1, 3, 32, 32)
labels = torch.frombuffer(bytearray(Path(args.labels).read_bytes()), dtype=torch.uint8).long()
images, labels = images.to(device), labels.to(device)

network = UNet(classes=10).to(device)
optimizer = torch.optim.Adam(network.parameters(), lr=1e-4, fused=cuda)


def loss_of(x0, t, eps, label):
    xt = root[t].view(-1, 1, 1, 1) * x0 + rest[t].view(-1, 1, 1, 1) * eps
    return torch.nn.functional.mse_loss(network(xt, label), eps)


evaluate = lambda x, label: network(x, label)  # noqa: E731
if args.mode == "compile":
    options = {"mode": "reduce-overhead"} if cuda else {}
    loss_of = torch.compile(loss_of, **options)
    evaluate = torch.compile(evaluate, **options)


def step():
    if cuda:
        torch.compiler.cudagraph_mark_step_begin()
    chosen = torch.randint(len(images), (args.batch,), device=device)
    x0 = images[chosen].float() * (2 / 255) - 1
    eps = torch.randn_like(x0)
    t = torch.randint(T, (args.batch,), device=device)
    optimizer.zero_grad(set_to_none=True)
    loss = loss_of(x0, t, eps, labels[chosen])
    loss.backward()
    optimizer.step()
    # a card is not asked for each loss, as the training loop hands them out at its end
    return loss.detach().clone() if cuda else loss.item()


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


def matmul_rate():
    """GFLOP/s of a product of two large matrices, by the clock, with TF32 as the network has it."""
    n, count = (8192, 10) if cuda else (2048, 1)
    a, b = torch.randn(n, n, device=device), torch.randn(n, n, device=device)
    torch.matmul(a, b)
    wait()
    start = time.perf_counter()
    for _ in range(count):
        torch.matmul(a, b)
    wait()
    return 2 * n**3 * count / 1e9 / (time.perf_counter() - start)


def wait():
    if cuda:
        torch.cuda.synchronize()


hello = {"torch": torch.__version__, "threads": torch.get_num_threads()}
if cuda:
    hello |= {"card": torch.cuda.get_device_name(), "tf32": args.tf32}
print(json.dumps(hello), flush=True)
for line in sys.stdin:
    request = json.loads(line)
    if request["what"] == "matmul":
        print(json.dumps({"gflops": matmul_rate()}), flush=True)
        continue
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
    peak = torch.cuda.max_memory_allocated() / 2**20 if cuda else resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024
    print(json.dumps({"milliseconds": milliseconds, "result": float(result), "peak": peak}), flush=True)
