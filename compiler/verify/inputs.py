"""The arrays on which a network is verified: made up from what the graph does, or the user's."""

import re
import zipfile
import zlib
from collections.abc import Callable, Mapping
from pathlib import Path
from types import MappingProxyType

import numpy as np
import numpy.typing as npt
import onnx_ir as ir

from ..ir.dim_values import evaluate
from ..ir.dims import Dim, Size, symbols
from ..ir.errors import UsageError, quoted
from ..ir.graph import Array, numpy_type
from ..ir.sizes.analysis import stored
from .signals import Floats, picture, sound
from .uses import Index, Use, uses_of


def make_inputs(
    graph: ir.Graph, binding: Mapping[str, int] = MappingProxyType({}), *, seed: int = 0
) -> dict[str, Array]:
    """Make up one array for every input of a graph, the same for the same graph and seed.

    Each has its own stream of chance, so that one more input does not change the others. Token
    ids lie within the tables that they index, masks are ones, pictures and sounds are not noise
    only, and what goes into Log or Sqrt is positive; all else is normally distributed.

    Args:
        graph: Initializers among its inputs are not inputs.
        binding: A number for each symbol of their shapes.
        seed: Any integer from 0.

    Returns:
        Arrays of the shapes and types of the graph's inputs, by their names, in their order.

    Raises:
        UsageError: A shape is not bound, or nothing can be made up for an element type.
    """
    return {
        value.name or "": _make(value, binding, np.random.default_rng([seed, _stream(value)]))
        for value in inputs_of(graph)
    }


def load_inputs(path: Path, graph: ir.Graph) -> dict[str, Array]:
    """Read the arrays to verify on from an .npz file.

    Args:
        path: File that `numpy.savez` wrote; objects in it are refused, never unpickled.
        graph: Says which names, shapes and types are expected.

    Returns:
        Arrays in the order of the graph's inputs.

    Raises:
        UsageError: No such file, no .npz file, or it holds other arrays than the graph takes.
    """
    try:
        with zipfile.ZipFile(path):  # else NumPy takes any file for a pickle
            pass
        with np.load(path, allow_pickle=False) as stored:
            arrays: dict[str, Array] = dict(stored)
    except (OSError, ValueError, zipfile.BadZipFile, zlib.error, EOFError) as error:
        message = f"cannot read the inputs {quoted(str(path))}: {error}"
        raise UsageError(message, help="write the file with numpy.savez(file, **arrays)") from error
    return check_inputs(arrays, graph, place=f" in {quoted(str(path))}")


def check_inputs(
    arrays: Mapping[str, Array], graph: ir.Graph, *, place: str = ""
) -> dict[str, Array]:
    """Return arrays in the order of a graph's inputs.

    Args:
        arrays: One an input, by name.
        graph: Says which names, shapes and types are expected.
        place: Where they come from, for the message.

    Raises:
        UsageError: They are other arrays than the graph takes.
    """
    values = {value.name or "": value for value in inputs_of(graph)}
    binding: dict[str, int] = {}
    problems = [f"there is no input {quoted(name)}" for name in arrays if name not in values]
    problems += [f"no array for {quoted(name)}" for name in values if name not in arrays]
    checked: dict[str, Array] = {}
    for name, value in values.items():
        if name in arrays:
            checked[name], problem = _checked(arrays[name], value, binding)
            problems += [problem] if problem else []
    if problems:
        expected = "\n".join(f"  {quoted(name)}: {describe(v)}" for name, v in values.items())
        message = f"wrong inputs{place}: {'; '.join(problems)}"
        raise UsageError(f"{message}\n\nexpected\n{expected}", help="store these arrays by name")
    return checked


def inputs_of(graph: ir.Graph) -> list[ir.Value]:
    """Return a graph's inputs without the initializers that old files list among them."""
    return [value for value in graph.inputs if not value.is_initializer()]


def describe(value: ir.Value) -> str:
    """Return type and shape for people, `float32[1, 3, 224, 224]`."""
    dtype = "?" if value.dtype is None else numpy_type(value.dtype).name
    dims = "?" if value.shape is None else ", ".join(_dim(d) for d in value.shape)
    return f"{dtype}[{dims}]"


def _dim(dim: int | ir.SymbolicDim) -> str:
    return str(dim) if isinstance(dim, int) else str(dim.value or "?")


def _stream(value: ir.Value) -> int:
    return zlib.crc32((value.name or "").encode("utf-8", "surrogatepass"))


def _checked(array: Array, value: ir.Value, binding: dict[str, int]) -> tuple[Array, str]:
    """Return an array of a file in its own type, and what is wrong with it.

    The sizes of symbols are noted: they must be the same in all arrays.
    """
    dims = stored(value)
    if value.dtype is None or dims is None:
        return array, ""
    dtype = numpy_type(value.dtype)
    # NumPy stores types that it does not know, such as bfloat16, as bare bytes.
    if dtype.kind == "V" and array.dtype.kind == "V" and array.dtype.itemsize == dtype.itemsize:
        array = array.view(dtype)
    if array.dtype != dtype:
        return array, f"{quoted(value.name or '')} is {array.dtype.name}, not {dtype.name}"
    if len(array.shape) != len(dims) or not all(map(_fits(binding), array.shape, dims)):
        return array, f"{quoted(value.name or '')} has shape {list(array.shape)}"
    return array, ""


