"""Which cells are objects of one class."""

from dataclasses import dataclass, field

from .cells import Cell, Step
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

    @property
    def packed(self) -> Step | None:
        """The Concat that joins all arguments, if any member has one; all are called so then."""
        return next((cell.packed for cell in self.members if cell.packed), None)

    def optional(self) -> list[Step]:
        """Return the template's steps that some member lacks."""
        return [
            step
            for i, step in enumerate(self.template.steps)
            if any(alignment[i] is None for alignment in self.members.values())
        ]


class Clustering:
    """Sorts the cells of a tree into classes, children before their parents."""

    def __init__(self, root: Cell) -> None:
        self.of: dict[Cell, Cluster] = {}
        self.clusters: list[Cluster] = []
        self._fingerprints: dict[Cell, tuple[object, ...]] = {}
        self._place(root)
        while self._merge():
            pass
        for cluster in self.clusters:
            cluster.members = {
                cell: cluster.members[cell] for cell in root.walk() if cell in cluster.members
            }

    def _merge(self) -> bool:
        """Join two clusters, if the cells of one all fit the other; tell whether two did.

        A cell may come before the one whose class has all that either does.
        """
        for kept in self.clusters:
            for gone in self.clusters:
                if kept is gone or kept.torch_class != gone.torch_class:
                    continue
                if not self._is_apart(kept, gone):
                    continue
                alignments = {
                    cell: match(kept.template, cell, self.same_kind) for cell in gone.members
                }
                same_class = kept.torch_class != ""
                fitting = {
                    cell: alignment
                    for cell, alignment in alignments.items()
                    if alignment is not None and few_lack(kept.template, alignment, same_class)
                }
                if len(fitting) == len(gone.members):
                    kept.members |= fitting
                    self.of.update(dict.fromkeys(fitting, kept))
                    self.clusters.remove(gone)
                    self._fingerprints.clear()
                    return True
        return False

    def _is_apart(self, one: Cluster, other: Cluster) -> bool:
        """Tell whether no cell of either cluster is inside of a cell of the other, and no root."""
        paths = [{cell.path for cell in cluster.members} for cluster in (one, other)]
        return not any(
            not outer or inner.startswith(f"{outer}.")
            for ours, theirs in (paths, paths[::-1])
            for inner in ours
            for outer in theirs
        )

    def same_kind(self, one: Cell, other: Cell) -> bool:
        """Tell whether two children can stand in the same place of one class.

        Sequences can if they have the same runs of equal elements, of any lengths; layers without
        weights, such as activations, can always.
        """
        if one.layer is not None or other.layer is not None:
            if one.layer is None or other.layer is None:
                return False
            if one.layer.form != other.layer.form:
                return False
            return one.layer.name == other.layer.name or not (
                one.layer.weights or other.layer.weights
            )
        if one.loop or other.loop:
            kinds = {self.of.get(c) for loop in (one, other) for c in loop.children.values()}
            return one.loop == other.loop and len(kinds) == 1 and None not in kinds
        if one.is_inline or other.is_inline:
            if not (one.is_inline and other.is_inline):
                return False
            ours, theirs = self._runs(one), self._runs(other)
            return len(ours) == len(theirs) and all(map(self.same_kind, ours, theirs))
        return self.of[one] is self.of[other]

    def _runs(self, sequence: Cell) -> list[Cell]:
        """Return the first of each run of equal elements."""
        runs: list[Cell] = []
        for element in sequence.children.values():
            if not runs or self.fingerprint(element) != self.fingerprint(runs[-1]):
                runs.append(element)
        return runs

    def fingerprint(self, cell: Cell) -> tuple[object, ...]:
        """Return what is equal for cells that are constructed by the same call."""
        if cell not in self._fingerprints:
            layer = cell.layer
            self._fingerprints[cell] = (
                id(self.of.get(cell)),
                (layer.name, layer.form, *layer.arguments.items()) if layer else None,
                tuple(tuple(step.code.settings.items()) for step in cell.steps if step.code),
                tuple((name, self.fingerprint(child)) for name, child in cell.children.items()),
            )
        return self._fingerprints[cell]

    def _place(self, cell: Cell) -> None:
        for child in cell.children.values():
            self._place(child)
        if cell.layer is not None or cell.loop or (cell.is_inline and cell.path):
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
        if alignment is not None and not few_lack(
            cluster.template, alignment, theirs == ours != ""
        ):
            alignment = None
        if theirs and ours and theirs != ours and (alignment is None or None in alignment):
            return False  # two classes of PyTorch's are one only if they are the same throughout
        if alignment is not None:
            cluster.members[cell] = alignment
            return True
        new: dict[Cell, Alignment] = {cell: list(cell.steps)}
        for member in cluster.members:
            alignment = match(cell, member, self.same_kind)
            if alignment is None or not few_lack(cell, alignment, theirs == ours != ""):
                return False
            new[member] = alignment
        cluster.template, cluster.members = cell, new
        return True


def few_lack(template: Cell, alignment: Alignment, same_class: bool) -> bool:
    """Tell whether what a cell lacks is little enough to be of one class with the template.

    Children may be absent; of operators one residual sum, and within one class of PyTorch's one
    function, or the rolls that shift windows and the bias that goes with them.
    """
    lacking = [
        step
        for step, theirs in zip(template.steps, alignment, strict=True)
        if theirs is None and not step.child
    ]
    sums = [step for step in lacking if step.node.op_type == "Add"]
    others = [step.node.op_type for step in lacking if step not in sums]
    shifted = others.count("Roll") == 2 and set(others) <= {"Roll", "Tile"}
    return len(sums) <= 1 and (shifted or len(others) <= int(same_class))
