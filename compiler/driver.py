"""The way of the data: a model comes in, a verified folder goes out."""

import os
import shutil
import tempfile
import weakref
from collections.abc import Callable, Generator, Mapping, Sequence
from contextlib import AbstractContextManager, contextmanager
from dataclasses import replace
from functools import partial
from pathlib import Path

import onnx
import onnx_ir as ir
from google.protobuf.message import EncodeError  # type: ignore[import-untyped]

from ..emitters.base import Emission
from ..emitters.mindspore.checkpoint import write_checkpoint
from ..emitters.mindspore.safetensors_file import write_safetensors
from ..emitters.mindspore.weight_map import weight_map
from .clock import Clock
from .compile import Compiled, arrays, compile_model
from .conversion import Conversion
from .html_report.snapshot import NodeRow, snapshot
from .ir.errors import ModelError, NotProvenError, Onnx2msError
from .ir.graph import Array
from .output import output_folder, writing
from .plugins.assembly import assemble
from .plugins.load import AnyPlugin, arguments
from .plugins.plugin import Target
from .plugins.prove import verify_target
from .report import Export, Report, report_of, to_json
from .settings import AnyPath, Format, Settings, Verify
from .stubbed import verify_before
from .verdict import failure
from .verify.verify import Verification, repeat_command, verify_folder

AnyModel = AnyPath | bytes | onnx.ModelProto
Progress = Callable[[str], None]
Inputs = AnyPath | Mapping[str, Array]


def convert(
    model: AnyModel,
    output: AnyPath | None = None,
    *,
    shapes: Mapping[str, Sequence[int | str]] | None = None,
    outputs: Sequence[str] | None = None,
    weights: Format = "ckpt",
    verify: Verify = "both",
    tolerance: float = 1e-5,
    inputs: Inputs | Sequence[Inputs] | None = None,
    dump: AnyPath | None = None,
    force: bool = False,
    check_passes: bool = False,
    model_name: str | None = None,
    fold_batchnorm: bool = False,
    stub: bool = False,
    html: bool = False,
    plugins: AnyPlugin | Sequence[AnyPlugin] = (),
    target: str = "mindspore",
    skip_passes: Sequence[str] = (),
    only_passes: Sequence[str] = (),
    progress: Progress | None = None,
    explain: Progress | None = None,
) -> Conversion:
    """Compile an ONNX model into MindSpore source and weights, and prove them equal to it.

    Args:
        model: An .onnx file, its bytes or its message.
        output: Folder to write, whole or not at all; None: none is kept.
        shapes: Dimensions by input, a number or a symbol each; '' stands for the only input.
        outputs: Values to compute instead of the model's outputs.
        weights: Format of the weights, "ckpt" or "safetensors".
        verify: Modes to prove the network in: "both", "pynative", "graph" or "none".
        tolerance: Largest max|a-b| / max|b| of a float32 or float64 output.
        inputs: Arrays by input to prove it on, or an .npz file of them; a list of these calls the
            network with each in turn; None: made from a seed, for open dimensions at two sizes.
        dump: Folder to write the graph to after every stage.
        force: Whether a folder that is not empty is replaced.
        check_passes: Whether the graph is run before and after every pass.
        model_name: Name of the model in source and report; None: the file's.
        fold_batchnorm: Whether BatchNormalization becomes a part of the convolution before it: the
            network is smaller, but does not train as it did.
        stub: Whether the rest is converted where operators cannot be compiled: each becomes a cell
            whose construct raises NotImplementedError, what needs none of them is proved, and the
            conversion is not `verified`.
        html: Whether `report.html` is written too, a page that shows modules, graphs, weights and
            source, and compares every value on the way: another run of each mode.
        plugins: Plugins beside the installed ones, one or several, for this conversion: each a
            `Plugin`, a module, its name, or a .py or .onnxtxt file. Their code is run.
        target: The framework whose source is written; plugins bring others than "mindspore".
        skip_passes: Passes that do not run.
        only_passes: Passes beside which no others run in the stages that they stand in.
        progress: Called with a word when each part begins; nothing is printed otherwise.
        explain: Called with a line when a pass has changed something: which nodes.

    Raises:
        UsageError: The call is wrong.
        ModelError: The model cannot be read.
        UnsupportedError: Some operators cannot be compiled, and `stub` was not asked for.
        OutputError: The folder cannot be written.
        PluginError: A plugin cannot be loaded, claims what another one does, or fails.
        PassError: A pass failed, or, with `check_passes`, changed what the model computes.
        NotProvenError: The network is not shown to compute what the model does; its `conversion`
            is the finished one.
    """
    names = [outputs] if isinstance(outputs, str) else outputs
    calls = as_calls(inputs)
    settings = Settings(
        shapes=shapes or {},
        outputs=names,
        weights=weights,
        verify=verify,
        tolerance=tolerance,
        inputs=calls,
        dump=dump,
        check_passes=check_passes,
        model_name=model_name,
        fold_batchnorm=fold_batchnorm,
        stub=stub,
        html=html,
        plugins=plugins,
        target=target,
        skip_passes=skip_passes,
        only_passes=only_passes,
    )
    repeat = _repeat(model, output, settings)
    with _local(model) as file:
        return run(file, output, settings, repeat, force=force, clock=Clock(progress, explain))


