"""Ten digits with a scheduler of Hugging Face's diffusers:  python draw_diffusers.py FOLDER digits.npy

Made by: trainer export --model models/unet-time/trained --as huggingface --out FOLDER"""

import sys

import numpy as np
import onnxruntime as ort
import torch
from diffusers import DDIMScheduler


def draw(folder, x, labels, steps):
    unet = ort.InferenceSession(f"{folder}/unet/model.onnx")
    scheduler = DDIMScheduler.from_pretrained(folder, subfolder="scheduler")
    scheduler.set_timesteps(steps)
    for t in scheduler.timesteps:
        known = {"sample": x.numpy(), "timestep": np.full(len(x), t, np.int32), "class_labels": labels}
        (eps,) = unet.run(["out_sample"], {value.name: known[value.name] for value in unet.get_inputs()})
        x = scheduler.step(torch.from_numpy(eps), t, x).prev_sample
    return ((x.clamp(-1, 1) + 1) * 127.5).round().byte().permute(0, 2, 3, 1).numpy()


if __name__ == "__main__":
    labels = np.arange(10, dtype=np.int32)
    np.save(sys.argv[2], draw(sys.argv[1], torch.randn(10, 3, 32, 32), labels, steps=20))  # uint8 [10, 32, 32, 3]
