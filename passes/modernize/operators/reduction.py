"""Reductions."""

from ..form import Form, reads


@reads("ReduceMean", "ReduceProd", "ReduceL1", "ReduceL2", versions=(1, 11, 13, 18))
@reads("ReduceSumSquare", versions=(1, 11, 13, 18))
@reads("ReduceLogSum", "ReduceLogSumExp", versions=(1, 11, 13, 18, 28))
@reads("ReduceMax", "ReduceMin", versions=(1, 11, 12, 13, 18, 20))
def reduce(form: Form) -> None:
    """Reductions; the axes were an attribute."""
    if form.version < 18:
        form.attribute_to_input("axes", 1)


@reads("ReduceSum", versions=(1, 11, 13))
def reduce_sum(form: Form) -> None:
    """ReduceSum, five versions before the others."""
    if form.version < 13:
        form.attribute_to_input("axes", 1)
