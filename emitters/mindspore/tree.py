"""From nodes with module paths to a tree of cells.

A module of PyTorch becomes a child cell where its nodes can run as one call. Where they cannot,
because something outside computes between them, they are taken into the parent.
"""

from collections.abc import Mapping
from dataclasses import replace

import onnx_ir as ir

from ...compiler.ir import graph as ask
from ...compiler.ir.provenance import KEY, path_of, scope_of
from ...compiler.ir.sizes.analysis import Sizes
from .cells import Cell, Operand, Own, Step
from .code import (
    CHOICE,
    COMPARISON,
    Body,
    Choice,
    Code,
    Expression,
    Layer,
    Repetition,
    WeightSource,
)
from .guards import guards
from .hoist import Chain, Module, common, hoist
from .host import holds_size, localize, refers
from .loops import fold_chains, fold_growing, make_loop
from .naming import attribute, identifier, unique
from .roles import role_of, turn_of
from .scalars import inline_scalars
from .sequences import make_sequence, name_nameless, nameless, number_lists
from .structure import StructureFinder
from .units import Unit, order, outputs_of, tangled

PARAMETERS = {"Mul": "scale", "Div": "divisor", "Add": "shift", "Sub": "shift", "MatMul": "weight"}
"""What a person calls an operand that a cell holds itself, by the operator that reads it."""

RECURRENT = ("", "w", "r", "b", "lengths", "h", "c", "peepholes")
ROLES = {
    "LSTM": RECURRENT,
    "GRU": RECURRENT,
    "RNN": RECURRENT,
    "DynamicQuantizeLSTM": (*RECURRENT, "w_scale", "w_zero_point", "r_scale", "r_zero_point"),
    "DeformConv": ("", "weight", "offset", "bias", "mask"),
    "GridSample": ("", "grid"),
    "QuantizeLinear": ("", "scale", "zero_point"),
    "DequantizeLinear": ("", "scale", "zero_point"),
    "FakeQuantize": ("", "scale", "zero_point"),
    **dict.fromkeys(("Attention", "BiasedAttention"), ("", "", "", "bias")),
    "MatMulInteger": ("", "weight", "zero_point", "weight_zero_point"),
}
"""The same by the place of the operand, where it has a role of its own."""

FEW = 2
"""So many expressions of a module without parameters are written in its parent."""


