"""A torch.nn.Module as an ONNX model that keeps what training needs."""

# PyTorch's own types are partial:
# pyright: reportUnknownMemberType=false, reportUnknownVariableType=false
# pyright: reportUnknownArgumentType=false

import json
from collections import defaultdict
from collections.abc import Mapping, Sequence
from contextlib import nullcontext
from dataclasses import dataclass
from pathlib import Path
from typing import Literal, TypeAlias

import onnx
import torch

from ..ir.errors import ModelError, UsageError, closest, quoted
from ..ir.provenance import TOLD
from ..verify.reference import first_line, source_of
from .dropout import KeepDropout, idle_dropouts, lost_dropouts
from .guard import forwarding, inference, listening
from .network import Network, qualified
from .training_only import TrainingOnly, dropping_paths, training_only

Exporter: TypeAlias = Literal["auto", "legacy", "dynamo"]
Dynamic: TypeAlias = Mapping[str, Sequence[int | str] | Mapping[int, str]]
Axes: TypeAlias = Mapping[str, Mapping[int, str]]

ATTEMPTS: Sequence[tuple[str, bool]] = (("legacy", True), ("dynamo", True), ("dynamo", False))
"""Exporters, and whether gradients are on: without them the legacy one traces attention's fast
path, for which ONNX has no operator; with them PyTorch 2.14's dynamo cannot write attention whose
mask carries one, such as a bias by relative position."""

LEGACY_OPSET, DYNAMO_OPSET = 17, 20
"""Versions of the operator set that the exporters write most faithfully."""


@dataclass(frozen=True)
class Exported:
    """A network as an ONNX model.

    Attributes:
        file: The model; its weights stay in a file beside it.
        exporter: Which of PyTorch's exporters wrote it.
        notes: What a user should know of it.
    """

    file: Path
    exporter: str
    notes: Sequence[str]


def export(
    network: Network, folder: Path, *, dynamic: Dynamic, trainable: bool, exporter: Exporter
) -> Exported:
    """Write a network as an ONNX model.

    Args:
        network: It is left as it is.
        folder: For the model and its weights.
        dynamic: Open dimensions by input.
        trainable: Whether BatchNorm, Dropout and all weights are kept, under their names.
        exporter: Which of PyTorch's exporters writes it; "auto": the legacy one, which is faster
            and tells more of modules, and where that cannot, the other.

    Raises:
        UsageError: `dynamic` does not fit the inputs.
        ModelError: The network cannot be exported.
    """
    axes = _axes(network, dynamic)
    only = training_only(network.module, network.call) if trainable else None
    problems: dict[str, None] = {}
    for name, gradients in ATTEMPTS:
        if exporter not in ("auto", name):
            continue
        written = folder / f"{name}.onnx"
        try:
            notes = _write(network, written, name, axes, gradients, only)
        except Exception as error:
            problems[f"  {name}: {first_line(error)}"] = None
            continue
        if only is not None:
            dropouts = lost_dropouts(network.module)
            notes += [f"no dropout in MindSpore: {path}" for path in dropouts]
            notes += [f"not in MindSpore, what it does in training only: {p}" for p in only.lost]
        notes += [f"left out of the outputs: {rest}" for rest in network.left_out]
        file = folder / f"{type(network.module).__name__}.onnx"
        onnx.save(_told(network, written, trainable=trainable), file)
        return Exported(file, name, notes)
    raise ModelError(
        "\n".join(["PyTorch cannot export the network", *problems]),
        help="change what the message names, or export a part of the network; `torch.onnx.export`"
        " shows where",
    )


def _write(
    network: Network,
    file: Path,
    exporter: str,
    axes: Axes,
    gradients: bool,
    only: TrainingOnly | None,
) -> list[str]:
    """Let one of PyTorch's exporters write a network; return what it warns of.

    Args:
        network: It is left as it is.
        file: The model.
        exporter: Which exporter.
        axes: Open dimensions by input and axis.
        gradients: Whether it is called with gradients.
        only: What the network does in training only; None: it will not train.
    """
    module, trainable = network.module, only is not None
    tensors = tuple(leaf.tensor for leaf in network.call.leaves())
    inputs, outputs = list(network.inputs), list(network.outputs)
    with (
        inference(module),
        listening() as told,
        torch.inference_mode(False),
        torch.set_grad_enabled(gradients),  # behind it, which turns them on
        forwarding(module, network.forward(module.forward)),
        dropping_paths(module) if trainable else nullcontext(),
        KeepDropout() if trainable else nullcontext(),
    ):
        for part in only.attention if only is not None else ():
            part.training = True  # what it gives attention is then dropped
        if exporter == "legacy":
            mode = torch.onnx.TrainingMode
            torch.onnx.export(
                module,
                tensors,
                str(file),
                dynamo=False,
                opset_version=LEGACY_OPSET,
                training=mode.PRESERVE if trainable else mode.EVAL,
                do_constant_folding=not trainable,
                keep_initializers_as_inputs=True,  # else equal weights are stored as one
                dynamic_axes={name: dict(found) for name, found in axes.items()},
                input_names=inputs,
                output_names=outputs,
            )
        else:
            torch.onnx.export(
                module,
                tensors,
                str(file),
                dynamo=True,
                verbose=False,
                opset_version=DYNAMO_OPSET,
                optimize=not trainable,
                dynamic_shapes=_dynamic_shapes(network, axes),
                input_names=inputs,
                output_names=outputs,
            )
    return list(dict.fromkeys(told))


