"""Normalization and dropout."""

from ..code import Code, Layer, Literal, WeightSource, shortest
from ..registry import CannotEmit, Op, emits

BATCH_NORM_DEFAULTS: dict[str, Literal] = {"momentum": 0.9}
BUFFERS = frozenset({"moving_mean", "moving_variance"})


@emits("BatchNormalization")
def batch_normalization(op: Op) -> Code:
    """BatchNormalization-15 in inference form: the network's running statistics.

    Both ONNX and MindSpore keep momentum * running + (1 - momentum) * batch.
    """
    if op.attr("training_mode", 0):
        raise CannotEmit("BatchNormalization in training mode is not supported yet")
    if not all(op.is_constant(i) for i in range(1, 5)):
        raise CannotEmit("BatchNormalization with computed statistics is not supported yet")
    names = {2: "nn.BatchNorm1d", 3: "nn.BatchNorm1d", 4: "nn.BatchNorm2d", 5: "nn.BatchNorm3d"}
    rank = op.rank(0)
    if rank not in names:
        raise CannotEmit(f"BatchNormalization of rank {rank}; MindSpore has 2 to 5")
    # nn.BatchNorm3d holds a BatchNorm2d and its parameters one level deeper
    prefix = "bn2d." if rank == 5 else ""
    weights = {
        f"{prefix}{name}": WeightSource(op[index])
        for index, name in enumerate(("gamma", "beta", "moving_mean", "moving_variance"), 1)
    }
    arguments: dict[str, Literal] = {
        "num_features": weights[f"{prefix}gamma"].shape[0],
        "eps": shortest(op.attr("epsilon", 1e-5)),
        "momentum": shortest(op.attr("momentum", 0.9)),
    }
    return Layer(
        names[rank],
        arguments,
        (op[0],),
        weights,
        BATCH_NORM_DEFAULTS,
        positional=1,
        buffers=frozenset(prefix + name for name in BUFFERS),
        word="bn",
    )


@emits("LRN")
def lrn(op: Op) -> Code:
    """LRN-13: x / (bias + alpha / size * sum of squares over size channels) ** beta.

    MindSpore's alpha is ONNX's divided by size, and its depth_radius reaches to both sides.
    """
    size = op.attr("size", 1)
    if size % 2 == 0:
        raise CannotEmit("LRN over an even number of channels; MindSpore's window is symmetric")
    arguments: dict[str, Literal] = {
        "depth_radius": size // 2,
        "bias": shortest(op.attr("bias", 1.0)),
        "alpha": shortest(op.attr("alpha", 1e-4)) / size,
        "beta": shortest(op.attr("beta", 0.75)),
    }
    return Layer("nn.LRN", arguments, (op[0],), positional=1, word="lrn")


@emits("Dropout")
def dropout(op: Op) -> Code:
    """Dropout-22, inactive until `set_train()`; without its mask."""
    if op.outputs > 1:
        raise CannotEmit("the mask of Dropout is not supported yet")
    ratio = op.constant(1).item() if op.has(1) else 0.5
    arguments: dict[str, Literal] = {"p": shortest(ratio)}
    return Layer("nn.Dropout", arguments, (op[0],), word="dropout")
