"""The two engines that run ONNX: onnxruntime, and onnx.reference where that cannot."""

import ctypes
import importlib
import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import TYPE_CHECKING, Protocol, cast

import numpy as np
import onnx
import onnx_ir as ir
from onnx.external_data_helper import load_external_data_for_model

from ..ir.graph import Array, numpy_type
from ..ir.isolated import isolated
from ..ir.meanings import Key, Meaning, Meanings, needed
from ..ir.parts import run_in_parts

if TYPE_CHECKING:
    from onnx.reference.op_run import OpRun


TIMEOUT = 600.0
"""Seconds after which an engine is ended."""


@dataclass(frozen=True)
class Source:
    """A model to run.

    Attributes:
        proto: The message, its large tensors referring to files.
        folder: Where these files are.
        meanings: What operators compute that the engines do not know.
    """

    proto: onnx.ModelProto
    folder: Path
    meanings: Meanings = field(default_factory=dict[Key, Meaning])

    @property
    def foreign(self) -> Meanings:
        """Those of the meanings that it needs."""
        return needed(self.proto, self.meanings)


class _Value(Protocol):
    """A tensor of onnxruntime."""

    def is_tensor(self) -> bool: ...
    def element_type(self) -> int: ...
    def shape(self) -> list[int]: ...
    def data_ptr(self) -> int: ...
    def numpy(self) -> Array: ...


class _Session(Protocol):
    def run_with_ort_values(
        self, outputs: Sequence[str], inputs: Mapping[str, _Value]
    ) -> list[_Value]: ...


class _Run(Protocol):
    def __call__(self, outputs: list[str], inputs: dict[str, Array], /) -> Sequence[Array]: ...


class _Options(Protocol):
    log_severity_level: int
    intra_op_num_threads: int
    inter_op_num_threads: int
    graph_optimization_level: object

    def add_session_config_entry(self, key: str, value: str) -> None: ...


class _Values(Protocol):
    def ortvalue_from_numpy(self, array: Array) -> _Value: ...
    def ortvalue_from_numpy_with_onnx_type(self, bits: Array, dtype: int) -> _Value: ...


class _Levels(Protocol):
    ORT_DISABLE_ALL: object
    ORT_ENABLE_ALL: object


class _Runtime(Protocol):
    """The part of onnxruntime that we use; it ships no types."""

    OrtValue: _Values
    GraphOptimizationLevel: _Levels

    def SessionOptions(self) -> _Options: ...  # noqa: N802
    def InferenceSession(  # noqa: N802
        self, model: bytes, options: _Options, providers: Sequence[str]
    ) -> _Session: ...


def run_onnxruntime(
    source: Source,
    inputs: Mapping[str, Array],
    outputs: Sequence[str],
    *,
    optimized: bool = False,
) -> dict[str, Array]:
    """Run a model in onnxruntime on one thread, so that the result is always the same.

    Args:
        source: The model; its weights are read by onnxruntime itself.
        inputs: One array an input.
        outputs: Any values of the graph.
        optimized: Whether onnxruntime may fuse and reorder; else every node runs as written.

    Returns:
        The values by name.

    Raises:
        IsolatedError: What onnxruntime raises, under the name of its class; it died or hung.
    """

    def run(
        proto: onnx.ModelProto, given: Mapping[str, Array], names: Sequence[str]
    ) -> dict[str, Array]:
        def compute() -> dict[str, Array]:
            session = _session(replace(source, proto=proto), names, optimized)
            values = session.run_with_ort_values(names, {n: _to_ort(a) for n, a in given.items()})
            return {name: _to_numpy(value) for name, value in zip(names, values, strict=True)}

        _runtime()  # imported once, not in every fork
        return isolated(compute, TIMEOUT)

    if source.foreign:
        return run_in_parts(source.proto, inputs, outputs, source.foreign, run)
    return run(source.proto, inputs, outputs)


def run_evaluator(
    source: Source, inputs: Mapping[str, Array], outputs: Sequence[str]
) -> dict[str, Array]:
    """Run a model in onnx.reference, which is slow, knows every operator and reads all weights.

    Args:
        source: The model.
        inputs: One array an input.
        outputs: Any values of the graph.

    Returns:
        The values by name.

    Raises:
        Exception: Whatever onnx.reference raises; it has no class of its own for this.
    """
    from onnx.reference import ReferenceEvaluator

    whole = onnx.ModelProto()
    whole.CopyFrom(source.proto)
    load_external_data_for_model(whole, str(source.folder))
    operators = [_operator(meaning) for meaning in source.foreign.values()]
    evaluator = ReferenceEvaluator(whole, new_ops=operators)
    run = cast(_Run, evaluator.run)  # pyright: ignore[reportUnknownMemberType]

    def compute() -> dict[str, Array]:
        values = run(list(outputs), dict(inputs))
        return {name: np.asarray(value) for name, value in zip(outputs, values, strict=True)}

    return compute() if source.foreign else isolated(compute, TIMEOUT)


def _operator(meaning: Meaning) -> "type[OpRun]":
    """Return an operator as onnx.reference wants it."""
    from onnx.reference.op_run import OpRun

    def run(
        proto: onnx.ModelProto, inputs: Mapping[str, Array], outputs: Sequence[str]
    ) -> dict[str, Array]:
        return run_evaluator(Source(proto, Path()), inputs, outputs)

    class Foreign(OpRun):
        op_domain = meaning.domain

        def _run(self, *inputs: Array | None, **attributes: object) -> tuple[Array, ...]:
            return tuple(meaning.run(self.onnx_node, inputs, run))

    Foreign.__name__ = meaning.operator  # by which it is known
    return Foreign


def _runtime() -> _Runtime:
    return cast(_Runtime, importlib.import_module("onnxruntime"))


def _session(source: Source, outputs: Sequence[str], optimized: bool) -> _Session:
    proto = onnx.ModelProto()
    proto.CopyFrom(source.proto)
    if [value.name for value in proto.graph.output] != list(outputs):
        del proto.graph.output[:]
        proto.graph.output.extend(onnx.ValueInfoProto(name=name) for name in outputs)
    runtime = _runtime()
    options, level = runtime.SessionOptions(), runtime.GraphOptimizationLevel
    options.log_severity_level = 4  # fatal: what it has to say comes as an exception
    options.intra_op_num_threads = options.inter_op_num_threads = 1
    options.graph_optimization_level = level.ORT_ENABLE_ALL if optimized else level.ORT_DISABLE_ALL
    options.add_session_config_entry(
        "session.model_external_initializers_file_folder_path", str(source.folder)
    )
    return runtime.InferenceSession(
        proto.SerializeToString(), options, providers=["CPUExecutionProvider"]
    )


def _to_ort(array: Array) -> _Value:
    values, array = _runtime().OrtValue, np.ascontiguousarray(array)
    if array.dtype.kind != "V":
        return values.ortvalue_from_numpy(array)
    dtype = onnx.helper.np_dtype_to_tensor_dtype(array.dtype)
    return values.ortvalue_from_numpy_with_onnx_type(array.view(f"u{array.itemsize}"), dtype)


def _to_numpy(value: _Value) -> Array:
    if not value.is_tensor():
        raise TypeError("an output is a sequence, a map or an optional, not a tensor")
    dtype = numpy_type(ir.DataType(value.element_type()))
    if dtype.kind != "V":
        return value.numpy()
    # onnxruntime hands out no array of a type that NumPy does not have.
    size = math.prod(value.shape()) * dtype.itemsize
    return np.frombuffer(ctypes.string_at(value.data_ptr(), size), dtype).reshape(value.shape())