def default_folder(model: AnyPath) -> Path:
    """Return the folder that a model is written to where none is named."""
    return Path(f"{Path(model).stem}_mindspore")


def as_calls(inputs: Inputs | Sequence[Inputs] | None) -> list[Inputs]:
    """Return what a network is called with to prove it, one entry a call."""
    if inputs is None:
        return []
    return [inputs] if isinstance(inputs, (str, os.PathLike, Mapping)) else [*inputs]


def run(
    file: Path,
    output: AnyPath | None,
    settings: Settings,
    repeat: str | None,
    *,
    force: bool,
    clock: Clock,
    export: Export | None = None,
) -> Conversion:
    """Compile, write, verify and report; then everything moves to its place at once.

    Args:
        file: The model.
        output: Folder to write; None: none is kept.
        settings: What was asked for.
        repeat: Command that does the same again.
        force: Whether a folder that is not empty is replaced.
        clock: Measures the parts.
        export: What the model was exported from; None: it came as a file.

    Raises:
        Onnx2msError: As `convert` does.
    """
    assembly = assemble(settings.plugins, settings.target)
    formats = assembly.target.formats
    if settings.weights not in formats:
        settings = replace(settings, weights=formats[0])
    with _folder(output, file, settings, force=force) as folder:
        compiled = compile_model(file, settings, assembly, clock)
        with clock.part("write"), writing(output or folder):
            _write(compiled.emission, folder, settings)
        calls = _calls(compiled, settings, export)
        verification = _verify(compiled, assembly.target, calls, folder, settings, clock, export)
        if verification is not None and output is not None:
            verification = _moved(verification, folder, Path(output))
        example = calls[0] if calls else {}
        report = report_of(
            compiled, settings, assembly, verification, repeat, clock, export, example
        )
        with writing(output or folder):
            (folder / "report.json").write_bytes(to_json(report))
            if compiled.before is not None:
                _write_page(folder, compiled, compiled.before, report, verification)
    kept = folder if output is None else Path(os.path.realpath(output))
    conversion = Conversion(
        source=compiled.emission.source,
        report=report,
        source_map=compiled.emission.source_map,
        verification=verification,
        folder=None if output is None else kept,
        checkpoint=kept / settings.weights_file,
        stubs=compiled.emission.stubs,
    )
    if output is None:
        weakref.finalize(conversion, shutil.rmtree, kept, ignore_errors=True)
    if verification is not None and not verification.verified:
        raise NotProvenError(
            failure(verification, compiled.name, None if output is None else Path(output)),
            help=f"repeat it with: {repeat}" if repeat else "",
            conversion=conversion,
        )
    return conversion


@contextmanager
def _local(model: AnyModel) -> Generator[Path]:
    """Yield the file of a model; of one that is in memory, one that ends with the block."""
    if isinstance(model, (str, os.PathLike)):
        yield Path(model)
        return
    with tempfile.TemporaryDirectory(prefix="onnx2ms-") as folder:
        file = Path(folder) / "model.onnx"
        try:
            content = model if isinstance(model, bytes) else model.SerializeToString()
        except (ValueError, EncodeError) as error:  # protobuf messages end at 2 GiB
            raise ModelError(
                f"the model cannot be serialized: {error}",
                help="save it with external data, and give the path of the file",
            ) from error
        with writing(file):
            file.write_bytes(content)
        yield file


def _folder(
    output: AnyPath | None, file: Path, settings: Settings, *, force: bool
) -> AbstractContextManager[Path]:
    """Return the folder to write into."""
    if output is None:
        return _scratch()
    dump = None if settings.dump is None else Path(settings.dump)
    needed = {"the model": file, "the dump": dump}
    existing = {name: path for name, path in needed.items() if path is not None}
    names = (f"the inputs {i}" if i else "the inputs" for i, _ in enumerate(settings.inputs_files))
    existing |= dict(zip(names, settings.inputs_files, strict=False))
    return output_folder(output, force=force, needed=existing)


