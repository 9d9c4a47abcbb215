"""ONNX's own checker and strict shape inference on every .onnx file below the given folders.

    python test/onnx-checker/check.py models .cache/emitted
"""

import shutil
import sys
import tempfile
from pathlib import Path

import onnx


def check(path: Path) -> None:
    with tempfile.TemporaryDirectory() as folder:
        onnx.checker.check_model(str(with_data(path, Path(folder))), full_check=True)
    model = onnx.load(path, load_external_data=False)
    # strict: an operator whose shapes cannot be inferred, or contradict the declared ones, is an error.
    onnx.shape_inference.infer_shapes(model, check_type=True, strict_mode=True, data_prop=True)


def with_data(path: Path, folder: Path) -> Path:
    """The model where its external data is; zeros stand for weights that are not there, as before a training."""
    sizes: dict[str, int] = {}
    for tensor in onnx.load(path, load_external_data=False).graph.initializer:
        entries = {entry.key: entry.value for entry in tensor.external_data}
        if "location" in entries:
            end = int(entries["offset"]) + int(entries["length"])
            sizes[entries["location"]] = max(end, sizes.get(entries["location"], 0))
    if all((path.parent / name).exists() for name in sizes):
        return path
    for name, size in sizes.items():
        with open(folder / name, "wb") as file:
            file.truncate(size)
    return Path(shutil.copy(path, folder))


def main(folders: list[str]) -> int:
    failed = 0
    for folder in folders:
        paths = sorted(Path(folder).rglob("*.onnx"))
        if not paths:
            print(f"{folder}: no .onnx file; expected some")
            failed += 1
        for path in paths:
            try:
                check(path)
            except Exception as error:  # the checker raises several types
                failed += 1
                print(f"{path}: {error}")
        print(f"{folder}: {len(paths)} files")
    return 1 if failed else 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
