"""What there is to know of a model before it is converted; docs/inspect.md describes it."""

import re
import shlex
from collections import Counter, defaultdict
from collections.abc import Mapping, Sequence
from math import prod
from pathlib import Path
from typing import TypedDict

import onnx_ir as ir

from ..emitters.base import Emission
from ..emitters.mindspore.dtypes import NAMES
from .clock import Clock
from .compile import Compiled, compile_model
from .ir.dim_values import evaluate
from .ir.dims import Size, complexity, symbols
from .ir.errors import Problem
from .ir.graph import shape_of
from .ir.macs import Macs, count_macs
from .ir.provenance import origins
from .operator_facts import API, EVERYWHERE, claims_of
from .plugins.assembly import assemble
from .plugins.load import AnyPlugin
from .report import Signature, signature
from .settings import AnyPath, Settings
from .verify.bindings import sample_bindings

SCHEMA = 1
"""Version of the form; it grows when a field changes its meaning or vanishes."""

SHORT = 24
"""Of so many variables a formula may consist that is shown."""

QUANTIZED = re.compile(
    r"(?:com\.microsoft\.)?(?:(?P<qdq>(?:Deq|DynamicQ|Q)uantizeLinear)"
    r"|(?P<qoperator>QLinear\w+|QAttention|QGemm|QEmbed\w+)"
    r"|(?P<integer>\w+Integer\w*|DynamicQuantize(?:MatMul|LSTM))"
    r"|(?P<blocks>MatMulNBits|MatMulBnb4|GatherBlockQuantized))$"
)
"""Operators by the way of quantizing that they belong to."""


class File(TypedDict):
    """The file."""

    name: str
    bytes: int
    opset: int
    producer: str
    exporter: str
    nodes: int


class Operator(TypedDict):
    """An operator of the model."""

    name: str
    nodes: int
    unsupported: int
    reasons: list[str]
    near: list[str]


class Tensors(TypedDict):
    """What the model holds."""

    tensors: int
    elements: int
    bytes: int
    types: dict[str, int]


class Cost(TypedDict):
    """Multiply-accumulates."""

    macs: int | None
    flops: int | None
    formula: str
    sizes: dict[str, int]
    by_operator: dict[str, int | None]
    unknown: dict[str, int]
    loops_counted_once: int


class Dimensions(TypedDict):
    """What is open, and how it is bound."""

    symbols: dict[str, list[str]]
    flags: list[str]


class ModuleCost(TypedDict):
    """A module of the network that would be written."""

    path: str
    class_name: str
    torch_class: str
    parameters: int
    macs: int | None


class Platforms(TypedDict):
    """What MindSpore's documentation claims."""

    everything_on: list[str]
    lacking: dict[str, list[str]]


class Inspection(TypedDict):
    """What there is to know of a model; docs/inspect.md says what each field means."""

    schema: int
    supported: bool
    file: File
    inputs: list[Signature]
    outputs: list[Signature]
    dimensions: Dimensions
    operators: list[Operator]
    weights: Tensors
    parameters: int
    quantization: dict[str, int]
    cost: Cost
    platforms: Platforms
    modules: list[ModuleCost]


