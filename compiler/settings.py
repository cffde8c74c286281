"""What was asked of a conversion, checked before any work is done."""

import math
import os
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Literal, TypeAlias, get_args

from .ir.errors import UsageError, quoted

if TYPE_CHECKING:
    from .ir.graph import Array
    from .plugins.load import AnyPlugin
    from .verify.process import Mode

AnyPath: TypeAlias = str | os.PathLike[str]
Format: TypeAlias = Literal["ckpt", "safetensors"]
Verify: TypeAlias = Literal["both", "pynative", "graph", "none"]


@dataclass(frozen=True)
class Settings:
    """What was asked of a conversion.

    Attributes:
        shapes: Dimensions by input, a number or a symbol each; '' stands for the only input.
        outputs: Values to compute instead of the model's outputs; None: these.
        weights: Format of the checkpoint.
        verify: In which modes the network is proved.
        tolerance: Error that a float32 output may have.
        inputs: The arrays to verify on, or .npz files of them, one for each call of the network;
            none: they are made up.
        dump: Folder for the graph after every stage.
        check_passes: Whether the graph is run before and after every pass.
        model_name: Name of the model in source and report; None: the file's.
        fold_batchnorm: Whether BatchNormalization becomes a part of the convolution before it.
        stub: Whether a cell that raises stands for each operator that cannot be compiled.
        html: Whether the report is written as a page too.
        plugins: Plugins beside the installed ones.
        target: The framework whose source is written.
        skip_passes: Passes that do not run.
        only_passes: Passes that run alone in their stages.
    """

    shapes: Mapping[str, Sequence[int | str]]
    outputs: Sequence[str] | None
    weights: Format
    verify: Verify
    tolerance: float
    inputs: "Sequence[AnyPath | Mapping[str, Array]]"
    dump: AnyPath | None
    check_passes: bool
    model_name: str | None
    fold_batchnorm: bool = False
    stub: bool = False
    html: bool = False
    plugins: "AnyPlugin | Sequence[AnyPlugin]" = ()
    target: str = "mindspore"
    skip_passes: Sequence[str] = ()
    only_passes: Sequence[str] = ()

    def __post_init__(self) -> None:
        """Check what a type does not say; a pass named alone stands for a list of it.

        Raises:
            UsageError: A value is none of those allowed.
        """
        for name, value, kind in (
            ("weights", self.weights, Format),
            ("verify", self.verify, Verify),
        ):
            if value not in get_args(kind):
                raise UsageError(
                    f"{name} cannot be {quoted(str(value))}", help=f"one of {choices(kind)}"
                )
        for name in ("skip_passes", "only_passes"):
            given: Sequence[str] = getattr(self, name)
            object.__setattr__(self, name, [given] if isinstance(given, str) else list(given))
        if not 0 <= self.tolerance < math.inf:
            raise UsageError(
                f"the tolerance cannot be {self.tolerance}",
                help="a number such as 1e-5: the largest max|a-b| / max|b| of an output",
            )

    @property
    def modes(self) -> "tuple[Mode, ...]":
        """The modes of MindSpore to run, none where nothing is to be proved."""
        if self.verify == "both":
            return ("pynative", "graph")
        return () if self.verify == "none" else (self.verify,)

    @property
    def inputs_files(self) -> list[Path]:
        """The files of the arrays to verify on, if they come from files."""
        return [Path(item) for item in self.inputs if isinstance(item, (str, os.PathLike))]

    @property
    def weights_file(self) -> str:
        """Name of the checkpoint."""
        return f"model.{self.weights}"


def choices(kind: object) -> str:
    """Return the values of a Literal, for people."""
    return ", ".join(map(str, get_args(kind)))
