"""Numbers for the dimensions of a model's inputs."""

import operator
import shlex
from collections.abc import Iterable, Mapping, Sequence
from typing import TypeAlias

import onnx_ir as ir

from ..ir.errors import ModelError, UsageError, closest, quoted

Dim: TypeAlias = int | str
"""A number, or the name of a symbol."""

Dims: TypeAlias = tuple[Dim | None, ...]
"""Dimensions of an input; None where neither is known."""


def bind_shapes(model: ir.Model, shapes: Mapping[str, Sequence[Dim]], name: str) -> None:
    """Write dimensions into the inputs of a model.

    A symbol that gets a number gets it in every input. Shapes inside the graph that hold symbols
    are then forgotten: they may depend on it, and are inferred again.

    Args:
        model: Changed in place.
        shapes: Dimensions by name of the input; '' stands for the only input.
        name: The file's name.

    Raises:
        ModelError: An input is not a tensor of numbers.
        UsageError: An input is unknown, or the dimensions do not fit it.
    """
    _require_tensors(model.graph.inputs, name)
    wishes: dict[ir.Value, Dims] = {}
    symbols: dict[str, Dim | None] = {}
    for key, given in shapes.items():
        value = _find(key, model, name)
        if value in wishes:
            raise _misfit(model, name, f"two shapes for the input {quoted(value.name or '')}")
        wishes[value] = tuple(_dimension(dim, value, model, name) for dim in given)
        for symbol, dim in _match(value, wishes[value], model, name):
            if symbols.setdefault(symbol, dim) != dim:
                both = f"{quoted(symbol)} cannot be both {symbols[symbol]} and {dim}"
                raise _misfit(model, name, both)
    for value in model.graph.inputs:
        dims = wishes.get(value, _dims(value))
        if dims is not None:
            value.shape = ir.Shape(
                [symbols.get(dim, dim) if isinstance(dim, str) else dim for dim in dims]
            )
    if wishes:
        _forget_symbols(model)


def require_ranks(model: ir.Model, name: str) -> None:
    """Raise unless the number of dimensions of every input is known.

    Args:
        model: A model whose shapes are bound.
        name: The file's name.

    Raises:
        UsageError: With the flags to complete.
    """
    unknown = [value for value in model.graph.inputs if value.shape is None]
    if unknown:
        listed = ", ".join(quoted(value.name or "") for value in unknown)
        raise UsageError(
            f"{name} does not tell how many dimensions {listed} has",
            help=f"tell them, as numbers or names: {_flags(unknown)}",
        )


def _require_tensors(inputs: Iterable[ir.Value], name: str) -> None:
    other = [
        value
        for value in inputs
        if not isinstance(value.type, ir.TensorType) or value.dtype == ir.DataType.STRING
    ]
    if other:
        listed = ", ".join(f"{quoted(value.name or '')} ({value.type})" for value in other)
        raise ModelError(
            f"{name}: inputs must be tensors of numbers or bools, not {listed}",
            help="cut the model behind them with --outputs, or export it with tensor inputs",
        )


def _find(key: str, model: ir.Model, name: str) -> ir.Value:
    """Return the input of a name."""
    inputs = {value.name or "": value for value in model.graph.inputs}
    if key in inputs:
        return inputs[key]
    if key:
        raise _misfit(model, name, f"there is no input {quoted(key)}{closest(key, inputs)}")
    if len(inputs) != 1:
        raise _misfit(model, name, f"a shape without a name, but {len(inputs)} inputs")
    return next(iter(inputs.values()))


def _dimension(dim: Dim, value: ir.Value, model: ir.Model, name: str) -> Dim:
    """Return a wished dimension as a positive int or a symbol."""
    if isinstance(dim, str) and dim and not dim.lstrip("+-").isdecimal():
        return dim
    try:
        number = int(dim) if isinstance(dim, str) else operator.index(dim)
    except (TypeError, ValueError):
        number = 0
    if number <= 0:
        where = f"the shape of {quoted(value.name or '')}"
        raise _misfit(model, name, f"{dim!r} in {where} is not a positive number or a name")
    return number


def _match(value: ir.Value, dims: Dims, model: ir.Model, name: str) -> list[tuple[str, Dim | None]]:
    """Return what each symbol of an input becomes."""
    old = _dims(value)
    label = f"the input {quoted(value.name or '')}"
    if old is None:
        return []
    if len(old) != len(dims):
        raise _misfit(model, name, f"{len(dims)} dimensions for {label}, which has {len(old)}")
    for axis, (had, dim) in enumerate(zip(old, dims, strict=True)):
        if isinstance(had, int) and had != dim:
            problem = f"{dim} for dimension {axis} of {label}, which the model fixes at {had}"
            raise _misfit(model, name, problem)
    return [(had, dim) for had, dim in zip(old, dims, strict=True) if isinstance(had, str)]


def _forget_symbols(model: ir.Model) -> None:
    """Drop the shapes inside the graph that hold symbols; inputs and outputs keep their rank."""
    for graph in model.graphs():
        inputs = () if graph is model.graph else graph.inputs
        for value in (*inputs, *graph.outputs, *(v for node in graph for v in node.outputs)):
            dims = _dims(value)
            if dims is None or all(isinstance(dim, int) for dim in dims):
                continue
            known = ir.Shape([dim if isinstance(dim, int) else None for dim in dims])
            outer = value.is_graph_input() or value.is_graph_output()
            value.shape = known if outer else None


def _dims(value: ir.Value) -> Dims | None:
    """Return the dimensions of an input; some exporters write -1 for an unknown one."""
    if value.shape is None:
        return None
    return tuple(
        (dim if dim >= 0 else None) if isinstance(dim, int) else dim.value or None
        for dim in value.shape
    )


def _misfit(model: ir.Model, name: str, problem: str) -> UsageError:
    """Return an error that shows the model's inputs and how to write their shapes."""
    inputs = model.graph.inputs
    listed = "".join(f"\n  {quoted(value.name or '')} {_text(value)}" for value in inputs)
    return UsageError(
        f"{name}: {problem}\n\nits inputs are{listed}" if inputs else f"{name} has no inputs",
        help=f"for example {_flags(inputs)}" if inputs else "",
    )


def _text(value: ir.Value) -> str:
    dims = _dims(value)
    if dims is None:
        return "of unknown shape"
    return f"({', '.join('?' if dim is None else _printable(dim) for dim in dims)})"


def _flags(values: Iterable[ir.Value]) -> str:
    """Return the --shape flags of inputs; what is not a number is left for the user to write."""
    flags: list[str] = []
    for value in values:
        dims = _dims(value)
        text = ",".join("?" if d is None else _printable(d) for d in dims or (None, None))
        flag = f"{_printable(value.name or '')}:{text}"
        flags.append(f"--shape {shlex.quote(flag)}")
    return " ".join(flags)


def _printable(text: Dim) -> str:
    return quoted(str(text))[1:-1]
