"""Call PyTorch's APIs and MindSpore's on equal inputs: a program of its own.

    python pairs.py

Prints JSON: the names of the table that MindSpore does not have, and of each measured row what
differs, empty where nothing does.
"""

import ast
import importlib
import json
import os
import sys
from functools import reduce
from typing import Any

os.environ["GLOG_v"] = "4"  # noqa: SIM112 (MindSpore reads it so)

import mindspore as ms
import numpy as np
from mindspore import mint, nn, ops

from onnx2ms.compiler.scan.table import Api, table

RTOL, ATOL = 2e-4, 2e-5
"""Kernels of the two sum in another order; both compute in float32."""

SUBMODULES = """
    amp common.initializer dataset dataset.transforms dataset.vision experimental.optim
    experimental.optim.lr_scheduler hal mint.distributed profiler runtime
""".split()

NAMES = {
    "weight": ("weight", "gamma", "embedding_table", "w", "a"),
    "bias": ("bias", "beta"),
    "running_mean": ("moving_mean", "mean"),
    "running_var": ("moving_variance", "variance"),
}
"""What MindSpore's layers call the parameters of PyTorch's."""


def inputs() -> dict[str, Any]:
    """Return the arrays that the examples of the table name."""
    rng = np.random.default_rng(0)

    def signed(*shape: int) -> Any:
        return (rng.random(shape) * 4 - 2).astype(np.float32)

    square = signed(3, 3)
    spread = signed(2, 3, 4)
    return {
        "x": spread,
        "y": signed(2, 3, 4),
        "p": np.abs(signed(2, 3, 4)) + np.float32(0.3),
        "q": np.abs(signed(2, 3, 4)) + np.float32(0.3),
        "u": (rng.random((2, 3, 4)) * 0.9 + 0.05).astype(np.float32),
        "i": rng.integers(1, 9, (3, 4)),
        "j": rng.integers(1, 5, (3, 4)),
        "i3": rng.integers(0, 4, (2, 3, 4)),
        "a": signed(3, 4),
        "b": signed(4, 5),
        "c": signed(3, 5),
        "c4": signed(5, 4),
        "v": np.sort(signed(4)),
        "w": signed(4),
        "s3": signed(3),
        "x33": signed(2, 3, 3),
        "m": rng.random((2, 3, 4)) > 0.5,
        "sv": np.sort(signed(5)),
        "ix": np.array([2, 0]),
        "gi": rng.integers(0, 2, (2, 3, 4)),
        "a34": signed(4, 4),
        "img4": signed(1, 4, 4, 4),
        "img": signed(1, 3, 8, 8),
        "seq": signed(1, 3, 8),
        "vol": signed(1, 3, 4, 4, 4),
        "cx": (signed(2, 3, 4) + 1j * signed(2, 3, 4)).astype(np.complex64),
        "spd": (square @ square.T + 3 * np.eye(3)).astype(np.float32),
        "s31": signed(3, 1),
        "nanx": np.array([np.nan, np.inf, 1], np.float32),
        "long": signed(64),
        "k": np.array([1, 3, 0, 2]),
        "k3": np.array([1, 3, 0]),
        "table": signed(5, 6),
        "f5": signed(5),
        "f4": signed(4),
        "bw": signed(2, 4, 4),
        "cw1": signed(4, 3, 3),
        "cw2": signed(4, 3, 3, 3),
        "cb": signed(4),
        "cw3": signed(2, 3, 2, 2, 2),
        "cw1t": signed(3, 4, 3),
        "cw2t": signed(3, 4, 3, 3),
        "cw3t": signed(3, 2, 2, 2, 2),
        "grid": (rng.random((1, 4, 4, 2)) * 2 - 1).astype(np.float32),
        "theta": signed(1, 2, 3),
        "cols": signed(1, 12, 49),
        "p3": np.abs(signed(3)) + np.float32(0.5),
        "logp": np.log(rng.dirichlet(np.ones(4), 3)).astype(np.float32),
        "sgn": np.sign(signed(2, 3, 4)),
        "s1": np.array([1, -1, 1]),
        "s4": np.sign(signed(4)),
        "ml": np.array([[0, 2, -1, 1], [3, -1, 0, 0], [1, 0, -1, 2]]),
        "hot": (rng.random((3, 4)) > 0.5).astype(np.float32),
        "tri": np.tril(square + 3 * np.eye(3)).astype(np.float32),
        "lp": np.log(rng.dirichlet(np.ones(5), (6, 2))).astype(np.float32),
        "tg": np.array([[1, 2], [3, 4]]),
        "il": np.array([6, 6]),
        "tl": np.array([2, 2]),
    }