class TreeBuilder:
    """Builds the tree of cells of one graph.

    Args:
        graph: The lowered graph, its nodes in topological order.
        codes: The code of every node.
        known: What is known of the graph's sizes; None where all of them are numbers.
        around: The modules around the node that holds the graph, if it is a body.
    """

    def __init__(
        self,
        graph: ir.Graph,
        codes: Mapping[ir.Node, Code],
        known: Sizes | None = None,
        around: Chain | None = None,
    ) -> None:
        self._graph = graph
        self._codes = codes
        self._known = known
        self._root_class = ""
        root_sizes = known if around is None else None  # a body demands nothing of its own
        self._guards = [] if root_sizes is None else guards(list(graph.inputs), root_sizes)
        self._chains = {node: self._chain_within(node, around or ()) for node in graph}
        hoist(self._chains, codes)
        if not any(self._chains.values()):
            self._chains = StructureFinder(graph, codes).chains()

    def _chain_within(self, node: ir.Node, around: Chain) -> Chain:
        """Return what is left of the modules around a node within those around another one."""
        chain = self._chain(node)
        return chain[len(common([chain, around])) :]

    def build(self) -> Cell:
        """Return the root cell."""
        root = self._cell(list(self._graph), 0, self._root_class)
        root.inputs = list(self._graph.inputs)
        root.outputs = list(self._graph.outputs)
        set_paths(root, "")
        return root

    def _chain(self, node: ir.Node) -> Chain:
        """Return the modules around a node, each named within its parent."""
        chain: list[Module] = []
        parent = ""
        for module in scope_of(node):
            if not module.path:
                self._root_class = self._root_class or module.class_name
                continue
            name = module.path.removeprefix(f"{parent}.") if parent else module.path
            chain.append((name, module.class_name))
            parent = module.path
        return tuple(chain)

    def _cell(self, nodes: list[ir.Node], depth: int, torch_class: str) -> Cell:
        """Return the cell that runs `nodes`; `depth` modules lie around it."""
        cell = Cell("", torch_class)
        cell.inputs = [v for v in ask.outer_inputs(nodes) if not ask.is_constant(v)]
        cell.outputs = outputs_of(nodes)
        for unit in order(self._units(nodes, depth)):
            if unit.name and not self._dissolves(unit, depth + 1):
                self._add_child(cell, unit, depth)
            else:
                for node in unit.nodes:
                    self._add_node(cell, node, unit.name)
        if self._known is not None:
            localize(cell, cell.inputs if depth else list(self._graph.inputs), self._known)
            if not depth:
                cell.guards = self._guards
        if depth and len(cell.steps) > 1:  # the root is called with the graph's inputs
            pack_arguments(cell)
        name_nameless(cell)
        make_loop(cell)
        if cell.loop:
            return cell
        make_sequence(cell)
        number_lists(cell)
        if not cell.is_sequence:
            fold_growing(cell)
            fold_chains(cell)
        return cell

    def _units(self, nodes: list[ir.Node], depth: int) -> list[Unit]:
        """Return the steps of a cell: its own nodes, and each child's in one group.

        A child whose nodes cannot run as one call is dissolved into its parts.
        """
        units = self._grouped(nodes, depth)
        while knot := tangled(units):
            unit = max((u for u in knot if u.name), key=lambda u: len(u.nodes))
            for node in unit.nodes:
                chain = self._chains[node]
                inner = chain[depth + 1 : depth + 2]
                joined = tuple((f"{unit.name}.{name}", kind) for name, kind in inner)
                self._chains[node] = chain[:depth] + joined + chain[depth + 2 :]
            units = self._grouped(nodes, depth)
        return units

    def _grouped(self, nodes: list[ir.Node], depth: int) -> list[Unit]:
        groups: dict[str, Unit] = {}
        units: list[Unit] = []
        for node in nodes:
            chain = self._chains[node]
            if len(chain) == depth:
                units.append(Unit([node]))
                continue
            name = chain[depth][0]
            if name not in groups:
                groups[name] = Unit([], name)
                units.append(groups[name])
            groups[name].nodes.append(node)
        return units

    def _dissolves(self, unit: Unit, depth: int) -> bool:
        """Tell whether a module is written in its parent: few expressions, at most one layer."""
        layers = [node for node in unit.nodes if isinstance(self._codes[node], Layer)]
        expressions = [node for node in unit.nodes if node not in layers]
        leaf = all(len(self._chains[node]) == depth for node in unit.nodes)
        bare = not any(ask.is_constant(v) and KEY in v.metadata_props
                       for node in expressions for v in node.inputs if v is not None)  # fmt: skip
        if not layers:
            return bare and len(expressions) <= FEW
        return leaf and bare and len(layers) == 1 and len(expressions) <= FEW

    def _add_child(self, cell: Cell, unit: Unit, depth: int) -> None:
        """Add a module as a child of its own, and its call."""
        torch_class = self._chains[unit.nodes[0]][depth][1]
        child = self._cell(unit.nodes, depth + 1, torch_class)
        name = self._free_name(cell, unit.name)
        cell.children[name] = child
        node, sizes = unit.nodes[-1], tuple(child.sizes)
        cell.steps.append(Step(child.arguments, child.outputs, node, child=name, sizes=sizes))

    def _add_node(self, cell: Cell, node: ir.Node, module: str) -> None:
        """Add one node: a layer as a child, an expression as a step."""
        code = self._codes[node]
        outputs = list(node.outputs)
        if isinstance(code, Choice):
            self._add_choice(cell, node, code)
            return
        if isinstance(code, Repetition):
            operands = [self._operand(cell, value, node) for value in code.operands]
            name = self._add_body(cell, node, code.body, "body")
            cell.steps.append(Step(operands, outputs, node, child=name, turns=code.turns))
            return
        if isinstance(code, Layer):
            text = module or own_name(code, path_of(node))
            name = self._free_name(cell, text) if text else nameless(cell, code.word)
            made = [outputs[i] for i in code.outputs]
            cell.children[name] = Cell("", layer=code, inputs=list(code.operands), outputs=made)
            given = [self._operand(cell, value, node) for value in code.operands]
            cell.steps.append(Step(given, made, node, child=name))
            return
        code = inline_scalars(code, node)
        if any(map(holds_size, code.settings.values())):
            code = replace(code, cell=None)  # a layer is constructed before any size is known
        operands = [self._operand(cell, value, node) for value in code.operands]
        made = outputs[code.first : code.first + code.outputs]
        cell.steps.append(Step(operands, made, node, code, module=module))

    def _add_choice(self, cell: Cell, node: ir.Node, code: Choice) -> None:
        """Add what an If chooses from, and the choice."""
        condition = self._operand(cell, code.condition, node)
        results = [
            self._add_branch(cell, node, body, word)
            for word, body in (("then_branch", code.yes), ("else_branch", code.no))
        ]
        read = tuple(result for result in (code.condition, *results) if not isinstance(result, Own))
        slots = (COMPARISON, COMPARISON, CHOICE)
        text, count = "{1} if {0} else {2}", len(node.outputs)
        choice = Expression(text, read, {}, CHOICE, slots, outputs=count, lazy=True)
        cell.steps.append(Step([condition, *results], list(node.outputs), node, choice))

    def _add_branch(self, cell: Cell, node: ir.Node, body: Body, word: str) -> Operand:
        """Add a branch of an If, as an expression where it is one; return its result."""
        actual = dict(zip(body.graph.inputs, body.operands, strict=True))
        nodes, outputs = list(body.graph), list(body.graph.outputs)
        if not nodes and len(outputs) == 1:
            return self._operand(cell, actual[outputs[0]], node)
        result = ir.Value(name=outputs[0].name)  # or all that the branch returns
        code = body.codes[nodes[0]] if len(nodes) == len(outputs) == 1 else None
        if isinstance(code, Expression) and is_portable(code):
            code = inline_scalars(code, nodes[0])
            operands = [self._operand(cell, actual.get(v, v), nodes[0]) for v in code.operands]
            cell.steps.append(Step(operands, [result], nodes[0], code))
            return result
        operands = [self._operand(cell, value, node) for value in body.operands]
        name = self._add_body(cell, node, body, word)
        cell.steps.append(Step(operands, [result], node, child=name))
        return result

    def _add_body(self, cell: Cell, node: ir.Node, body: Body, word: str) -> str:
        """Add a graph that a node holds as a child; return its name."""
        name = self._free_name(cell, word)
        around = self._chain(node)
        cell.children[name] = TreeBuilder(body.graph, body.codes, body.known, around).build()
        return name

    def _operand(self, cell: Cell, value: ir.Value, node: ir.Node) -> Operand:
        """Return a value as an operand; a weight becomes a parameter of the cell.

        Only PyTorch's names are kept: others would tell blocks apart that are one class.
        """
        if not ask.is_constant(value):
            return value
        for name, source in cell.own.items():
            if source.value is value:
                return Own(name)
        key = value.metadata_props.get(KEY)
        usual = turn_of(value) or PARAMETERS.get(node.op_type) or role_of(value) or "constant"
        roles = ROLES.get(node.op_type, ())
        if roles and (place := list(node.inputs).index(value)) < len(roles):
            usual = roles[place] or usual
        wish = key.rpartition(".")[2] if key else buffer_name(value, node) or usual
        name = unique(attribute(identifier(wish, "constant")), cell.own)
        cell.own[name] = WeightSource(value)
        return Own(name)

    @staticmethod
    def _free_name(cell: Cell, text: str) -> str:
        """Return an attribute that is free: `conv1`, `blocks.0` for element 0 of a list."""
        *parents, last = text.split(".")
        head = "_".join(attribute(part) for part in parents)
        head = f"layer_{head}" if head[:1].isdigit() else head
        name = (
            f"{head}.{attribute(last)}"
            if head and last.isdigit()
            else "_".join(filter(None, [head, attribute(last)]))
        )
        taken = {*cell.children, *cell.own}
        if name.isdigit() and name in taken:  # the first will be called so
            name = f"layer_{name}"
            taken.add(name)
        return unique(name, taken)


