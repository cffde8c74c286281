"""Names of classes: PyTorch's where the file tells, else from what a cell holds."""

import re
from pathlib import PurePath

from .cells import Cell
from .clusters import Cluster
from .naming import class_name, singular

KINDS = {"Conv": "Conv", "BatchNorm": "Bn", "Dense": "Linear", "Pool": "Pool", "Dropout": "Dropout"}


def name_class(cluster: Cluster, root: Cell, model_name: str) -> str:
    """Return what a person would call the class of these cells."""
    if cluster.torch_class:
        return class_name(cluster.torch_class.rpartition(".")[2])
    cell = cluster.template
    if cell is root:
        return class_name(PurePath(model_name).stem)
    return block_name(cell) or chain_name(cell) or path_name(cell)


def distinguish(name: str, cluster: Cluster, bearer: Cluster) -> str:
    """Return a name for a class whose PyTorch class is written otherwise for other objects."""
    ours, theirs = [[path_order(cell.path) for cell in c.members] for c in (cluster, bearer)]
    if max(ours) < min(theirs):
        return f"First{name}"
    if min(ours) > max(theirs):
        return f"Last{name}"
    return name


def path_order(path: str) -> tuple[tuple[int, str], ...]:
    """Return a key that sorts paths as their modules are numbered."""
    return tuple((int(part), "") if part.isdigit() else (-1, part) for part in path.split("."))


def block_name(cell: Cell) -> str:
    """Return the name of a residual block, after the papers that brought them, or nothing.

    Source: He et al., Deep Residual Learning for Image Recognition, 2015 (BasicBlock,
    Bottleneck); Sandler et al., MobileNetV2, 2018 (InvertedResidual).
    """
    if not is_residual(cell):
        return ""
    kernels: list[object] = []
    depthwise = False
    for child in cell.children.values():
        if child.layer is not None and child.layer.name.startswith("nn.Conv"):
            kernels.append(child.layer.arguments["kernel_size"])
            group = child.layer.arguments["group"]
            depthwise |= group != 1 and group == child.layer.arguments["in_channels"]
    if kernels == [1, 3, 1]:
        return "InvertedResidual" if depthwise else "Bottleneck"
    return "BasicBlock" if kernels == [3, 3] else ""


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
    if not cell.is_chain or not 1 < len(cell.steps) <= 4:
        return ""
    words: list[str] = []
    for step in cell.steps:
        if step.code is not None:
            words.append(step.node.op_type)
            continue
        layer = cell.children[step.child].layer
        if layer is None:
            return ""
        kind = re.sub(r"^nn\.|\d[dD]$", "", layer.name)
        words.append(next((word for name, word in KINDS.items() if name in kind), kind))
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
