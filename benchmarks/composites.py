"""What fusions gain in speed: layers and networks as emitted with them and without them."""

import argparse
import importlib.util
import json
import os
import sys
import tempfile
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import replace
from importlib import import_module
from pathlib import Path
from statistics import median
from typing import Any

from common import MINDSPORE, measure, python, restore, table

ROWS, IMAGE, HEADS = "float[8,196,384]", "float[8,64,28,28]", "float[8,6,196,64]"
SCALARS = (
    "float half = {0.5}, float one = {1}, float two = {2}, float three = {3}, float e = {1e-5}"
)
LAYERS: Mapping[str, tuple[str, str]] = {
    "layer norm": (
        f"{ROWS} x, float[384] W, float[384] B",
        """m = ReduceMean <axes = [-1]> (x) c = Sub(x, m) s = Pow(c, two)
        v = ReduceMean <axes = [-1]> (s) a = Add(v, e) d = Sqrt(a) n = Div(c, d)
        g = Mul(n, W) y = Add(g, B)""",
    ),
    "RMS norm": (
        f"{ROWS} x, float[384] W",
        """s = Pow(x, two) v = ReduceMean <axes = [-1]> (s) a = Add(v, e) d = Sqrt(a)
        r = Reciprocal(d) n = Mul(x, r) y = Mul(n, W)""",
    ),
    "GELU by erf": (
        f"{ROWS} x",
        """q = Constant <value_float = 1.4142135623730951> () s = Div(x, q) f = Erf(s)
        a = Add(f, one) g = Mul(x, a) y = Mul(g, half)""",
    ),
    "GELU by tanh": (
        f"{ROWS} x",
        """q = Constant <value_float = 0.7978845608028654> ()
        k = Constant <value_float = 0.044715> () c = Pow(x, three) s = Mul(c, k) p = Add(x, s)
        i = Mul(p, q) t = Tanh(i) a = Add(t, one) g = Mul(x, a) y = Mul(g, half)""",
    ),
    "SiLU": (f"{ROWS} x", "s = Sigmoid(x) y = Mul(x, s)"),
    "hard swish": (f"{ROWS} x", "s = HardSigmoid <alpha = 0.16666667> (x) y = Mul(x, s)"),
    "Mish": (f"{ROWS} x", "s = Softplus(x) t = Tanh(s) y = Mul(x, t)"),
    "GLU": (f"{ROWS} x", "a, b = Split <axis = -1> (x) s = Sigmoid(b) y = Mul(a, s)"),
    "linear": (f"{ROWS} x, float[384,384] W, float[384] B", "p = MatMul(x, W) y = Add(p, B)"),
    "attention": (
        f"{HEADS} q, {HEADS} k, {HEADS} v",
        """t = Transpose <perm = [0, 1, 3, 2]> (k) s = MatMul(q, t)
        f = Constant <value_float = 0.125> () a = Mul(s, f) w = Softmax(a) y = MatMul(w, v)""",
    ),
    "pixel unshuffle": (
        f"{IMAGE} x",
        """i = Constant <value_ints = [8, 64, 14, 2, 14, 2]> () a = Reshape(x, i)
        t = Transpose <perm = [0, 1, 3, 5, 2, 4]> (a)
        o = Constant <value_ints = [8, 256, 14, 14]> () y = Reshape(t, o)""",
    ),
}
"""By name: the inputs, weights in capitals, and the nodes as an exporter writes them."""

NETWORKS = (
    "legacy/dyn_hf_bert",
    "legacy/dyn_hf_gpt2",
    "legacy/dyn_hf_llama",
    "dynamo/tv_vit_small",
)
KEPT = ("fold_constants", "drop_dead")
"""Passes of the stage `fuse` that raise nothing."""

HEAD = (
    "what",
    "mode",
    "fused ms:",
    "composite ms:",
    "composite / fused:",
    "fused first call s:",
    "composite first call s:",
    "lines fused / composite",
)
ROUNDS, TURN = 5, 0.1


def layers(folder: Path) -> Iterator[tuple[str, Path]]:
    """Yield name and file of each layer."""
    import numpy as np
    import onnx
    import onnx.numpy_helper
    import onnx.parser

    rng = np.random.default_rng(0)
    for name, (inputs, nodes) in LAYERS.items():
        head = '<ir_version: 8, opset_import: ["": 17]>'
        model = onnx.parser.parse_model(
            f"{head} g ({inputs}) => (float[] y) <{SCALARS}> {{ {nodes} }}"
        )
        for value in [value for value in model.graph.input if value.name.isupper()]:
            shape = [dim.dim_value for dim in value.type.tensor_type.shape.dim]
            array = rng.standard_normal(shape).astype(np.float32)
            model.graph.initializer.append(onnx.numpy_helper.from_array(array, value.name))
            model.graph.input.remove(value)
        shaped = model.graph.output[0].type.tensor_type
        shaped.ClearField("shape")
        file = folder / f"{name.replace(' ', '_')}.onnx"
        onnx.save(model, file)
        yield name, file


