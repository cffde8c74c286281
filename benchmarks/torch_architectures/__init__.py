"""Architectures that people train, of torchvision, timm and transformers, with random weights.

Each function of `NETWORKS` returns a network and its example inputs, so that in this folder
`torch_architectures.vision:swin` names one to `onnx2ms torch` and `onnx2ms verify --against`.
They are made small by the libraries' own arguments; no two parameters are equal.
"""

import sys
from pathlib import Path

sys.path.append(str(Path(__file__).parents[2] / "tests" / "models" / "torch_networks"))