def inspect(
    model: AnyPath,
    *,
    shapes: Mapping[str, Sequence[int | str]] | None = None,
    plugins: AnyPlugin | Sequence[AnyPlugin] = (),
) -> Inspection:
    """Tell what a model holds, costs and needs, and whether it can be converted.

    All passes run and the source is made, but nothing is written and nothing is run. No weight is
    read but what constants are computed from.

    Args:
        model: An .onnx file.
        shapes: Dimensions by input, a number or a symbol each; '' stands for the only input.
        plugins: Plugins beside the installed ones, as for `convert`. Their code is run.

    Raises:
        UsageError: The call is wrong.
        PluginError: A plugin cannot be loaded.
        ModelError: The model cannot be read.
    """
    file, settings = Path(model), settings_for(shapes or {})
    held: list[Tensors] = []
    counted: list[Macs] = []

    def look(stage: str, model: ir.Model) -> None:
        if stage == "import":
            held.append(tensors_of(model))
        if stage == "shapes":
            counted.append(count_macs(model.graph))

    compiled = compile_model(file, settings, assemble(plugins), Clock(), on_stage=look)
    imported, emission = compiled.imported, compiled.emission
    graph, (macs,), (weights,) = imported.model.graph, counted, held
    sizes = dict(sample_bindings(graph)[0])
    operators = operators_of(compiled)
    return {
        "schema": SCHEMA,
        "supported": not emission.stubs,
        "file": {
            "name": compiled.name,
            "bytes": file.stat().st_size,
            "opset": imported.opset,
            "producer": imported.producer,
            "exporter": imported.exporter,
            "nodes": sum(imported.operators.values()),
        },
        "inputs": signature(value for value in graph.inputs if not value.is_initializer()),
        "outputs": signature(graph.outputs),
        "dimensions": dimensions_of(graph.inputs, sizes),
        "operators": operators,
        "weights": weights,
        "parameters": sum(prod(weight.shape) for weight in emission.weights),
        "quantization": quantization_of(operators),
        "cost": cost_of(macs, sizes),
        "platforms": platforms_of(emission.source),
        "modules": modules_of(compiled, macs, sizes),
    }


def settings_for(shapes: Mapping[str, Sequence[int | str]]) -> Settings:
    """Return what is asked of the compiler: all that can be converted, and no proof."""
    return Settings(
        shapes=shapes,
        outputs=None,
        weights="ckpt",
        verify="none",
        tolerance=1e-5,
        inputs=(),
        dump=None,
        check_passes=False,
        model_name=None,
        stub=True,
    )


def tensors_of(model: ir.Model) -> Tensors:
    """Return number and size of the tensors that a model holds, counted without reading them."""
    held = [value.const_value for graph in model.graphs() for value in graph.initializers.values()]
    tensors = [tensor for tensor in held if tensor is not None]
    types: Counter[str] = Counter()
    for tensor in tensors:
        types[NAMES.get(tensor.dtype, tensor.dtype.name.lower())] += tensor.size
    return {
        "tensors": len(tensors),
        "elements": sum(types.values()),
        "bytes": sum(tensor.nbytes for tensor in tensors),
        "types": dict(types.most_common()),
    }


def dimensions_of(inputs: Sequence[ir.Value], sizes: Mapping[str, int]) -> Dimensions:
    """Return which inputs have a symbol, and the flags that give all of them numbers."""
    open_: defaultdict[str, list[str]] = defaultdict(list)
    flags: list[str] = []
    for value in inputs:
        if shape_of(value) is not None or value.is_initializer():
            continue
        dims = list(value.shape or ())
        names = dict.fromkeys(str(dim) for dim in dims if not isinstance(dim, int))
        for name in names:
            open_[name].append(value.name or "")
        numbers = [str(d if isinstance(d, int) else sizes.get(str(d), "?")) for d in dims]
        flags += ["--shape", shlex.quote(f"{value.name}:{','.join(numbers)}")]
    return {"symbols": dict(open_), "flags": flags}


def operators_of(compiled: Compiled) -> list[Operator]:
    """Return the operators of a model, those that cannot be converted first."""
    nodes = {node.name: node for node in compiled.imported.model.graph.all_nodes()}
    problems: defaultdict[str, list[Problem]] = defaultdict(list)
    for stub in compiled.emission.stubs:
        problems[stub.problem.operator].append(stub.problem)
    rest = dict.fromkeys(problems, 0) | compiled.imported.operators
    found: list[Operator] = []
    for name, count in rest.items():
        own = problems.get(name, [])
        # one that passes made stands under its own name, with as many nodes as there are
        found.append(
            {
                "name": name,
                "nodes": max(count, len(own)),
                "unsupported": len({origin_of(nodes.get(p.node), p.node) for p in own}),
                "reasons": list(dict.fromkeys(problem.reason for problem in own)),
                "near": list(dict.fromkeys(near for problem in own for near in problem.near)),
            }
        )
    return sorted(found, key=lambda item: (-item["unsupported"], -item["nodes"], item["name"]))


