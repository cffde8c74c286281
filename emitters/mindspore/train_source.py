"""Source of `train.py`, the training script beside a generated module."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal

from .layout import fit
from .train_template import TEMPLATE

SAMPLES = 64
"""So many samples are made up."""

RATES = {"Momentum": 0.01, "AdamWeightDecay": 3e-4}
DECAYS = {"Momentum": 1e-4, "AdamWeightDecay": 0.05}

OPTIMIZERS = {
    "Momentum": ["    return nn.Momentum(groups, rates, momentum=0.9)"],
    "AdamWeightDecay": [
        "    # It leaves out PyTorch's correction of the bias, which the warm-up makes up for;",
        "    # mindspore.experimental.optim.AdamW has it.",
        "    return nn.AdamWeightDecay(groups, rates)",
    ],
}

BATCH_NORM_NOTE = """
Not so BatchNorm: it normalizes what each worker has; running statistics are averaged when a
checkpoint is written."""

DROPOUT_NOTE = """
In GRAPH mode a Dropout cannot be put back, so a run that goes on drops other elements than the one
that was stopped; all else is the same."""

AVERAGE = '''
def average_statistics(net: nn.Cell, mean: ops.AllReduce, workers: int) -> None:
    """Let all workers have the mean of their running statistics."""
    for value in net.get_parameters():
        if value.name.endswith((".moving_mean", ".moving_variance")):
            ops.assign(value, mean(value) / workers)

'''

RESEED = '''
def reseed(net: nn.Cell, seed: int) -> None:
    """Let every Dropout begin anew: MindSpore keeps no state of one that could be restored."""
    for number, (_, cell) in enumerate(net.cells_and_names()):
        if isinstance(cell, nn.Dropout):
            cell.dropout = ops.Dropout(1.0 - cell.p, seed, number + 1)

'''


@dataclass(frozen=True)
class Column:
    """One array of a sample: an input of the network, or the label.

    Attributes:
        name: A Python identifier.
        shape: That of one sample; of an input without an axis for the batch its whole shape.
        dtype: As the network takes it, `float32`.
        values: Of integers, the smallest and one more than the largest.
        batched: Whether the network takes it with an axis for the batch.
    """

    name: str
    shape: tuple[int, ...]
    dtype: str
    values: tuple[int, int] = (0, 2)
    batched: bool = True


@dataclass(frozen=True)
class Task:
    """What a network is trained for.

    Attributes:
        network: Its class.
        inputs: What it takes.
        outputs: How many it returns.
        output: Which of them the loss is computed of.
        kind: "classes" of an output [batch, classes], "tokens" of one [batch, length, classes],
            "values" of any.
        label: What the output is held against.
        classes: So many; 0 for values.
        batch: So many samples in a batch.
        fixed: Whether the network takes no other number.
        batch_norm: Whether it has a BatchNorm.
        dropout: Whether it has a Dropout.
        safetensors: Whether its checkpoints are safetensors.
    """

    network: str
    inputs: Sequence[Column]
    outputs: int
    output: int
    kind: Literal["classes", "tokens", "values"]
    label: Column
    classes: int
    batch: int
    fixed: bool
    batch_norm: bool
    dropout: bool
    safetensors: bool


def train_source(task: Task) -> str:
    """Return the text of train.py."""
    columns = [*task.inputs, task.label]
    optimizer = "Momentum" if task.batch_norm else "AdamWeightDecay"
    file = "model.safetensors" if task.safetensors else "model.ckpt"
    notes = (BATCH_NORM_NOTE if task.batch_norm else "") + (DROPOUT_NOTE if task.dropout else "")
    parts = {
        "network": task.network,
        "notes": notes,
        "weights": file,
        "format": ', format="safetensors"' if task.safetensors else "",
        "columns": _line(0, "COLUMNS = [" + ", ".join(f'"{c.name}"' for c in columns) + "]"),
        "samples": str(SAMPLES),
        "sample": "\n".join(f"            {_made(c)},  # {c.name}" for c in columns),
        "construct": _construct(task),
        "loss": "nn.MSELoss()" if task.kind == "values" else "nn.CrossEntropyLoss()",
        "rate": repr(RATES[optimizer]),
        "decay": repr(DECAYS[optimizer]),
        "optimizer": "\n".join(OPTIMIZERS[optimizer]),
        "batch": str(task.batch),
        "batch help": f"choices=[{task.batch}]" if task.fixed else 'help="for each worker"',
        "functions": (AVERAGE if task.batch_norm else "") + (RESEED if task.dropout else ""),
        "reseed": _reseed(8) if task.dropout else "",
        "reseed saved": _reseed(20) if task.dropout else "",
        "average": AVERAGED if task.batch_norm else "",
    }
    text = TEMPLATE
    for name, part in parts.items():
        text = text.replace(f"<<{name}>>", part)
    return text


AVERAGED = """
                if mean is not None:
                    average_statistics(net, mean, workers)"""


def _reseed(indent: int) -> str:
    return f"\n{' ' * (indent - 4)}reseed(with_loss, 1 + args.seed + rank + workers * taken)"


def _made(column: Column) -> str:
    """Return how a column of a made-up sample is computed."""
    shape, dtype = column.shape, f"np.{'bool_' if column.dtype == 'bool' else column.dtype}"
    low, stop = column.values
    if column.dtype in ("float16", "float32", "float64", "bfloat16"):
        # NumPy has no bfloat16: the network's own cast is written where it is called.
        normal = f"random.standard_normal({shape}, np.float32)"
        narrow = column.dtype in ("float16", "float64")
        return f"{normal}.astype({dtype})" if narrow else normal
    if stop - low == 1:
        return f"np.full({shape}, {low}, {dtype})"
    return f"random.integers({low}, {stop}, {shape}, {dtype})"


def _line(indent: int, text: str) -> str:
    return "\n".join(fit(indent, text))


def _construct(task: Task) -> str:
    """Return how the loss is computed of what the network takes, and a label."""
    arguments = ", ".join(f"{column.name}: ms.Tensor" for column in (*task.inputs, task.label))
    given = [
        f"{c.name}{'' if c.batched else '[0]'}"
        f"{'.astype(ms.bfloat16)' if c.dtype == 'bfloat16' else ''}"
        for c in task.inputs
    ]
    place = f"[{task.output}]" if task.outputs > 1 else ""
    label = task.label.name
    held = f"out, {label}{'' if task.label.batched else '[0]'}"
    if task.kind == "tokens":
        held = f"out.reshape(-1, {task.classes}), {label}.reshape(-1)"
    lines = (
        (4, f"def construct(self, {arguments}) -> ms.Tensor:"),
        (8, f"out = self._backbone({', '.join(given)}){place}"),
        (8, f"return self._loss_fn({held.replace('out', 'out.astype(ms.float32)', 1)})"),
    )
    return "\n".join(_line(indent, text) for indent, text in lines)
