"""The command `mindconverter`: the retired tool's line, word for word, and the files that it wrote.

MindConverter 1.7, `mindconverter --model_file M.onnx --shape 1,3,224,224 --input_nodes input
--output_nodes output --output DIR --report DIR`; docs/migrating-from-mindconverter.md has the rest.
"""

import argparse
import json
import sys
from collections.abc import Mapping, Sequence
from contextlib import ExitStack
from pathlib import Path
from typing import TYPE_CHECKING, NoReturn, cast

from .. import __version__
from .ending import status_of
from .guarded import run_guarded
from .ir.errors import NotProvenError, UsageError, quoted
from .output import output_file, writing
from .terminal import lasting, parse_shapes, progress

if TYPE_CHECKING:
    from .conversion import Conversion

TENSORFLOW = ("a TensorFlow model is not read", "tf2onnx makes an .onnx file of it")
SCRIPT = (
    "scripts are not rewritten by this command",
    "`onnx2ms scan FILE --fix` does what can be proved; a network is better compiled, with"
    " `onnx2ms torch package.module:factory`",
)
OTHER = ("that is no .onnx file", "torch.onnx.export makes one of a network of PyTorch's")


class _Parser(argparse.ArgumentParser):
    def error(self, message: str) -> NoReturn:
        raise UsageError(message, help="`mindconverter --help` lists the options")


def parser() -> argparse.ArgumentParser:
    """Return the parser of the retired tool's options."""
    found = _Parser(prog="mindconverter", allow_abbrev=False, description=__doc__)
    found.add_argument("--version", action="version", version=f"onnx2ms {__version__}")
    found.add_argument("--model_file", type=Path, help="the .onnx file")
    found.add_argument("--framework", help="ignored: ONNX is the only one")
    found.add_argument("--shape", nargs="+", default=[], help="D,D,… or NAME:D,D,…, one an input")
    found.add_argument("--input_nodes", nargs="+", default=[], help="names of the inputs")
    found.add_argument("--output_nodes", nargs="+", default=[], help="values to end at")
    found.add_argument("--output", type=Path, default=Path("output"), help="folder; ./output")
    found.add_argument("--report", type=Path, help="folder of the reports; that of --output")
    found.add_argument("--in_file", type=Path, help="refused: a script of PyTorch's")
    found.add_argument("--project_path", type=Path, help="ignored")
    return found


def main(arguments: Sequence[str] | None = None) -> int:
    """Run the command and return its exit status, that of `onnx2ms`.

    Args:
        arguments: Words after the command's name; None: those of the process, and the work is
            done in a child of it.
    """
    if arguments is None:
        return run_guarded(lambda: main(sys.argv[1:]))
    return status_of(lambda: _convert(parser().parse_args(arguments)))


def _convert(told: argparse.Namespace) -> None:
    model = _model(told)
    names = [name for word in told.output_nodes for name in word.split(",")]
    report = told.report or told.output
    with lasting():
        from . import driver, verdict
    with ExitStack() as stack:
        for folder in (told.output, report):
            with writing(folder):
                folder.mkdir(parents=True, exist_ok=True)
        stem = model.stem
        source, weights, text, mapping = (
            stack.enter_context(output_file(path))
            for path in (
                told.output / f"{stem}.py",
                told.output / f"{stem}.ckpt",
                report / f"report_of_{stem}.txt",
                report / f"weight_map_of_{stem}.json",
            )
        )
        failed: NotProvenError | None = None
        with progress(model.name, verbose=False, quiet=False) as step:
            try:
                conversion = driver.convert(
                    model, shapes=_shapes(told), outputs=names or None, progress=step
                )
            except NotProvenError as error:
                failed, conversion = error, _finished(error)
        lines = verdict.summary(conversion, told.output, verbose=True)
        kept = conversion.checkpoint.parent
        source.write_text(renamed(conversion.source, f"{stem}.ckpt"), encoding="utf-8")
        weights.write_bytes(conversion.checkpoint.read_bytes())
        text.write_text(_report(lines, failed), encoding="utf-8", errors="backslashreplace")
        entries = json.loads((kept / "weight_map.json").read_text(encoding="utf-8"))
        mapping.write_text(weight_map(stem, entries["parameters"]), encoding="utf-8")
    if failed is not None:
        raise failed
    print("\n".join(_report(lines, None).splitlines()))


def _model(told: argparse.Namespace) -> Path:
    """Return the .onnx file.

    Raises:
        UsageError: None is named, or one of another kind.
    """
    if told.in_file is not None:
        raise UsageError(SCRIPT[0], help=SCRIPT[1])
    if told.model_file is None:
        raise UsageError("--model_file is missing", help="name the .onnx file")
    path: Path = told.model_file
    if path.suffix != ".onnx":
        what, help = TENSORFLOW if path.suffix == ".pb" else OTHER
        raise UsageError(f"{quoted(str(path), 4096)}: {what}", help=help)
    return path


def _shapes(told: argparse.Namespace) -> dict[str, list[int | str]]:
    """Return dimensions by input: named in --shape itself, or by --input_nodes in their order.

    Raises:
        UsageError: There are not as many shapes as names.
    """
    texts = [text.strip("\"'") for text in told.shape]
    names = [name for word in told.input_nodes for name in word.split(",")]
    if not names or any(":" in text for text in texts):
        return parse_shapes(texts)
    if len(names) != len(texts) and texts:
        raise UsageError(
            f"--shape gives {len(texts)} shapes, --input_nodes {len(names)} names",
            help="give as many of both, in the same order",
        )
    return parse_shapes([f"{name}:{text}" for name, text in zip(names, texts, strict=bool(texts))])


def _finished(error: NotProvenError) -> "Conversion":
    from .conversion import Conversion

    assert isinstance(error.conversion, Conversion), "the driver gives it"
    return error.conversion


def renamed(source: str, weights: str) -> str:
    """Return a module that looks for its weights under another name.

    Args:
        source: Text of model.py.
        weights: Name of the file beside it.
    """
    before = 'WEIGHTS = Path(__file__).with_name("model.ckpt")\n'
    assert source.count(before) <= 1, "the emitter writes it once, or not at all"
    after = f"WEIGHTS = Path(__file__).with_name({json.dumps(weights)})\n"
    return source.replace(before, after)


def _report(lines: Sequence[str], failed: NotProvenError | None) -> str:
    """Return report_of_<model>.txt: the retired tool's frame around what was proved."""
    end = [f"not proved: {failed.message}"] if failed else []
    rate = "Converted Rate: 100.00%."
    return "\n".join(["[Start Convert]", *lines, *end, "[Convert Over]", rate]) + "\n"


def weight_map(model: str, parameters: Sequence[Mapping[str, object]]) -> str:
    """Return weight_map_of_<model>.json in the retired tool's form.

    Args:
        model: Stem of the model's file.
        parameters: Those of weight_map.json.
    """
    content = {
        model: [
            {
                "converted_weight": {
                    "name": entry["name"],
                    "shape": entry["shape"],
                    "data_type": str(entry["dtype"]).capitalize(),
                },
                "source_weight": {
                    "name": entry["state_dict"] or entry["initializer"],
                    "shape": _source_shape(entry),
                    "data_type": entry["dtype"],
                },
            }
            for entry in parameters
        ]
    }
    return json.dumps(content, indent=1) + "\n"


def _source_shape(entry: Mapping[str, object]) -> object:
    """Return the shape in PyTorch, where it is known that elements were moved."""
    moves = entry.get("moves")
    moved = cast("Mapping[str, object]", moves) if isinstance(moves, dict) else entry
    return moved["shape"]
