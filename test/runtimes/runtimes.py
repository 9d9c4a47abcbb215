"""Other people's runtimes, each as a function from a file to a function from feeds to outputs.

A runtime that cannot do something says so here, by the name of the graph, with the reason; that it really cannot is
checked too."""

import importlib.metadata

import numpy as np


def onnxruntime(path):
    import onnxruntime as ort

    options = ort.SessionOptions()
    options.log_severity_level = 3
    session = ort.InferenceSession(path, options)
    names = [output.name for output in session.get_outputs()]
    return lambda feeds: dict(zip(names, session.run(names, feeds)))


def reference(path):
    from onnx.reference import ReferenceEvaluator

    evaluator = ReferenceEvaluator(str(path))
    return lambda feeds: dict(zip(evaluator.output_names, evaluator.run(None, feeds)))


def openvino(path):
    import openvino as ov

    core, compiled = ov.Core(), None

    def run(feeds):
        nonlocal compiled
        if compiled is None:
            model = core.read_model(path)
            # with sizes: its convolution takes no weights of an unknown one, which gradients of weights have
            model.reshape({name: list(np.shape(value)) for name, value in feeds.items()})
            compiled = core.compile_model(model, "CPU", {"INFERENCE_PRECISION_HINT": "f32"})
        return {next(iter(key.names)): value for key, value in compiled(feeds).items()}

    return run


def onnx2torch(path):
    import onnx.version_converter
    import onnx2torch
    import torch

    # it has no converters for newer operator sets
    model = onnx.version_converter.convert_version(onnx.load(path), 18)
    module = onnx2torch.convert(model).eval()
    names = [value.name for value in model.graph.input]

    def run(feeds):
        with torch.no_grad():
            given = [torch.from_numpy(feeds[name]) for name in names]
            result = module(*given)
        results = result if isinstance(result, (list, tuple)) else [result]
        return {output.name: value.numpy() for output, value in zip(model.graph.output, results)}

    return run


OPENVINO = {
    "sampler, seed": "it computes int64 in 32 bits, so its random words are others; export the sampler with `--noise input`",
}
ONNX2TORCH = {
    "fp16-weights": "its Conv takes weights from initializers alone, not from the Cast after them; export as `single`",
    "sampler, noise": "it has no Loop",
    "sampler, seed": "it has no Loop",
    "training step": "its Conv takes weights from initializers alone, and here they are inputs",
}

RUNTIMES = {
    "onnxruntime": {"title": "ONNX Runtime, Python", "load": onnxruntime, "cannot": {}},
    "onnx": {"title": "ONNX's reference evaluator", "load": reference, "cannot": {}},
    "openvino": {"title": "OpenVINO, CPU", "load": openvino, "cannot": OPENVINO},
    "onnx2torch": {"title": "onnx2torch, into PyTorch", "load": onnx2torch, "cannot": ONNX2TORCH},
}


def installed(name):
    """The version, or None."""
    try:
        return importlib.metadata.version(name)
    except importlib.metadata.PackageNotFoundError:
        return None