def is_portable(code: Expression) -> bool:
    """Tell whether an expression means the same in the graph around its own."""
    sized = any(map(holds_size, code.settings.values()))
    return code.outputs == 1 and not code.first and not code.lazy and not sized


def own_name(layer: Layer, path: str) -> str:
    """Return the name that the file gives a layer through its weight, or nothing.

    A module that is the layer and more, such as a BatchNorm with its activation, does not call the
    layer inside by its own name, which differs from object to object. A number stands alone only in
    the module that counts so: of `conv.0` elsewhere it is `conv` that tells.
    """
    source = next(iter(layer.weights.values()), None)
    if source is None:
        return ""
    owner = source.value.metadata_props.get(KEY, "").rpartition(".")[0]
    if owner == path:
        return ""
    parent, _, name = owner.rpartition(".")
    return parent.rpartition(".")[2] if name.isdigit() and parent != path else name


def buffer_name(value: ir.Value, node: ir.Node) -> str:
    """Return what PyTorch calls a buffer that is not saved; nothing if the file does not tell.

    The dynamo exporter names its constant for the module that holds it, `rotary_emb.inv_freq`; what
    it numbers itself (`attn.lifted_tensor_3`) would tell blocks apart that are one class.
    """
    owner, _, name = (value.name or "").rpartition(".")
    path = path_of(node)
    held = bool(owner) and (path == owner or path.startswith(f"{owner}."))
    return name if held and not name[-1:].isdigit() else ""


def pack_arguments(cell: Cell) -> None:
    """Take a Concat of all inputs, which nothing else reads, out of a cell's steps."""
    first = cell.steps[0]
    inputs = set(cell.inputs)
    if any(refers(step) for step in cell.steps) or cell.sizes:
        return  # the inputs that sizes are read of must have names
    if first.node.op_type != "Concat" or first.operands != cell.inputs or len(inputs) < 2:
        return
    if inputs & {*cell.outputs, *(operand for step in cell.steps[1:] for operand in step.operands)}:
        return
    cell.packed = first
    cell.inputs = list(first.outputs)
    del cell.steps[0]


def set_paths(cell: Cell, path: str) -> None:
    """Write into every cell its attributes from the root."""
    cell.path = path
    for name, child in cell.children.items():
        set_paths(child, f"{path}.{name}" if path else name)
