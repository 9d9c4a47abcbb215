"""The form `huggingface`, loaded with Hugging Face's own code.

    .cache/torch/bin/python test/runtimes/check_diffusers.py models/unet-time/trained ...

The schedulers of diffusers take the steps of packages/diffusion, and a loop around one draws the images of
`trainer sample`. Exit code 1 with the reason where they do not."""

import json
import pathlib
import subprocess
import sys
import tempfile
from unittest import mock

import numpy as np
import onnxruntime as ort
import torch
from diffusers import DDIMScheduler, DDPMScheduler
from diffusers.schedulers import scheduling_ddim, scheduling_ddpm

ROOT = pathlib.Path(__file__).resolve().parents[2]
sys.path.append(str(ROOT / "examples" / "python"))
from draw_diffusers import draw
from streams import normals

SEED, STEPS = 5, 20
# diffusers multiplies T factors in float32, each rounded to 2^-24 of itself.
LEVEL_TOLERANCE = 2.0**-24
# Of a value of x of about 1. Its 1 - alphas_cumprod near t = 0 is a difference of float32 numbers of about 1. Measured:
# 3e-5 there, 1e-6 elsewhere.
STEP_TOLERANCE = 1e-4
# The same at each step of the sampler, before rounding to 256 levels.
PIXEL_TOLERANCE = 1

TABLES = """
import { readFileSync } from "node:fs";
const [library, path, steps] = process.argv.slice(-3);
const { parseManifest, samplerRows, scheduleOf } = await import(library);
const manifest = parseManifest(readFileSync(path, "utf8"), path);
const { T, float64 } = scheduleOf(manifest.schedule);
const rows = (sampler, steps, spacing) => samplerRows(manifest, { sampler, steps, spacing });
console.log(JSON.stringify({
  T, beta: [...float64.beta], alphaBar: [...float64.alphaBar],
  ddpm: rows("ddpm", T), ddim: rows("ddim", T), trailing: rows("ddim", Number(steps)), leading: rows("ddim", Number(steps), "leading"),
}));
"""


def node(*words):
    done = subprocess.run(["node", *(str(word) for word in words)], check=True, stdout=subprocess.PIPE, text=True)
    return done.stdout


def trainer(*words):
    node(ROOT / "packages/trainer/dist/cli.js", *words)


def check_levels(scheduler, tables):
    """The noise levels, and the betas that they come of: the first takes in alpha_0, which diffusers does not have."""
    found, wanted = scheduler.alphas_cumprod.double().numpy(), np.array(tables["alphaBar"][1:])
    apart = np.abs(found / wanted - 1).max()
    assert apart <= tables["T"] * LEVEL_TOLERANCE, f"alphas_cumprod is off by {apart:.1e} of itself"
    betas = np.array([1 - tables["alphaBar"][1], *tables["beta"][2:]], np.float32)
    assert (scheduler.betas.numpy() == betas).all(), "betas are others"
    return f"{len(betas)} noise levels within {apart:.0e} of themselves"


def check_steps(scheduler, rows):
    """Each step from the same x, model output and noise."""
    scheduler.set_timesteps(len(rows))
    timesteps = [t + 1 for t in scheduler.timesteps.tolist()]
    assert timesteps == [row["timestep"] for row in rows], f"timesteps are {timesteps}"
    numbers, largest = np.random.default_rng(SEED), 0
    x = numbers.standard_normal((1, 1000))
    for t, row in zip(scheduler.timesteps, rows):
        eps, z = numbers.standard_normal((2, 1, 1000))
        wanted = row["x"] * x + row["estimates"][0] * eps + row["noise"] * z
        as_tensor = lambda values: torch.from_numpy(values.astype(np.float32))
        drawn = mock.Mock(return_value=as_tensor(z))
        with mock.patch.object(scheduling_ddpm, "randn_tensor", drawn), mock.patch.object(scheduling_ddim, "randn_tensor", drawn):
            found = scheduler.step(as_tensor(eps), t, as_tensor(x)).prev_sample.double().numpy()
        apart = (np.abs(found - wanted) / np.maximum(1, np.abs(wanted))).max()
        name = type(scheduler).__name__
        assert apart <= STEP_TOLERANCE, f"{name}: x after timestep {t} is off by {apart:.1e}, expected at most {STEP_TOLERANCE}"
        x, largest = wanted, max(largest, apart)
    return f"{len(rows)} steps of {type(scheduler).__name__} within {largest:.0e}"


