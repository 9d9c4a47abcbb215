"""Makes state-dict-*.safetensors: a network's state_dict as PyTorch's own library saves it, in three types, and what the
network makes of it."""

import argparse
import pathlib

import torch
from safetensors.torch import save_file

import formula
from networks import UNet

OPTIONS = {"channels": (4, 5, 6, 7), "bottleneck": 8, "up": (8, 7, 6, 5), "classes": 10}
TYPES = {"float32": torch.float32, "float16": torch.float16, "bfloat16": torch.bfloat16}


def main():
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--out", type=pathlib.Path, default=pathlib.Path(__file__).parent)
    out = parser.parse_args().out
    torch.set_num_threads(1)
    torch.use_deterministic_algorithms(True)
    torch.manual_seed(0)
    model = UNet(**OPTIONS)
    labels = torch.from_numpy(formula.integers("state-dict/labels", 4, 10))
    sample = torch.from_numpy(formula.noise("state-dict/sample", 4))
    with torch.no_grad():
        for _ in range(3):  # running statistics and their counts
            model.train()(torch.randn(8, 3, 32, 32), torch.arange(8))
    results = {}
    for name, dtype in TYPES.items():
        state = {path: v.to(dtype) if v.is_floating_point() else v for path, v in model.state_dict().items()}
        save_file(state, out / f"state-dict-{name}.safetensors", metadata={"format": "pt"})
        rounded = UNet(**OPTIONS)
        rounded.load_state_dict({path: v.float() if v.is_floating_point() else v for path, v in state.items()})
        with torch.no_grad():
            results[name] = rounded.eval()(sample, labels)
    save_file(results, out / "state-dict-outputs.safetensors")


if __name__ == "__main__":
    main()
