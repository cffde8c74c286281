"""The command line: `onnx2ms MODEL.onnx` converts and proves one model."""

import sys
from collections.abc import Sequence
from pathlib import Path
from typing import Annotated

from cyclopts import App, CycloptsError, Parameter

from .. import __version__
from . import cli_inspect, cli_ops, cli_scaffold, cli_scan, cli_torch, cli_weights
from .ending import status_of
from .guarded import run_guarded
from .ir.errors import UsageError
from .settings import Format, Verify
from .terminal import Flag, Names, Paths, explained, lasting, modes, parse_shapes, progress

app = App(
    name="onnx2ms",
    version=__version__,
    default_parameter=Parameter(negative=()),
    help_format="plaintext",  # <model> is no markup
    result_action="return_value",
)
app.command(cli_torch.torch, name="torch")
app.command(cli_weights.weights, name="weights")
app.command(cli_scaffold.scaffold, name="scaffold")
app.command(cli_ops.ops, name="ops")
app.command(cli_inspect.inspect, name="inspect")
app.command(cli_ops.passes, name="passes")
app.command(cli_scan.scan, name="scan")


@app.default
def convert(
    model: Path,
    /,
    *,
    output: Annotated[Path | None, Parameter(name=["--output", "-o"])] = None,
    shape: Names = (),
    outputs: Names = (),
    weights: Format = "ckpt",
    inputs: Paths = (),
    verify: Verify | None = None,
    no_verify: Flag = False,
    tolerance: float = 1e-5,
    dump: Path | None = None,
    check_passes: Flag = False,
    fold_batchnorm: Flag = False,
    stub: Flag = False,
    html: Flag = False,
    plugin: Names = (),
    target: str = "mindspore",
    skip_pass: Names = (),
    only_pass: Names = (),
    force: Flag = False,
    verbose: Annotated[Flag, Parameter(name=["--verbose", "-v"])] = False,
    quiet: Annotated[Flag, Parameter(name=["--quiet", "-q"])] = False,
) -> None:
    """Compile an ONNX model into readable MindSpore source and weights, and prove them equal to it.

    Exit status: 0 converted and proved, 1 cannot be converted, 2 wrong use,
    3 converted but not proved, 4 converted but for some operators (the files are kept).

    Args:
        model: The .onnx file.
        output: Folder to write; <model>_mindspore in the current folder if not given.
        shape: Shape of an input, NAME:D,D,… or, of the only one, D,D,…: numbers or names.
        outputs: Values to end the network at, NAME,NAME,….
        weights: Format of the weights.
        inputs: An .npz file of arrays to prove it on, one an input, for each call of the network;
            made from a seed if not given.
        verify: Modes of MindSpore to prove it in; both if not given.
        no_verify: Same as --verify none.
        tolerance: Largest max|a-b| / max|b| of a float32 output.
        dump: Folder to write the graph to after every stage, for Netron.
        check_passes: Run the graph before and after every pass.
        fold_batchnorm: Make BatchNormalization a part of the convolution before it; the result
            does not train as the model did.
        stub: Convert the rest where operators cannot be compiled: each becomes a cell that raises.
        html: Write report.html too, a page for a browser, with the error of every layer.
        plugin: A .py or .onnxtxt file or a module to use beside the installed plugins: this runs
            its code. Give it no code that you do not trust.
        target: The framework whose source is written; plugins bring others.
        skip_pass: A pass that does not run; `onnx2ms passes` lists them.
        only_pass: A pass beside which no others run in the stages that it stands in.
        force: Replace an output folder that is not empty.
        verbose: Tell each step, the nodes that each pass removes and makes, and the details of an
            error.
        quiet: Print errors only.
    """
    with lasting():
        from . import driver, verdict  # not for --help: they import onnx
    folder = driver.default_folder(model) if output is None else output
    with progress(model.name, verbose=verbose, quiet=quiet) as told:
        conversion = driver.convert(
            model,
            folder,
            shapes=parse_shapes(shape),
            outputs=[name for names in outputs for name in names.split(",")] or None,
            weights=weights,
            inputs=list(inputs) or None,
            verify=modes(verify, no_verify=no_verify),
            tolerance=tolerance,
            dump=dump,
            check_passes=check_passes,
            fold_batchnorm=fold_batchnorm,
            stub=stub,
            html=html,
            plugins=plugin,
            target=target,
            skip_passes=skip_pass,
            only_passes=only_pass,
            force=force,
            progress=told,
            explain=explained if verbose else None,
        )
    if not quiet:
        print("\n".join(verdict.summary(conversion, folder, verbose=verbose)))
    if conversion.stubs:
        raise verdict.to_be_written(conversion, model.name, folder)


@app.command(name="verify")
def recheck(
    folder: Path,
    /,
    *,
    against: str,
    gradients: Flag = False,
    steps: int = 0,
    inputs: Paths = (),
    verify: Verify = "both",
    tolerance: float = 1e-5,
    plugin: Names = (),
    verbose: Annotated[Flag, Parameter(name=["--verbose", "-v"])] = False,
    quiet: Annotated[Flag, Parameter(name=["--quiet", "-q"])] = False,
) -> None:
    """Hold a written folder, edited since or not, against its ONNX model or its PyTorch module.

    A module is imported from the current folder and called: this runs its code.

    Args:
        folder: The folder that onnx2ms wrote.
        against: The .onnx file, or package.module:factory, which returns the module and its
            example inputs.
        gradients: Compare gradients too, in inference and in training.
        steps: Train it beside the module for so many steps, by SGD and by AdamW.
        inputs: An .npz file of arrays to call an ONNX model with.
        verify: Modes of MindSpore.
        tolerance: Largest max|a-b| / max|b| of a float32 output of an ONNX model.
        plugin: A plugin that the folder was written with, as for `onnx2ms MODEL`. It runs.
        verbose: Tell each step, and the details of an error.
        quiet: Print errors only.
    """
    with lasting():
        from . import recheck, recheck_verdict
    with progress(folder.name, verbose=verbose, quiet=quiet) as told:
        found = recheck.verify(
            folder,
            against,
            verify=verify,
            tolerance=tolerance,
            inputs=list(inputs) or None,
            gradients=gradients,
            steps=steps,
            plugins=plugin,
            progress=told,
        )
    if not quiet:
        print("\n".join(recheck_verdict.summary(found)))


def main(arguments: Sequence[str] | None = None) -> int:
    """Run the command line and return its exit status.

    Args:
        arguments: Words after the command's name; None: those of the process, and the work is
            done in a child of it.
    """
    if arguments is None:
        return run_guarded(lambda: main(sys.argv[1:]))
    words = list(arguments)

    def run() -> object:
        try:
            command, bound, _ = app.parse_args(words, exit_on_error=False, print_error=False)
            return command(*bound.args, **bound.kwargs)
        except CycloptsError as error:
            help = "`onnx2ms --help` lists the options"
            raise UsageError(str(error), help=help) from error

    return status_of(run, verbose=not {"-v", "--verbose"}.isdisjoint(words))
