"""Runs emitted rows in MindSpore: `run_rows.py FOLDER MODE`; a child process of the tests.

For each row it writes what the network computes, the gradients of a fixed sum of its outputs, or
the error, into FOLDER/MODE. Rows that are done are left out: after a crash it goes on behind it.
"""

import importlib.util
import json
import sys
from pathlib import Path

import mindspore as ms
import numpy as np


def load(path):
    """Import a module from its file: GRAPH reads its source there."""
    spec = importlib.util.spec_from_file_location(path.stem, path)
    module = importlib.util.module_from_spec(spec)
    sys.modules[path.stem] = module
    spec.loader.exec_module(module)
    return module


def arrays(outputs):
    outputs = outputs if isinstance(outputs, tuple) else (outputs,)
    dtypes = [str(output.dtype) for output in outputs]
    wide = [o.astype(ms.float32) if o.dtype == ms.bfloat16 else o for o in outputs]
    return [output.asnumpy() for output in wide], dtypes


def gradients(net, inputs, weights):
    """Return the gradients of sum(weight * output) by every input of float32."""

    def loss(*operands):
        outputs = net(*operands)
        outputs = outputs if isinstance(outputs, tuple) else (outputs,)
        return sum((output * weights[i]).sum() for i, output in enumerate(outputs) if i in weights)

    places = tuple(i for i, x in enumerate(inputs) if x.dtype == ms.float32)
    found = ms.grad(loss, grad_position=places)(*inputs)
    return [g.asnumpy() for g in (found if isinstance(found, tuple) else (found,))]


def run(row, folder, mode):
    """Compute one row; return its dtypes."""
    with np.load(folder / f"{row}.in.npz") as stored:
        inputs = [ms.Tensor(stored[f"x{i}"]) for i in range(sum(k[0] == "x" for k in stored))]
        weights = {int(k[1:]): ms.Tensor(stored[k]) for k in stored if k[0] == "g"}
    module = load(folder / f"{row}.py")
    net = module.build_model(module.WEIGHTS if module.WEIGHTS.exists() else None)
    outputs, dtypes = arrays(net(*inputs))
    results = {f"y{i}": output for i, output in enumerate(outputs)}
    result = {"dtypes": dtypes}
    np.savez(folder / mode / f"{row}.npz", **results)
    if weights:
        try:
            results.update((f"g{i}", g) for i, g in enumerate(gradients(net, inputs, weights)))
            np.savez(folder / mode / f"{row}.npz", **results)
        except Exception as error:
            result["gradient_error"] = f"{type(error).__name__}: {error}"
    return result


def main(folder, mode):
    ms.set_context(mode=ms.GRAPH_MODE if mode == "graph" else ms.PYNATIVE_MODE)
    for row in json.loads((folder / "rows.json").read_text()):
        done = folder / mode / f"{row}.json"
        if done.exists():
            continue
        done.write_text(json.dumps({"error": "MindSpore crashed"}))
        try:
            result = run(row, folder, mode)
        except Exception as error:
            result = {"error": f"{type(error).__name__}: {error}"}
        done.write_text(json.dumps(result))


main(Path(sys.argv[1]), sys.argv[2])
