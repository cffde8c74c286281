"""Random numbers: of a distribution, other ones in every run unless a seed is given."""

import onnx_ir as ir

from ..code import ATOM, COMPARISON, PRODUCT, SUM, Code, shortest
from ..draft import Draft
from ..dtypes import mindspore_dtype
from ..registry import Op, emits


def seed_of(op: Op) -> int | None:
    """Return a seed; ONNX's is any real number, MindSpore's an integer."""
    seed: float | None = op.attr("seed", None)
    return None if seed is None else int.from_bytes(str(seed).encode(), "big") % 2**31


def drawn(op: Op, primitive: str, shape: str) -> str:
    """Return the call that draws float32."""
    seed = seed_of(op)
    given = "" if seed is None else f"seed={seed}"
    return f"ops.{primitive}({given})({shape})"


def placed(draft: Draft, source: str, factor: float, offset: float, dtype: int) -> Code:
    """Return numbers that were drawn, stretched and moved."""
    text, binds = source, ATOM
    if factor != 1:
        text, binds = f"{text} * {draft.setting('scale', shortest(factor))}", PRODUCT
    if offset != 0:
        text, binds = f"{text} + {draft.setting('offset', shortest(offset))}", SUM
    if dtype != ir.DataType.FLOAT:
        text = f"({text})" if binds != ATOM else text
        text, binds = f"{text}.astype({mindspore_dtype(dtype)})", ATOM
    return draft.expression(text, binds=binds)


def shape_of(op: Op, draft: Draft) -> str:
    """Return the shape that is asked for: an attribute, or that of the input."""
    if op.node.op_type.endswith("Like"):
        return f"{draft.operand(0, ATOM)}.shape"
    return draft.setting("shape", tuple(op.attr("shape", ())))


def type_of(op: Op) -> int:
    """Return the element type that is asked for."""
    like = op.node.op_type.endswith("Like")
    return op.attr("dtype", int(op.dtype) if like else int(ir.DataType.FLOAT))


@emits("RandomNormal", "RandomNormalLike")
def random_normal(op: Op) -> Code:
    """RandomNormal-22, RandomNormalLike-22: of a mean and a standard deviation."""
    draft = Draft(op)
    source = drawn(op, "StandardNormal", shape_of(op, draft))
    return placed(draft, source, op.attr("scale", 1.0), op.attr("mean", 0.0), type_of(op))


@emits("RandomUniform", "RandomUniformLike")
def random_uniform(op: Op) -> Code:
    """RandomUniform-22, RandomUniformLike-22: from `low` up to, but without, `high`."""
    draft = Draft(op)
    low, high = op.attr("low", 0.0), op.attr("high", 1.0)
    source = drawn(op, "UniformReal", shape_of(op, draft))
    return placed(draft, source, high - low, low, type_of(op))


@emits("Multinomial")
def multinomial(op: Op) -> Code:
    """Multinomial-22: places drawn with probabilities whose logarithms are given, up to a sum."""
    draft = Draft(op)
    count = draft.setting("count", op.attr("sample_size", 1))
    weights = f"ops.softmax({draft.operand(0, ATOM)}.astype(ms.float32), axis=-1)"
    seed = seed_of(op)
    given = "" if seed is None else f", seed={seed}"
    source = f"ops.multinomial({weights}, {count}, replacement=True{given})"
    dtype = op.attr("dtype", int(ir.DataType.INT32))
    if dtype != ir.DataType.INT32:
        source += f".astype({mindspore_dtype(dtype)})"
    return draft.expression(source)


@emits("Bernoulli")
def bernoulli(op: Op) -> Code:
    """Bernoulli-22: 1 with the probability that is given, else 0.

    The function by which onnx 1.23 defines it compares the other way round, against its text.
    """
    draft = Draft(op)
    source = drawn(op, "UniformReal", f"{draft.operand(0, ATOM)}.shape")
    dtype = mindspore_dtype(op.attr("dtype", int(op.dtype)))
    return draft.expression(f"({source} < {draft.operand(0, COMPARISON + 1)}).astype({dtype})")
