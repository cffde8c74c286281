"""From a file to source and weights, nothing of it written yet."""

import ast
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

import onnx_ir as ir

from .. import __version__
from ..emitters.base import Emission, EmitOptions
from ..passes.check import PassChecker
from ..passes.infer_foreign import infer_foreign
from ..passes.pipeline import OnStage, PassRecord, run_pipeline
from ..passes.placing import choose, place
from .changes import Changes
from .clock import Clock
from .dump import Dump
from .html_report.snapshot import NodeRow, snapshot
from .importer.load import Imported, blaming_model, load_model
from .ir.errors import REPORT, Onnx2msError, PluginError, quoted, told
from .ir.graph import Array
from .ir.meanings import Meanings
from .plugins.assembly import Assembly
from .settings import Settings
from .verify.bindings import sample_bindings
from .verify.inputs import check_inputs, load_inputs, make_inputs


@dataclass(frozen=True)
class Compiled:
    """A model and what was made of it.

    Attributes:
        imported: The model; its graph is by now the one that was emitted.
        name: Name of the model as it stands in source and report.
        passes: Every run of a pass, in order.
        unchecked: Passes that no runtime could check; None where nobody asked for it.
        emission: Source and weights.
        assembly: What it was compiled with.
        meanings: What operators compute that no engine knows.
        before: The nodes as they were read; None where no page shows them.
    """

    imported: Imported
    name: str
    passes: Sequence[PassRecord]
    unchecked: Sequence[str] | None
    emission: Emission
    assembly: Assembly
    meanings: Meanings
    before: Sequence[NodeRow] | None = None


def compile_model(
    file: Path,
    settings: Settings,
    assembly: Assembly,
    clock: Clock,
    on_stage: OnStage | None = None,
) -> Compiled:
    """Read a model, run the passes and emit it.

    Args:
        file: The model.
        settings: What was asked for.
        assembly: What it is compiled with.
        clock: Measures the parts.
        on_stage: Called with "import" and the model, then after each stage of the passes.

    Raises:
        Onnx2msError: It cannot be read or compiled, or the call does not fit it.
    """
    with blaming_model(file):
        return _compile(file, settings, assembly, clock, on_stage)


def _compile(
    file: Path, settings: Settings, assembly: Assembly, clock: Clock, on_stage: OnStage | None
) -> Compiled:
    with clock.part("read"):
        imported = load_model(
            file, shapes=settings.shapes, outputs=settings.outputs, kept=assembly.claimed
        )
        model = imported.model
        meanings = {**assembly.meanings, **imported.functions}
        name = quoted(settings.model_name or imported.name, 200)[1:-1]
        checker = None
        if settings.check_passes:
            checker = PassChecker(model, arrays(model.graph, settings)[0], meanings=meanings)
        before = snapshot(model.graph) if settings.html else None
    with clock.part("rewrite"):
        dump = None if settings.dump is None else Dump(Path(settings.dump))
        watching = [watch for watch in (dump, on_stage) if watch is not None]

        def staged(stage: str, model: ir.Model) -> None:
            for watch in watching:
                watch(stage, model)

        staged("import", model)
        for domain, version in assembly.versions.items():
            model.opset_imports.setdefault(domain, version)
        stages = place(assembly.stages, [infer_foreign(meanings)] if meanings else [])
        folding = ("fold_batch_norm",) if settings.fold_batchnorm else ()
        changes = None if clock.explain is None else Changes(model, clock.explain)
        looking = [look for look in (changes, checker) if look is not None]

        def passed(record: PassRecord, model: ir.Model) -> None:
            for look in looking:
                look(record, model)

        passes = run_pipeline(
            model,
            on_stage=staged,
            on_pass=passed,
            stages=choose(stages, settings.skip_passes, settings.only_passes),
            asked=(*folding, *settings.only_passes),
        )
    with clock.part("emit"):
        options = EmitOptions(
            model_name=name,
            producer=quoted(imported.producer, 200)[1:-1],
            opset=imported.opset,
            weights_file=settings.weights_file,
            version=__version__,
            stub=settings.stub,
        )
        emission = _emit(model, options, assembly)
    unchecked = None if checker is None else list(dict.fromkeys(checker.unchecked))
    return Compiled(imported, name, passes, unchecked, emission, assembly, meanings, before)


def _emit(model: ir.Model, options: EmitOptions, assembly: Assembly) -> Emission:
    """Return source and weights; where plugins had a hand in the source, it is read again.

    Raises:
        UnsupportedError: Operators cannot be emitted.
        PluginError: The target of a plugin fails, or the source is no Python.
    """
    target = assembly.target
    try:
        emission = target.emitter.emit(model, options)
    except Onnx2msError:
        raise
    except Exception as error:
        if not target.origin:
            raise
        raise PluginError(
            f"plugin {target.origin}: the target {target.name} failed: {told(error)}", help=REPORT
        ) from error
    if assembly.writers:
        try:
            ast.parse(emission.source)
        except (SyntaxError, ValueError) as error:
            raise PluginError(
                f"plugin {assembly.writers}: the source is no Python: {told(error)}", help=REPORT
            ) from error
    return emission


def arrays(graph: ir.Graph, settings: Settings) -> list[dict[str, Array]]:
    """Return the arrays to call a graph with: the user's, or made up from what it does.

    One dictionary a call; a graph with open dimensions is called at two sizes.

    Raises:
        UsageError: They do not fit, or nothing can be made up.
    """
    if not settings.inputs:
        return [make_inputs(graph, binding) for binding in sample_bindings(graph)]
    return [
        check_inputs(item, graph) if isinstance(item, Mapping) else load_inputs(Path(item), graph)
        for item in settings.inputs
    ]
