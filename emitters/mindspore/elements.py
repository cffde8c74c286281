"""The elements of a weight as bytes, for the files that hold them."""

import numpy as np

from ...compiler.ir.errors import OutputError, quoted
from ..base import Weight
from .dtypes import NAMES


def elements(weight: Weight) -> memoryview:
    """Read a weight and return its elements, little endian and row-major.

    Nothing is copied if it is stored so in the model.

    Raises:
        OutputError: What is read is not what the weight says of itself.
    """
    array = weight.read()
    if array.shape != weight.shape or array.dtype.name != NAMES.get(weight.dtype):
        raise OutputError(
            f"the weight {quoted(weight.name)} of type {weight.dtype.name} and shape"
            f" {weight.shape} is read as {array.dtype} {array.shape}",
            help="this is a fault of onnx2ms: please report it",
        )
    return np.ascontiguousarray(array).reshape(-1).view(np.uint8).data


def no_type(weight: Weight, file_format: str) -> OutputError:
    """Return an error for a weight whose element type a file format does not have."""
    return OutputError(
        f"the weight {quoted(weight.name)} cannot be stored: a {file_format} file holds no"
        f" {weight.dtype.name.lower()}",
        help="cast it to another type in the model",
    )
