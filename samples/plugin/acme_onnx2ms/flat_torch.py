"""Another target: one flat torch.nn.Module. It shows that emitters can be replaced, no more."""

import importlib.util
from collections.abc import Callable, Sequence
from pathlib import Path

import numpy as np
import onnx_ir as ir

from onnx2ms.plugins import (
    Emission,
    EmitOptions,
    Op,
    Place,
    Problem,
    UnsupportedError,
    Weight,
)

HEADER = '''"""A network, compiled by onnx2ms {version} with the plugin acme."""

from pathlib import Path

import torch
from safetensors.torch import load_file
from torch.nn import functional as F

WEIGHTS = Path(__file__).with_name("{weights}")


class Network(torch.nn.Module):
    def __init__(self, weights):
        super().__init__()
        for name, value in weights.items():
            learns = value.is_floating_point()
            self.register_parameter(name, torch.nn.Parameter(value, requires_grad=learns))

    def forward({arguments}):
'''
FOOTER = """

def build_model(path=WEIGHTS):
    return Network(load_file(path)).eval()
"""


def conv(op: Op, x: str, weight: str, bias: str = "None") -> str:
    pads, strides = op.attr("pads", (0, 0, 0, 0)), op.attr("strides", (1, 1))
    dilations, groups = op.attr("dilations", (1, 1)), op.attr("group", 1)
    around = (pads[1], pads[3], pads[0], pads[2])
    return f"F.conv2d(F.pad({x}, {around}), {weight}, {bias}, {strides}, 0, {dilations}, {groups})"


def max_pool(op: Op, x: str) -> str:
    pads, kernel = op.attr("pads", (0, 0, 0, 0)), op.attr("kernel_shape", ())
    around, strides = (pads[1], pads[3], pads[0], pads[2]), op.attr("strides", (1, 1))
    return f'F.max_pool2d(F.pad({x}, {around}, value=float("-inf")), {kernel}, {strides})'


def average_pool(op: Op, x: str) -> str:
    pads, kernel = op.attr("pads", (0, 0, 0, 0)), op.attr("kernel_shape", ())
    strides, padded = op.attr("strides", (1, 1)), bool(op.attr("count_include_pad", 0))
    if pads[:2] != pads[2:] or op.attr("ceil_mode", 0):
        raise ValueError("an average pool with uneven pads, or one that rounds up")
    return f"F.avg_pool2d({x}, {kernel}, {strides}, {pads[:2]}, count_include_pad={padded})"


def batch_norm(op: Op, x: str, *parameters: str) -> str:
    scale, bias, mean, variance = parameters
    eps = op.attr("epsilon", 1e-5)
    return f"F.batch_norm({x}, {mean}, {variance}, {scale}, {bias}, eps={eps})"


def gemm(op: Op, a: str, b: str, c: str = "0.0") -> str:
    a, b = (
        f"{name}.T" if op.attr(key, 0) else name for name, key in ((a, "transA"), (b, "transB"))
    )
    return f"{op.attr('alpha', 1.0)} * ({a} @ {b}) + {op.attr('beta', 1.0)} * {c}"


def swoosh(op: Op, x: str) -> str:
    return f"F.softplus({x} - {op.attr('shift', 0.0)}) - 0.08 * {x} - {op.attr('offset', 0.0)}"


EMITTERS: dict[tuple[str, str], Callable[..., str]] = {
    ("", "Add"): lambda op, a, b: f"{a} + {b}",
    ("", "AveragePool"): average_pool,
    ("", "BatchNormalization"): batch_norm,
    ("", "Concat"): lambda op, *xs: f"torch.cat(({', '.join(xs)},), {op.attr('axis', 0)})",
    ("", "Conv"): conv,
    ("", "Dropout"): lambda op, x, *rest: x,
    ("", "Flatten"): lambda op, x: f"{x}.flatten({op.attr('axis', 1)})",
    ("", "Gemm"): gemm,
    ("", "GlobalAveragePool"): lambda op, x: f"{x}.mean((2, 3), keepdim=True)",
    ("", "MatMul"): lambda op, a, b: f"{a} @ {b}",
    ("", "MaxPool"): max_pool,
    ("", "Mul"): lambda op, a, b: f"{a} * {b}",
    ("", "Relu"): lambda op, x: f"F.relu({x})",
    ("", "Reshape"): lambda op, x, shape: f"{x}.reshape({op.integers(1)})",
    ("", "Softmax"): lambda op, x: f"F.softmax({x}, {op.attr('axis', -1)})",
    ("com.acme", "Swoosh"): swoosh,
    ("onnx2ms", "Linear"): lambda op, x, weight, bias: f"{x} @ {weight} + {bias}",
}


class TorchEmitter:
    """Writes a graph as one module, a line a node."""

    def emit(self, model: ir.Model, options: EmitOptions) -> Emission:
        graph = model.graph
        problems = [
            Problem(f"{node.domain}.{node.op_type}".strip("."), node.name or "", "", "no emitter")
            for node in graph
            if (node.domain, node.op_type) not in EMITTERS
        ]
        if problems:
            raise UnsupportedError(options.model_name, problems)
        constants = [value for value in graph.initializers.values() if value.uses()]
        names = {value: f"x{i}" for i, value in enumerate(graph.inputs)}
        arguments = ", ".join(["self", *names.values()])
        weights = [weight(f"w{i}", value) for i, value in enumerate(constants)]
        names |= {value: f"self.{w.name}" for value, w in zip(constants, weights, strict=True)}
        source = HEADER.format(
            version=options.version, weights=options.weights_file, arguments=arguments
        )
        places: list[Place] = []
        for index, node in enumerate(graph):
            names[node.outputs[0]] = local = f"v{index}"
            operands = [names[value] if value else "None" for value in node.inputs]
            text = EMITTERS[node.domain, node.op_type](Op(node), *operands)
            line, column = source.count("\n") + 1, len(f"        {local} = ")
            span = (line, column, line, column + len(text))
            value, name = node.outputs[0].name or "", node.name or ""
            places.append(Place(value, name, "Network", "", local, *span))
            source += f"        {local} = {text}\n"
        results = ", ".join(names[value] for value in graph.outputs)
        source += f"        return {results}\n{FOOTER}"
        return Emission(source, "Network", weights, places)


def weight(name: str, value: ir.Value) -> Weight:
    tensor = value.const_value
    assert tensor is not None
    shape = tuple(int(size) for size in tensor.shape.numpy())
    return Weight(name, shape, tensor.dtype, value.name or "", None, (), tensor.numpy)


def run(folder: Path, inputs: Sequence[np.ndarray]) -> list[np.ndarray]:
    """Run a folder that was written; this is how `onnx2ms` proves it."""
    import torch

    spec = importlib.util.spec_from_file_location("acme_network", folder / "model.py")
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    with torch.no_grad():
        made = module.build_model()(*map(torch.from_numpy, inputs))
    return [tensor.numpy() for tensor in (made if isinstance(made, tuple) else (made,))]
