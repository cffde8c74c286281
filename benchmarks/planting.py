"""Faults that a compiler might make, planted into generated source and weights.

A fault of the source is one edit of one expression. It tells on which lines and in which layer
it stands, so that one can judge where `onnx2ms verify` says it is.
"""

import ast
from collections import defaultdict
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field, replace

import numpy as np

Edit = tuple[ast.AST, str]
"""A piece of source, and what stands in its place."""

ACTIVATIONS = {"ops.relu": "ops.elu", "ops.silu": "ops.relu", "ops.sigmoid": "ops.tanh",
               "ops.tanh": "ops.sigmoid", "ops.hardswish": "ops.relu", "ops.softplus": "ops.relu",
               "nn.ReLU": "nn.ELU", "nn.SiLU": "nn.ReLU", "nn.HSwish": "nn.ReLU",
               "nn.Sigmoid": "nn.Tanh", "nn.Mish": "nn.ReLU", "nn.LeakyReLU": "nn.ReLU",
               "ops.mish": "ops.relu", "ops.leaky_relu": "ops.relu", "ops.selu": "ops.relu",
               "ops.relu6": "ops.elu", "ops.hardsigmoid": "ops.sigmoid"}  # fmt: skip
LOADERS = ("build_model", "dynamic_inputs")
POOLS = {"nn.MaxPool2d": "nn.AvgPool2d", "nn.AvgPool2d": "nn.MaxPool2d", "ops.amax": "ops.mean"}


@dataclass(frozen=True)
class Fault:
    """One thing that is wrong.

    Attributes:
        kind: What a person would call it.
        text: What was and what is.
        source: The whole module with it; empty if it is in the weights.
        lines: Lines of the module, first and last, on which the statement stands.
        layer: Attribute of the layer whose constructor is wrong; empty for an expression.
        function: Function of the module in which it stands; empty for a class.
        weights: Arrays that are other than before, by parameter; None for one that is gone.
    """

    kind: str
    text: str
    source: str = ""
    lines: tuple[int, int] = (0, 0)
    layer: str = ""
    function: str = ""
    weights: Mapping[str, np.ndarray | None] = field(default_factory=dict)


def in_source(source: str, weights: Mapping[str, np.ndarray]) -> dict[str, list[Fault]]:
    """Return every fault that can be planted into a module, by kind.

    Args:
        source: Text of the module.
        weights: Its parameters; a dropped bias leaves them too.
    """
    found: dict[str, list[Fault]] = defaultdict(list)
    for class_ in parts_of(ast.parse(source)):
        for statement in (n for n in ast.walk(class_) if isinstance(n, ast.stmt)):
            if isinstance(statement, (ast.FunctionDef, ast.ClassDef, ast.If, ast.For)):
                continue
            layer = layer_of(statement)
            function = class_.name if isinstance(class_, ast.FunctionDef) else ""
            for node in ast.walk(statement):
                for kind, edits in faults_of(node) if not layer else in_layer(node):
                    if fault := made(kind, source, statement, layer, edits):
                        found[kind].append(replace(fault, function=function))
    for fault in dropped_biases(source, weights):
        found[fault.kind].append(fault)
    return dict(found)


def parts_of(module: ast.Module) -> Iterator[ast.ClassDef | ast.FunctionDef]:
    """Yield what computes: the classes, and the functions that they call."""
    for part in module.body:
        own = isinstance(part, ast.FunctionDef) and part.name not in LOADERS
        if own or isinstance(part, ast.ClassDef):
            yield part


def in_layer(node: ast.AST) -> Iterator[tuple[str, list[Edit]]]:
    """Yield the faults of a constructor's arguments; other sizes than the weights' do not load."""
    if isinstance(node, ast.Call):
        yield from in_call(node)


def layer_of(statement: ast.stmt) -> str:
    """Return the attribute of `self` that a statement assigns; empty if it does not."""
    target = statement.targets[0] if isinstance(statement, ast.Assign) else None
    return target.attr if isinstance(target, ast.Attribute) else ""


def made(
    kind: str, source: str, statement: ast.stmt, layer: str, edits: list[Edit]
) -> Fault | None:
    """Return the fault that edits make; None if nothing is changed."""
    text = source
    for node, new in sorted(edits, key=lambda edit: -offset(source, edit[0])):
        start = offset(source, node)
        text = text[:start] + new + text[start + len(ast.get_source_segment(source, node) or "") :]
    if ast.dump(ast.parse(text)) == ast.dump(ast.parse(source)):
        return None
    lines = (statement.lineno, statement.end_lineno or statement.lineno)
    told = "; ".join(f"{ast.get_source_segment(source, n)} -> {new}" for n, new in edits)
    return Fault(kind, " ".join(told.split()), text, lines, layer)


