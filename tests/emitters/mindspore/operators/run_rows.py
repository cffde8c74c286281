"""Runs emitted rows in MindSpore: `run_rows.py FOLDER MODE`; a child process of the tests.

For each row it writes what the network computes, the gradients of a weighted sum of its outputs, or
the error, into FOLDER/MODE. Rows that are done are left out: after a crash it goes on behind it.
In GRAPH many rows are compiled as one network, which costs a third of what they cost apart.
"""

import importlib.util
import json
import os
import sys
from pathlib import Path

import mindspore as ms
import numpy as np
from mindspore import nn

TOGETHER = {"graph": 40, "pynative": 1}
ALIKE = ("activations", "arithmetic", "joining", "logic", "ranking", "reduction", "shape", "unary")
"""Kinds of operators whose gradients are derived in PYNATIVE only, unless EVERY is set."""
EVERY = "ONNX2MS_EVERY_GRADIENT"
"""Variable of the environment that `make gradients` sets."""


class Row:
    """A network, its operands, and the weights of its outputs in the sum that is derived."""

    def __init__(self, name, folder):
        self.name = name
        spec = importlib.util.spec_from_file_location(name, folder / f"{name}.py")
        module = importlib.util.module_from_spec(spec)
        sys.modules[name] = module  # GRAPH reads the source of a class in its module's file
        spec.loader.exec_module(module)
        self.net = module.build_model(module.WEIGHTS if module.WEIGHTS.exists() else None)
        with np.load(folder / f"{name}.in.npz") as stored:
            arrays = dict(stored)
        self.operands = [
            ms.Tensor(arrays[f"x{i}"], ms.bfloat16 if kind == "bfloat16" else None)
            for i, kind in enumerate(arrays["types"])
        ]
        self.outputs = int(arrays["outputs"])
        given = [i for i in range(self.outputs) if f"g{i}" in arrays]
        self.weights = {i: ms.Tensor(arrays[f"g{i}"]) for i in given}


class Group(nn.Cell):
    """Networks that are called one after the other; returns all of their outputs."""

    def __init__(self, rows):
        super().__init__()
        self.nets = nn.CellList([row.net for row in rows])
        self.several = tuple(row.outputs > 1 for row in rows)
        ends = [sum(len(row.operands) for row in rows[: i + 1]) for i in range(len(rows))]
        self.places = tuple(zip([0, *ends[:-1]], ends, strict=True))

    def construct(self, *operands):
        outputs = ()
        for i in range(len(self.places)):
            start, end = self.places[i]
            output = self.nets[i](*operands[start:end])
            outputs = outputs + (output if self.several[i] else (output,))
        return outputs


def main(folder, mode):
    ms.set_context(mode=ms.GRAPH_MODE if mode == "graph" else ms.PYNATIVE_MODE)
    names = json.loads((folder / "rows.json").read_text())
    left = [name for name in names if not (folder / mode / f"{name}.json").exists()]
    for start in range(0, len(left), TOGETHER[mode]):
        group = left[start : start + TOGETHER[mode]]
        for name in group:
            tell(folder / mode, name, error="MindSpore crashed")
        try:
            run(group, folder, mode)
        except Exception:
            for name in group:
                run_alone(name, folder, mode)


def run_alone(name, folder, mode):
    """Run a row whose group failed, or whose mode knows no groups; tell its error."""
    try:
        run([name], folder, mode)
    except Exception as error:
        told = json.loads((folder / mode / f"{name}.json").read_text())
        kind = "gradient_error" if "dtypes" in told else "error"
        tell(folder / mode, name, **{**told, kind: f"{type(error).__name__}: {error}"})


def tell(folder, name, **what):
    (folder / f"{name}.json").write_text(json.dumps(what))


def run(names, folder, mode):
    """Compute rows, then their gradients, and write both."""
    rows = [Row(name, folder) for name in names]
    group = Group(rows)
    outputs = iter(group(*(operand for row in rows for operand in row.operands)))
    for row in rows:
        own = [next(outputs) for _ in range(row.outputs)]
        wide = [o.astype(ms.float32) if o.dtype == ms.bfloat16 else o for o in own]
        np.savez(folder / mode / f"{row.name}.npz", *(output.asnumpy() for output in wide))
        tell(folder / mode, row.name, dtypes=[str(output.dtype) for output in own])
    smooth = [row for row in rows if row.weights and is_derived(row.name, mode)]
    if smooth:
        gradients = iter(derive(smooth))
        for row in smooth:
            own = [next(gradients).asnumpy() for x in row.operands if x.dtype == ms.float32]
            np.savez(folder / mode / f"{row.name}.gradients.npz", *own)


def is_derived(name, mode):
    """Tell whether gradients are computed: in GRAPH they cost more than all the rest."""
    return mode == "pynative" or EVERY in os.environ or name.partition("_")[0] not in ALIKE


def derive(rows):
    """Return the gradients of the weighted sum of all outputs by each operand of float32."""
    group = Group(rows)
    weights, first = {}, 0
    for row in rows:
        weights |= {first + i: weight for i, weight in row.weights.items()}
        first += row.outputs
    operands = [operand for row in rows for operand in row.operands]
    places = tuple(i for i, operand in enumerate(operands) if operand.dtype == ms.float32)

    def loss(*operands):
        outputs = group(*operands)
        return sum((outputs[i] * weights[i]).sum() for i in weights)

    found = ms.grad(loss, grad_position=places)(*operands)
    return found if isinstance(found, tuple) else (found,)


if __name__ == "__main__":
    main(Path(sys.argv[1]), sys.argv[2])
