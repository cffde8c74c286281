"""A checkpoint of PyTorch's becomes one of MindSpore's by the weight map of a source, or back."""

import json
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np

from ...emitters.base import Weight
from ...emitters.mindspore.dtypes import NAMES
from ..importer.exporter_words import UNUSED
from ..ir.errors import ModelError, Onnx2msError, quoted
from ..ir.graph import Array, numpy_type
from ..ir.moves import Moves, is_possible
from .stored import Stored
from .torch_files import read_checkpoint, without_prefix

DTYPES = {name: dtype for dtype, name in NAMES.items()}
COUNTERS = ".num_batches_tracked"
"""What BatchNorm of PyTorch's counts and MindSpore's does not."""

KEPT = ("model.ckpt", "model.safetensors")
AGAIN = (
    "convert the network again so that its weights stay apart: onnx2ms.from_torch, or"
    " torch.onnx.export(…, dynamo=False, training=TrainingMode.PRESERVE, do_constant_folding=False,"
    " keep_initializers_as_inputs=True), or dynamo=True with optimize=False"
)


@dataclass(frozen=True)
class Entry:
    """A parameter in a weight map.

    Attributes:
        name: Its name in MindSpore.
        shape: Its shape there.
        dtype: Its element type.
        keys: Its keys in PyTorch's state_dict; none where it is not there.
        moves: How its elements are moved from there; None where that is not known.
        anonymous: Whether the exporter made it of weights that it does not tell.
    """

    name: str
    shape: tuple[int, ...]
    dtype: str
    keys: tuple[str, ...]
    moves: Moves | None
    anonymous: bool


@dataclass(frozen=True)
class WeightMap:
    """What weight_map.json holds.

    Attributes:
        path: The file.
        entries: The parameters.
        absent: Keys of the state_dict that are no parameters, with the reason.
    """

    path: Path
    entries: tuple[Entry, ...]
    absent: Mapping[str, str]

    @property
    def folded(self) -> dict[str, str]:
        """Keys of the state_dict whose values are in the source in another form."""
        lost = {key: why for key, why in self.absent.items() if why != UNUSED}
        parts = {
            e.keys[0]: "only a part of it is a parameter"
            for e in self.entries
            if e.keys and e.moves is None
        }
        made = {e.name: "the exporter made it of others" for e in self.entries if e.anonymous}
        counters = {key for key in lost if key.endswith(COUNTERS)}
        return {k: why for k, why in {**lost, **parts, **made}.items() if k not in counters}


def read_map(path: Path) -> WeightMap:
    """Return what a weight_map.json says.

    Raises:
        ModelError: It is none, or of an onnx2ms before `moves` stood there.
    """
    try:
        content: dict[str, Any] = json.loads(path.read_bytes())
        entries = tuple(map(_entry, content["parameters"]))
        absent = {str(key): str(why) for key, why in content["not in file"].items()}
    except OSError as error:
        raise ModelError(
            f"{quoted(str(path), 4096)} cannot be read: {error.strerror}",
            help="name the weight_map.json of a folder that onnx2ms wrote",
        ) from error
    except (ValueError, KeyError, TypeError, AttributeError) as error:
        raise ModelError(
            f"{quoted(str(path), 4096)} is no weight map",
            help="name the weight_map.json of a folder that onnx2ms wrote; convert the network"
            " again if it is old",
        ) from error
    return WeightMap(path, entries, absent)


def to_mindspore(weight_map: WeightMap, tensors: Mapping[str, Stored]) -> list[Weight]:
    """Return the parameters of the source with the values of a checkpoint of PyTorch's.

    What PyTorch's state_dict does not have, such as a table that the compiler made, keeps the value
    that it has in the checkpoint beside the map.

    Raises:
        Onnx2msError: The checkpoint is not one of this network; all that is wrong is listed.
    """
    wanted = {key for entry in weight_map.entries for key in entry.keys}
    tensors = without_prefix(tensors, {*wanted, *weight_map.absent})
    problems = [f"  folded     {quoted(k)}: {why}" for k, why in weight_map.folded.items()]
    for entry in weight_map.entries:
        problems += _misfits(entry, tensors) if entry.keys else []
    known = wanted | weight_map.absent.keys()
    problems += [
        f"  surplus    {quoted(name)}"
        for name in tensors
        if name not in known and not name.endswith(COUNTERS)
    ]
    if problems:
        raise _unfit(weight_map, problems)
    kept = _kept(weight_map)
    return [_weight(entry, tensors, kept) for entry in weight_map.entries]


