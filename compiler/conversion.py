"""What a conversion hands back."""

import atexit
import hashlib
import importlib.util
import shutil
import sys
import tempfile
from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path
from types import ModuleType
from typing import TYPE_CHECKING

from ..emitters.base import Place, Stub
from .report import Report
from .verify.verify import Verification

if TYPE_CHECKING:
    from mindspore import nn  # pyright: ignore[reportMissingTypeStubs]


@dataclass(frozen=True)
class Conversion:
    """A network as MindSpore source and weights.

    Attributes:
        source: Text of `model.py`.
        report: What `report.json` holds; docs/report.md describes it.
        source_map: Where each value of the graph is computed in the source, in topological order.
        verification: What a comparison with the model found; None where nobody asked for it.
        folder: The folder that was written; None where none was asked for.
        checkpoint: File of the weights. Without a folder it lives as long as this object.
        stubs: Operators that are still to be written.
    """

    source: str
    report: Report
    source_map: Sequence[Place] = field(repr=False)
    verification: Verification | None = field(repr=False)
    folder: Path | None
    checkpoint: Path = field(repr=False)
    stubs: Sequence[Stub] = ()

    @property
    def verified(self) -> bool | None:
        """Whether the network computes what the model does; None if nobody looked."""
        return self.report["verified"]

    def cell(self) -> "nn.Cell":
        """Build the network and load its weights; it runs in PYNATIVE and in GRAPH mode.

        Returns:
            The network in inference mode.

        Raises:
            ImportError: MindSpore is not installed.
        """
        cell: nn.Cell = import_source(self.source).build_model(self.checkpoint)
        return cell


def import_source(source: str) -> ModuleType:
    """Import generated source under a name of its own.

    GRAPH mode reads a class's source again when it compiles, by module and file name, so the
    module gets a file that stays until the interpreter ends.
    """
    name = f"onnx2ms_model_{hashlib.sha256(source.encode()).hexdigest()[:16]}"
    if name in sys.modules:
        return sys.modules[name]
    folder = Path(tempfile.mkdtemp(prefix="onnx2ms-"))
    atexit.register(shutil.rmtree, folder, ignore_errors=True)
    file = folder / "model.py"
    file.write_text(source, encoding="utf-8")
    spec = importlib.util.spec_from_file_location(name, file)
    if spec is None or spec.loader is None:
        raise ImportError(f"cannot import {file}")
    module = importlib.util.module_from_spec(spec)
    sys.modules[name] = module
    try:
        spec.loader.exec_module(module)
    except BaseException:
        del sys.modules[name]
        raise
    return module
