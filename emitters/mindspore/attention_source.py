"""The function of the generated module that computes attention, as its calls need it."""

import ast
from collections import Counter
from collections.abc import Sequence

from .layout import fit

ATTENTION = "dot_product_attention"

FLASH = '''
FLASH_ATTENTION = False
"""True on Ascend: attention by its fused kernel, in half precision; a CPU has no such kernel."""
'''

WHOLE = {"mask": ("hidden", "attn_mask", "~"), "bias": ("shift", "real_shift", "")}
"""What the fused kernel takes for a mask or a bias: a local, the argument, a sign before it."""


def attention_lines(classes: str) -> list[str]:
    """Return the lines of the function by which classes compute attention."""
    calls = [
        node
        for node in ast.walk(ast.parse(classes))
        if isinstance(node, ast.Call)
        and isinstance(node.func, ast.Name)
        and node.func.id == ATTENTION
    ]
    return [*FLASH.rstrip("\n").split("\n"), "", "", *attention(calls)]


def attention(calls: Sequence[ast.Call]) -> list[str]:
    """Return the function that computes attention, with those arguments that some call gives."""
    given = Counter(keyword.arg for call in calls for keyword in call.keywords)
    optional = {name for name, count in given.items() if count < len(calls)}
    kinds = [kind for kind in ("mask", "bias") if kind in given]
    declared = ["query: ms.Tensor", "key: ms.Tensor", "value: ms.Tensor"]
    declared += [
        f"{kind}: ms.Tensor{' | None = None' if kind in optional else ''}"
        for kind in sorted(kinds, key=lambda kind: kind in optional)
    ]
    declared += ["scale: float | None = None"] if "scale" in given else []
    lines = [
        *fit(0, f"def {ATTENTION}({', '.join(declared)}) -> ms.Tensor:"),
        f'    """{sentence(kinds)}"""',
        *scale_lines(given),
        *flash_lines(kinds, optional),
    ]
    always = " + bias" if "bias" in kinds and "bias" not in optional else ""
    lines += [f"    scores = query * scale @ key.swapaxes(-1, -2){always}"]
    if "bias" in kinds and not always:
        lines += changed("scores", "scores + bias", "bias", optional)
    if "mask" in kinds:
        lines += changed("scores", "ops.where(mask, scores, -3.4e38)", "mask", optional)
    lines += ["    weights = ops.softmax(scores, axis=-1)"]
    if "mask" in kinds:
        lines += changed("weights", "ops.where(mask, weights, 0.0)", "mask", optional)
    return [*lines, "    return weights @ value"]


def scale_lines(given: Counter[str | None]) -> list[str]:
    """Return what makes the scale the usual one, at least where none is given."""
    if "scale" not in given:
        return ["    scale = query.shape[-1] ** -0.5"]
    return ["    if scale is None:", "        scale = query.shape[-1] ** -0.5"]


def flash_lines(kinds: Sequence[str], optional: set[str | None]) -> list[str]:
    """Return the call of the fused kernel, which wants whole masks that tell what is not seen."""
    arguments = ["query", "key", "value", "shape[1]" if kinds else "query.shape[1]"]
    lines = ["    if FLASH_ATTENTION and query.ndim == 4:"]
    lines += ["        shape = query.shape[:3] + key.shape[2:3]"] if kinds else []
    for kind in kinds:
        name, argument, sign = WHOLE[kind]
        missing = f"None if {kind} is None else " if kind in optional else ""
        lines += [f"        {name} = {missing}{sign}{kind}.broadcast_to(shape)"]
        arguments += [f"{argument}={name}"]
    arguments += ["scalar_value=scale", 'input_layout="BNSD"']
    return [*lines, *fit(8, f"return ops.flash_attention_score({', '.join(arguments)})")]


def changed(name: str, formula: str, kind: str, optional: set[str | None]) -> list[str]:
    """Return what changes a local by a mask, if there is one."""
    if kind not in optional:
        return [f"    {name} = {formula}"]
    return [f"    if {kind} is not None:", f"        {name} = {formula}"]


def sentence(kinds: Sequence[str]) -> str:
    """Return the docstring of attention."""
    bias = " + bias" if "bias" in kinds else ""
    seen = " over the keys that the mask shows" if "mask" in kinds else ""
    return f"Return softmax(scale * query @ key'{bias}) @ value{seen}."
