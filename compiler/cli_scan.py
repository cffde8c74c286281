"""The command `onnx2ms scan`: what of PyTorch a project uses, and what MindSpore has for it."""

from pathlib import Path
from typing import Annotated, Literal

from cyclopts import Parameter

from .ir.errors import Onnx2msError, UsageError, count, quoted
from .terminal import Flag, contradiction, lasting


class FoundError(Onnx2msError):
    """The scan found what `--fail-on` names."""


def scan(
    path: Path,
    /,
    *paths: Path,
    json: Flag = False,
    html: Flag = False,
    sarif: Flag = False,
    fix: Flag = False,
    in_place: Flag = False,
    output: Annotated[Path | None, Parameter(name=["--output", "-o"])] = None,
    fail_on: Literal["unsupported", "differs"] | None = None,
    verbose: Annotated[Flag, Parameter(name=["--verbose", "-v"])] = False,
) -> None:
    """Report every use of PyTorch in sources, with MindSpore's counterpart and what differs.

    The sources are read, never run: files, notebooks and folders.

    Args:
        path: A .py or .ipynb file, or a folder.
        paths: More of them.
        json: Print JSON.
        html: Print a page for a browser.
        sarif: Print SARIF, which code hosts show beside the lines.
        fix: Write the sources anew into the folder that -o names, with MindSpore's names for what
            is the same there.
        in_place: With --fix, change the sources themselves.
        output: File to write instead of printing; with --fix the folder.
        fail_on: End with status 1 if something has no counterpart, or also if something differs.
        verbose: List every place, and what is the same.
    """
    if sum((json, html, sarif)) > 1:
        raise contradiction("--json, --html", "--sarif")
    if fix and (output is None) != in_place:
        raise UsageError("--fix needs a place to write to", help="-o DIR, or --in-place")
    if in_place and not fix:
        raise UsageError("--in-place belongs to --fix", help="add --fix, or leave it out")
    with lasting():
        from .scan import show
        from .scan.rewrite import rewrite
        from .scan.scan import scan as run
    found = run([path, *paths])
    if fix:
        for line in rewrite([path, *paths], output):
            print(line)
        return
    if json:
        text = show.to_json(found)
    elif html:
        text = show.to_html(found)
    elif sarif:
        text = show.to_sarif(found)
    else:
        text = "".join(f"{line}\n" for line in show.text(found, verbose=verbose))
    if output is None:
        print(text, end="")
    else:
        try:
            output.write_text(text, encoding="utf-8", errors="backslashreplace")
        except OSError as error:
            raise UsageError(
                f"{quoted(str(output), 4096)} cannot be written: {error.strerror}"
            ) from error
    counts = found.counts()
    hard = counts["none"] + counts["unknown"] + (counts["differs"] if fail_on == "differs" else 0)
    if fail_on and hard:
        raise FoundError(f"{count(hard, 'use')} of PyTorch cannot be taken over as they are")