def offset(source: str, node: ast.AST) -> int:
    """Return at which character a node begins; the source is ASCII."""
    lines = source.splitlines(keepends=True)
    return sum(map(len, lines[: node.lineno - 1])) + node.col_offset


def faults_of(node: ast.AST) -> Iterator[tuple[str, list[Edit]]]:
    """Yield the kinds and edits of the faults that one syntax node can have."""
    match node:
        case ast.BinOp(op=ast.Sub() | ast.Div() | ast.MatMult()):
            yield "swapped operands", exchanged(node.left, node.right)
        case ast.BinOp(op=ast.Add()) if not is_tail(node.right):
            yield "lost operand", [(node, ast.unparse(node.left))]
        case ast.BinOp(op=ast.Mult()):
            yield (
                "wrong operator",
                [(node, f"({ast.unparse(node.left)} + {ast.unparse(node.right)})")],
            )
        case ast.Return(value=ast.Tuple(elts=[_, _, *_] as parts)):
            yield "order of outputs", exchanged(parts[0], parts[1])
        case ast.Assign(targets=[ast.Tuple(elts=[ast.Name(), ast.Name(), *_] as parts)]):
            if "_" not in (parts[0].id, parts[1].id) and "shape" not in ast.unparse(node.value):
                yield "order of parts", exchanged(parts[0], parts[1])
        case ast.Call():
            yield from in_call(node)
        case ast.Subscript(slice=ast.Tuple(elts=[*_, ast.Constant(value=int() as index)])):
            yield "wrong index", [(node.slice.elts[-1], str(index + 1))]


def is_tail(node: ast.expr) -> bool:
    """Tell whether an operand is zero up to a number: Mish has one from 20 on.

    A network whose layer is normalized before cannot reach it, so that without it nothing is wrong.
    """
    match node:
        case ast.Call(args=[ast.BinOp(op=ast.Sub(), right=ast.Constant())]):
            return ast.unparse(node.func) == "ops.relu"
    return False


def exchanged(one: ast.expr, other: ast.expr) -> list[Edit]:
    """Return the edits that exchange two expressions."""
    pairs = ((one, other), (other, one))
    return [
        (old, f"({ast.unparse(new)})" if isinstance(new, ast.BinOp) else ast.unparse(new))
        for old, new in pairs
    ]


def in_call(node: ast.Call) -> Iterator[tuple[str, list[Edit]]]:
    """Yield the faults of a call: of a function, a method or a layer's constructor."""
    name = ast.unparse(node.func)
    for table, kind in ((ACTIVATIONS, "other activation"), (POOLS, "other pooling")):
        if name in table and not (name.startswith("nn.") and node.args and kind[6] == "a"):
            yield kind, [(node.func, table[name])]
    if name in ("ops.gelu", "nn.GELU"):
        other = "ops.silu" if name == "ops.gelu" else "nn.SiLU"
        yield "other activation", [(node, f"{other}({', '.join(map(ast.unparse, node.args))})")]
    if name in ("ops.transpose", "ops.swapaxes") and len(node.args) > 1:
        yield "missing transpose", [(node, ast.unparse(node.args[0]))]
        perm = node.args[1]
        if isinstance(perm, ast.Tuple) and len(perm.elts) > 2:
            yield "wrong axis", exchanged(*perm.elts[-2:])
    if name == "ops.reshape" and isinstance(node.args[1], ast.Tuple) and len(node.args[1].elts) > 2:
        yield "wrong shape", exchanged(*node.args[1].elts[-2:])
    if name in ("ops.concat", "ops.cat") and isinstance(node.args[0], ast.Tuple):
        yield "swapped operands", exchanged(*node.args[0].elts[:2])
    if name in ("ops.mean", "ops.sum", "ops.amax") and isinstance(node.args[1], ast.Tuple):
        yield "wrong axis", [(node.args[1], f"({ast.unparse(node.args[1].elts[0])},)")]
    if name.startswith("nn.BatchNorm"):
        yield from added(node, "momentum", "0.7", "momentum")
    for keyword in node.keywords:
        yield from in_keyword(name, node, keyword)


