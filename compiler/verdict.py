"""What came of a conversion, in words."""

from collections.abc import Iterator
from pathlib import Path

from .conversion import Conversion
from .ir.errors import PLACES, IncompleteError, count, quoted
from .verify.diverge import Divergence
from .verify.outputs import OutputResult
from .verify.verify import ModeResult, Verification


def summary(conversion: Conversion, folder: Path, *, verbose: bool) -> list[str]:
    """Return lines that say what was written, and how well it was proved.

    Args:
        conversion: The finished one.
        folder: Its folder, as the user named it.
        verbose: Whether to tell what each pass changed and how long each part took.
    """
    source, weights = conversion.report["source"], conversion.report["weights"]
    names = quoted(str(folder / "model.py"), 4096), quoted(str(folder / weights["file"]), 4096)
    size = f"{weights['elements']:,} parameters, {weights['bytes'] / 1e6:.1f} MB"
    return [
        *(_details(conversion) if verbose else []),
        f"{names[0][1:-1]}    {', '.join(source['classes'])}: {source['lines']} lines",
        f"{names[1][1:-1]}  {size}",
        *(_before(conversion) if conversion.stubs else proof(conversion.verification)),
        *_notes(conversion),
    ]


def _before(conversion: Conversion) -> Iterator[str]:
    """Say how well that was proved which needs no operator that is still to be written."""
    if conversion.verification is not None:
        yield "what needs no operator that is still to be written:"
        yield from proof(conversion.verification)
    elif conversion.verified is None:
        yield from proof(None)
    else:
        yield "nothing could be proved: all needs an operator that is still to be written"


def to_be_written(conversion: Conversion, model: str, folder: Path) -> IncompleteError:
    """Return the error that lists what a person has to write."""
    stubs = conversion.stubs
    lines = [f"{model} is converted but for {count(len(stubs), 'node')}, to be written by hand", ""]
    for name in dict.fromkeys(stub.class_name for stub in stubs):
        nodes = [stub for stub in stubs if stub.class_name == name]
        problem = nodes[0].problem
        lines += [f"  class {name}     {problem.operator}, {count(len(nodes), 'node')}"]
        lines += [f"    at    {stub.cell}: {stub.problem.place}" for stub in nodes[:PLACES]]
        lines += [f"          and {len(nodes) - PLACES} more"] if nodes[PLACES:] else []
        lines += [f"    why   {problem.reason}"]
    return IncompleteError(
        "\n".join(lines),
        help=f"write construct of these classes in {quoted(str(folder / 'model.py'), 4096)},"
        " or an emitter (docs/plugins.md)",
    )


def _details(conversion: Conversion) -> Iterator[str]:
    """Say what each pass changed and how long each part took."""
    for runs in conversion.report["passes"]:
        if runs["changes"]:
            yield f"{runs['stage']:10} {runs['name']:24} {count(runs['changes'], 'change')}"
    for part, seconds in conversion.report["measured"]["seconds"].items():
        yield f"{part:10} {seconds:.2f} s"


def _notes(conversion: Conversion) -> Iterator[str]:
    """Say what the export of a network of PyTorch's could not keep."""
    network = conversion.report["network"]
    for note in network["notes"] if network else ():
        yield f"note: {quoted(note, 400)[1:-1]}"


def proof(verification: Verification | None) -> Iterator[str]:
    """Say how well a network was proved: a headline, then a line for each output."""
    if verification is None:
        yield "not proved: nobody asked for it"
        return
    modes = " and ".join(mode.mode.upper() for mode in verification.modes)
    yield f"proved in {modes} mode against {verification.reference}"
    for mode in verification.modes:
        for output in mode.outputs:
            yield f"  {mode.mode.upper():8}  {_output(output)}"
    for output in verification.exported:
        yield f"  {'ONNX':8}  {_output(output)}"


def failure(verification: Verification, name: str, folder: Path | None) -> str:
    """Return the message for a network that was not proved.

    Args:
        verification: What was found.
        name: File name of the model.
        folder: Where the files are, as the user named it; None: nowhere.
    """
    what, lines = disproof(verification)
    if folder is not None:
        lines.append(f"  the files are in {quoted(str(folder), 4096)}")
    return "\n".join([f"{name} is converted but not proved: {what}", *lines])


def disproof(verification: Verification) -> tuple[str, list[str]]:
    """Return in a clause why a network is not proved, and lines that say more."""
    failed = [mode for mode in verification.modes if not mode.verified]
    if not verification.reference:
        return "no reference can run the model", [f"  {verification.reference_problem}"]
    ran = any(mode.outputs for mode in failed)
    what = f"the network {'computes something else' if ran else 'does not run'}"
    return what, [line for mode in failed for line in _failed(mode)]


def _failed(mode: ModeResult) -> Iterator[str]:
    yield f"  in {mode.mode.upper()} mode"
    if mode.failure:
        yield f"    {mode.failure}"
    for output in mode.outputs:
        if not output.passed:
            yield f"    {_output(output)}"
    if mode.first_divergence is not None:
        yield from _divergence(mode.first_divergence)
    if mode.explanation:
        yield f"    {mode.explanation}"


def _output(output: OutputResult) -> str:
    """Say how far an output is from the reference's."""
    if output.problem:
        return f"{quoted(output.name)}: {output.problem}"
    noise = f", four times the reference's noise {output.noise:.1e}" if output.noise else ""
    rows = count(output.reordered, "row")
    ties = f", {rows} of nearly equal scores in another order" if output.reordered else ""
    return (
        f"{quoted(output.name)}: error {output.error:.1e} (max abs {output.max_abs_error:.1e}, "
        f"tolerance {output.tolerance:.1e}{noise}){ties}"
    )


def _divergence(first: Divergence) -> Iterator[str]:
    """Name the first node whose value differs, and its line."""
    path = f" ({first.path})" if first.path else ""
    apart = first.problem or f"error {first.error:.1e}"
    yield (
        f"    first diverging node: {quoted(first.node)}{path}, {first.operator}, "
        f"value {quoted(first.value)}: {apart}"
    )
    if first.line:
        yield f"    model.py, line {first.line}: {first.text.strip()}"
    if first.unseen:
        yield f"    {count(len(first.unseen), 'node')} before it could not be looked at"
