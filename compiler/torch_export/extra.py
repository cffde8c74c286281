"""PyTorch is an extra: what needs it says so where it is missing."""

from ..ir.errors import Onnx2msError


def need_torch() -> None:
    """Import PyTorch.

    Raises:
        Onnx2msError: It is not installed, or cannot be imported.
    """
    try:
        import torch  # noqa: F401  # pyright: ignore[reportUnusedImport]
    except ImportError as error:
        missing = isinstance(error, ModuleNotFoundError) and error.name == "torch"
        raise Onnx2msError(
            "PyTorch is not installed" if missing else f"PyTorch cannot be imported: {error}",
            help="install it with onnx2ms: pip install 'onnx2ms[torch]'",
        ) from error
