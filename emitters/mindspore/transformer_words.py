"""Names of the blocks of transformers, where no file tells PyTorch's: from content and path.

Source: Vaswani et al., Attention Is All You Need, 2017; Dosovitskiy et al., An Image is Worth 16x16
Words, 2020 (patch embedding); Liu et al., Swin Transformer, 2021 (windows, merged patches).
"""

import re
from collections.abc import Sequence

from ...compiler.ir.graph import attribute, shape_of
from .cells import Cell, Step
from .roles import ATTENTIONS

VAGUE = frozenset(("", "block", "blocks", "feature", "features", "layer", "layers", "h", "stages"))
"""Names of modules that do not tell what is inside."""

GATES = frozenset(("Gelu", "Relu", "Swish", "Silu", "Sigmoid", "Tanh", "HardSwish", "Mish", "Mul"))
"""Operators of which a feed-forward network has one."""

MERGED = (0, 1, 3, 4, 2, 5)
"""How patches of two by two pixels are put together."""


def transformer_name(cell: Cell, steps: Sequence[Step]) -> str:
    """Return what a transformer's author would call a class, or nothing.

    Args:
        cell: An object of the class.
        steps: Its operators and those of all below it, in the order in which they run.
    """
    kinds = [step.node.op_type for step in steps]
    if kinds == ["RMSNormalization"]:
        return "RMSNorm"
    words = [
        word.lower() for part in cell.path.split(".") for word in re.findall("[A-Za-z]+", part)
    ]
    last = re.findall("[A-Za-z][a-z]*", cell.path.rpartition(".")[2])
    own = [step for step in cell.steps if step.code and step.node.op_type in ATTENTIONS]
    if len(own) == 1:
        return attention_name([word.lower() for word in last], kinds)
    stacked = any("." in name or child.loop for name, child in cell.children.items())
    numbered = re.search(r"\d$", cell.path) is not None and not stacked
    if numbered and ATTENTIONS & set(kinds) and GATES & set(kinds):
        return layer_name(words)
    return patch_name(steps) if not words or words[-1] in VAGUE else ""


def attention_name(words: Sequence[str], kinds: Sequence[str]) -> str:
    """Return the name of a class that computes attention itself, as `words` call the object."""
    if "Roll" in kinds:
        return "WindowAttention"
    if "cross" in words or "encoder" in words:
        return "CrossAttention"
    return "SelfAttention" if "self" in words else "Attention"


def layer_name(words: Sequence[str]) -> str:
    """Return the name of a layer of attention and a feed-forward network, by the words around."""
    last = words[-1] if words else ""
    where = next((word for word in reversed(words) if word in ("encoder", "decoder")), "")
    return (
        f"{where.capitalize() or 'Transformer'}{'Layer' if last.startswith('layer') else 'Block'}"
    )


def patch_name(steps: Sequence[Step]) -> str:
    """Return the name of a class that makes patches of pixels, or larger ones of patches."""
    kinds = [step.node.op_type for step in steps]
    normed = "LayerNormalization" in kinds
    perms: list[tuple[int, ...]] = [attribute(step.node, "perm", ()) for step in steps]
    if normed and MERGED in perms:
        return "PatchMerging"
    first = steps[0].node if steps else None
    if first is None or first.op_type != "Conv" or not normed or len(steps) > 4:
        return ""
    kernel = (shape_of(first.inputs[1]) or ())[2:]
    strides = attribute(first, "strides", (1,) * len(kernel))
    return "PatchEmbed" if kernel == tuple(strides) and max(kernel) > 1 else ""
