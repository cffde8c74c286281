"""Normalization by statistics of the network or of the batch, and dropout."""

from ..code import Argument, Code, Expression, Layer, WeightSource
from ..code import shortest as short
from ..dtypes import FLOAT32, dtype_of
from ..registry import CannotEmit, Op, emits

BATCH_NORMS = {2: "nn.BatchNorm1d", 3: "nn.BatchNorm1d", 4: "nn.BatchNorm2d", 5: "nn.BatchNorm3d"}
BATCH_NORM_DEFAULTS: dict[str, Argument] = {
    "eps": 1e-5,
    "momentum": 0.9,
    "use_batch_statistics": None,
    "dtype": FLOAT32,
}
PARAMETERS = ("gamma", "beta", "moving_mean", "moving_variance")


@emits("BatchNormalization")
def batch_normalization(op: Op) -> Code:
    """BatchNormalization-15; in training mode by the statistics of the batch.

    Both ONNX and MindSpore keep momentum * running + (1 - momentum) * batch.
    """
    if op.outputs > 1:
        raise CannotEmit("the running statistics that BatchNormalization makes in training mode")
    rank = op.rank(0)
    if rank not in BATCH_NORMS:
        raise CannotEmit(f"BatchNormalization of rank {rank}; MindSpore has 2 to 5")
    if not all(op.is_constant(i) for i in range(1, 5)):
        return computed_batch_normalization(op)
    # nn.BatchNorm3d holds a BatchNorm2d and its parameters one level deeper
    prefix = "bn2d." if rank == 5 else ""
    weights = {
        f"{prefix}{name}": WeightSource(op[index]) for index, name in enumerate(PARAMETERS, 1)
    }
    gamma = weights[f"{prefix}gamma"]
    arguments: dict[str, Argument] = {
        "num_features": gamma.shape[0],
        "eps": short(op.attr("epsilon", 1e-5)),
        "momentum": short(op.attr("momentum", 0.9)),
        "use_batch_statistics": True if op.attr("training_mode", 0) else None,
        "dtype": dtype_of(gamma),
    }
    return Layer(
        BATCH_NORMS[rank],
        arguments,
        (op[0],),
        weights,
        BATCH_NORM_DEFAULTS,
        positional=1,
        buffers=frozenset(f"{prefix}{name}" for name in PARAMETERS[2:]),
        word="bn",
    )


def computed_batch_normalization(op: Op) -> Code:
    """Return a BatchNormalization by statistics or parameters that are computed."""
    x, scale, bias, mean, variance = (op[i] for i in range(5))
    training = "True" if op.attr("training_mode", 0) else "False"
    return Expression(
        f"ops.batch_norm({{0}}, {{1}}, {{2}}, {{3}}, {{4}}, training={training}, eps={{eps}})",
        (x, mean, variance, scale, bias),
        {"eps": short(op.attr("epsilon", 1e-5))},
    )


@emits("LRN")
def lrn(op: Op) -> Code:
    """LRN-13: x / (bias + alpha / size * sum of squares over size channels) ** beta.

    MindSpore's alpha is ONNX's divided by size, and its depth_radius reaches to both sides.
    """
    size = op.attr("size", 1)
    if size % 2 == 0:
        raise CannotEmit("LRN over an even number of channels; MindSpore's window is symmetric")
    if op.rank(0) != 4:
        raise CannotEmit(f"LRN of rank {op.rank(0)}; MindSpore has 4")
    arguments: dict[str, Argument] = {
        "depth_radius": size // 2,
        "bias": short(op.attr("bias", 1.0)),
        "alpha": short(op.attr("alpha", 1e-4) / size),
        "beta": short(op.attr("beta", 0.75)),
    }
    return Layer("nn.LRN", arguments, (op[0],), positional=1, word="lrn")


@emits("Dropout")
def dropout(op: Op) -> Code:
    """Dropout-22, inactive until `set_train()`; without its mask."""
    if op.outputs > 1:
        raise CannotEmit("the mask of Dropout")
    if op.has(2) and op.number(2) is not False:
        raise CannotEmit("a Dropout that is active in inference")
    ratio = op.number(1) if op.has(1) else 0.5
    if not isinstance(ratio, float):
        raise CannotEmit("a Dropout whose ratio is computed")
    if not ratio:
        return Expression("{0}", (op[0],))
    return Layer("nn.Dropout", {"p": ratio}, (op[0],), word="dropout")
