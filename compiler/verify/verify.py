"""Run a written folder in MindSpore as a user would, and hold it against the model."""

import math
import shlex
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, field
from functools import cache, partial
from pathlib import Path
from typing import cast

import onnx_ir as ir

from ...emitters.base import Place
from ..ir.errors import count
from ..ir.graph import Array
from ..ir.meanings import Meanings
from .compare import FLOAT
from .diagnose import Diagnosis, diagnose, run_traced, value_errors
from .diverge import Case, Divergence
from .inputs import inputs_of
from .original import Original
from .outputs import OutputResult, compare_arrays, compare_outputs
from .process import TIMEOUT, Mode, Outcome, Runner
from .reference import noise, run_reference, source_of

EXPORT = (
    "the exported model computes something else than the network already: its exporter is wrong"
    " there, or traced Python that goes another way for these inputs"
)


@dataclass(frozen=True)
class ModeResult:
    """A network in one mode.

    Attributes:
        mode: "pynative" or "graph"; of another framework its name.
        outputs: In the model's order; empty if there are none to compare.
        failure: Why it could not be run to its end, with the line of the module; else empty.
        first_divergence: Where it first computes something else, if that was found.
        explanation: What is known where it was not found; else empty.
        seconds: By stage: import, build, first call, second call, other sizes.
        peak_memory: Bytes of the child process.
        compilations: How often GRAPH mode compiled it, whatever the sizes.
        values: max|a-b| / max|b| of what it computes on its way, by value of the graph that was
            emitted; infinite where it cannot be told. Empty where nobody asked.
    """

    mode: str
    outputs: tuple[OutputResult, ...]
    failure: str
    first_divergence: Divergence | None
    explanation: str
    seconds: Mapping[str, float]
    peak_memory: int
    compilations: int = 0
    values: Mapping[str, float] = field(default_factory=dict[str, float], repr=False)

    @property
    def verified(self) -> bool:
        """Whether every output is what the model computes."""
        return not self.failure and bool(self.outputs) and all(o.passed for o in self.outputs)


@dataclass(frozen=True)
class Verification:
    """A network held against its model.

    Attributes:
        reference: Engine that ran the model, or the network that it was exported from, with its
            version; empty if none could.
        reference_problem: Why an engine could not; empty where the first one did.
        modes: One result a mode.
        exported: Of a model that was exported from a network: how far its outputs, in the engine
            that runs models, are from the network's.
    """

    reference: str
    reference_problem: str
    modes: tuple[ModeResult, ...]
    exported: tuple[OutputResult, ...] = ()

    @property
    def verified(self) -> bool:
        """Whether the network computes what the model does, in every mode that was asked for."""
        return bool(self.modes) and all(mode.verified for mode in self.modes)

    def to_json(self) -> dict[str, object]:
        """Return it as JSON; all that is measured stands under `measured`.

        A number that is infinite or not a number becomes null: `problem` then says why.
        """
        modes: dict[str, object] = {}
        measured: dict[str, object] = {}
        for result in self.modes:
            fields = asdict(result)
            mode = fields.pop("mode")
            measured[mode] = {k: fields.pop(k) for k in ("seconds", "peak_memory")}
            modes[mode] = {"verified": result.verified, **fields}
        return {
            "verified": self.verified,
            "reference": self.reference,
            "reference_problem": self.reference_problem,
            "modes": _finite(modes),
            "exported": _finite([asdict(output) for output in self.exported]),
            "measured": measured,
        }