def _fits(binding: dict[str, int]) -> Callable[[int, Size | None], bool]:
    """Return a function that tells whether a number can be a size; it binds symbols."""

    def fits(number: int, size: Size | None) -> bool:
        if isinstance(size, Dim) and size.symbol:
            return binding.setdefault(size.symbol, number) == number
        return not isinstance(size, int) or size == number

    return fits


def _make(value: ir.Value, binding: Mapping[str, int], rng: np.random.Generator) -> Array:
    shape, dtype, name = _bound(value, binding), value.dtype, quoted(value.name or "")
    if shape is None:
        message = f"cannot make up input {name}: its shape {describe(value)} is not bound"
        raise UsageError(message, help="bind it with --shape, or give the arrays with --inputs")
    if dtype is None or dtype in (ir.DataType.STRING, ir.DataType.UNDEFINED):
        message = f"cannot make up input {name} of type {describe(value)}"
        raise UsageError(message, help="give the arrays with --inputs")
    uses = list(uses_of(value))
    if dtype == ir.DataType.BOOL:
        return np.ones(shape, np.bool_)
    channels = _channels(shape)
    if channels is not None and (dtype.is_floating_point() or dtype == ir.DataType.UINT8):
        numbers = _picture(shape, rng, channels, uses, bytes_=dtype == ir.DataType.UINT8)
    elif dtype.is_integer():
        values = _integer_values(value)
        return (values.low + _below(values.stop - values.low, shape, rng)).astype(numpy_type(dtype))
    else:
        numbers = _floats(value.name or "", shape, rng, uses)
    array: Array = _in_domain(numbers, uses).astype(numpy_type(dtype))
    return array


def _bound(value: ir.Value, binding: Mapping[str, int]) -> tuple[int, ...] | None:
    """Return the shape of an input with numbers for symbols; None if it is not known."""
    dims = stored(value)
    if dims is None or any(dim is None or symbols(dim) - binding.keys() for dim in dims):
        return None
    return tuple(evaluate(dim, binding) for dim in dims if dim is not None)


def integer_range(value: ir.Value) -> list[int] | None:
    """Return the least and one more than the largest that an input is made up of.

    None for one that is of neither integers nor truth values.
    """
    if value.dtype is None or not (value.dtype.is_integer() or value.dtype == ir.DataType.BOOL):
        return None
    values = _integer_values(value)
    return [values.low, values.stop]


def _integer_values(value: ir.Value) -> Index:
    if value.dtype == ir.DataType.BOOL:
        return Index(1, 2)
    uses = list(uses_of(value))
    bounds = [use.index for use in uses if use.kind == "index" and use.index is not None]
    if bounds:
        low = max(bound.low for bound in bounds)
        return Index(low, max(low + 1, min(bound.stop for bound in bounds)))
    lengths = [use.index.stop for use in uses if use.kind == "length" and use.index]
    if lengths:
        return Index(min(lengths) - 1, min(lengths))
    kinds = {use.kind for use in uses}
    if kinds & {"compared", "inverted", "shape"} or _named_mask(value.name or ""):
        return Index(1, 2)
    return Index(0, 4)


def _below(stop: int, shape: tuple[int, ...], rng: np.random.Generator) -> npt.NDArray[np.int64]:
    return (rng.random(shape) * stop).astype(np.int64)


def _floats(name: str, shape: tuple[int, ...], rng: np.random.Generator, uses: list[Use]) -> Floats:
    # To be compared makes no mask of floats: activations are compared with thresholds too.
    if _named_mask(name) or any(use.kind == "inverted" for use in uses):
        return np.ones(shape)
    if len(shape) in (2, 3) and max(shape) >= 400 and max(shape) >= 8 * sorted(shape)[-2]:
        return sound(shape, rng)
    return rng.standard_normal(shape)


def _picture(
    shape: tuple[int, ...],
    rng: np.random.Generator,
    channels: int,
    uses: list[Use],
    *,
    bytes_: bool,
) -> Floats:
    image = picture(shape, rng, channels=channels)
    if bytes_ or any(use.kind == "pixels" for use in uses):
        return np.clip(255 * image, 0, 255)
    return 4 * image - 2  # about what subtracting the mean and dividing by the deviation leaves


def _in_domain(numbers: Floats, uses: list[Use]) -> Floats:
    kinds = {use.kind for use in uses}
    if "Acos" in kinds:
        return np.tanh(numbers)
    if "Acosh" in kinds:
        return np.abs(numbers) + 1.1
    return np.abs(numbers) + 0.1 if "Log" in kinds else numbers


def _channels(shape: tuple[int, ...]) -> int | None:
    """Return the axis of the colours if this may be a batch of pictures."""
    if len(shape) != 4:
        return None
    for axis, sides in ((1, shape[2:]), (3, shape[1:3])):
        if shape[axis] in (1, 3) and min(sides) >= 8:
            return axis
    return None


def _named_mask(name: str) -> bool:
    return bool(re.search(r"(^|[^a-z])masks?([^a-z]|$)", name.lower()))
