"""`onnx2ms scaffold`: the training script that fits a written folder."""

import ast
import json
import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any, Literal, cast

from ..emitters.mindspore.dtypes import NAMES
from ..emitters.mindspore.train_source import Column, Task, train_source
from .ir.errors import ModelError, Onnx2msError, UsageError, quoted
from .output import output_file
from .settings import AnyPath
from .verify.bindings import wishes

BATCH = 8
"""So many samples in a batch, where the network leaves it open."""

MALFORMED = (
    OSError,
    ValueError,
    LookupError,
    TypeError,
    AttributeError,
    SyntaxError,
    RecursionError,
)
"""What reading a file raises that is none of ours."""


def scaffold(folder: AnyPath, *, force: bool = False) -> Path:
    """Write a training script, `train.py`, beside the model.py of a written folder.

    It has the network's inputs and outputs by name, shape and element type, made-up samples of
    them, a loss, an optimizer, a step, mixed precision, checkpoints and data parallelism, and runs
    as it stands. The same folder gives the same bytes. Nothing in the folder is run.

    Args:
        folder: Holds model.py and report.json.
        force: Whether a train.py that exists is replaced.

    Returns:
        The file that was written.

    Raises:
        UsageError: There is no model.py, or a train.py already.
        ModelError: model.py and report.json cannot be read, or do not fit each other.
        Onnx2msError: There is nothing to train.
        OutputError: It cannot be written.
    """
    place = Path(folder)
    if not (place / "model.py").is_file():
        raise UsageError(
            f"there is no model.py in {quoted(str(place), 4096)}",
            help="name a folder that onnx2ms wrote",
        )
    target = place / "train.py"
    with output_file(target, force=force) as unfinished:
        unfinished.write_text(train_source(_task(place)), encoding="utf-8")
    return target


def _task(folder: Path) -> Task:
    """Return what the network of a folder can be trained for."""
    try:
        report: Any = json.loads((folder / "report.json").read_bytes())
        tree = ast.parse((folder / "model.py").read_bytes())
        root = str(report["source"]["root_class"])
        proved = _proved(report["verification"])
        inputs = [_value(entry, {}) for entry in report["inputs"]]
        outputs = [_value(entry, proved) for entry in report["outputs"]]
        safetensors = str(report["weights"]["file"]).endswith(".safetensors")
        trained = int(report["weights"]["elements"])
    except MALFORMED as error:
        raise ModelError(
            f"cannot read the network of {quoted(str(folder), 4096)}: {error}",
            help="name a folder that onnx2ms wrote",
        ) from error
    arguments = _arguments(tree, root)
    if arguments is None or len(arguments) != len(inputs):
        raise ModelError(
            f"model.py and report.json in {quoted(str(folder), 4096)} are of different networks: "
            f"construct of {quoted(root)} does not take the inputs that the report tells",
            help="convert the model again, or give construct its inputs back",
        )
    _refuse(inputs, outputs, trained)
    used = {node.attr for node in ast.walk(tree) if isinstance(node, ast.Attribute)}
    return _fitting(
        root,
        dict(zip(arguments, inputs, strict=True)),
        outputs,
        batch_norm=not used.isdisjoint({"BatchNorm1d", "BatchNorm2d", "BatchNorm3d"}),
        dropout="Dropout" in used,
        safetensors=safetensors,
    )


@dataclass(frozen=True)
class _Value:
    """An input or output of the network.

    Attributes:
        name: Of the ONNX value: text only.
        dtype: Its element type.
        shape: A number or a symbol for each dimension.
        values: Of integers, the smallest and one more than the largest.
        example: The shape that it had when the network was proved.
    """

    name: str
    dtype: str
    shape: Sequence[int | str]
    values: tuple[int, int]
    example: Sequence[int] | None

    @property
    def is_float(self) -> bool:
        return "float" in self.dtype

    @property
    def is_logits(self) -> bool:
        return "logits" in self.name.lower()


def _value(entry: Mapping[str, Any], proved: Mapping[str, Sequence[int]]) -> _Value:
    """Return an input or output as the report tells it; what it tells is checked here."""
    name, dtype = str(entry["name"]), str(entry["dtype"])
    if dtype not in NAMES.values():
        raise ValueError(f"no element type {quoted(dtype)}")
    shape = [dim if isinstance(dim, int) else str(dim) for dim in entry["shape"]]
    low, stop = _numbers(entry.get("values")) or (0, 2)
    example = _numbers(entry.get("example", proved.get(name)))
    if example and len(example) != len(shape):
        raise ValueError(f"{quoted(name)} has two ranks")
    return _Value(name, dtype, shape, (low, stop), example)


def _numbers(given: object) -> tuple[int, ...] | None:
    return None if given is None else tuple(int(n) for n in cast("Sequence[int]", given))


