"""Every parameter of the network, with its way from the file."""

from ...compiler.ir.provenance import KEY, history_of, is_made_up, sources_of, tied_keys
from ..base import Weight
from .cells import Cell
from .ties import Held, parameters, tied


def weights_of(root: Cell) -> list[Weight]:
    """Return the parameters of all cells in the order of the tree, shared ones once."""
    repeated = tied(root)
    return [weight(held) for held in parameters(root) if held not in repeated]


def weight(held: Held) -> Weight:
    """Return one parameter as the driver writes it."""
    value = held.source.value
    sources = sources_of(value) or (() if is_made_up(value) else (value.name or "",))
    return Weight(
        name=held.path,
        shape=held.source.shape,
        dtype=held.source.dtype,
        initializer=sources[0] if len(sources) == 1 else "",
        state_dict=held.source.key or value.metadata_props.get(KEY),
        done=(*history_of(value), *held.source.done),
        read=held.source.read,
        moves=held.source.moves,
        tied=tied_keys(value),
    )