def origin_of(node: ir.Node | None, name: str) -> str:
    """Return the node of the file that a node was made of."""
    return next(iter(origins(node)), name) if node is not None else name


def quantization_of(operators: Sequence[Operator]) -> dict[str, int]:
    """Return how many nodes each way of quantizing has."""
    found: Counter[str] = Counter()
    for item in operators:
        match = QUANTIZED.match(item["name"])
        if match:
            found[str(match.lastgroup)] += item["nodes"]
    return dict(found)


def cost_of(macs: Macs, sizes: Mapping[str, int]) -> Cost:
    """Return what a network costs, at some sizes."""
    total = number(macs.total, sizes)
    return {
        "macs": total,
        "flops": None if total is None else 2 * total,
        "formula": str(macs.total) if complexity(macs.total) <= SHORT else "",
        "sizes": {name: sizes[name] for name in sorted(symbols(macs.total) & sizes.keys())},
        "by_operator": {name: number(size, sizes) for name, size in macs.by_operator.items()},
        "unknown": dict(macs.unknown),
        "loops_counted_once": macs.once,
    }


def number(size: Size, sizes: Mapping[str, int]) -> int | None:
    """Return a size with numbers for its symbols; None where one depends on data."""
    try:
        return evaluate(size, sizes)
    except (KeyError, ZeroDivisionError):
        return None


def platforms_of(source: str) -> Platforms:
    """Return where MindSpore claims to have every function and layer that a source names."""
    lacking: dict[str, list[str]] = {}
    everywhere = set(EVERYWHERE)
    for name in sorted(set(API.findall(source))):
        claims = claims_of(name)
        missing = [place for place in EVERYWHERE if not all(place in claim for claim in claims)]
        if missing:
            lacking[name] = missing
            everywhere -= set(missing)
    return {"everything_on": [p for p in EVERYWHERE if p in everywhere], "lacking": lacking}


def modules_of(compiled: Compiled, macs: Macs, sizes: Mapping[str, int]) -> list[ModuleCost]:
    """Return the modules of the network, with parameters and cost of all that is inside each."""
    emission = compiled.emission
    costs: defaultdict[str, Size] = defaultdict(int)
    homes = homes_of(compiled.imported.model, emission)
    for node, size in macs.by_node.items():
        names = (node.name or "", *origins(node))
        for path in within(next((homes[name] for name in names if name in homes), "")):
            costs[path] = costs[path] + size
    parameters: Counter[str] = Counter()
    for weight in emission.weights:
        for path in within(weight.name.rpartition(".")[0]):
            parameters[path] += prod(weight.shape)
    return [
        {
            "path": module.path,
            "class_name": module.class_name,
            "torch_class": module.torch_class,
            "parameters": parameters[module.path],
            "macs": number(costs[module.path], sizes),
        }
        for module in emission.modules
    ]


def homes_of(model: ir.Model, emission: Emission) -> dict[str, str]:
    """Return the path of the cell in which each node of the file is computed."""
    nodes = {node.name: node for node in model.graph.all_nodes()}
    homes: dict[str, str] = {}
    for module in emission.modules:
        for name in module.nodes:
            node = nodes.get(name)
            for origin in (name, *(origins(node) if node is not None else ())):
                homes.setdefault(origin, module.path)
    return homes


def within(path: str) -> list[str]:
    """Return a path and those of all modules around it, the root's last."""
    parts = path.split(".") if path else []
    return [".".join(parts[:i]) for i in range(len(parts), -1, -1)]