def emit(file: Path, folder: Path, *, fused: bool) -> int:
    """Emit a network with fusions or without, and inputs for it; return its lines."""
    import numpy as np

    from onnx2ms.compiler.driver import write_weights
    from onnx2ms.compiler.importer.load import load_model
    from onnx2ms.compiler.verify.bindings import sample_bindings
    from onnx2ms.compiler.verify.inputs import make_inputs
    from onnx2ms.emitters.base import EmitOptions
    from onnx2ms.emitters.mindspore import MindSporeEmitter
    from onnx2ms.passes.pipeline import STAGES, run_pipeline

    model = load_model(file).model
    inputs = make_inputs(model.graph, sample_bindings(model.graph)[0])
    stages = [
        replace(stage, passes=[item for item in stage.passes if item.name in KEPT])
        if stage.name == "fuse" and not fused
        else stage
        for stage in STAGES
    ]
    run_pipeline(model, stages=stages)
    options = EmitOptions(file.stem, "", 17, "model.ckpt", "")
    emission = MindSporeEmitter().emit(model, options)
    folder.mkdir()
    (folder / "model.py").write_text(emission.source, encoding="utf-8")
    write_weights(emission, folder / "model.ckpt")
    np.savez(folder / "inputs.npz", *inputs.values())
    return len(emission.source.splitlines())


def built(folder: Path) -> Callable[[], object]:
    """Return a call of the network in a folder, to its end."""
    import numpy as np

    ms: Any = import_module("mindspore")  # ships no types
    spec = importlib.util.spec_from_file_location(folder.name, folder / "model.py")
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    sys.modules[folder.name] = module  # where GRAPH mode looks for the source
    spec.loader.exec_module(module)
    net: Any = module.build_model()
    with np.load(folder / "inputs.npz") as arrays:
        given = [ms.Tensor(array) for array in arrays.values()]

    def call() -> object:
        made = net(*given)
        return [each.asnumpy() for each in (made if isinstance(made, tuple) else (made,))]

    return call


def timed(mode: str, folders: Sequence[Path]) -> None:
    """Print CPU seconds of the first call and of a later one of each network; they take turns."""
    ms: Any = import_module("mindspore")
    ms.device_context.cpu.op_tuning.threads_num(1)
    ms.set_context(mode=ms.GRAPH_MODE if mode == "GRAPH" else ms.PYNATIVE_MODE)
    now = time.process_time
    warm = built(folders[0])  # whatever MindSpore does once in a process
    warm()
    for pair in zip(folders[::2], folders[1::2], strict=True):
        calls = [built(folder) for folder in pair]
        first, seconds = list[float](), [list[float]() for _ in pair]
        for call in calls:
            started = now()
            call()
            first.append(now() - started)
        for round_ in range(ROUNDS):
            for i in (0, 1) if round_ % 2 else (1, 0):
                begun, count = now(), 0
                while now() - begun < TURN:
                    calls[i]()
                    count += 1
                seconds[i].append((now() - begun) / count)
        print(json.dumps([*first, *map(median, seconds)]), flush=True)


def measured(
    found: Sequence[tuple[str, Path]], root: Path, modes: Sequence[str]
) -> Iterator[list[str]]:
    """Emit every network twice and yield the rows of the table."""
    folders, lines = list[Path](), list[str]()
    for number, (_, file) in enumerate(found):
        pair = [root / f"{kind}{number}" for kind in ("fused", "composite")]
        counts = [emit(file, folder, fused=folder is pair[0]) for folder in pair]
        lines.append(" / ".join(map(str, counts)))
        folders += pair
    for mode in modes:
        cost = measure(python(Path(__file__), "--timed", mode, *folders), root)
        told = [json.loads(line) for line in cost.log.splitlines() if line.startswith("[")]
        if len(told) != len(found):
            raise SystemExit(cost.log.strip()[-2000:])
        for (name, _), line, (first, other, fused, composite) in zip(
            found, lines, told, strict=True
        ):
            times = [f"{fused * 1e3:.2f}", f"{composite * 1e3:.2f}", f"{composite / fused:.2f}"]
            yield [name, mode, *times, f"{first:.2f}", f"{other:.2f}", line]


def main() -> None:
    """Print the table."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("models", nargs="*", type=Path, help="more networks, .onnx files")
    parser.add_argument("--modes", nargs="+", default=["PYNATIVE", "GRAPH"], help="(both)")
    parser.add_argument("--timed", nargs="+", help=argparse.SUPPRESS)
    options = parser.parse_args()
    if options.timed:
        mode, *folders = options.timed
        timed(mode, [Path(folder) for folder in folders])
        return
    for name, value in MINDSPORE.items():
        os.environ.setdefault(name, value)
    with tempfile.TemporaryDirectory(prefix="onnx2ms-") as work:
        root = Path(work)
        found = [*layers(root)]
        (root / "archive").mkdir()
        networks = [*restore(root / "archive", *NETWORKS), *options.models]
        rows = [*measured([*found, *((file.stem, file) for file in networks)], root, options.modes)]
    print(table(HEAD, rows))


if __name__ == "__main__":
    main()