def check_names(folder):
    """The graph has the inputs that config.json says."""
    config = json.loads((folder / "config.json").read_text())
    image = [config["in_channels"], *config["sample_size"]]
    wanted = {
        "sample": image,
        **({"timestep": []} if config["takes_timestep"] else {}),
        **({"class_labels": []} if config["num_class_embeds"] else {}),
    }
    unet = ort.InferenceSession(folder / "unet/model.onnx")
    found = {value.name: value.shape[1:] for value in unet.get_inputs()}
    assert found == wanted, f"the inputs are {found}, config.json says {wanted}"
    outputs = {value.name: value.shape[1:] for value in unet.get_outputs()}
    assert outputs == {"out_sample": [config["out_channels"], *config["sample_size"]]}, f"the outputs are {outputs}"
    return config, image


def check_images(model, export, folder):
    """diffusers' loop around the graph draws what `trainer sample` draws from the same noise."""
    config, image = check_names(export)
    classes, size = config["num_class_embeds"], int(np.prod(image))
    how = ["--sampler", "ddim", "--steps", STEPS, "--seed", SEED, "--count", 10]
    trainer("sample", "--model", model, *how, "--out", folder / "s.png", "--raw", folder / "s.npy")
    noise = np.stack([normals(size, SEED, "sampleInitial", i * 65536) for i in range(10)]).reshape(10, *image)
    labels = np.arange(10, dtype=np.int32) % (classes or 10)
    found, wanted = draw(export, torch.from_numpy(noise), labels, STEPS), np.load(folder / "s.npy")
    assert found.shape == wanted.shape, f"the images are {found.shape}, those of `trainer sample` {wanted.shape}"
    apart = np.abs(found.astype(int) - wanted.astype(int))
    assert apart.max() <= PIXEL_TOLERANCE, f"pixels are off by {apart.max()} of 255, expected at most {PIXEL_TOLERANCE}"
    return f"ten images within {apart.max()} of 255 ({100 * (apart > 0).mean():.2g} % of pixels)"


def check(model, folder):
    export = folder / "huggingface"
    trainer("export", "--model", model, "--as", "huggingface", "--out", export)
    library = (ROOT / "packages/diffusion/dist/index.js").as_uri()
    tables = json.loads(node("--input-type=module", "-e", TABLES, library, model / "manifest.json", STEPS))
    load = lambda kind, **others: kind.from_pretrained(export, subfolder="scheduler", **others)
    yield check_levels(load(DDPMScheduler), tables)
    # its DDPM ends at x0, as DDIM does, where packages/diffusion's leaves the noise of alpha_0
    yield check_steps(load(DDPMScheduler), [*tables["ddpm"][:-1], tables["ddim"][-1]])
    yield check_steps(load(DDIMScheduler), tables["trailing"])
    yield check_steps(load(DDIMScheduler, timestep_spacing="leading"), tables["leading"])
    yield check_images(model, export, folder)


def main():
    for model in map(pathlib.Path, sys.argv[1:]):
        with tempfile.TemporaryDirectory() as name:
            try:
                for said in check(model, pathlib.Path(name)):
                    print(f"{model}: {said}", flush=True)
            except AssertionError as error:
                print(f"{model}: {error}")
                return 1
    return 0


if __name__ == "__main__":
    sys.exit(main())
