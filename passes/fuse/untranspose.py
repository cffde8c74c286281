"""A matrix, or many, whose last two axes have changed places, before they did."""

from dataclasses import dataclass

import onnx_ir as ir

from ...compiler.ir.graph import attribute, operand
from ...compiler.ir.sizes.analysis import Dims, known_shape, written
from ..rewrite import Site
from ..size_vectors import size_vector

RESHAPES = frozenset(("Reshape", "Unsqueeze"))
"""Operators by which an axis of one element is put in."""


@dataclass(frozen=True)
class Plain:
    """How to get at a value with its last two axes in the other order.

    Attributes:
        source: The value to start from.
        perm: Permutation of its axes; none if they are right.
        shape: Shape to give it; none if it is right.
    """

    source: ir.Value
    perm: tuple[int, ...] = ()
    shape: Dims = ()

    def make(self, site: Site) -> ir.Value:
        """Return the value; a node is added if it is not there."""
        dtype = self.source.dtype
        if self.perm:
            result = site.add("Transpose", [self.source], perm=self.perm, dtype=dtype)
            sizes = self.source.shape
            result.shape = None if sizes is None else ir.Shape([sizes[i] for i in self.perm])
            return result
        if self.shape:
            wanted = size_vector(site, self.shape, [self.source])
            assert wanted is not None, "a source is asked for that tells the sizes"
            result = site.add("Reshape", [self.source, wanted], dtype=dtype)
            result.shape = written(self.shape)
            return result
        return self.source


def untransposed(value: ir.Value) -> Plain | None:
    """Return how to get at a value whose last two axes have changed places; None if they have not.

    The dynamo exporter joins the other axes for the Transpose, and parts them again.
    """
    node = value.producer()
    if node is None or node.domain:
        return None
    perm = _perm(node)
    if perm:
        return _swapped(node, perm)
    before = operand(node, 0) if node.op_type == "Reshape" else None
    inner = None if before is None else before.producer()
    shape, joined = known_shape(value), known_shape(before)
    if inner is None or inner.domain or shape is None or joined is None or 0 in shape:
        return None
    if _perm(inner) != (0, 2, 1) or shape[-2:] != joined[-2:] or inner.inputs[0] is None:
        return None
    wanted = (*shape[:-2], shape[-1], shape[-2])
    return reshaped(inner.inputs[0], wanted)


def reshaped(source: ir.Value, shape: Dims) -> Plain | None:
    """Return a value in another shape, from before it was reshaped to this one.

    None if its shape does not tell the sizes of the other.
    """
    node = source.producer()
    while known_shape(source) != shape:
        before = operand(node, 0) if node is not None and _is_reshape(node) else None
        if before is None:
            break
        source, node = before, before.producer()
    known = known_shape(source) or ()
    if known == shape:
        return Plain(source)
    told = all(isinstance(size, int) or size in known for size in shape)
    return Plain(source, shape=shape) if told else None


def _is_reshape(node: ir.Node) -> bool:
    return node.op_type == "Reshape" and not node.domain


def _perm(node: ir.Node) -> tuple[int, ...]:
    return attribute(node, "perm", ()) if node.op_type == "Transpose" else ()


def _swapped(node: ir.Node, perm: tuple[int, ...]) -> Plain | None:
    source = operand(node, 0)
    if source is None or len(perm) < 2:
        return None
    swapped = (*perm[:-2], perm[-1], perm[-2])
    return Plain(source) if swapped == tuple(range(len(perm))) else Plain(source, perm=swapped)
