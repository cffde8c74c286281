"""A written folder, edited and trained since or not, held against where it came from."""

import json
import tempfile
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, cast

from ..emitters.base import Emission
from .clock import Clock
from .compile import arrays, compile_model
from .driver import Inputs, Progress, as_calls, write_weights
from .ir.errors import ModelError, NotProvenError, UsageError, quoted
from .ir.graph import Array
from .output import writing
from .plugins.assembly import MINDSPORE, Assembly, assemble
from .plugins.load import AnyPlugin
from .settings import AnyPath, Settings, Verify
from .verify.beside import train_beside
from .verify.differences import derive_alone
from .verify.inputs import inputs_of
from .verify.reference import run_reference, source_of
from .verify.training import TrainingResult
from .verify.verify import Verification, verify_folder
from .verify.weights import differing

DERIVED = ("eval", "train")


@dataclass(frozen=True)
class Recheck:
    """A folder held against a model or a module.

    Attributes:
        against: What it was held against: the engine that ran it, with its version.
        verification: Outputs, where it was held against an ONNX model.
        training: What else was compared, one result a mode.
        weights: Parameters that are not what an ONNX model holds.
    """

    against: str
    verification: Verification | None
    training: Sequence[TrainingResult] = ()
    weights: Sequence[str] = ()

    @property
    def verified(self) -> bool:
        """Whether it computes, derives and learns the same."""
        forward = self.verification is None or self.verification.verified
        return forward and not self.weights and all(r.passed for r in self.training)


def verify(
    folder: AnyPath,
    against: AnyPath,
    *,
    verify: Verify = "both",
    tolerance: float = 1e-5,
    inputs: Inputs | Sequence[Inputs] | None = None,
    gradients: bool = False,
    steps: int = 0,
    plugins: AnyPlugin | Sequence[AnyPlugin] = (),
    progress: Progress | None = None,
) -> Recheck:
    """Hold a written folder against the ONNX model or the PyTorch module that it came from.

    Against a module outputs are compared in inference and in training, with nothing dropped; on
    demand gradients, losses and running statistics. The module's code is run.

    Args:
        folder: Holds model.py, its checkpoint, weight_map.json and report.json.
        against: An .onnx file, or `package.module:factory`; the factory returns the module and its
            example inputs.
        verify: Modes of MindSpore: "both", "pynative" or "graph".
        tolerance: Largest max|a-b| / max|b| of a float32 or float64 output of an ONNX model.
        inputs: Arrays by input to call an ONNX model with, as for `convert`.
        gradients: Whether to compare gradients too: with PyTorch's; of an ONNX model with
            difference quotients, where MindSpore computes the network in float64.
        steps: So many steps SGD and AdamW take beside PyTorch's.
        plugins: Plugins beside the installed ones; those that the folder was written with must
            be among them, if it is held against an ONNX model. Their code is run.
        progress: Called with a word when each part begins.

    Raises:
        UsageError: The call is wrong.
        PluginError: A plugin cannot be loaded.
        ModelError: The folder or the model cannot be read.
        NotProvenError: Something is not the same; its `conversion` is the `Recheck`.
    """
    place, clock = Path(folder), Clock(progress)
    if not (place / "model.py").is_file():
        raise UsageError(
            f"there is no model.py in {quoted(str(place), 4096)}",
            help="name a folder that onnx2ms wrote",
        )
    settings = _settings(place, verify, tolerance, as_calls(inputs), plugins)
    if not settings.modes or steps < 0:
        raise UsageError("nothing is to be compared", help="name a mode, and steps from 0")
    if _is_factory(against):
        recheck = _against_module(place, str(against), settings, clock, gradients, steps)
    elif steps:
        raise UsageError(
            "an ONNX model cannot be trained beside the folder",
            help="name its PyTorch module: --against package.module:factory",
        )
    else:
        recheck = _against_model(place, Path(against), settings, clock, gradients=gradients)
    if not recheck.verified:
        from .recheck_verdict import failure

        raise NotProvenError(failure(recheck, place), conversion=recheck)
    return recheck


def _is_factory(against: AnyPath) -> bool:
    text = str(against)
    return ":" in text and not text.endswith(".onnx") and not Path(text).exists()