def verify_folder(
    folder: Path,
    *,
    model: Path,
    lowered: ir.Model,
    inputs: Sequence[Mapping[str, Array]],
    source_map: Sequence[Place],
    modes: Sequence[Mode] = ("pynative", "graph"),
    tolerance: float = FLOAT,
    source: str = "",
    against: Original | None = None,
    meanings: Meanings | None = None,
    timeout: float = TIMEOUT,
    values: bool = False,
) -> Verification:
    """Run a folder in MindSpore and compare every output with what the model computes.

    Each mode runs in a child process; all of them, and the reference, at the same time. Where a
    mode computes something else, it runs again to find the first value that differs.

    Args:
        folder: Holds model.py and its checkpoint.
        model: The ONNX file, as the user gave it.
        lowered: The graph that was emitted. Its outputs name what to compare; its weights may
            stand in files in the model's folder.
        inputs: For each call one array an input of the graph.
        source_map: Where the module computes the graph's values, in topological order.
        modes: Any of "pynative" and "graph".
        tolerance: Error that float32 and float64 may have; float16 and bfloat16 keep their own,
            2e-3 and 2e-2, where it is larger.
        source: Text to which `source_map` refers; empty: that of model.py as it is.
        against: The network that the model was exported from; it is then what is compared with.
        meanings: What operators compute that no engine knows.
        timeout: Seconds that a child may take.
        values: Whether each value on the way is compared too, in another run of each mode.

    Returns:
        What was found; nothing that the network does raises.

    Raises:
        Onnx2msError: `against` fails, or what a plugin says of an operator.
    """
    module = folder / "model.py"
    names = [value.name or "" for value in lowered.graph.outputs]
    reads = source_of(model, names, meanings)
    order = [value.name or "" for value in inputs_of(lowered.graph)]
    with Runner([[call[name] for name in order] for call in inputs], timeout=timeout) as run:
        children = {mode: run.start(module, mode) for mode in modes}
        references = [run_reference(reads, call, names) for call in inputs]
        expected = [reference.outputs for reference in references]
        if against is not None:
            expected = [_in_order(against.compute(call), names) for call in inputs]
        outcomes = {mode: child.wait() for mode, child in children.items()}
        results: dict[Mode, tuple[OutputResult, ...]] = dict.fromkeys(modes, ())
        exported: tuple[OutputResult, ...] = ()
        for number, (call, told) in enumerate(zip(inputs, references, strict=True)):
            own = cache(partial(noise, reads, call, told.outputs or expected[number]))
            for mode in modes:
                results[mode] += compare_outputs(
                    outcomes[mode], expected[number], tolerance, own, call=number, calls=len(inputs)
                )
            if against is not None and told.engine:
                exported += compare_arrays(
                    list(told.outputs.values()), expected[number], tolerance, own, call=number
                )
        reference = next((r for r in references if not r.engine), references[0])
        wrong: list[Mode] = [mode for mode in modes if _is_wrong(outcomes[mode], results[mode])]
        diagnoses: Mapping[Mode, Diagnosis] = {}
        if wrong and not all(output.passed for output in exported):
            diagnoses = dict.fromkeys(wrong, Diagnosis(None, EXPORT))
        elif reference.engine and wrong:
            at = _first_wrong(outcomes[wrong[0]], results[wrong[0]], len(names), len(inputs))
            beside, outputs = model.absolute().parent, references[at].outputs
            case = Case(lowered, beside, inputs[at], outputs, tolerance, at, meanings or {})
            diagnoses = diagnose(run, wrong, case, module, source_map, original=source)
        told_values: dict[Mode, dict[str, float]] = {}
        if values:
            beside = model.absolute().parent
            case = Case(lowered, beside, inputs[0], {}, tolerance, meanings=meanings or {})
            told_values = _values(run, modes, case, module, source_map, source)
    return Verification(
        reference.engine if against is None else against.engine,
        reference.problem,
        tuple(
            _result(
                mode,
                outcomes[mode],
                results[mode],
                diagnoses.get(mode, Diagnosis(None)),
                _failure(outcomes[mode], module, len(names), len(inputs)),
                told_values.get(mode, {}),
            )
            for mode in modes
        ),
        exported,
    )


def _in_order(arrays: Mapping[str, Array], names: Sequence[str]) -> dict[str, Array]:
    return {name: arrays[name] for name in names}


def _result(
    mode: Mode,
    outcome: Outcome,
    outputs: tuple[OutputResult, ...],
    diagnosis: Diagnosis,
    failure: str,
    values: Mapping[str, float],
) -> ModeResult:
    return ModeResult(
        mode=mode,
        outputs=outputs,
        failure=failure,
        first_divergence=diagnosis.divergence,
        explanation=diagnosis.explanation,
        seconds=outcome.result["seconds"],
        peak_memory=outcome.result["peak_memory"],
        compilations=outcome.result["compilations"],
        values=values,
    )


def _values(
    run: Runner,
    modes: Sequence[Mode],
    case: Case,
    module: Path,
    places: Sequence[Place],
    original: str,
) -> dict[Mode, dict[str, float]]:
    """Return the errors of the values on the way; none where onnxruntime cannot run the graph."""
    traces = run_traced(run, modes, case, module, places, original=original)
    try:
        return {mode: value_errors(case, trace) for mode, trace in traces.items()}
    except Exception:  # whatever onnxruntime raises
        return {}


