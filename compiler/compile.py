"""From a file to source and weights, nothing of it written yet."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

import onnx_ir as ir

from .. import __version__
from ..emitters.base import Emission, EmitOptions
from ..emitters.mindspore import MindSporeEmitter
from ..passes.check import PassChecker
from ..passes.pipeline import OnStage, PassRecord, run_pipeline
from .clock import Clock
from .dump import Dump
from .html_report.snapshot import NodeRow, snapshot
from .importer.load import Imported, load_model
from .ir.errors import quoted
from .ir.graph import Array
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
        before: The nodes as they were read; None where no page shows them.
    """

    imported: Imported
    name: str
    passes: Sequence[PassRecord]
    unchecked: Sequence[str] | None
    emission: Emission
    before: Sequence[NodeRow] | None = None


def compile_model(
    file: Path, settings: Settings, clock: Clock, on_stage: OnStage | None = None
) -> Compiled:
    """Read a model, run the passes and emit it.

    Args:
        file: The model.
        settings: What was asked for.
        clock: Measures the parts.
        on_stage: Called with "import" and the model, then after each stage of the passes.

    Raises:
        Onnx2msError: It cannot be read or compiled, or the call does not fit it.
    """
    with clock.part("read"):
        imported = load_model(file, shapes=settings.shapes, outputs=settings.outputs)
        name = quoted(settings.model_name or imported.name, 200)[1:-1]
        checker = None
        if settings.check_passes:
            checker = PassChecker(imported.model, arrays(imported.model.graph, settings)[0])
        before = snapshot(imported.model.graph) if settings.html else None
    with clock.part("rewrite"):
        dump = None if settings.dump is None else Dump(Path(settings.dump))
        watching = [watch for watch in (dump, on_stage) if watch is not None]

        def staged(stage: str, model: ir.Model) -> None:
            for watch in watching:
                watch(stage, model)

        staged("import", imported.model)
        asked = ("fold_batch_norm",) if settings.fold_batchnorm else ()
        passes = run_pipeline(imported.model, on_stage=staged, on_pass=checker, asked=asked)
    with clock.part("emit"):
        options = EmitOptions(
            model_name=name,
            producer=quoted(imported.producer, 200)[1:-1],
            opset=imported.opset,
            weights_file=settings.weights_file,
            version=__version__,
            stub=settings.stub,
        )
        emission = MindSporeEmitter().emit(imported.model, options)
    unchecked = None if checker is None else list(dict.fromkeys(checker.unchecked))
    return Compiled(imported, name, passes, unchecked, emission, before)


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
