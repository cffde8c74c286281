"""Why a network computes something else: run it again, instrumented."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from ...emitters.base import Place
from ..ir.errors import quoted
from ..ir.graph import Array
from .compare import difference, tolerance_of
from .diverge import Case, Divergence, Trace, first_divergence, where_it_failed
from .instrument import instrument
from .process import Child, Mode, Outcome, Runner, summary
from .reference import first_line, intermediates

WEIGHTS = ("model.ckpt", "model.safetensors")


@dataclass(frozen=True)
class Diagnosis:
    """Where a network goes wrong.

    Attributes:
        divergence: The first value that differs; None if it was not found.
        explanation: What is known then, or how the divergence was found if not as usual.
    """

    divergence: Divergence | None
    explanation: str = ""


def diagnose(
    runner: Runner,
    modes: Sequence[Mode],
    case: Case,
    module: Path,
    places: Sequence[Place],
    *,
    original: str = "",
) -> dict[Mode, Diagnosis]:
    """Find the first value that differs, in every mode that computes something wrong.

    Args:
        runner: Starts the children.
        modes: The modes to look at.
        case: What the network ought to compute.
        module: The network's source.
        places: Where it computes the graph's values, in topological order.
        original: Source to which `places` refer, where the module was edited since; else empty.
    """
    traces = run_traced(runner, modes, case, module, places, original=original)
    silent = "graph" in traces and not traces["graph"].outcome.result["trace"]
    if silent and "pynative" not in traces:
        # GRAPH mode may refuse to compile; what PYNATIVE computes up to there may tell the same.
        traces |= run_traced(runner, ("pynative",), case, module, places, original=original)
    return {mode: _diagnosis(case, mode, traces) for mode in modes}


def value_errors(case: Case, trace: Trace) -> dict[str, float]:
    """Return how far every value that a network computed on its way is from the model's.

    Returns:
        max|a-b| / max|b| by name, in topological order; infinite where it cannot be told.

    Raises:
        Exception: Whatever onnxruntime raises; it cannot run the graph.
    """
    made = {value.name for node in case.lowered.graph for value in node.outputs}
    seen = {name: array for name, (_, array) in trace.observed().items() if name in made}
    expected = intermediates(case.lowered, case.folder, case.inputs, list(seen), case.meanings)
    return {
        name: difference(trace.outcome.array(seen[name]), array, same_type=False).error
        for name, array in expected
    }


def run_traced(
    runner: Runner,
    modes: Sequence[Mode],
    case: Case,
    module: Path,
    places: Sequence[Place],
    *,
    original: str = "",
) -> dict[Mode, Trace]:
    """Run a network so that it tells what it computes on its way; arguments as of `diagnose`."""
    source = module.read_text(encoding="utf-8")
    instrumented = instrument(source, places, original=original)
    weights = next((f for n in WEIGHTS if (f := module.with_name(n)).exists()), None)
    children: dict[Mode, Child] = {
        mode: runner.start_traced(instrumented.source, mode, weights, case.call) for mode in modes
    }
    return {
        mode: Trace(mode, child.wait(), instrumented, places, source)
        for mode, child in children.items()
    }


def _diagnosis(case: Case, mode: Mode, traces: Mapping[Mode, Trace]) -> Diagnosis:
    trace, aside = traces[mode], ""
    if mode == "graph" and not trace.outcome.result["trace"]:
        reason = summary(trace.outcome.failure, 120)
        aside = f"in GRAPH mode no value could be read ({reason}), so this is from PYNATIVE mode"
        trace = traces["pynative"]
    try:
        divergence = first_divergence(case, trace)
        if divergence is None and (failed := where_it_failed(case, trace)):
            return Diagnosis(failed, aside)
        known = "" if divergence else _why(case, trace)
    except Exception as error:
        return Diagnosis(None, f"onnxruntime cannot run the emitted graph: {first_line(error)}")
    return Diagnosis(divergence, "; ".join(part for part in (known, aside) if part))


def _why(case: Case, trace: Trace) -> str:
    """Say what is known of a network no value of which was seen to differ."""
    emitted = intermediates(
        case.lowered, case.folder, case.inputs, list(case.expected), case.meanings
    )
    if not all(_equal(case, array, case.expected[name]) for name, array in emitted):
        return (
            "the graph that was emitted already computes something else than the model:"
            " a pass changed its meaning; --check-passes names it"
        )
    outcome, seen = trace.outcome, len(trace.observed())
    if not seen:
        return f"no value on the way could be read: {outcome.failure or 'the source map is empty'}"
    agree = f"all values on the way that could be read agree ({seen} of {len(trace.places)})"
    if outcome.failure:
        return f"{agree}, up to where it failed"
    order = _returned(case, outcome)
    if order == list(case.expected):
        return f"{agree}, and so do the outputs when these values are returned too"
    if sorted(order) == sorted(case.expected):
        names = ", ".join(quoted(name) for name in order)
        return f"{agree}, but the outputs come back in the order {names}"
    return f"{agree}, but not what is returned: another value, type or number of outputs"


def _returned(case: Case, outcome: Outcome) -> list[str]:
    """Return the names of the outputs that a network returned, '' for what is none of them."""
    names: list[str] = []
    for array in (outcome.array(i) for i in range(len(outcome.result["types"]))):
        left = (name for name in case.expected if name not in names)
        names.append(next((n for n in left if _equal(case, array, case.expected[n])), ""))
    return names


def _equal(case: Case, array: Array, expected: Array) -> bool:
    apart = difference(array, expected)
    return not apart.problem and apart.error <= tolerance_of(expected.dtype, case.tolerance)
