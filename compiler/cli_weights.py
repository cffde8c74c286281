"""The command `onnx2ms weights`: a later checkpoint for a source that was written before."""

from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

from cyclopts import Parameter

from .ir.errors import UsageError, quoted
from .terminal import Flag, lasting
from .torch_export.extra import need_torch

if TYPE_CHECKING:
    from .checkpoints.stored import Stored
    from .checkpoints.transfer import WeightMap

MINDSPORE = (".ckpt", ".safetensors")
TORCH = (".pth", ".pt", ".bin", ".safetensors")


def weights(
    checkpoint: Path,
    /,
    *,
    map: Path,
    output: Annotated[Path, Parameter(name=["--output", "-o"])],
    to_torch: Flag = False,
    force: Flag = False,
    quiet: Annotated[Flag, Parameter(name=["--quiet", "-q"])] = False,
) -> None:
    """Make a checkpoint for MindSpore of a later one of PyTorch's, or the other way round.

    Nothing in a checkpoint is run. What is missing, over, misshapen or was folded is listed, with
    exit status 1; then nothing is written.

    Args:
        checkpoint: PyTorch's, .pth, .pt, .bin or .safetensors, or the index of several parts;
            with --to-torch MindSpore's, .ckpt or .safetensors.
        map: The weight_map.json beside the source.
        output: File to write: .ckpt or .safetensors; with --to-torch .pth, .pt, .bin or
            .safetensors, which load_state_dict takes strictly.
        to_torch: Go home, from MindSpore to PyTorch.
        force: Replace an output that exists.
        quiet: Print errors only.
    """
    suffixes = TORCH if to_torch else MINDSPORE
    if output.suffix not in suffixes:
        raise UsageError(
            f"{quoted(str(output), 4096)} cannot be written: its name says no format",
            help=f"end it with one of {', '.join(suffixes)}",
        )
    with lasting():
        from .checkpoints.torch_files import read_checkpoint
        from .checkpoints.transfer import read_map
        from .output import output_file
    found, tensors = read_map(map), read_checkpoint(checkpoint)
    with output_file(output, force=force) as unfinished:
        number = (_home if to_torch else _there)(found, tensors, unfinished)
    if not quiet:
        print(f"{quoted(str(output), 4096)[1:-1]}  {number} tensors")


def _there(weight_map: "WeightMap", tensors: "Mapping[str, Stored]", path: Path) -> int:
    """Write MindSpore's checkpoint; return the number of its tensors."""
    from ..emitters.mindspore.checkpoint import write_checkpoint
    from ..emitters.mindspore.safetensors_file import write_safetensors
    from .checkpoints.transfer import to_mindspore

    parameters = to_mindspore(weight_map, tensors)
    write = write_checkpoint if path.suffix == ".ckpt" else write_safetensors
    write(parameters, path)
    return len(parameters)


def _home(weight_map: "WeightMap", tensors: "Mapping[str, Stored]", path: Path) -> int:
    """Write PyTorch's checkpoint; return the number of its tensors."""
    from ..emitters.mindspore.safetensors_file import write_safetensors
    from .checkpoints.transfer import as_weights, to_torch

    state_dict = to_torch(weight_map, tensors)
    if path.suffix == ".safetensors":
        write_safetensors(as_weights(state_dict), path, framework="pt")
    else:
        need_torch()
        from .torch_export.saved import save

        save(state_dict, path)
    return len(state_dict)
