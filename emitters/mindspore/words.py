"""Names of classes: PyTorch's where the file tells, else from what a cell holds."""

import re
from collections.abc import Collection, Iterator
from itertools import permutations
from pathlib import PurePath

from ...compiler.ir.graph import attribute, shape_of
from .cells import Cell, Step
from .clusters import Cluster
from .naming import class_name, singular
from .transformer_words import transformer_name

KINDS = {
    "Conv": "Conv",
    "ConvTranspose": "Deconv",
    "Gemm": "Linear",
    "MatMul": "Linear",
    "BatchNormalization": "Bn",
    "GlobalAveragePool": "Pool",
    "MaxPool": "Pool",
    "AveragePool": "Pool",
    "Flatten": "Flatten",
    "Clip": "Relu6",
    "Swish": "Silu",
}
"""Operators to the words of a chain's name; activations bear their own."""

NUMBERS = ("None", "One", "Two", "Three", "Four", "Five", "Six", "Seven", "Eight", "Many")

LAYERS = {"Act", "Bn", "Conv", "Dense", "Fc", "Linear", "Norm", "Pool"}
"""Names of modules that would make one think of a single layer."""

CONTAINERS = ("", "Sequential", "ModuleList", "ModuleDict")
"""Classes of PyTorch's that say nothing of what a module is."""

ACTIVATIONS = {
    *("Relu", "HardSwish", "HardSigmoid", "Sigmoid", "Tanh", "LeakyRelu", "Gelu", "PRelu", "Elu"),
    *("Mish", "Swish", "Silu", "Selu", "Softplus"),
}


def name_class(cluster: Cluster, root: Cell, model_name: str) -> str:
    """Return what a person would call the class of these cells."""
    name = cluster.torch_class.rpartition(".")[2]
    if name not in CONTAINERS:
        return class_name(name)
    cell = cluster.template
    if cell is root:
        return class_name(PurePath(model_name).stem)
    found = block_name(cell) or transformer_name(cell, list(steps_in(cell)))
    return found or chain_name(cell) or path_name(cell)


def distinguish(name: str, cluster: Cluster, bearer: Cluster, taken: Collection[str]) -> str:
    """Return a name for a class whose PyTorch class is written otherwise for other objects.

    Args:
        name: What both would be called.
        cluster: The class to be named.
        bearer: The class that bears the name.
        taken: Names of other classes.
    """
    single = list(differences(cluster, bearer))
    both = [one.format(other) for one, other in permutations(single, 2)]
    names = (form.format(name) for form in (*single, *both))
    return next((wish for wish in names if wish not in taken), name)


def differences(cluster: Cluster, bearer: Cluster) -> Iterator[str]:
    """Yield forms of a name, `Strided{}`, that say in what a class differs, the best first."""
    own, other = cluster.template, bearer.template
    if added := traits(own) - traits(other):
        yield "{}" + "".join(sorted(added))
    ours, theirs = children(own), children(other)
    for word, names in (("With", ours - theirs), ("Without", theirs - ours)):
        for child in sorted(names)[:1]:
            yield f"{{}}{word}{class_name('_'.join(words_of(child)) or child)}"
    for form, has in (("Strided{}", is_strided), ("Residual{}", is_residual)):
        if has(own) and not has(other):
            yield form
    count = sum(bool(re.search(r"\d$", child)) for child in own.children)
    if count != sum(bool(re.search(r"\d$", child)) for child in other.children):
        yield f"{{}}Of{NUMBERS[min(count, len(NUMBERS) - 1)]}"
    if traits(other) - traits(own) or (is_residual(other) and not is_residual(own)):
        yield "Plain{}"
    places = [[path_order(cell.path) for cell in c.members] for c in (cluster, bearer)]
    if max(places[0]) < min(places[1]):
        yield "First{}"
    if min(places[0]) > max(places[1]):
        yield "Last{}"


def is_strided(cell: Cell) -> bool:
    """Tell whether a cell makes pictures smaller."""
    strides: Iterator[tuple[int, ...]] = (
        attribute(step.node, "strides", (1,)) for step in steps_in(cell)
    )
    return any(max(numbers) > 1 for numbers in strides)


def children(cell: Cell) -> set[str]:
    """Return the attributes of a cell that hold cells and are not numbered."""
    heads = {name.partition(".")[0] for name in cell.children}
    return {head for head in heads if not re.search(r"\d$", head)}


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
    words = [KINDS.get(kind) or (kind if kind in ACTIVATIONS else "") for kind in kinds]
    if not 1 < len(words) <= 4 or not all(words):
        return ""
    return class_name("".join(word[0].upper() + word[1:].lower() for word in words))


def path_name(cell: Cell) -> str:
    """Return `Layer` for `encoder.layers.3`, `Encoder` for `encoder`."""
    parts = cell.path.split(".")
    numbered = parts[-1].isdigit()
    named = [words for part in parts if (words := words_of(part))]
    name = class_name("_".join(named[-1]) if named else "block", "Block")
    name = singular(name) if numbered else name
    return f"{name}Block" if name in LAYERS and len(cell.steps) > 2 else name


def words_of(part: str) -> list[str]:
    """Return the words of a module's name: `conv` and `proj` of `conv3_1x1_proj`."""
    words = [re.sub(r"\d+$", "", word) for word in re.split(r"[\W_]+", part)]
    plain = [word for word in words if len(word) > 1 and not re.search(r"\d", word)]
    return plain or [word for word in words if word and not re.fullmatch(r"\d*x?\d*x?", word)]


def printable(text: str) -> str:
    """Return text of the model for a docstring: printable ASCII, bounded, closing nothing."""
    plain = "".join(c if c.isascii() and c.isprintable() and c not in '"\\' else "?" for c in text)
    return plain if len(plain) <= 60 else f"{plain[:57]}..."
