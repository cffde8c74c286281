"""Names of classes: PyTorch's where the file tells, else from what a cell holds."""

import re
from collections.abc import Iterator
from pathlib import PurePath

from ...compiler.ir.graph import attribute, shape_of
from .cells import Cell, Step
from .clusters import Cluster
from .naming import class_name, singular

KINDS = {
    "Conv": "Conv",
    "Gemm": "Linear",
    "BatchNormalization": "Bn",
    "LayerNormalization": "LayerNorm",
    "GlobalAveragePool": "Pool",
    "MaxPool": "Pool",
    "AveragePool": "Pool",
    "Clip": "Relu6",
}
"""Operators to the words of a chain's name; others bear their own."""

CONTAINERS = ("", "Sequential", "ModuleList", "ModuleDict")
"""Classes of PyTorch's that say nothing of what a module is."""

ACTIVATIONS = {"Relu", "HardSwish", "Sigmoid", "Tanh", "LeakyRelu", "Gelu", "PRelu", "Elu", "Mish"}


def name_class(cluster: Cluster, root: Cell, model_name: str) -> str:
    """Return what a person would call the class of these cells."""
    name = cluster.torch_class.rpartition(".")[2]
    if name not in CONTAINERS:
        return class_name(name)
    cell = cluster.template
    if cell is root:
        return class_name(PurePath(model_name).stem)
    return block_name(cell) or chain_name(cell) or path_name(cell)


def distinguish(name: str, cluster: Cluster, bearer: Cluster) -> str:
    """Return a name for a class whose PyTorch class is written otherwise for other objects."""
    own, other = (traits(c.template) for c in (cluster, bearer))
    if own - other:
        return name + "".join(sorted(own - other))
    ours, theirs = ([path_order(cell.path) for cell in c.members] for c in (cluster, bearer))
    if max(ours) < min(theirs):
        return f"First{name}"
    if min(ours) > max(theirs):
        return f"Last{name}"
    return f"Plain{name}" if other - own else name


def traits(cell: Cell) -> set[str]:
    """Return what tells a class from another of the same name: activations and gates in it."""
    words = {step.node.op_type for step in steps_in(cell)} & ACTIVATIONS
    gates = {"SqueezeExcite" for below in cell.walk() if is_gate(below)}
    return (words - {"Sigmoid"} if gates else words) | gates


def path_order(path: str) -> tuple[tuple[int, str], ...]:
    """Return a key that sorts paths as their modules are numbered."""
    return tuple((int(part), "") if part.isdigit() else (-1, part) for part in path.split("."))


def steps_in(cell: Cell, *, gates: bool = True) -> Iterator[Step]:
    """Yield the operators of a cell and of all below it in the order in which they run.

    Args:
        cell: Where to begin.
        gates: Whether to go into squeeze-and-excitation too.
    """
    for step in cell.steps:
        child = cell.children.get(step.child)
        if child is None or child.layer is not None:
            yield step
        elif gates or not is_gate(child):
            yield from steps_in(child, gates=gates)


def block_name(cell: Cell) -> str:
    """Return the name of a block that papers have named, or nothing.

    Source: He et al., Deep Residual Learning for Image Recognition, 2015 (BasicBlock,
    Bottleneck); Sandler et al., MobileNetV2, 2018 (InvertedResidual); Hu et al.,
    Squeeze-and-Excitation Networks, 2017.
    """
    if is_gate(cell):
        return "SqueezeExcite"
    if not is_residual(cell):
        return ""
    kernels: list[object] = []
    depthwise = False
    for step in steps_in(cell, gates=False):
        weight = step.node.inputs[1] if step.node.op_type == "Conv" else None
        shape = shape_of(weight)
        if shape is None or is_shortcut(step, cell):
            continue
        kernels.append(max(shape[2:]))
        depthwise |= shape[1] == 1 and attribute(step.node, "group", 1) > 1
    if depthwise and len(kernels) in (2, 3):
        return "InvertedResidual"
    if kernels == [1, 3, 1]:
        return "Bottleneck"
    return "BasicBlock" if kernels == [3, 3] else ""


def is_shortcut(step: Step, cell: Cell) -> bool:
    """Tell whether a convolution is the projection beside a residual block."""
    for other in cell.steps:
        child = cell.children.get(other.child)
        if child is not None and child.is_inline and other.operands == cell.inputs:
            return len(child.steps) <= 2 and step in child.steps
    return False


def is_gate(cell: Cell) -> bool:
    """Tell whether a cell weighs its input's channels by what it pools from them."""
    kinds = [step.node.op_type for step in steps_in(cell)]
    if len(cell.inputs) != 1 or not {"Sigmoid", "HardSigmoid"} & set(kinds):
        return False
    pools = kinds[0] in ("GlobalAveragePool", "ReduceMean")
    return pools and kinds[-1] == "Mul" and cell.inputs[0] in cell.steps[-1].operands


def is_residual(cell: Cell) -> bool:
    """Tell whether a sum of the input and what was made of it leaves the cell."""
    passed = set(cell.inputs)
    for step in cell.steps:
        shortcut = len(step.operands) == 1 and step.operands[0] in cell.inputs
        if shortcut and step.child and cell.children[step.child].is_sequence:
            passed.update(step.outputs)
    return any(
        step.node.op_type == "Add" and step.code is not None and passed & {*step.operands}
        for step in cell.steps
    )


def chain_name(cell: Cell) -> str:
    """Return `ConvBnRelu` for a chain of a few operators, or nothing."""
    kinds = [step.node.op_type for step in steps_in(cell)]
    if kinds[-2:] == ["Sigmoid", "Mul"]:
        kinds[-2:] = ["Silu"]
    elif not cell.is_chain:
        return ""
    if not 1 < len(kinds) <= 4 or kinds[0] not in KINDS:
        return ""
    words = [KINDS.get(kind, kind) for kind in kinds]
    return class_name("".join(word[0].upper() + word[1:].lower() for word in words))


def path_name(cell: Cell) -> str:
    """Return `Layer` for `encoder.layers.3`, `Encoder` for `encoder`."""
    parts = cell.path.split(".")
    numbered = parts[-1].isdigit()
    words = [word for part in parts if (word := re.sub(r"[\d_]+$", "", part))]
    word = words[-1] if words else "block"
    name = class_name(word, "Block")
    return singular(name) if numbered else name


def printable(text: str) -> str:
    """Return text of the model for a docstring: printable ASCII, bounded, closing nothing."""
    plain = "".join(c if c.isascii() and c.isprintable() and c not in '"\\' else "?" for c in text)
    return plain if len(plain) <= 60 else f"{plain[:57]}..."
