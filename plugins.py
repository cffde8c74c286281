"""What a plugin is made of; docs/plugins.md tells all of it."""

from onnx2ms.compiler.plugins import *  # noqa: F403
from onnx2ms.compiler.plugins import __all__ as __all__