def _proved(verification: Mapping[str, Any] | None) -> dict[str, tuple[int, ...]]:
    """Return the shapes of the outputs that the first call of the network returned, by name."""
    return {
        str(output["name"]): tuple(int(n) for n in output["shape"])
        for mode in (verification or {"modes": {}})["modes"].values()
        for output in mode["outputs"]
        if output["call"] == 0 and output["shape"] is not None
    }


def _arguments(tree: ast.Module, root: str) -> list[str] | None:
    """Return what construct of a class takes; None where there is no such class."""
    for definition in tree.body:
        if not isinstance(definition, ast.ClassDef) or definition.name != root:
            continue
        for method in definition.body:
            if isinstance(method, ast.FunctionDef) and method.name == "construct":
                return [argument.arg for argument in method.args.args[1:]]
    return None


def _refuse(inputs: Sequence[_Value], outputs: Sequence[_Value], trained: int) -> None:
    """Refuse a network that cannot be trained.

    Raises:
        Onnx2msError: It has no weights, takes or returns nothing that one could train with.
    """
    odd = [value.name for value in inputs if value.dtype.startswith("complex")]
    what = (
        "it returns no floating-point tensor that a loss could be computed of"
        if not any(output.is_float for output in outputs)
        else "it has no weights"
        if not trained
        else "it takes nothing that samples could be made of"
        if not inputs
        else f"no dataset holds complex numbers, which its input {quoted(odd[0])} is of"
        if odd
        else ""
    )
    if what:
        raise Onnx2msError(f"there is nothing to train in the network: {what}")


def _fitting(
    root: str,
    inputs: Mapping[str, _Value],
    outputs: Sequence[_Value],
    *,
    batch_norm: bool,
    dropout: bool,
    safetensors: bool,
) -> Task:
    """Return a task that fits inputs and outputs: to tell classes apart, tokens, or any values."""
    sizes = _sizes(inputs.values())
    batch = _counts(inputs.values())
    columns = [_column(name, value, batch, sizes) for name, value in inputs.items()]
    place = _place(outputs)
    output = _column("label", outputs[place], batch, sizes)
    while output.name in inputs:
        output = replace(output, name=f"{output.name}_")
    length = output.shape[:1]
    token_ids = [c for c in columns if c.batched and c.shape == length and "int" in c.dtype]
    kind: Literal["classes", "tokens", "values"] = "values"
    if output.batched and len(output.shape) == 1 and output.shape[0] > 1:
        kind = "classes"
    elif output.batched and len(output.shape) == 2 and token_ids and outputs[place].is_logits:
        kind = "tokens"
    classes = 0 if kind == "values" else output.shape[-1]
    label = replace(output, dtype="float32")
    if classes:
        label = replace(output, shape=output.shape[:-1], dtype="int32", values=(0, classes))
    return Task(
        network=root,
        inputs=columns,
        outputs=len(outputs),
        output=place,
        kind=kind,
        label=label,
        classes=classes,
        batch=batch if isinstance(batch, int) else _batch(batch, inputs.values(), sizes),
        fixed=isinstance(batch, int),
        batch_norm=batch_norm,
        dropout=dropout,
        safetensors=safetensors,
    )


def _counts(inputs: Iterable[_Value]) -> int | str:
    """Return the dimension that counts samples: the first of most inputs, an open one rather."""
    first = [value.shape[0] for value in inputs if value.shape]
    return max(first, key=lambda dim: (isinstance(dim, str), first.count(dim)), default=1)


def _place(outputs: Sequence[_Value]) -> int:
    """Return which output the loss is computed of: the logits, or the first of numbers."""
    floats = [i for i, output in enumerate(outputs) if output.is_float]
    return next((i for i in floats if outputs[i].is_logits), floats[0])


def _sizes(inputs: Iterable[_Value]) -> dict[str, int]:
    """Return a number for each symbol: the one it was proved with, or one that suits its name."""
    sizes: dict[str, int] = {}
    for value in inputs:
        for axis, dim in enumerate(value.shape):
            if isinstance(dim, str):
                sizes[dim] = value.example[axis] if value.example else wishes(dim)[0]
    return sizes


def _column(name: str, value: _Value, batch: int | str, sizes: Mapping[str, int]) -> Column:
    """Return an input or output as a column of samples; one number if its sizes are not known."""
    bound = [sizes.get(dim) if isinstance(dim, str) else dim for dim in value.shape]
    batched = bool(bound) and value.shape[0] == batch
    whole = value.example or bound
    shape = tuple(size for size in whole[batched:] if size is not None)
    if len(shape) < len(bound) - batched:
        return Column(name, (), value.dtype, value.values, batched=False)
    return Column(name, shape, value.dtype, value.values, batched)


def _batch(symbol: str, inputs: Iterable[_Value], sizes: Mapping[str, int]) -> int:
    """Return how many samples a batch has where that is open.

    Another dimension that is computed of it holds for the proved size only.
    """
    word = re.compile(rf"\b{re.escape(symbol)}\b")
    dims = {str(dim) for value in inputs for dim in value.shape}
    computed = any(word.search(dim) and dim != symbol for dim in dims)
    return sizes[symbol] if computed else BATCH
