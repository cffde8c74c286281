"""Parameters and constants that a cell holds itself."""

import numpy as np
import onnx_ir as ir

from ...compiler.ir.provenance import KEY, ROLE
from .code import Literal, Symbol, WeightSource, literal, shortest
from .construct import Construct
from .dtypes import mindspore_dtype

MOST, LONGEST = 16, 64
"""Constants of more elements, or columns, are kept in the checkpoint."""

ONES = 4096
"""So many ones are still told apart from other constants."""


def is_written_out(source: WeightSource) -> bool:
    """Tell whether a value stands in the source: few elements, and none of PyTorch's weights."""
    size = int(np.prod(source.shape, dtype=np.int64))
    if KEY in source.value.metadata_props:
        return False
    if size > MOST:
        return is_ones(source)
    return len(literal(written_out(source))) <= LONGEST


def is_ones(source: WeightSource) -> bool:
    """Tell whether a value is several ones: a stochastic depth drops some of them."""
    size = int(np.prod(source.shape, dtype=np.int64))
    return 1 < size <= ONES and bool(np.all(source.read() == 1))


def own_tree(source: WeightSource) -> Construct:
    """Return the call that makes a parameter or constant of a cell."""
    dtype = Symbol(mindspore_dtype(source.dtype))
    if is_written_out(source):
        if is_ones(source):
            return Construct("ops.ones", (("", source.shape), ("", dtype)))
        return Construct("Tensor", (("", written_out(source)), ("", dtype)))
    shape: Literal = source.shape
    made = Construct("initializer", (("", "zeros"), ("", shape), ("", dtype)))
    if is_trained(source):
        return Construct("Parameter", (("", made),))
    return Construct("Parameter", (("", made), ("requires_grad", False)))


def written_out(source: WeightSource) -> Literal:
    """Return the elements as nested tuples; of float32 the shortest decimals that are the same."""
    values = nested(source.read().tolist())
    return rounded(values) if source.dtype is ir.DataType.FLOAT else values


def rounded(values: Literal) -> Literal:
    """Return numbers as the shortest decimals that are the same as float32."""
    if isinstance(values, tuple):
        return tuple(map(rounded, values))
    return shortest(values) if isinstance(values, float) else values


def is_trained(source: WeightSource) -> bool:
    """Tell whether a value that a cell holds itself is a parameter that PyTorch trains.

    Where the file does not tell parameters from buffers, all that has a key is taken for one.
    """
    entries = source.value.metadata_props
    return KEY in entries and entries.get(ROLE, "trained") == "trained"


def nested(values: object) -> Literal:
    """Return nested lists as nested tuples."""
    if isinstance(values, list):
        return tuple(nested(value) for value in values)  # pyright: ignore
    assert isinstance(values, bool | int | float), "tolist() gives Python scalars"
    return values
