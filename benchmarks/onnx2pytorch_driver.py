"""Convert a model with onnx2pytorch, which has no command line: `python … MODEL.onnx`."""

import sys
from importlib import import_module
from typing import Any
from unittest.mock import MagicMock


def convert(model: str) -> Any:
    """Return the torch.nn.Module that onnx2pytorch makes of an .onnx file."""
    # It imports torchvision for four detection operators, which ResNet-50 lacks. A stand-in costs
    # less, and torchvision of PyPI cannot be imported beside a torch that was built for CPUs.
    stand_in = MagicMock()
    sys.modules.update({f"torchvision{part}": stand_in for part in ("", ".io", ".ops")})
    proto = import_module("onnx").load(model)
    return import_module("onnx2pytorch").ConvertModel(proto).eval()


if __name__ == "__main__":
    convert(sys.argv[1])
