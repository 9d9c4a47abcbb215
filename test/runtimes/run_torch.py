"""Converts a model with onnx2torch and runs it in PyTorch:  run_torch.py MODEL FEEDS OUTPUT FILE

FEEDS is a folder with feeds.txt, a line for each input: name, type, sizes ("-" for none), file. Writes the bytes of OUTPUT to
FILE and prints the milliseconds of the best run in a second after that."""

import pathlib
import sys
import time

import numpy as np
import onnx
import onnx.version_converter
import onnx2torch
import torch

path, folder, wanted, out = sys.argv[1:]
model = onnx.load(path)
# it has no converters for newer operator sets
model = onnx.version_converter.convert_version(model, 18) if model.opset_import[0].version > 18 else model
module = onnx2torch.convert(model).eval()
feeds = {}
for line in (pathlib.Path(folder) / "feeds.txt").read_text().splitlines():
    name, dtype, sizes, file = line.split(" ")
    shape = [int(size) for size in sizes.split(",") if size != "-"]
    values = np.fromfile(pathlib.Path(folder) / file, dtype).reshape(shape)
    feeds[name] = torch.from_numpy(values)
inputs = [feeds[value.name] for value in model.graph.input]
with torch.no_grad():
    results = module(*inputs)
    start, best = time.perf_counter(), float("inf")
    while best == float("inf") or time.perf_counter() - start < 1:
        begin = time.perf_counter()
        module(*inputs)
        best = min(best, time.perf_counter() - begin)
    print(1000 * best)
results = results if isinstance(results, (list, tuple)) else [results]
names = [output.name for output in model.graph.output]
results[names.index(wanted)].numpy().tofile(out)
