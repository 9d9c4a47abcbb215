"""Other people's runtimes, each as a function from a file to a function from feeds to one output.

A runtime that cannot do something says so here, by the name of the graph, with the reason; that it really cannot is
checked too. Runtimes of other languages are programs: MODEL FEEDS OUTPUT FILE in, milliseconds out."""

import importlib.metadata
import os
import pathlib
import platform
import re
import shutil
import subprocess
import tempfile
import time

import numpy as np

HERE = pathlib.Path(__file__).resolve().parent
ROOT = HERE.parents[1]
CACHE = ROOT / ".cache"
DTYPES = {"images": np.uint8}
# No run takes longer, on two cores: what does hangs.
LONGEST = 600


def onnxruntime(path, output):
    import onnxruntime as ort

    options = ort.SessionOptions()
    options.log_severity_level = 3
    session = ort.InferenceSession(path, options)
    return lambda feeds: session.run([output], feeds)[0]


def reference(path, output):
    from onnx.reference import ReferenceEvaluator

    evaluator = ReferenceEvaluator(str(path))
    return lambda feeds: evaluator.run([output], feeds)[0]


def openvino(path, output):
    import openvino as ov

    core, compiled = ov.Core(), None

    def run(feeds):
        nonlocal compiled
        if compiled is None:
            model = core.read_model(path)
            # with sizes: its convolution takes no weights of an unknown one, which gradients of weights have
            model.reshape({name: list(np.shape(value)) for name, value in feeds.items()})
            compiled = core.compile_model(model, "CPU", {"INFERENCE_PRECISION_HINT": "f32"})
            compiled(feeds)
        begin = time.perf_counter()
        result = compiled(feeds)[output]
        run.seconds = time.perf_counter() - begin
        return result

    return run


def program(*command, environment=None):
    """A runtime that is another program: it runs a model twice and says how long the second run took."""

    def load(path, output):
        def run(feeds):
            with tempfile.TemporaryDirectory() as name:
                folder = pathlib.Path(name)
                lines = []
                for number, (key, value) in enumerate(feeds.items()):
                    (folder / f"{number}").write_bytes(np.ascontiguousarray(value).tobytes())
                    sizes = ",".join(map(str, np.shape(value))) or "-"
                    lines.append(f"{key} {value.dtype} {sizes} {number}\n")
                (folder / "feeds.txt").write_text("".join(lines))
                words = [str(word) for word in (*command, path, folder, output, folder / "output")]
                surroundings = {**os.environ, **(environment() if environment else {})}
                done = subprocess.run(words, capture_output=True, text=True, env=surroundings, timeout=LONGEST)
                if done.returncode != 0:
                    raise RuntimeError(error_of(done.stderr))
                run.seconds = float(done.stdout.split()[-1]) / 1000
                return np.fromfile(folder / "output", DTYPES.get(output, np.float32))

        return run

    return load


def error_of(text):
    """The line of a program's error output that says what is wrong."""
    lines = [line.strip() for line in text.strip().splitlines()]
    named = [found[0] for line in lines if (found := re.search(r"\b\w*(Error|Exception)\b: .*|^error: .*", line))]
    return (named or lines[-1:] or ["it failed without a word"])[0]


def rust_library():
    """The runtime that ort loads: the one in the npm package."""
    folder = ROOT / "packages/trainer/node_modules/onnxruntime-node/bin/napi-v6"
    machine = {"x86_64": "x64", "AMD64": "x64", "aarch64": "arm64"}.get(platform.machine(), platform.machine())
    return {"ORT_DYLIB_PATH": str(folder / platform.system().lower() / machine / "libonnxruntime.so.1")}


JAR = CACHE / "java/onnxruntime-1.29.0.jar"
RUST = CACHE / "rust/release/run"
# Optimized where somebody has built it so, to take times.
TRACT = next((path for kind in ("release", "debug") if (path := CACHE / "tract" / kind / "run").exists()), CACHE / "tract")
TORCH = CACHE / "torch/bin/python"
WEB = ("node", HERE / "run-web.mjs")

