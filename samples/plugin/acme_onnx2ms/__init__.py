"""A plugin package: passes of three kinds, an operator of its own, and another target."""

from pathlib import Path

from onnx2ms.plugins import Plugin, Target, read_pass

from .flat_torch import TorchEmitter, run
from .passes import drop_double_negation, fuse_swoosh
from .swoosh import meaning, swoosh

HERE = Path(__file__).parent

plugin = Plugin(
    "acme",
    passes=[fuse_swoosh, drop_double_negation, read_pass(HERE / "fuse_quick_swoosh.onnxtxt")],
    emitters=[swoosh],
    meanings=[meaning],
    helpers=[HERE / "Swoosh.py"],
    targets=[Target("torch", TorchEmitter(), "one flat torch.nn.Module", run=run)],
    version="0.1",
)