def missing(names: list[str]) -> list[str]:
    """Return the names that MindSpore does not have."""
    for name in SUBMODULES:
        importlib.import_module(f"mindspore.{name}")
    found: list[str] = []
    for name in names:
        try:
            reduce(getattr, name.split("."), ms)
        except AttributeError:
            found.append(name)
    return found


class Pair:
    """Evaluates an example and its counterpart, each on fresh inputs: some write in place."""

    def __init__(self) -> None:
        self.torch: Any = importlib.import_module("torch")
        functional = importlib.import_module("torch.nn.functional")
        self._here = {"torch": self.torch, "F": functional, "np": np, "nn": self.torch.nn}
        self._there = {"ms": ms, "ops": ops, "mint": mint, "nn": nn, "np": np, "Tensor": ms.Tensor}
        self._arrays = inputs()

    def difference(self, api: Api) -> str:
        """Say what differs between the two; nothing if nothing does."""
        here = {name: self.torch.from_numpy(v.copy()) for name, v in self._arrays.items()}
        there = {name: ms.Tensor(value.copy()) for name, value in self._arrays.items()}
        example, counterpart = _parsed(api.example), _parsed(api.counterpart)
        layer = _layer(example)
        if layer is None:
            expected = _value(example, self._here | here)
            return compare(expected, _value(counterpart, self._there | there))
        module = _value(layer.func, self._here | here).eval()
        expected = _value(example, self._here | here, layer, module)
        twin = _layer(counterpart)
        if twin is None:
            return compare(expected, _value(counterpart, self._there | there))
        cell = _value(twin.func, self._there | there)
        copy_parameters(module, cell)
        cell.set_train(False)
        return compare(expected, _value(counterpart, self._there | there, twin, cell))


def copy_parameters(module: Any, cell: Any) -> None:
    """Give a cell the parameters of a module."""
    own = {parameter.name.rpartition(".")[2]: parameter for parameter in cell.get_parameters()}
    for name, value in module.state_dict().items():
        if name != "num_batches_tracked":
            target = next(own[other] for other in NAMES.get(name, (name,)) if other in own)
            target.set_data(ms.Tensor(value.numpy().reshape(target.shape)))


def _parsed(text: str) -> ast.expr:
    return ast.parse(text, mode="eval").body


def _layer(node: ast.AST) -> ast.Call | None:
    """Return the call of a layer that is constructed there, as in nn.ReLU()(x)."""
    for part in ast.walk(node):
        constructed = isinstance(part, ast.Call) and isinstance(part.func, ast.Call)
        if constructed and ast.unparse(part.func).startswith("nn."):
            return part
    return None


def _value(node: Any, names: dict[str, Any], call: Any = None, made: Any = None) -> Any:
    """Evaluate an expression of the table; `made` stands for what `call` calls."""
    text = ast.unparse(node)
    if call is not None:
        text = text.replace(ast.unparse(call.func), "_made", 1)
    text = text.replace(".eval()", "").replace(".set_train(False)", "")
    return eval(text, names | {"_made": made})  # the table is ours


def flat(value: Any) -> list[Any]:
    """Return what a result holds, as arrays."""
    if hasattr(value, "resolve_conj"):
        return [value.detach().resolve_conj().numpy()]
    if hasattr(value, "asnumpy"):
        return [value.asnumpy()]
    if isinstance(value, (tuple, list)):
        return [array for member in value for array in flat(member)]
    return [np.asarray(value)]


def compare(expected: Any, found: Any) -> str:
    """Say how a result of MindSpore differs from PyTorch's; nothing if it does not."""
    left, right = flat(expected), flat(found)
    if len(left) != len(right):
        return f"{len(right)} results, expected {len(left)}"
    for a, b in zip(left, right, strict=True):
        if a.shape != b.shape:
            return f"shape {b.shape}, expected {a.shape}"
        if a.dtype != b.dtype:
            return f"dtype {b.dtype}, expected {a.dtype}"
        if not np.allclose(a, b, rtol=RTOL, atol=ATOL, equal_nan=True):
            return "other values"
    return ""


def main() -> None:
    """Print what differs."""
    ms.set_context(mode=ms.PYNATIVE_MODE)
    ms.set_device("CPU")
    ms.runtime.launch_blocking()
    apis = list(table().values())
    result: dict[str, Any] = {"missing": missing([api.mindspore for api in apis if api.mindspore])}
    if "--names" not in sys.argv:
        pair, differences = Pair(), {}
        for api in apis:
            if api.measured:
                try:
                    differences[api.torch] = pair.difference(api)
                except Exception as error:
                    differences[api.torch] = (
                        f"{type(error).__name__}: {' '.join(str(error).split())[:200]}"
                    )
        result["differences"] = differences
    print("\n" + json.dumps(result))


if __name__ == "__main__":
    main()
