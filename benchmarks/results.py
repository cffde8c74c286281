"""Run what a converter made, and print how far it is from onnxruntime.

`python results.py TOOL MODEL.onnx FOLDER`: FOLDER is where the tool worked.
"""

import os
import sys
from collections.abc import Callable
from importlib import import_module
from pathlib import Path
from typing import Any

import numpy as np
from common import MINDSPORE
from onnx2pytorch_driver import convert

Array = np.ndarray[Any, Any]


def of_onnx2ms(model: Path, folder: Path, image: Array) -> Array:
    """Run the network in MindSpore, PYNATIVE mode."""
    os.environ.update(MINDSPORE | dict(os.environ))
    sys.path.insert(0, str(folder / "out"))
    net = import_module("model").build_model()
    result: Array = net(import_module("mindspore").Tensor(image)).asnumpy()
    return result


def of_pnnx(model: Path, folder: Path, image: Array) -> Array:
    """Run the module that pnnx wrote in PyTorch; it finds its weights in the working folder."""
    sys.path.insert(0, str(folder))
    return run_torch(import_module("model_pnnx").Model().eval(), image)


def of_onnx2pytorch(model: Path, folder: Path, image: Array) -> Array:
    """Convert once more, for nothing is written, and run the module in PyTorch."""
    return run_torch(convert(str(model)), image)


def of_onnxslim(model: Path, folder: Path, image: Array) -> Array:
    """Run the smaller model in onnxruntime."""
    return run_model(folder / "slim.onnx", image)


RESULTS: dict[str, Callable[[Path, Path, Array], Array]] = {
    "onnx2ms": of_onnx2ms,
    "pnnx": of_pnnx,
    "onnx2pytorch": of_onnx2pytorch,
    "onnxslim": of_onnxslim,
}


def run_torch(net: Any, image: Array) -> Array:
    """Run a torch.nn.Module."""
    result: Array = net(import_module("torch").from_numpy(image)).detach().numpy()
    return result


def run_model(model: Path, image: Array) -> Array:
    """Run a model of one input and one output in onnxruntime."""
    session = import_module("onnxruntime").InferenceSession(
        model, providers=["CPUExecutionProvider"]
    )
    result: Array = session.run(None, {session.get_inputs()[0].name: image})[0]
    return result


def main(tool: str, model: Path, folder: Path) -> None:
    """Print max|a-b| / max|b| of a result against onnxruntime's, on a seeded image."""
    image = np.random.default_rng(0).standard_normal((1, 3, 224, 224)).astype(np.float32)
    expected = run_model(model, image)
    found = RESULTS[tool](model, folder, image)
    if found.shape != expected.shape:
        raise SystemExit(f"the output is {found.shape}, not {expected.shape}")
    print(f"error {np.abs(found - expected).max() / np.abs(expected).max():.1e}")


if __name__ == "__main__":
    main(sys.argv[1], Path(sys.argv[2]), Path(sys.argv[3]))