def to_torch(weight_map: WeightMap, tensors: Mapping[str, Stored]) -> dict[str, Array]:
    """Return the state_dict that a checkpoint of the source is; PyTorch loads it strictly.

    Raises:
        Onnx2msError: It is not a checkpoint of this source, or the map holds folded keys.
    """
    problems = [f"  folded     {quoted(k)}: {why}" for k, why in weight_map.folded.items()]
    own = {entry.name: entry for entry in weight_map.entries}
    for name, entry in own.items():
        found = tensors.get(name)
        if found is None:
            problems.append(f"  missing    {quoted(name)}")
        elif found.shape != entry.shape:
            shapes = f"{list(found.shape)}, not {list(entry.shape)}"
            problems.append(f"  misshapen  {quoted(name)} is {shapes}")
    problems += [f"  surplus    {quoted(name)}" for name in tensors if name not in own]
    if problems:
        raise _unfit(weight_map, problems)
    return {
        key: np.ascontiguousarray(entry.moves.undo(tensors[entry.name].read()))
        for entry in weight_map.entries
        if entry.moves is not None
        for key in entry.keys
    }


def as_weights(state_dict: Mapping[str, Array]) -> list[Weight]:
    """Return a state_dict as what the writers of files take."""
    return [
        Weight(key, array.shape, DTYPES[array.dtype.name], "", key, (), partial(np.asarray, array))
        for key, array in state_dict.items()
    ]


def _entry(fields: Mapping[str, Any]) -> Entry:
    key, moves = fields["state_dict"], fields.get("moves")
    shape = tuple(map(int, fields["shape"]))
    found = None
    if fields["dtype"] not in DTYPES:
        raise ValueError(fields)
    if moves is not None:
        steps = [(str(step), tuple(map(int, numbers))) for step, numbers in moves["steps"]]
        start = tuple(map(int, moves["shape"]))
        found = Moves(start, tuple(steps))
        if not is_possible(start, steps) or found.result != shape:
            raise ValueError(fields)
    keys = () if key is None else (str(key), *map(str, fields.get("tied", ())))
    anonymous = key is None and str(fields["initializer"]).startswith("onnx::")
    return Entry(str(fields["name"]), shape, str(fields["dtype"]), keys, found, anonymous)


def _misfits(entry: Entry, tensors: Mapping[str, Stored]) -> Iterator[str]:
    """Yield what is wrong with the tensors that a parameter is to be made of."""
    found = [(key, tensors[key]) for key in entry.keys if key in tensors]
    if not found:
        yield f"  missing    {quoted(entry.keys[0])}"
    for key, tensor in found:
        if entry.moves is not None and tensor.shape != entry.moves.shape:
            shapes = f"{list(tensor.shape)}, not {list(entry.moves.shape)}"
            yield f"  misshapen  {quoted(key)} is {shapes}"
        elif not _fits(tensor.dtype, entry.dtype):
            yield f"  mistyped   {quoted(key)} is {tensor.dtype}, not {entry.dtype}"
    if len({tensor.shape for _, tensor in found}) == 1:
        first = found[0][1].read()
        for key, tensor in found[1:]:
            if first.tobytes() != tensor.read().tobytes():
                yield f"  untied     {quoted(key)} differs from {quoted(found[0][0])}, its twin"


def _fits(dtype: str, wanted: str) -> bool:
    """Tell whether each element of one type is an element of another: float16 is of float32."""
    if dtype == wanted or (dtype == "bfloat16" and wanted in ("float32", "float64")):
        return True
    try:
        return np.can_cast(dtype, wanted, "safe") and wanted.startswith("float")
    except TypeError:  # bfloat16, float8: NumPy has no such names
        return False


def _kept(weight_map: WeightMap) -> Mapping[str, Stored]:
    """Return the checkpoint beside the map, if a parameter needs it."""
    if all(entry.keys for entry in weight_map.entries):
        return {}
    files = [f for name in KEPT if (f := weight_map.path.with_name(name)).is_file()]
    kept = read_checkpoint(files[0]) if files else {}
    lost = [
        e
        for e in weight_map.entries
        if not e.keys and (e.name not in kept or kept[e.name].shape != e.shape)
    ]
    if lost:
        raise ModelError(
            f"{quoted(lost[0].name)} is not PyTorch's, and no checkpoint beside"
            f" {quoted(str(weight_map.path), 4096)} holds it",
            help="leave the model.ckpt that onnx2ms wrote beside the map",
        )
    return kept


def _weight(entry: Entry, tensors: Mapping[str, Stored], kept: Mapping[str, Stored]) -> Weight:
    kind = numpy_type(DTYPES[entry.dtype])

    def read() -> Array:
        if entry.moves is None:
            return kept[entry.name].read()
        stored = next(tensors[key] for key in entry.keys if key in tensors)
        return entry.moves.apply(stored.read()).astype(kind, copy=False)

    return Weight(entry.name, entry.shape, DTYPES[entry.dtype], "", None, (), read)


def _unfit(weight_map: WeightMap, problems: list[str]) -> Onnx2msError:
    """Return the error that lists what is wrong."""
    shown = problems[:100]
    more = len(problems) - len(shown)
    folded = any(line.startswith("  folded") for line in problems)
    return Onnx2msError(
        "\n".join(
            [
                f"the checkpoint does not fit {quoted(str(weight_map.path), 4096)}",
                *shown,
                *([f"  and {more} more"] if more else []),
            ]
        ),
        help=AGAIN if folded else "take a checkpoint of the network that was converted",
    )
