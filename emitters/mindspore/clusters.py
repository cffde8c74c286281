"""Which cells are objects of one class."""

from dataclasses import dataclass, field

from .cells import Cell
from .match import Alignment, match


@dataclass(eq=False)
class Cluster:
    """Cells that are objects of one class.

    Attributes:
        template: The member that has every step of the others.
        members: Each cell with how its steps answer to the template's, in order of the source.
    """

    template: Cell
    members: dict[Cell, Alignment] = field(default_factory=dict[Cell, Alignment])

    @property
    def torch_class(self) -> str:
        """Qualified PyTorch class of the first member that has one."""
        return next((cell.torch_class for cell in self.members if cell.torch_class), "")

    def optional(self) -> set[str]:
        """Return the children that some member lacks."""
        return {
            step.child
            for i, step in enumerate(self.template.steps)
            if any(alignment[i] is None for alignment in self.members.values())
        }


class Clustering:
    """Sorts the cells of a tree into classes, children before their parents."""

    def __init__(self, root: Cell) -> None:
        self.of: dict[Cell, Cluster] = {}
        self.clusters: list[Cluster] = []
        self._place(root)
        for cluster in self.clusters:
            cluster.members = {
                cell: cluster.members[cell] for cell in root.walk() if cell in cluster.members
            }

    def same_kind(self, one: Cell, other: Cell) -> bool:
        """Tell whether two children can stand in the same place of one class.

        Sequences of different length are passed to the constructor.
        """
        if one.layer is not None or other.layer is not None:
            return (
                one.layer is not None
                and other.layer is not None
                and one.layer.name == other.layer.name
            )
        if one.is_sequence or other.is_sequence:
            return one.is_sequence and other.is_sequence
        return self.of[one] is self.of[other]

    def _place(self, cell: Cell) -> None:
        for child in cell.children.values():
            self._place(child)
        if cell.layer is not None or (cell.is_sequence and cell.path):
            return
        inside = {self.of[below] for below in cell.walk() if below in self.of}
        for cluster in self.clusters:
            if cluster not in inside and cell.path and self._joins(cell, cluster):
                self.of[cell] = cluster
                return
        new = Cluster(cell)
        new.members[cell] = list(cell.steps)
        self.clusters.append(new)
        self.of[cell] = new

    def _joins(self, cell: Cell, cluster: Cluster) -> bool:
        """Add a cell to a cluster if it fits, as it is or as the new template."""
        theirs, ours = cluster.torch_class, cell.torch_class
        alignment = match(cluster.template, cell, self.same_kind)
        if theirs and ours and theirs != ours and (alignment is None or None in alignment):
            return False  # two classes of PyTorch's are one only if they are the same throughout
        if alignment is not None:
            cluster.members[cell] = alignment
            return True
        new: dict[Cell, Alignment] = {cell: list(cell.steps)}
        for member in cluster.members:
            alignment = match(cell, member, self.same_kind)
            if alignment is None:
                return False
            new[member] = alignment
        cluster.template, cluster.members = cell, new
        return True
