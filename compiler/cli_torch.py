"""The command `onnx2ms torch`: a network that the user's own code makes."""

import shlex
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Annotated, Literal

from cyclopts import Parameter

from .settings import Format, Verify
from .terminal import Flag, Names, Paths, lasting, modes, parse_shapes, progress


def torch(
    factory: str,
    /,
    *,
    output: Annotated[Path | None, Parameter(name=["--output", "-o"])] = None,
    input: Names = (),
    shape: Names = (),
    inference: Flag = False,
    exporter: Literal["auto", "legacy", "dynamo"] = "auto",
    weights: Format = "ckpt",
    inputs: Paths = (),
    verify: Verify | None = None,
    no_verify: Flag = False,
    tolerance: float = 1e-5,
    dump: Path | None = None,
    check_passes: Flag = False,
    html: Flag = False,
    plugin: Names = (),
    target: str = "mindspore",
    skip_pass: Names = (),
    only_pass: Names = (),
    force: Flag = False,
    verbose: Annotated[Flag, Parameter(name=["--verbose", "-v"])] = False,
    quiet: Annotated[Flag, Parameter(name=["--quiet", "-q"])] = False,
) -> None:
    """Compile a network of PyTorch into MindSpore source that trains, and prove it against PyTorch.

    This runs your code: the module is imported from the current folder, its factory is called and
    the network is run. Give it no code that you do not trust.

    Args:
        factory: package.module:factory; the factory needs no arguments and returns the
            torch.nn.Module, or a pair of it and its example inputs.
        output: Folder to write; <class>_mindspore in the current one if not given.
        input: An example input, D,D,…:TYPE such as 1,3,224,224:float32, for each one that forward
            takes; made up from a seed. Not needed where the factory gives example inputs.
        shape: Open dimensions of an input, NAME:D,D,… or, of the only one, D,D,…: names for those
            that are open.
        inference: Fold what only training needs: BatchNorm into weights, Dropout away.
        exporter: Which of PyTorch's exporters; auto: legacy and, where that fails, dynamo.
        weights: Format of the weights.
        inputs: An .npz file of arrays to prove it on instead of the example inputs.
        verify: Modes of MindSpore to prove it in; both if not given.
        no_verify: Same as --verify none.
        tolerance: Largest max|a-b| / max|b| of a float32 output.
        dump: Folder to write the graph to after every stage, for Netron.
        check_passes: Run the graph before and after every pass.
        html: Write report.html too, a page for a browser, with the error of every layer.
        plugin: A .py or .onnxtxt file or a module to use beside the installed plugins. It runs.
        target: The framework whose source is written; plugins bring others.
        skip_pass: A pass that does not run; `onnx2ms passes` lists them.
        only_pass: A pass beside which no others run in the stages that it stands in.
        force: Replace an output folder that is not empty.
        verbose: Tell each step, and the details of an error.
        quiet: Print errors only.
    """
    with lasting():
        from . import verdict
        from .torch_export.extra import need_torch

        need_torch()
        from .torch_export.examples import parse_examples
        from .torch_export.factory import load_factory
        from .torch_export.from_torch import from_torch
    made = load_factory(factory)
    examples = parse_examples(input) if input else made.given
    folder = Path(f"{type(made.module).__name__}_mindspore") if output is None else output
    options = {
        "--output": folder,
        "--exporter": None if exporter == "auto" else exporter,
        "--weights": None if weights == "ckpt" else weights,
        "--verify": verify,
        "--tolerance": None if tolerance == 1e-5 else tolerance,
        "--target": None if target == "mindspore" else target,
    }
    several = {
        "--input": input,
        "--shape": shape,
        "--inputs": inputs,
        "--plugin": plugin,
        "--skip-pass": skip_pass,
        "--only-pass": only_pass,
    }
    flags = {"--inference": inference, "--html": html}
    repeat = _command(factory, options, several, [flag for flag, given in flags.items() if given])
    with progress(factory, verbose=verbose, quiet=quiet) as told:
        conversion = from_torch(
            made.module,
            examples,
            folder,
            dynamic=parse_shapes(shape),
            trainable=not inference,
            exporter=exporter,
            weights=weights,
            verify=modes(verify, no_verify=no_verify),
            tolerance=tolerance,
            inputs=list(inputs) or None,
            dump=dump,
            force=force,
            check_passes=check_passes,
            html=html,
            plugins=plugin,
            target=target,
            skip_passes=skip_pass,
            only_passes=only_pass,
            progress=told,
            repeat=repeat,
        )
    if not quiet:
        print("\n".join(verdict.summary(conversion, folder, verbose=verbose)))


def _command(
    factory: str,
    options: Mapping[str, object],
    several: Mapping[str, Sequence[object]],
    flags: Sequence[str],
) -> str:
    """Return the command that does the same again."""
    words = ["onnx2ms", "torch", factory, "--force", *flags]
    words += [w for name, value in options.items() if value is not None for w in (name, str(value))]
    words += [w for name, values in several.items() for v in values for w in (name, str(v))]
    return shlex.join(words)
