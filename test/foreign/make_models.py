"""Two models that this project did not make, and what their own libraries draw with them.

    apt-get install python3-venv python3-torch
    /usr/bin/python3 -m venv --system-site-packages venv && venv/bin/pip install -r requirements.txt && venv/bin/python make_models.py

- unet: diffusers' UNet2DModel with classes and attention; int64 timesteps from 0, v prediction, scaled-linear betas.
- plain: a PyTorch module of one's own that takes one image at a time and one time in 0..1 for it, and predicts the image.

The weights are random: what counts is that the same numbers come out. Written: a folder each, and expected.safetensors.
"""

import hashlib
import json
import pathlib

import torch
from diffusers import DDIMScheduler, UNet2DModel
from safetensors.torch import save_file

HERE = pathlib.Path(__file__).parent
STEPS = 4


def write_folder(name, network, arguments, manifest):
    folder = HERE / name
    folder.mkdir(exist_ok=True)
    file = folder / f"{name}.onnx"
    values = dict(zip(manifest["inputs"], arguments))
    free = {value: {0: "n"} for value in manifest["inputs"] if manifest["inputs"][value][1][:1] == ["n"]}
    (output,) = manifest["outputs"]
    free |= {output: {0: "n"}} if "n" in manifest["outputs"][output][1] else {}
    torch.onnx.export(
        network,
        tuple(values.values()),
        file,
        input_names=list(values),
        output_names=[output],
        dynamic_axes=free,
        opset_version=17,
    )
    data = file.read_bytes()
    spec = lambda given: [{"name": n, "dtype": d, "shape": s} for n, (d, s) in given.items()]
    document = {
        "format": "onnx-diffusion",
        "version": 1,
        "network": {"name": name, "options": {}},
        **manifest["about"],
        "state": [],
        "graphs": {
            "inference_model": {
                "file": file.name,
                "target": "gpu",
                "inputs": spec(manifest["inputs"]),
                "outputs": spec(manifest["outputs"]),
            }
        },
        "files": {file.name: {"sha256": hashlib.sha256(data).hexdigest(), "bytes": len(data)}},
    }
    (folder / "manifest.json").write_text(json.dumps(document, indent=1) + "\n")


class Named(torch.nn.Module):
    """The network with a tensor for its output."""

    def __init__(self, network):
        super().__init__()
        self.network = network

    def forward(self, x, t, y):
        return self.network(x, t, class_labels=y).sample


class Plain(torch.nn.Module):
    def __init__(self):
        super().__init__()
        self.first = torch.nn.Conv2d(4, 8, 3, padding=1)
        self.last = torch.nn.Conv2d(8, 3, 3, padding=1)

    def forward(self, noisy, time):
        plane = time.reshape(1, 1, 1, 1).expand(1, 1, 6, 6)
        return torch.tanh(self.last(torch.nn.functional.silu(self.first(torch.cat([noisy, plane], 1)))))


def draw(scheduler, x, predict):
    scheduler.set_timesteps(STEPS)
    for t in scheduler.timesteps:
        x = scheduler.step(predict(x, t), t, x).prev_sample
    return x


def main():
    torch.manual_seed(0)
    expected = {}
    common = {"num_train_timesteps": 1000, "clip_sample": False, "timestep_spacing": "trailing"}

    unet = UNet2DModel(
        sample_size=8,
        in_channels=1,
        out_channels=1,
        block_out_channels=(8, 16),
        layers_per_block=1,
        norm_num_groups=4,
        attention_head_dim=8,
        down_block_types=("DownBlock2D", "AttnDownBlock2D"),
        up_block_types=("AttnUpBlock2D", "UpBlock2D"),
        num_class_embeds=3,
    ).eval()
    scheduler = DDIMScheduler(
        beta_schedule="scaled_linear",
        beta_start=0.00085,
        beta_end=0.012,
        prediction_type="v_prediction",
        **common,
    )
    x, t, y = torch.randn(3, 1, 8, 8), torch.tensor([7, 7, 7]), torch.tensor([2, 0, 1])
    with torch.no_grad():
        expected["unet.noise"] = x
        expected["unet.images"] = draw(scheduler, x, lambda x, t: unet(x, t.expand(3), class_labels=y).sample)
    write_folder(
        "unet",
        Named(unet).eval(),
        (x, t, y),
        {
            "about": {
                "image": {"channels": 1, "height": 8, "width": 8, "range": [-1, 1]},
                "classes": 3,
                "timestep": True,
                "prediction": "v",
                "schedule": {"kind": "betas", "betas": scheduler.betas.double().tolist()},
                "arguments": {
                    "names": {"sample": "x", "timestep": "t", "class_labels": "y", "out_sample": "v"},
                    "firstTimestep": 0,
                },
            },
            "inputs": {
                "x": ("float32", ["n", 1, 8, 8]),
                "t": ("int64", ["n"]),
                "y": ("int64", ["n"]),
            },
            "outputs": {"v": ("float32", ["n", 1, 8, 8])},
        },
    )

    plain = Plain().eval()
    scheduler = DDIMScheduler(beta_schedule="squaredcos_cap_v2", prediction_type="sample", **common)
    # the last of the cosine's levels has next to no image left; a schedule must not end there
    scheduler.alphas_cumprod = torch.cumprod(1 - scheduler.betas.double().clamp(max=0.5), 0)
    x = torch.randn(2, 3, 6, 6)
    with torch.no_grad():
        expected["plain.noise"] = x
        one = lambda x, t: plain(x, (t + 1) / 1000)
        expected["plain.images"] = torch.cat([draw(scheduler, image[None], one) for image in x])
    write_folder(
        "plain",
        plain,
        (x[:1], torch.tensor([0.5])),
        {
            "about": {
                "image": {"channels": 3, "height": 6, "width": 6, "range": [0, 1]},
                "classes": 0,
                "timestep": True,
                "prediction": "x0",
                "schedule": {"kind": "alphaBars", "alphaBars": scheduler.alphas_cumprod.tolist()},
                "arguments": {
                    "names": {"sample": "noisy", "timestep": "time", "out_sample": "image"},
                    "timestepScale": 0.001,
                },
            },
            "inputs": {"noisy": ("float32", [1, 3, 6, 6]), "time": ("float32", [1])},
            "outputs": {"image": ("float32", [1, 3, 6, 6])},
        },
    )
    save_file({name: values.float().contiguous() for name, values in expected.items()}, HERE / "expected.safetensors")


if __name__ == "__main__":
    main()
