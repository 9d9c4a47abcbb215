"""Loads a PyTorch state_dict into the same network in PyTorch, strictly, and compares its outputs with the ONNX file's.

    python test/golden/load_state_dict.py runs/unet-cond/model [runs/unet-cond/model-state-dict/model.safetensors]

Takes what `trainer` and `trainer export --as state-dict` write for conv, unet, unet-cond and unet-time; without a second
argument the weights that lie beside the ONNX file. Needs onnxruntime beside requirements.txt. Ends with an error where a
tensor is missing, not expected or of another shape, or an output differs by more than 1e-5 of the largest one: float32
rounding in ten layers, each output about 1e-6 from the truth on either side.
"""

import argparse
import json
import pathlib

import numpy as np
import onnxruntime
import torch
from safetensors.torch import load_file

from networks import Conv, UNet, UNetTime

NETWORKS = {"conv": Conv, "unet": UNet, "unet-cond": UNet, "unet-time": UNetTime}


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("model", type=pathlib.Path, help="exported folder")
    parser.add_argument("weights", type=pathlib.Path, nargs="?", help="state_dict as safetensors")
    options = parser.parse_args()
    folder = options.model
    manifest = json.loads((folder / "manifest.json").read_text())
    network = manifest["network"]
    model = NETWORKS[network["name"]](**network["options"]).eval()
    weights = load_file(options.weights or folder / "weights.safetensors")
    model.load_state_dict(weights, strict=True)

    generator = np.random.default_rng(0)
    image = manifest["image"]
    shape = (4, image["channels"], image["height"], image["width"])
    feeds = {"sample": generator.standard_normal(shape, dtype=np.float32)}
    if manifest["classes"] > 0:
        feeds["class_labels"] = generator.integers(manifest["classes"], size=4, dtype=np.int32)
    if manifest["timestep"]:
        feeds["timestep"] = 1 + generator.integers(manifest["schedule"]["T"], size=4, dtype=np.int32)
    session = onnxruntime.InferenceSession(folder / "inference_model.onnx", providers=["CPUExecutionProvider"])
    (ours,) = session.run(None, feeds)
    labels, t = (torch.from_numpy(feeds[k]).long() if k in feeds else None for k in ("class_labels", "timestep"))
    with torch.no_grad():
        theirs = model(torch.from_numpy(feeds["sample"]), labels, t)
        # guidance is inside the ONNX file, not in the network: Ho and Salimans 2022, equation 6, with another class
        if (w := manifest.get("guidance", 0)) > 0:
            others = (labels + 1 + t % (manifest["classes"] - 1)) % manifest["classes"]
            theirs = (1 + w) * theirs - w * model(torch.from_numpy(feeds["sample"]), others, t)
        theirs = theirs.numpy()
    apart = float(np.abs(ours - theirs).max() / np.abs(theirs).max())
    print(f"{folder}: {len(weights)} tensors loaded strictly; outputs differ by {apart:.1e} of the largest")
    if not apart < 1e-5:
        raise SystemExit("the outputs differ by more than 1e-5 of the largest")


if __name__ == "__main__":
    main()
