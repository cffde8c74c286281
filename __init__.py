"""Compile ONNX graphs into readable MindSpore source and weights."""

from typing import TYPE_CHECKING

from onnx2ms.compiler.ir.errors import (
    ModelError,
    NotProvenError,
    Onnx2msError,
    OutputError,
    PassError,
    PluginError,
    UnsupportedError,
    UsageError,
)

if TYPE_CHECKING:
    from onnx2ms.compiler.conversion import Conversion
    from onnx2ms.compiler.driver import convert
    from onnx2ms.compiler.inspection import inspect
    from onnx2ms.compiler.recheck import Recheck, verify
    from onnx2ms.compiler.scaffold import scaffold
    from onnx2ms.compiler.torch_export.from_torch import from_torch

__version__ = "0.1.0"
__all__ = [
    "Conversion",
    "ModelError",
    "NotProvenError",
    "Onnx2msError",
    "OutputError",
    "PassError",
    "PluginError",
    "Recheck",
    "UnsupportedError",
    "UsageError",
    "__version__",
    "convert",
    "from_torch",
    "inspect",
    "scaffold",
    "verify",
]


def __getattr__(name: str) -> object:
    """Import the compiler when it is first used: `onnx2ms --version` needs none of it."""
    if name in ("Conversion", "convert"):
        from onnx2ms.compiler import driver

        return getattr(driver, name)
    if name in ("Recheck", "verify"):
        from onnx2ms.compiler import recheck

        return getattr(recheck, name)
    if name == "inspect":
        from onnx2ms.compiler.inspection import inspect

        return inspect
    if name == "scaffold":
        from onnx2ms.compiler.scaffold import scaffold

        return scaffold
    if name == "from_torch":
        from onnx2ms.compiler.torch_export.from_torch import from_torch

        return from_torch
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
