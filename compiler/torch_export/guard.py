"""A network, and PyTorch itself, as they were before, whatever happens in between."""

import logging
import traceback
import warnings
from collections.abc import Callable, Generator
from contextlib import contextmanager
from pathlib import Path

import torch
from torch.jit._trace import TracerWarning

LOGGERS = ("torch.onnx", "torch.export", "onnxscript")
"""Who talks while a network is exported."""

PASSING = ("_tensor.py", "overrides.py", "functional.py")
"""Files of PyTorch through which a call of the user's passes."""


@contextmanager
def inference(module: torch.nn.Module) -> Generator[None]:
    """Put a network into inference mode, and afterwards everything back as it was.

    The flags are set one by one: `train` and `eval` of a module may do more, such as merge weights.
    What is put back: flags, gradient mode, default type, state of chance, warnings.

    Args:
        module: Its modules may be in different modes.
    """
    flags = [(part, part.training) for part in module.modules()]
    gradients, dtype = torch.is_grad_enabled(), torch.get_default_dtype()
    devices = {p.device for p in module.parameters() if p.device.type == "cuda"}
    try:
        fork = torch.random.fork_rng  # pyright: ignore[reportUnknownMemberType, reportUnknownVariableType]
        with fork(devices=list(devices)), warnings.catch_warnings():
            for part, _ in flags:
                part.training = False
            yield
    finally:
        for part, training in flags:
            part.training = training
        torch.set_grad_enabled(gradients)
        torch.set_default_dtype(dtype)


@contextmanager
def forwarding(module: torch.nn.Module, forward: Callable[..., object]) -> Generator[None]:
    """Let a network compute by another function.

    Only so its modules keep their paths: a wrapper would stand around them.
    """
    kept = module.__dict__.get("forward")
    module.__dict__["forward"] = forward
    try:
        yield
    finally:
        if kept is None:
            del module.__dict__["forward"]
        else:
            module.__dict__["forward"] = kept


@contextmanager
def listening() -> Generator[list[str]]:
    """Keep PyTorch's exporters from printing; yield what the tracer warns of in the user's code.

    Each warning comes with its line, without what it repeats each time.
    """
    told: list[str] = []

    def note(message: Warning | str, category: type[Warning], *_: object, **__: object) -> None:
        place = _place() if issubclass(category, TracerWarning) else None
        if place is not None:
            text = " ".join(str(message).split()).partition(" We can't record")[0]
            told.append(f"{Path(place.filename).name}, line {place.lineno}: {text}")

    levels = {name: logging.getLogger(name).level for name in LOGGERS}
    for name in LOGGERS:
        logging.getLogger(name).setLevel(logging.CRITICAL)
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("always")
            warnings.showwarning = note
            yield told
    finally:
        for name, level in levels.items():
            logging.getLogger(name).setLevel(level)


def _place() -> traceback.FrameSummary | None:
    """Return the line that is being traced; None where it is PyTorch's own."""
    torch_folder = Path(torch.__file__).parent
    passing = [Path(__file__).parent, *(torch_folder / name for name in PASSING)]
    for frame in reversed(traceback.extract_stack()):
        file = Path(frame.filename)
        if file.name == "warnings.py" or any(file.is_relative_to(part) for part in passing):
            continue
        return None if file.is_relative_to(torch_folder) else frame
    return None
