"""Proof that what a plugin's target writes computes what the model does."""

import time
from collections.abc import Mapping, Sequence
from functools import cache, partial
from pathlib import Path

import numpy as np

from ..compile import Compiled
from ..ir.errors import count, told
from ..ir.graph import Array
from ..verify.inputs import inputs_of
from ..verify.outputs import OutputResult, compare_arrays
from ..verify.reference import noise, run_reference, source_of
from ..verify.verify import ModeResult, Verification
from .plugin import Target


def verify_target(
    folder: Path,
    target: Target,
    compiled: Compiled,
    inputs: Sequence[Mapping[str, Array]],
    *,
    tolerance: float,
) -> Verification:
    """Run a written folder as its target says, and compare every output with the model's.

    Args:
        folder: Holds the source and its weights.
        target: The target of a plugin.
        compiled: The model.
        inputs: For each call one array an input of the graph.
        tolerance: Error that float32 and float64 may have.

    Returns:
        What was found, as the one mode `target.name`; nothing that the folder does raises.
    """
    graph = compiled.imported.model.graph
    names = [value.name or "" for value in graph.outputs]
    source = source_of(compiled.imported.file, names, compiled.meanings)
    order = [value.name or "" for value in inputs_of(graph)]
    results: tuple[OutputResult, ...] = ()
    failure, started = "", time.perf_counter()
    references = [run_reference(source, call, names) for call in inputs]
    for number, (call, told_) in enumerate(zip(inputs, references, strict=True)):
        if failure or not told_.engine:
            break
        try:
            made = _run(target, folder, [call[name] for name in order], len(names))
        except Exception as error:
            failure = told(error)
            break
        own = cache(partial(noise, source, call, told_.outputs))
        results += compare_arrays(made, told_.outputs, tolerance, own, call=number)
    seconds = {"run": round(time.perf_counter() - started, 4)}
    lacking = next((r for r in references if not r.engine), references[0])
    mode = ModeResult(target.name, results, failure, None, "", seconds, 0)
    return Verification(lacking.engine, lacking.problem, (mode,))


def _run(target: Target, folder: Path, inputs: Sequence[Array], outputs: int) -> list[Array]:
    if target.run is None:
        raise ValueError(f"the target {target.name} does not tell how its source is run")
    made = [np.asarray(array) for array in target.run(folder, inputs)]
    if len(made) != outputs:
        raise ValueError(f"it returned {count(len(made), 'output')}, the model has {outputs}")
    return made