def _axes(network: Network, dynamic: Dynamic) -> Axes:
    """Return the symbols of open dimensions by input and axis, checked against the examples."""
    shapes = {name: a.shape for name, a in network.arrays().items()}
    axes: dict[str, dict[int, str]] = defaultdict(dict)
    for given, dims in dynamic.items():
        name = next(iter(shapes)) if given == "" and len(shapes) == 1 else given
        if name not in shapes:
            known = ", ".join(map(quoted, shapes))
            raise UsageError(
                f"there is no input {quoted(given)}{closest(given, shapes)}",
                help=f"the inputs are {known}",
            )
        rank = len(shapes[name])
        if not isinstance(dims, Mapping):
            if len(dims) != rank:
                raise UsageError(f"{quoted(name)} has {rank} dimensions, not {len(dims)}")
            _check_sizes(name, dims, shapes[name])
            dims = {axis: dim for axis, dim in enumerate(dims) if isinstance(dim, str)}
        for axis, symbol in dims.items():
            if not -rank <= axis < rank or not symbol.isidentifier():
                raise UsageError(
                    f"axis {axis} of {quoted(name)} cannot be {quoted(symbol)}",
                    help=f"an axis below {rank} and a name, such as {{0: 'batch'}}",
                )
            axes[name][axis % rank] = symbol
    return axes


def _check_sizes(name: str, dims: Sequence[int | str], shape: Sequence[int]) -> None:
    """Check that a dimension that is a number is the example's."""
    for axis, (dim, size) in enumerate(zip(dims, shape, strict=True)):
        if isinstance(dim, int) and dim != size:
            raise UsageError(
                f"dimension {axis} of the example input {quoted(name)} is {size}, not {dim}",
                help="give an example of that size, or a name for an open dimension",
            )


def _dynamic_shapes(network: Network, axes: Axes) -> tuple[object, ...] | None:
    """Return the open dimensions as torch.export takes them; None where there are none."""
    if not axes:
        return None
    symbols = {symbol for dims in axes.values() for symbol in dims.values()}
    dims = {symbol: torch.export.Dim(symbol) for symbol in sorted(symbols)}
    named = [axes.get(name, {}) for name in network.inputs]
    return (tuple({axis: dims[symbol] for axis, symbol in own.items()} for own in named),)


def _told(network: Network, file: Path, *, trainable: bool) -> onnx.ModelProto:
    """Return an exported model, its weights left in its file, with what the exporter left out."""
    proto = source_of(file).proto
    stored = {tensor.name for tensor in proto.graph.initializer}
    inputs = [value for value in proto.graph.input if value.name not in stored]
    del proto.graph.input[:]
    proto.graph.input.extend(inputs)
    idle_dropouts(proto.graph)
    content: dict[str, object] = {
        "classes": {path: qualified(part) for path, part in network.module.named_modules()}
    }
    if trainable:  # else a weight may have another's value folded in
        content |= _weights(network, stored)
    entry = proto.metadata_props.add()
    entry.key, entry.value = TOLD, json.dumps(content)
    return proto


def _weights(network: Network, stored: set[str]) -> dict[str, object]:
    """Return which keys of the state_dict are what, and which of them are one parameter.

    Args:
        network: The network.
        stored: Names of the model's initializers.
    """
    parameters = dict(network.module.named_parameters(remove_duplicate=False))
    keys = dict(network.module.state_dict(keep_vars=True))
    groups: dict[int, list[str]] = defaultdict(list)
    for key, tensor in keys.items():
        groups[id(tensor)].append(key)
    tied = [group for group in groups.values() if len(group) > 1]
    first = {next((k for k in group if k in stored), group[0]): group for group in tied}
    frozen = set(network.frozen)
    return {
        "trained": [key for key in keys if key in parameters and key not in frozen],
        "frozen": [key for key in keys if key in frozen],
        "buffers": [key for key in keys if key not in parameters],
        "tied": {key: [k for k in group if k != key] for key, group in first.items()},
    }
