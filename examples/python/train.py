"""Trains a model folder's training_step.onnx on MNIST with plain onnxruntime: no gradient code, no framework.

    python train.py models/unet-cond FOLDER_OF_MNIST --steps 25000 --seed 0

The losses are those of `trainer --artifacts models/unet-cond --seed 0`, step for step, to rounding."""

import argparse
import json
import pathlib

import numpy as np
import onnxruntime as ort

from streams import integers, normals, permutation, uniform

parser = argparse.ArgumentParser()
parser.add_argument("model", type=pathlib.Path)
parser.add_argument("mnist", type=pathlib.Path)
for flag, usual in [("--steps", 1000), ("--batch", 16), ("--seed", 0), ("--lr", 1e-4)]:
    parser.add_argument(flag, type=type(usual), default=usual)
options = parser.parse_args()
manifest = json.loads((options.model / "manifest.json").read_text())
size, seed, batch = manifest["image"]["height"], options.seed, options.batch


def initial(index, tensor):
    """A tensor before the first step: constant, or drawn from the stream of its place in the state."""
    how, count, stream = tensor["initializer"], int(np.prod(tensor["shape"])), (seed, "initialise", index)
    values = {
        "constant": lambda: np.full(count, how["value"]),
        "uniform": lambda: uniform(count, how["low"], how["high"], *stream),
        "normal": lambda: how["mean"] + how["std"] * normals(count, *stream).astype(np.float64),
    }[how["kind"]]()
    return values.astype(tensor["dtype"]).reshape(tensor["shape"])


def resize(images, to):
    """Bilinear, along the last axis: each output takes two pixels around its centre."""
    centre = images.shape[-1] / to * (np.arange(to) + 0.5)
    left = np.clip(np.trunc(centre - 0.5).astype(int), 0, images.shape[-1] - 2)
    weights = [np.maximum(0, 1 - np.abs(left + i + 0.5 - centre)) for i in (0, 1)]
    total = weights[0] + weights[1]
    return images[..., left] * (weights[0] / total) + images[..., left + 1] * (weights[1] / total)


pixels = np.fromfile(options.mnist / "train-images-idx3-ubyte", np.uint8)[16:].reshape(-1, 28, 28)
labels = np.fromfile(options.mnist / "train-labels-idx1-ubyte", np.uint8)[8:].astype(np.int32)
state = {t["name"]: initial(i, t) for i, t in enumerate(manifest["state"])}
session = ort.InferenceSession(options.model / manifest["graphs"]["training_step"]["file"])
outputs = [output.name for output in session.get_outputs()]
order = lambda epoch: permutation(len(labels), seed, "permute", epoch)
epochs = {}

for step in range(1, options.steps + 1):
    places = range((step - 1) * batch, step * batch)
    for epoch in {place // len(labels) for place in places} - epochs.keys():
        epochs = {**{e: o for e, o in epochs.items() if e == epoch - 1}, epoch: order(epoch)}
    chosen = [epochs[place // len(labels)][place % len(labels)] for place in places]
    tall = resize(pixels[chosen].astype(np.float64).swapaxes(1, 2), size).swapaxes(1, 2)
    grey = np.floor(resize(tall, size) + 0.5).astype(np.uint8)
    shape = (batch, manifest["image"]["channels"], size, size)
    feeds = {
        "images": np.ascontiguousarray(np.broadcast_to(grey[:, None], shape)),
        "timestep": integers(1, [manifest["schedule"]["T"]] * batch, seed, "timestep", step).astype(np.int32),
        "noise": normals(int(np.prod(shape)), seed, "noise", step).reshape(shape),
        "learning_rate": np.array(options.lr, np.float32),
        **({"class_labels": labels[chosen]} if manifest["classes"] else {}),
    }
    results = dict(zip(outputs, session.run(outputs, {**state, **feeds})))
    state = {name: np.asarray(results[f"{name}.next"]) for name in state}
    print(f"step {step} loss {results['loss']:.8g}", flush=True)
