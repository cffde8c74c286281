"""Losses of several steps."""

import onnx_ir as ir

from ...compiler.ir.graph import attribute
from ..base import graph_pass
from ..rewrite import Site, set_attribute, sites


@graph_pass()
def lower_losses(graph: ir.Graph) -> int:
    """Write SoftmaxCrossEntropyLoss as LogSoftmax over the classes and NegativeLogLikelihoodLoss.

    So PyTorch does it; ops.cross_entropy of MindSpore (2.10) does not tell the logarithms.
    """
    lowered = 0
    for site in sites(graph, "SoftmaxCrossEntropyLoss"):
        _lower(site)
        lowered += 1
    return lowered


def _lower(site: Site) -> None:
    node, scores = site.node, site[0]
    dtype = scores.dtype if scores is not None else None
    logs = site.add("LogSoftmax", [scores], axis=1, dtype=dtype)
    reduction = attribute(node, "reduction", "mean")
    loss = site.add(
        "NegativeLogLikelihoodLoss", [logs, *node.inputs[1:]], reduction=reduction, dtype=dtype
    )
    ignored: int | None = attribute(node, "ignore_index", None)
    producer = loss.producer()
    if ignored is not None and producer is not None:
        set_attribute(producer, "ignore_index", ignored)
    site.replace(*[loss, logs][: len(node.outputs)])
