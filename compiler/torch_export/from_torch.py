"""From a torch.nn.Module to a folder that is proved against the module itself."""

import tempfile
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, get_args

from ..clock import Clock
from ..conversion import Conversion
from ..driver import Inputs, as_calls, run
from ..ir.errors import UsageError, quoted
from ..plugins.load import AnyPlugin
from ..report import Export
from ..settings import AnyPath, Format, Settings, Verify, choices
from ..verify.original import Original
from .extra import need_torch

if TYPE_CHECKING:
    import torch

    from .export import Dynamic, Exporter


def from_torch(
    module: "torch.nn.Module",
    example_inputs: object,
    output: AnyPath | None = None,
    *,
    dynamic: "Dynamic | None" = None,
    trainable: bool = True,
    exporter: "Exporter" = "auto",
    weights: Format = "ckpt",
    verify: Verify = "both",
    tolerance: float = 1e-5,
    inputs: Inputs | Sequence[Inputs] | None = None,
    dump: AnyPath | None = None,
    force: bool = False,
    check_passes: bool = False,
    html: bool = False,
    model_name: str | None = None,
    plugins: AnyPlugin | Sequence[AnyPlugin] = (),
    target: str = "mindspore",
    skip_passes: Sequence[str] = (),
    only_passes: Sequence[str] = (),
    progress: Callable[[str], None] | None = None,
    repeat: str | None = None,
) -> Conversion:
    """Compile a network of PyTorch into MindSpore source and weights, and prove them equal to it.

    The network runs and is exported in inference mode. Afterwards it is as it was, and so is
    PyTorch: training flags, gradient mode, the state of chance, default type.

    Args:
        module: The network, in any mode.
        example_inputs: A tensor, a tuple of what `forward` takes by position, or a dictionary of
            what it takes by name; tensors may stand in tuples, dictionaries and dataclasses.
        output: Folder to write, whole or not at all; None: none is kept.
        dynamic: Open dimensions by input: `{"x": ("batch", 3, "height", "width")}` or, by axis,
            `{"x": {0: "batch"}}`; '' stands for the only input.
        trainable: Whether BatchNorm, Dropout and each parameter are kept, so that the result
            trains as the network does; else the exporter folds what inference does not need.
        exporter: Which of PyTorch's exporters is used: "legacy", "dynamo" or "auto", the legacy
            one and where that fails the other.
        weights: Format of the weights, "ckpt" or "safetensors".
        verify: Modes to prove the network in: "both", "pynative", "graph" or "none".
        tolerance: Largest max|a-b| / max|b| of a float32 or float64 output.
        inputs: Arrays by input to prove it on instead of the examples, or an .npz file of them; a
            list of these calls the network with each in turn.
        dump: Folder to write the graph to after every stage.
        force: Whether a folder that is not empty is replaced.
        check_passes: Whether the graph is run before and after every pass.
        html: Whether `report.html` is written too.
        model_name: Name of the network in source and report; None: that of its class.
        plugins: Plugins beside the installed ones, as for `convert`. Their code is run.
        target: The framework whose source is written; plugins bring others than "mindspore".
        skip_passes: Passes that do not run.
        only_passes: Passes beside which no others run in the stages that they stand in.
        progress: Called with a word when each part begins; nothing is printed otherwise.
        repeat: Command that does the same again, for the report.

    Raises:
        Onnx2msError: PyTorch is not installed, the network fails on the inputs or cannot be
            exported; and all that `convert` raises.
    """
    need_torch()
    import torch

    from .export import Exporter as Exporters
    from .export import export
    from .network import network_of

    if exporter not in get_args(Exporters):
        raise UsageError(
            f"exporter cannot be {quoted(str(exporter))}", help=f"one of {choices(Exporters)}"
        )
    clock = Clock(progress)
    network = network_of(module, example_inputs)
    name = model_name or type(network.module).__name__
    settings = Settings(
        {},
        None,
        weights,
        verify,
        tolerance,
        as_calls(inputs),
        dump,
        check_passes,
        name,
        html=html,
        plugins=plugins,
        target=target,
        skip_passes=skip_passes,
        only_passes=only_passes,
    )
    with tempfile.TemporaryDirectory(prefix="onnx2ms-") as folder:
        with clock.part("export"):
            exported = export(
                network,
                Path(folder),
                dynamic=dynamic or {},
                trainable=trainable,
                exporter=exporter,
            )
        origin = Export(
            Original(f"torch {torch.__version__.partition('+')[0]}", network.run, network.arrays()),
            {
                "module": network.class_name,
                "exporter": exported.exporter,
                "inputs": dict(network.inputs),
                "outputs": dict(network.outputs),
                "trainable": trainable,
                "frozen": network.frozen,
                "notes": list(exported.notes),
            },
        )
        return run(exported.file, output, settings, repeat, force=force, clock=clock, export=origin)
