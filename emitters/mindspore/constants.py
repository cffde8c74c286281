"""Parameters and constants that a cell holds itself."""

import numpy as np

from ...compiler.ir.provenance import KEY
from .code import Literal, Symbol, WeightSource
from .construct import Construct
from .dtypes import mindspore_dtype

MOST = 16
"""Constants of more elements are kept in the checkpoint."""


def is_written_out(source: WeightSource) -> bool:
    """Tell whether a value stands in the source: few elements, and none of PyTorch's weights."""
    size = int(np.prod(source.shape, dtype=np.int64))
    return KEY not in source.value.metadata_props and size <= MOST


def own_tree(source: WeightSource) -> Construct:
    """Return the call that makes a parameter or constant of a cell."""
    dtype = Symbol(mindspore_dtype(source.dtype))
    if is_written_out(source):
        return Construct("Tensor", (("", nested(source.read().tolist())), ("", dtype)))
    shape: Literal = source.shape
    made = Construct("initializer", (("", "zeros"), ("", shape), ("", dtype)))
    if KEY in source.value.metadata_props:
        return Construct("Parameter", (("", made),))
    return Construct("Parameter", (("", made), ("requires_grad", False)))


def nested(values: object) -> Literal:
    """Return nested lists as nested tuples."""
    if isinstance(values, list):
        return tuple(nested(value) for value in values)  # pyright: ignore
    assert isinstance(values, bool | int | float), "tolist() gives Python scalars"
    return values