ONNX2TORCH = {
    "fp16-weights": "its Conv takes weights from initializers alone, not from the Cast after them; export as `single`",
    "sampler, noise": "it has no Loop; export with `--diet`",
    "sampler, seed": "it has no Loop; export with `--diet`",
    "training step": "its Conv takes weights from initializers alone, and here they are inputs",
}
OPENVINO = {
    "sampler, seed": "it computes int64 in 32 bits, so its random words are others, and on a processor without AVX-512 it has too "
    "few registers for the graph; take noise as the input, `--noise input`",
}
WEBGPU_CONV = (
    "its Conv of a 3x3 kernel is wrong where the input's channels are no multiple of 4 "
    "([microsoft/onnxruntime#29651](https://github.com/microsoft/onnxruntime/issues/29651))"
)
WEBGPU = {
    "sampler, noise": "it finds no provider for a Cast in the Loop; use packages/sampler-web",
    "sampler, seed": "it finds no provider for a Cast in the Loop; use packages/sampler-web",
    "inference, diet": f"{WEBGPU_CONV}; export without `--diet`",
    "sampler, diet": f"{WEBGPU_CONV}; use packages/sampler-web",
}
TRACT_CANNOT = {
    "sampler, noise": "it has no Loop; export with `--diet`",
    "sampler, seed": "it has no Loop, and does not infer BitwiseXor; take noise as the input, `--diet`",
}
JAX = {
    "inference": "it has no BatchNormalization and no ConvTranspose; export with `--diet`",
    "fp16-weights": "it reads no external data; export as `single --diet`",
    "sampler, noise": "it has no Loop",
    "sampler, seed": "it has no int64 inputs",
    "sampler, diet": "it has no uint8",
    "training step": "it has no uint8",
}


def node_package(name):
    def version():
        path = ROOT / "node_modules" / name / "package.json"
        return re.search(r'"version": "([^"]+)"', path.read_text())[1] if path.exists() else None

    return version


def python_package(name):
    def version():
        try:
            return importlib.metadata.version(name)
        except importlib.metadata.PackageNotFoundError:
            return None

    return version


def torch_version():
    if not TORCH.exists():
        return None
    code = "import importlib.metadata as m, torch; print(m.version('onnx2torch'), 'with PyTorch', torch.__version__[:6])"
    return subprocess.run([TORCH, "-c", code], capture_output=True, text=True).stdout.strip() or None


def crate(name, program, lock):
    """The version of a Rust library, of which a program is built."""

    def version():
        if not program.is_file():
            return None
        return re.search(rf'name = "{name}"\nversion = "([^"]+)"', (ROOT / lock).read_text())[1]

    return version


RUNTIMES = {
    "onnxruntime": {"title": "ONNX Runtime, Python", "load": onnxruntime, "version": python_package("onnxruntime")},
    "onnx": {
        "title": "ONNX's reference evaluator",
        "load": reference,
        "version": python_package("onnx"),
        "is_slow": True,
    },
    "openvino": {
        "title": "OpenVINO, CPU",
        "load": openvino,
        "version": python_package("openvino"),
        "cannot": OPENVINO,
    },
    "onnx2torch": {
        "title": "onnx2torch, into PyTorch",
        "load": program(TORCH, HERE / "run_torch.py"),
        "version": torch_version,
        "cannot": ONNX2TORCH,
    },
    "java": {
        "title": "ONNX Runtime, Java",
        "load": program("java", "-cp", JAR, HERE / "Run.java"),
        "version": lambda: JAR.stem.split("-")[1] if JAR.exists() and shutil.which("java") else None,
    },
    "rust": {
        "title": "ort, Rust",
        "load": program(RUST, environment=rust_library),
        "version": crate("ort", RUST, "examples/rust/Cargo.lock"),
    },
    "tract": {
        "title": "tract, Rust alone",
        "load": program(TRACT),
        "version": crate("tract-onnx", TRACT, "test/runtimes/tract/Cargo.lock"),
        "cannot": TRACT_CANNOT,
    },
    "wasm": {
        "title": "onnxruntime-web, WASM, in Chromium",
        "load": program(*WEB, "wasm"),
        "version": node_package("onnxruntime-web"),
    },
    "webgpu": {
        "title": "onnxruntime-web, WebGPU in software, in Chromium",
        "load": program(*WEB, "webgpu"),
        "version": node_package("onnxruntime-web"),
        "cannot": WEBGPU,
        "is_slow": True,
    },
    "jax": {
        "title": "jax-js, WASM, in Node",
        "load": program(*WEB, "jax"),
        "version": node_package("@jax-js/onnx"),
        "cannot": JAX,
    },
}