def in_keyword(name: str, call: ast.Call, keyword: ast.keyword) -> Iterator[tuple[str, list[Edit]]]:
    """Yield the faults of an argument that is given by its name."""
    value, number = keyword.value, None
    if isinstance(value, ast.Constant):
        number = value.value
    elif isinstance(value, ast.UnaryOp) and isinstance(value.operand, ast.Constant):
        number = -value.operand.value
    changes: Mapping[str, tuple[str, Callable[[float], object]]] = {
        "axis": ("wrong axis", lambda axis: axis - 1 if axis != 0 else 1),
        "padding": ("wrong pad", lambda pad: pad - 1 if pad > 1 else 0),
        "stride": ("wrong stride", lambda stride: stride - 1 if stride > 1 else 2),
        "dilation": ("wrong dilation", lambda dilation: 1),
        "eps": ("wrong eps", lambda eps: 100 * eps),
        "epsilon": ("wrong eps", lambda eps: max(100 * eps, 1e-3)),
        "scale_factor": ("wrong scale", lambda scale: scale + 1),
        "approximate": ("other activation", lambda kind: "none" if kind == "tanh" else not kind),
        "align_corners": ("wrong corners", lambda aligned: not aligned),
    }
    if keyword.arg in changes and number is not None:
        kind, change = changes[keyword.arg]
        yield kind, [(value, repr(change(number)))]
    if keyword.arg == "pad_mode" and number == "pad" and name.startswith("nn.Conv"):
        rest = [ast.unparse(a) for a in call.args]
        rest += [ast.unparse(k) for k in call.keywords if k.arg not in ("pad_mode", "padding")]
        yield "wrong pad", [(call, f"{name}({', '.join(rest)}, pad_mode='valid')")]


def added(call: ast.Call, name: str, value: str, kind: str) -> Iterator[tuple[str, list[Edit]]]:
    """Yield the fault that a call is given one more argument, or another value of it."""
    rest = [k for k in call.keywords if k.arg != name]
    words = [*map(ast.unparse, (*call.args, *rest)), f"{name}={value}"]
    yield kind, [(call, f"{ast.unparse(call.func)}({', '.join(words)})")]


def dropped_biases(source: str, weights: Mapping[str, np.ndarray]) -> Iterator[Fault]:
    """Yield the faults of layers of the outermost class that lost their bias."""
    root = [node for node in ast.parse(source).body if isinstance(node, ast.ClassDef)][-1]
    for statement in (n for n in ast.walk(root) if isinstance(n, ast.Assign)):
        call, layer = statement.value, layer_of(statement)
        key = f"{layer}.bias"
        if not isinstance(call, ast.Call) or key not in weights:
            continue
        name = ast.unparse(call.func)
        if name == "nn.Dense" or "has_bias=True" in ast.unparse(call):
            for kind, edits in added(call, "has_bias", "False", "dropped bias"):
                fault = made(kind, source, statement, layer, edits)
                if fault is not None:
                    yield replace(fault, weights={key: None})


def in_weights(weights: Mapping[str, np.ndarray], random: np.random.Generator) -> Iterator[Fault]:
    """Yield faults of the weights, of each kind in turn, without end."""
    names = sorted(name for name, array in weights.items() if array.dtype == np.float32)
    wide = [name for name in names if weights[name].ndim > 1]
    shapes = defaultdict[tuple[int, ...], list[str]](list)
    for name in names:
        shapes[weights[name].shape].append(name)
    alike = [group for group in shapes.values() if len(group) > 1]
    while True:
        name = names[random.integers(len(names))]
        array = weights[name].copy()
        place = random.integers(array.size)
        array.reshape(-1)[place] += array.std() or 1
        yield Fault("one element", f"{name}, element {place}", weights={name: array})
        name = wide[random.integers(len(wide))]
        array = weights[name].copy()
        row = random.integers(len(array))
        array[row] = 0
        yield Fault("one row", f"{name}, row {row}", weights={name: array})
        if alike:
            group = alike[random.integers(len(alike))]
            one, other = random.choice(group, 2, replace=False)
            pair = {one: weights[other], other: weights[one]}
            yield Fault("swapped tensors", f"{one} and {other}", weights=pair)
        name = names[random.integers(len(names))]
        yield Fault("dtype", f"{name} as float16", weights={name: weights[name].astype(np.float16)})