@contextmanager
def _scratch() -> Generator[Path]:
    """Yield a folder that stays, unless the block raises."""
    with writing(tempfile.gettempdir()):
        folder = Path(tempfile.mkdtemp(prefix="onnx2ms-"))
    try:
        yield folder
    except BaseException:
        shutil.rmtree(folder, ignore_errors=True)
        raise


def _write(emission: Emission, folder: Path, settings: Settings) -> None:
    """Write source, weights and weight map."""
    (folder / "model.py").write_text(emission.source, encoding="utf-8")
    write_weights(emission, folder / settings.weights_file)
    mapping = weight_map(emission.weights, emission.missing)
    (folder / "weight_map.json").write_text(mapping, encoding="utf-8")


def _write_page(
    folder: Path,
    compiled: Compiled,
    before: Sequence[NodeRow],
    report: Report,
    verification: Verification | None,
) -> None:
    """Write the report as a page."""
    from .html_report.page import page  # jinja2 and pygments cost 0.2 s

    after = snapshot(compiled.imported.model.graph)
    mapping = (folder / "weight_map.json").read_text(encoding="utf-8")
    text = page(report, compiled.emission, verification, before, after, mapping)
    (folder / "report.html").write_text(text, encoding="utf-8", errors="backslashreplace")


def write_weights(emission: Emission, file: Path) -> None:
    """Write the weights of a network, in the format that the file's name tells.

    Raises:
        OutputError: The format does not hold one of them.
        OSError: The file cannot be written.
    """
    write = write_checkpoint if file.suffix == ".ckpt" else write_safetensors
    write(emission.weights, file)


def _calls(compiled: Compiled, settings: Settings, export: Export | None) -> list[dict[str, Array]]:
    """Return the arrays of each call that the whole network is proved on; none where it is not."""
    if not settings.modes or compiled.emission.stubs:
        return []
    model = compiled.imported.model
    if export is None or settings.inputs:
        return arrays(model.graph, settings)
    return _examples(model, settings, export)


def _verify(
    compiled: Compiled,
    target: Target,
    calls: list[dict[str, Array]],
    folder: Path,
    settings: Settings,
    clock: Clock,
    export: Export | None,
) -> Verification | None:
    """Hold the written files against the model; None where nobody asked for it."""
    if not settings.modes:
        return None
    if compiled.emission.stubs:
        with clock.part("verify"):
            return verify_before(compiled, folder, settings, partial(_write, settings=settings))
    with clock.part("verify"):
        if target.origin:
            return verify_target(folder, target, compiled, calls, tolerance=settings.tolerance)
        return verify_folder(
            folder,
            model=compiled.imported.file,
            lowered=compiled.imported.model,
            inputs=calls,
            source_map=compiled.emission.source_map,
            modes=settings.modes,
            tolerance=settings.tolerance,
            against=None if export is None else export.original,
            values=settings.html,
            meanings=compiled.meanings,
        )


def _examples(model: ir.Model, settings: Settings, export: Export) -> list[dict[str, Array]]:
    """Return the examples that a network was exported with, and other arrays.

    On the examples alone a value that the exporter took for a constant would not be found. Open
    dimensions are of another size there.
    """
    calls = [dict(export.original.examples)]
    try:
        other = arrays(model.graph, settings)[-1]
        export.original.compute(other)
    except Onnx2msError as error:
        first = error.message.partition("\n")[0]
        export.network["notes"].append(f"proved on the examples alone: {first}")
    else:
        calls.append(other)
    return calls


def _moved(verification: Verification, folder: Path, target: Path) -> Verification:
    """Name the folder in all messages as the user does: by then it will have moved there."""
    here, there = str(folder), str(target)
    modes = (
        replace(
            mode,
            failure=mode.failure.replace(here, there),
            explanation=mode.explanation.replace(here, there),
        )
        for mode in verification.modes
    )
    return replace(verification, modes=tuple(modes))


def _repeat(model: AnyModel, output: AnyPath | None, settings: Settings) -> str | None:
    """Return the command that does the same again; None where there are no files to name."""
    if not isinstance(model, (str, os.PathLike)):
        return None
    if len(settings.inputs_files) < len(settings.inputs):
        return None
    named = arguments(settings.plugins)
    if named is None:
        return None
    return repeat_command(
        Path(model),
        default_folder(model) if output is None else Path(output),
        shapes=settings.shapes,
        outputs=settings.outputs or (),
        inputs=settings.inputs_files,
        weights=settings.weights,
        modes=settings.modes,
        tolerance=settings.tolerance,
        fold_batchnorm=settings.fold_batchnorm,
        stub=settings.stub,
        html=settings.html,
        plugins=named,
        target=settings.target,
        skip_passes=settings.skip_passes,
        only_passes=settings.only_passes,
    )
