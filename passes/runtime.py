"""A part of a graph computed by onnxruntime."""

import importlib
from collections.abc import Mapping, Sequence
from typing import Protocol, cast

import onnx

from ..compiler.ir.graph import Array
from ..compiler.ir.isolated import IsolatedError, TooLongError, isolated
from ..compiler.ir.meanings import Meanings, needed
from ..compiler.ir.parts import run_in_parts


class CannotLoadError(Exception):
    """onnxruntime refuses a model."""


class NoKernelError(CannotLoadError):
    """onnxruntime has no kernel for an operator of the model, which is valid."""


REFUSALS = {kind.__name__: kind for kind in (CannotLoadError, NoKernelError)}

TIMEOUT = 600.0
"""Seconds after which onnxruntime is ended: what it computes is left for run time."""


class _Options(Protocol):
    log_severity_level: int
    intra_op_num_threads: int
    graph_optimization_level: object


class _Levels(Protocol):
    ORT_DISABLE_ALL: object


class _Session(Protocol):
    def run(self, outputs: Sequence[str], inputs: Mapping[str, Array]) -> Sequence[Array]: ...


class _Runtime(Protocol):
    """The part of onnxruntime that passes use; it ships no types."""

    GraphOptimizationLevel: _Levels

    def SessionOptions(self) -> _Options: ...  # noqa: N802
    def InferenceSession(  # noqa: N802
        self, model: bytes, options: _Options, providers: Sequence[str]
    ) -> _Session: ...


def run_model(
    proto: onnx.ModelProto, inputs: Mapping[str, Array], outputs: Sequence[str], meanings: Meanings
) -> dict[str, Array]:
    """Run a small model in which some operators compute what a plugin says.

    Raises:
        PluginError: What a plugin says fails.
        CannotLoadError: onnxruntime refuses a part of the model.
    """
    foreign = needed(proto, meanings)
    if foreign:
        return run_in_parts(proto, inputs, outputs, foreign, run_proto)
    return run_proto(proto, inputs, outputs)


def run_proto(
    proto: onnx.ModelProto, inputs: Mapping[str, Array], outputs: Sequence[str]
) -> dict[str, Array]:
    """Run a small model as it is written, on one thread: the same bytes on every machine.

    Args:
        proto: The model; what is large in it is an input.
        inputs: One array an input.
        outputs: Names of graph outputs.

    Returns:
        The outputs by name.

    Raises:
        NoKernelError: onnxruntime has no kernel for one of the operators.
        CannotLoadError: onnxruntime refuses the model for any other reason.
    """
    # imported late: it costs as much as all passes over a network that has nothing to run
    runtime = cast(_Runtime, importlib.import_module("onnxruntime"))
    try:
        return isolated(lambda: _run(runtime, proto, inputs, outputs), TIMEOUT)
    except IsolatedError as error:
        kind = type(error).__name__
        if kind not in (*REFUSALS, IsolatedError.__name__, TooLongError.__name__):
            raise
        raise REFUSALS.get(kind, CannotLoadError)(str(error)) from error


def _run(
    runtime: _Runtime,
    proto: onnx.ModelProto,
    inputs: Mapping[str, Array],
    outputs: Sequence[str],
) -> dict[str, Array]:
    options = runtime.SessionOptions()
    options.intra_op_num_threads = 1
    options.graph_optimization_level = runtime.GraphOptimizationLevel.ORT_DISABLE_ALL
    options.log_severity_level = 4
    providers = ["CPUExecutionProvider"]
    try:
        session = runtime.InferenceSession(proto.SerializeToString(), options, providers)
        return dict(zip(outputs, session.run(outputs, inputs), strict=True))
    except Exception as error:
        known = type(error).__module__.startswith("onnxruntime")  # its errors have no common base
        if not known and not isinstance(error, (MemoryError, RuntimeError)):  # of its own checks
            raise
        kind = NoKernelError if type(error).__name__ == "NotImplemented" else CannotLoadError
        raise kind(str(error)) from error
