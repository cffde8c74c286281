"""Losses."""

from ..code import ATOM, Code
from ..draft import Draft
from ..registry import Op, emits


@emits("NegativeLogLikelihoodLoss")
def nll_loss(op: Op) -> Code:
    """NegativeLogLikelihoodLoss-22; a weight of None counts every class alike."""
    draft = Draft(op)
    template = f"ops.nll_loss({draft.operand(0)}, {draft.operand(1, ATOM)}.astype(ms.int32)"
    if op.has(2):
        template += f", {draft.operand(2)}"
    ignored: int | None = op.attr("ignore_index", None)
    if ignored is not None:
        template += f", ignore_index={draft.setting('ignore_index', ignored)}"
    reduction = op.attr("reduction", "mean")
    if reduction != "mean":
        template += f", reduction={draft.setting('reduction', reduction)}"
    return draft.expression(f"{template})", closes=True)