def repeat_command(
    model: Path,
    output: Path,
    *,
    shapes: Mapping[str, Sequence[int | str]] | None = None,
    outputs: Sequence[str] = (),
    inputs: Sequence[Path] = (),
    weights: str = "ckpt",
    modes: Sequence[Mode] = ("pynative", "graph"),
    tolerance: float = FLOAT,
    fold_batchnorm: bool = False,
    stub: bool = False,
    html: bool = False,
    plugins: Sequence[str] = (),
    target: str = "mindspore",
    skip_passes: Sequence[str] = (),
    only_passes: Sequence[str] = (),
) -> str:
    """Return the shell command that converts and verifies again.

    Args:
        model: The ONNX file.
        output: Folder to write; it is exchanged.
        shapes: Dimensions by input.
        outputs: Values to compute instead of the model's outputs.
        inputs: Files of arrays to verify on.
        weights: "ckpt" or "safetensors".
        modes: The modes that failed.
        tolerance: That of float32.
        fold_batchnorm: Whether BatchNormalization was folded.
        stub: Whether stubs stand for what cannot be compiled.
        html: Whether report.html was asked for.
        plugins: What names the plugins that are not installed.
        target: The framework whose source is written.
        skip_passes: Passes that do not run.
        only_passes: Passes that run alone in their stages.
    """
    words = ["onnx2ms", str(model), "-o", str(output), "--force"]
    for name, dims in (shapes or {}).items():
        text = ",".join(map(str, dims))
        words += ["--shape", f"{name}:{text}" if name else text]
    words += ["--outputs", ",".join(outputs)] if outputs else []
    words += [word for file in inputs for word in ("--inputs", str(file))]
    words += ["--weights", weights] if weights != "ckpt" else []
    words += ["--verify", modes[0]] if len(modes) == 1 else []
    words += ["--tolerance", f"{tolerance:g}"] if tolerance != FLOAT else []
    words += ["--fold-batchnorm"] if fold_batchnorm else []
    words += ["--stub"] if stub else []
    words += ["--html"] if html else []
    words += [word for name in plugins for word in ("--plugin", name)]
    words += ["--target", target] if target != "mindspore" else []
    words += [word for name in skip_passes for word in ("--skip-pass", name)]
    words += [word for name in only_passes for word in ("--only-pass", name)]
    return shlex.join(words)


def _first_wrong(
    outcome: Outcome, results: Sequence[OutputResult], outputs: int, calls: int
) -> int:
    """Return the number of the first call that failed or computed something else."""
    wrong = [result.call for result in results if not result.passed]
    done = len(outcome.result["types"]) // max(outputs, 1)
    return wrong[0] if wrong else min(done, calls - 1)


def _is_wrong(outcome: Outcome, results: Sequence[OutputResult]) -> bool:
    """Tell whether there may be a first value that differs: it ran, at least up to there."""
    called = outcome.result["stage"] in ("first call", "second call", "other sizes", "done")
    raised = outcome.result["failure"] is not None and called
    return raised or any(not output.passed for output in results)


def _failure(outcome: Outcome, module: Path, outputs: int, calls: int) -> str:
    """Say why a mode has no outputs to compare, with the line of the module."""
    if not outcome.failure:
        returned = len(outcome.result["types"])
        if returned == outputs * calls:
            return ""
        returned //= calls
        return f"construct returned {count(returned, 'output')}, the model has {outputs}"
    if not outcome.line:
        return outcome.failure
    lines = module.read_text(encoding="utf-8").splitlines()
    text = lines[outcome.line - 1].strip() if outcome.line <= len(lines) else ""
    return f"{outcome.failure} ({module.name}, line {outcome.line}: {text})"


def _finite(value: object) -> object:
    """Return a value with null for the numbers that JSON does not have."""
    if isinstance(value, float):
        return value if math.isfinite(value) else None
    if isinstance(value, dict):
        return {k: _finite(v) for k, v in cast("dict[str, object]", value).items()}
    if isinstance(value, (list, tuple)):
        return [_finite(member) for member in cast("Sequence[object]", value)]
    return value