def _settings(
    folder: Path,
    verify: Verify,
    tolerance: float,
    inputs: Sequence[Inputs],
    plugins: AnyPlugin | Sequence[AnyPlugin],
) -> Settings:
    """Return the settings with which the folder was written, as its report tells."""
    try:
        options: Any = _report(folder)["options"]
        shapes = cast("Mapping[str, Sequence[int | str]]", options["shapes"])
        outputs = cast("Sequence[str] | None", options["outputs"])
        weights = options["weights"]
        folded = bool(options.get("fold_batchnorm", False))
        target = str(options.get("target", MINDSPORE.name))
        skip, only = (
            list(map(str, options.get(f"{kind}_passes", ()))) for kind in ("skip", "only")
        )
    except (OSError, ValueError, KeyError, TypeError) as error:
        raise ModelError(
            f"cannot read the report of {quoted(str(folder), 4096)}: {error}",
            help="name a folder that onnx2ms wrote",
        ) from error
    return Settings(
        shapes=shapes,
        outputs=outputs,
        weights=weights,
        verify=verify,
        tolerance=tolerance,
        inputs=inputs,
        dump=None,
        check_passes=False,
        model_name=None,
        fold_batchnorm=folded,
        plugins=plugins,
        target=target,
        skip_passes=skip,
        only_passes=only,
    )


def _report(folder: Path) -> Any:
    return json.loads((folder / "report.json").read_bytes())


def _assembled(folder: Path, settings: Settings) -> Assembly:
    """Return what a folder was compiled with; no plugin is loaded because the folder names it.

    Raises:
        UsageError: A plugin is not there.
    """
    assembly = assemble(settings.plugins)
    there = {loaded.plugin.name for loaded in assembly.plugins}
    for entry in _report(folder).get("plugins", ()):
        if entry["name"] not in there:
            source = quoted(str(entry["source"]), 200)
            raise UsageError(
                f"the folder was written with plugin {quoted(str(entry['name']))}, from {source}",
                help="name it too: --plugin FILE.py or --plugin module, if you trust its code",
            )
    return assembly


def _against_model(
    folder: Path, model: Path, settings: Settings, clock: Clock, *, gradients: bool
) -> Recheck:
    if settings.target != MINDSPORE.name:
        raise UsageError(
            f"the folder holds no MindSpore source: its target is {quoted(settings.target)}",
            help=f"convert it anew with --target {settings.target}, which proves it",
        )
    compiled = compile_model(model, settings, _assembled(folder, settings), clock)
    graph = compiled.imported.model.graph
    calls = arrays(graph, settings)
    with clock.part("verify"):
        verification = verify_folder(
            folder,
            model=compiled.imported.file,
            lowered=compiled.imported.model,
            inputs=calls,
            source_map=compiled.emission.source_map,
            source=compiled.emission.source,
            modes=settings.modes,
            tolerance=settings.tolerance,
            meanings=compiled.meanings,
        )
    training: Sequence[TrainingResult] = ()
    if gradients and verification.verified:
        with clock.part("derive"):
            names = [value.name or "" for value in graph.outputs]
            source = source_of(compiled.imported.file, meanings=compiled.meanings)
            told = run_reference(source, calls[0], names)
            given: list[Array] = [calls[0][value.name or ""] for value in inputs_of(graph)]
            training = derive_alone(
                folder, given, list(told.outputs.values()), modes=settings.modes
            )
    other = _other_weights(folder, compiled.emission, settings)
    return Recheck(verification.reference, verification, training, other)


def _other_weights(folder: Path, emission: Emission, settings: Settings) -> list[str]:
    """Return the parameters that are not the model's, those that no output shows too.

    An embedding has rows that the inputs do not read, a ReLU hides what it lets through never.
    """
    if not emission.weights:
        return []
    with tempfile.TemporaryDirectory(prefix="onnx2ms-") as name:
        fresh = Path(name) / settings.weights_file
        with writing(fresh):
            write_weights(emission, fresh)
        return differing(folder / settings.weights_file, fresh)


def _against_module(
    folder: Path, text: str, settings: Settings, clock: Clock, gradients: bool, steps: int
) -> Recheck:
    from .torch_export.factory import load_factory
    from .torch_export.training import run_module

    derive = DERIVED if gradients else ()
    with clock.part("torch"):
        made = load_factory(text)
        if made.example_inputs is None:
            raise UsageError(
                f"{quoted(text)} returns no example inputs",
                help="let it return a pair: the network and a tuple of example inputs",
            )
        reference = run_module(made.module, made.example_inputs, derive=derive, steps=steps)
    with clock.part("verify"):
        training = train_beside(folder, reference, derive=derive, steps=steps, modes=settings.modes)
    return Recheck(reference.engine, None, training)
