"""Every parameter of the network, with its way from the file."""

from ...compiler.ir.provenance import KEY, history_of, sources_of
from ..base import Weight
from .cells import Cell
from .code import WeightSource
from .constants import is_written_out


def weights_of(root: Cell) -> list[Weight]:
    """Return the parameters of all cells, in the order of the tree."""
    weights: list[Weight] = []
    for cell in root.walk():
        prefix = f"{cell.path}." if cell.path else ""
        for name, source in cell.own.items():
            if not is_written_out(source):
                trainable = KEY in source.value.metadata_props
                weights.append(weight(prefix + name, source, trainable=trainable))
        if cell.layer is not None:
            for name, source in cell.layer.weights.items():
                trainable = name not in cell.layer.buffers
                weights.append(weight(prefix + name, source, trainable=trainable))
    return weights


def weight(name: str, source: WeightSource, *, trainable: bool) -> Weight:
    """Return one parameter."""
    value = source.value
    sources = sources_of(value) or ((value.name or ""),)
    return Weight(
        name=name,
        shape=source.shape,
        dtype=source.dtype,
        initializer=sources[0] if len(sources) == 1 else "",
        state_dict=value.metadata_props.get(KEY),
        done=(*history_of(value), *source.done),
        read=source.read,
        trainable=trainable,
    )
