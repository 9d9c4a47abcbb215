"""Makes diffusers_samplers.json: where the schedulers of Hugging Face diffusers lead a fixed x with a fixed "network".

    python3 -m venv /tmp/venv && /tmp/venv/bin/pip install torch==2.15.0 numpy==2.4.6 diffusers==0.42.1
    /tmp/venv/bin/python packages/diffusion/test/reference/diffusers_samplers.py

The schedule is the practical's. diffusers counts timesteps 0..T-1 with alphas_cumprod[i] = alphaBar[i + 1], so its
timestep is ours less one. The network's output is x / (1 + |x|) + t / 1000 with our t; where the timesteps of Karras'
sigmas are fractions in diffusers, t is left out. Fresh noise z of row k is (7 k + 3 i mod 13) / 6 - 1 at element i.
"""

import json
import pathlib

import diffusers
import numpy as np
import torch
from diffusers.schedulers import scheduling_ddpm

T = 400
BETA = (0.02 - 1e-4) * np.arange(T + 1) / T + 1e-4
ALPHA_BAR = np.cumprod(1 - BETA)
BETAS = np.concatenate([[1 - ALPHA_BAR[1]], BETA[2:]])
X = torch.linspace(-2, 2, 17, dtype=torch.float64)[None]


def network(x, t):
    return x / (1 + x.abs()) + t / 1000


def fresh_noise(row):
    return torch.tensor([(7 * row + 3 * i) % 13 / 6 - 1 for i in range(X.numel())], dtype=torch.float64)[None]


def make(kind, **options):
    scheduler = kind(num_train_timesteps=T, trained_betas=BETAS, **options)
    scheduler.alphas_cumprod = torch.from_numpy(ALPHA_BAR[1:])
    scheduler.alphas = torch.cat([scheduler.alphas_cumprod[:1], scheduler.alphas_cumprod[1:] / scheduler.alphas_cumprod[:-1]])
    scheduler.betas = 1 - scheduler.alphas
    return scheduler


def run(scheduler, timeless=False, **step_options):
    """The timesteps (ours) and the x that they lead to."""
    # Euler's and Heun's x is ours / sqrt(alphaBar); init_noise_sigma forgets the image's share of it
    in_sigmas = type(scheduler) in (diffusers.EulerDiscreteScheduler, diffusers.HeunDiscreteScheduler)
    x = X * (scheduler.sigmas[0].double() ** 2 + 1).sqrt() if in_sigmas else X
    timesteps = []
    for row, t in enumerate(scheduler.timesteps):
        ours = float(t) + 1
        timesteps.append(ours)
        output = network(scheduler.scale_model_input(x, t).double(), 0 if timeless else ours)
        arguments = {name: value(row) for name, value in step_options.items()}
        x = scheduler.step(output, t, x, **arguments).prev_sample
    return {"timesteps": timesteps, "x": x.double().flatten().tolist()}


def timesteps_of(steps, spacing):
    scheduler = make(diffusers.DDIMScheduler, timestep_spacing=spacing)
    scheduler.set_timesteps(steps)
    return scheduler.timesteps.tolist()


def ddpm(steps, spacing):
    scheduler = make(diffusers.DDPMScheduler, variance_type="fixed_large", clip_sample=False)
    scheduler.one = torch.tensor(ALPHA_BAR[0])  # the practical's chain ends at t = 0, whose alphaBar is not 1
    scheduler.set_timesteps(timesteps=timesteps_of(steps, spacing))  # a list: else the next timestep is t - T // steps
    rows = iter(range(steps))
    scheduling_ddpm.randn_tensor = lambda *_args, **_options: fresh_noise(next(rows))
    return run(scheduler)


def ddim(steps, spacing, eta):
    scheduler = make(diffusers.DDIMScheduler, clip_sample=False, timestep_spacing=spacing)
    scheduler.final_alpha_cumprod = torch.tensor(1.0, dtype=torch.float64)
    scheduler.set_timesteps(steps)
    return run(scheduler, eta=lambda _: eta, variance_noise=fresh_noise if eta else lambda _: None)


def by_sigma(kind, steps, spacing, **options):
    karras = spacing == "karras"
    spread = {"use_karras_sigmas": True, "timestep_spacing": "linspace"} if karras else {"timestep_spacing": spacing}
    scheduler = make(kind, **options, **spread)
    scheduler.set_timesteps(steps)
    return run(scheduler, timeless=karras)


def dpmpp2m(steps, spacing):
    options = {"algorithm_type": "dpmsolver++", "solver_order": 2, "final_sigmas_type": "zero"}
    if spacing == "karras":
        return by_sigma(diffusers.DPMSolverMultistepScheduler, steps, spacing, **options)
    scheduler = make(diffusers.DPMSolverMultistepScheduler, **options)
    # its own spacings leave the last timestep out; it is given those of the others
    scheduler.set_timesteps(timesteps=timesteps_of(steps, spacing))
    return run(scheduler)


def main():
    # numbers of steps for which the timesteps are whole numbers
    plan = [("trailing", 10), ("trailing", 32), ("leading", 10), ("linspace", 8), ("linspace", 20)]
    cases = {}
    for spacing, steps in plan:
        at = f"{spacing}/{steps}"
        if spacing != "trailing":  # its last step takes noise unless it is from its t = 0
            cases[f"ddpm/{at}"] = ddpm(steps, spacing)
        if at in ("trailing/10", "leading/10"):  # elsewhere its t - T // steps is not the next timestep
            cases[f"ddim/{at}"] = ddim(steps, spacing, 0.0)
            cases[f"ddim eta 0.5/{at}"] = ddim(steps, spacing, 0.5)
        cases[f"euler/{at}"] = by_sigma(diffusers.EulerDiscreteScheduler, steps, spacing)
        cases[f"heun/{at}"] = by_sigma(diffusers.HeunDiscreteScheduler, steps, spacing)
        cases[f"dpm++2m/{at}"] = dpmpp2m(steps, spacing)
    for steps in (8, 20):
        cases[f"euler/karras/{steps}"] = by_sigma(diffusers.EulerDiscreteScheduler, steps, "karras")
        cases[f"heun/karras/{steps}"] = by_sigma(diffusers.HeunDiscreteScheduler, steps, "karras")
        cases[f"dpm++2m/karras/{steps}"] = dpmpp2m(steps, "karras")
    versions = {"diffusers": diffusers.__version__, "torch": torch.__version__, "numpy": np.__version__}
    out = pathlib.Path(__file__).with_suffix(".json")
    out.write_text(json.dumps({"versions": versions, "cases": cases}, indent=1) + "\n")
    print(f"{out}: {len(cases)} cases")


if __name__ == "__main__":
    main()
