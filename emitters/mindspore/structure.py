"""A module tree for graphs whose file tells none: repeated regions become blocks.

Nodes through which every path runs cut a graph into a chain of single nodes and of regions that
fork and join again. Regions of one structure that occur more than once are blocks; blocks in a
row are a sequence. Source: dominators, Lengauer and Tarjan, 1979.
"""

from collections import Counter
from collections.abc import Hashable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field

import onnx_ir as ir

from ...compiler.ir import graph as ask
from .code import Code, Expression, Layer

Chain = tuple[tuple[str, str], ...]

FEWEST = 3
"""So many layers that each read all that came before are a block."""

LONG = 4
"""So many layers in a row become a SequentialCell."""

JOINS = ("Add", "Concat", "Mul")


@dataclass(eq=False)
class Token:
    """A single node, or a region that forks and joins again, of a chain.

    Attributes:
        nodes: In topological order, the joining node last, then an activation behind it.
        join: The node at which a region's branches meet; None for a single node.
        branches: The parts of a region between fork and join, each a chain of its own.
        tail: The activation behind the join.
    """

    nodes: list[ir.Node]
    join: ir.Node | None = None
    branches: list[list["Token"]] = field(default_factory=list[list["Token"]])
    tail: ir.Node | None = None


class StructureFinder:
    """Finds the modules of a graph from its structure alone.

    Args:
        graph: The lowered graph, its nodes in topological order.
        codes: The code of every node.
    """

    def __init__(self, graph: ir.Graph, codes: Mapping[ir.Node, Code]) -> None:
        self._codes = codes
        self._order = {node: i for i, node in enumerate(graph)}
        self._chains: dict[ir.Node, Chain] = dict.fromkeys(graph, ())
        self._labels = 0
        self._tokens = self._split(list(graph))
        blocks = [token for token in self._walk(self._tokens) if token.join]
        times = Counter(self._block_key(token) for token in blocks)
        self._repeated = {key for key, count in times.items() if count > 1}
        self._bodies = {
            tuple(self._key(inner) for inner in self._main(token))
            for token in blocks
            if self._is_block(token) and token.join and token.join.op_type == "Add"
        }

    def chains(self) -> dict[ir.Node, Chain]:
        """Return for each node the names of the modules around it; their classes are unknown."""
        self._name_level(self._tokens, ())
        return numbered(self._chains)

    def _split(self, nodes: list[ir.Node]) -> list[Token]:
        """Return a part of the graph as a chain of tokens."""
        cuts, behind = cut_nodes(nodes)
        tokens: list[Token] = []
        for cut in cuts:
            inside = behind.get(cut, [])
            if not inside:
                tokens.append(Token([cut]))
                continue
            branches = [self._split(part) for part in components(inside)]
            tokens.append(Token([*inside, cut], cut, branches))
        for part in components(behind.get(None, [])):
            if len(part) < len(nodes):
                tokens += self._split(part)
            else:  # nothing in it lies on every path
                tokens += [Token([node]) for node in part]
        return self._with_tails(tokens)

    def _with_tails(self, tokens: list[Token]) -> list[Token]:
        """Take the activation behind a sum into its region."""
        result: list[Token] = []
        for token in tokens:
            before = result[-1] if result else None
            if before and before.join and before.join.op_type == "Add" and not before.tail:
                code = self._codes[token.nodes[0]]
                single = token.join is None and len(token.nodes[0].inputs) == 1
                if single and has_cell(code):
                    before.tail = token.nodes[0]
                    before.nodes.append(token.nodes[0])
                    continue
            result.append(token)
        return result

    def _walk(self, tokens: Sequence[Token]) -> Iterator[Token]:
        for token in tokens:
            yield token
            for branch in token.branches:
                yield from self._walk(branch)

    def _key(self, token: Token) -> Hashable:
        """Return what is equal for tokens of one structure."""
        if not token.branches:
            code = self._codes[token.nodes[0]]
            return layer_key(code) if isinstance(code, Layer) else token.nodes[0].op_type
        branches = sorted(str([self._key(inner) for inner in branch]) for branch in token.branches)
        join = token.join.op_type if token.join else ""
        return (join, *branches, token.tail.op_type if token.tail else "")

    def _block_key(self, token: Token) -> Hashable:
        """Return what is equal for blocks: the longest branch; a shortcut may differ."""
        if not token.branches:
            return None
        if token.join is not None and token.join.op_type != "Add":
            return self._key(token)
        tail = token.tail.op_type if token.tail else ""
        return ("Add", str([self._key(inner) for inner in self._main(token)]), tail)

    @staticmethod
    def _main(token: Token) -> list[Token]:
        """Return the longest branch of a region."""
        return max(token.branches, key=lambda branch: sum(len(t.nodes) for t in branch))

    def _is_block(self, token: Token) -> bool:
        """Tell whether a region is a module: it occurs again and holds weights."""
        weights = sum(isinstance(self._codes[node], Layer) for node in token.nodes)
        known = token.join is None or token.join.op_type in JOINS
        return weights > 0 and known and self._block_key(token) in self._repeated

    def _with_bare_blocks(self, tokens: list[Token]) -> list[Token]:
        """Make blocks of what does the same as a residual block but for the sum."""
        keys = [self._key(token) for token in tokens]
        result: list[Token] = []
        at = 0
        while at < len(tokens):
            body = next((b for b in self._bodies if tuple(keys[at : at + len(b)]) == b), None)
            if body is None or len(body) < 2 or len(body) == len(tokens):
                result.append(tokens[at])
                at += 1
                continue
            inside = tokens[at : at + len(body)]
            nodes = [node for token in inside for node in token.nodes]
            result.append(Token(nodes, branches=[inside]))
            at += len(body)
        return result

    def _name_level(self, tokens: list[Token], prefix: Chain) -> None:
        """Name the modules of one chain, and those inside them."""
        for run in self._runs(self._with_bare_blocks(tokens)):
            if growing_layers(run[0]):
                self._name_dense(run[0], prefix)
            elif self._is_block(run[0]):
                name = self._label(self._kind(run))
                for index, token in enumerate(run):
                    chain = (*prefix, (name, ""), (str(index), ""))
                    self._name_block(token, chain if len(run) > 1 else chain[:-1])
            elif self._is_straight(run) and not prefix:
                name = self._label(self._straight_name(run))
                for index, token in enumerate(run):
                    self._chains[token.nodes[0]] = (*prefix, (name, ""), (str(index), ""))
            else:
                for token in run:
                    self._name_plain(token, prefix)

    def _label(self, name: str) -> str:
        """Return a name that no other module has, until all of them are known."""
        self._labels += 1
        return f"{name}?{self._labels}"

    def _runs(self, tokens: list[Token]) -> list[list[Token]]:
        """Return blocks of one structure in a row, and what stands between them."""
        runs: list[list[Token]] = []
        last: Hashable = None
        for token in tokens:
            key: Hashable = self._block_key(token) if self._is_block(token) else ""
            key = token if growing_layers(token) else key
            if not runs or key != last:
                runs.append([])
            runs[-1].append(token)
            last = key
        return runs

    def _is_straight(self, run: list[Token]) -> bool:
        """Tell whether single nodes in a row are a SequentialCell: long, and all of them layers."""
        codes = [self._codes[token.nodes[0]] for token in run if not token.branches]
        layers = [c for c in codes if isinstance(c, Layer) or has_cell(c)]
        weights = any(isinstance(code, Layer) and code.weights for code in codes)
        return len(run) >= LONG and len(layers) == len(run) and weights

    def _straight_name(self, run: list[Token]) -> str:
        dense = [
            c for t in run if isinstance(c := self._codes[t.nodes[0]], Layer) and c.word == "fc"
        ]
        return "classifier" if dense else "features"

    def _kind(self, run: list[Token]) -> str:
        """Return what a person calls blocks: `blocks` for many, `se` for a gate of channels."""
        join = run[0].join
        if join is not None and join.op_type == "Mul":
            return "se"
        return "blocks" if len(run) > 1 else "block"

    def _name_block(self, token: Token, chain: Chain) -> None:
        """Name what is inside a block."""
        for node in token.nodes:
            self._chains[node] = chain
        main = self._main(token)
        for branch in token.branches:
            if branch is main or not self._is_shortcut(token, branch):
                self._name_level(branch, chain)
                continue
            for index, inner in enumerate(branch):
                self._chains[inner.nodes[0]] = (*chain, ("downsample", ""), (str(index), ""))

    def _name_dense(self, token: Token, prefix: Chain) -> None:
        """Name a block whose layers each read all that came before."""
        chain = (*prefix, (self._label("dense_block"), ""))
        self._chains.update(dict.fromkeys(token.nodes, chain))
        for number, layer in enumerate(growing_layers(token), 1):
            inner = (*chain, (f"layer{number}", ""))
            self._chains.update(dict.fromkeys(layer, inner))

    def _is_shortcut(self, token: Token, branch: list[Token]) -> bool:
        """Tell whether a branch is the projection beside a residual block."""
        single = not any(inner.branches for inner in branch)
        return token.join is not None and token.join.op_type == "Add" and single

    def _name_plain(self, token: Token, prefix: Chain) -> None:
        """Name a single node, or a region that occurs once."""
        for node in token.nodes:
            self._chains[node] = prefix
        for branch in token.branches:
            self._name_level(branch, prefix)


def growing_layers(token: Token) -> list[list[ir.Node]]:
    """Return the layers of a region in which each reads all that came before; none: it is no such.

    Each begins with a Concat of the input and all results so far, but for the first, which reads
    the input alone. Source: Huang et al., Densely Connected Convolutional Networks, 2016.
    """
    if token.join is None or token.join.op_type != "Concat" or len(token.join.inputs) < FEWEST + 1:
        return []
    features = list(token.join.inputs)
    makers = {value: i for i, value in enumerate(features)}
    layer_of: dict[ir.Node, int] = {}
    for node in token.nodes:
        if node is token.join or node is token.tail:
            continue
        data = [value for value in node.inputs if value is not None and not ask.is_constant(value)]
        if data == features[: len(data)] and (node.op_type == "Concat" or len(data) == 1):
            layer_of[node] = len(data)
            continue
        layers = {layer_of.get(maker) for v in data if (maker := v.producer()) is not None}
        if len(layers) != 1 or None in layers or any(v in makers for v in data):
            return []
        layer_of[node] = next(iter(layers)) or 0
    found = [[n for n, layer in layer_of.items() if layer == i] for i in range(1, len(features))]
    makers_of = [value.producer() if value is not None else None for value in features]
    whole = all(layer and layer[-1] is makers_of[i] for i, layer in enumerate(found, 1))
    return found if whole else []


def has_cell(code: Code) -> bool:
    """Tell whether an expression can be said as a layer without weights."""
    return isinstance(code, Expression) and code.cell is not None


def layer_key(layer: Layer) -> Hashable:
    """Return the kind of a layer; of convolutions also whether pointwise, whether depthwise."""
    group = layer.arguments.get("group", 1)
    depthwise = group != 1 and group == layer.arguments.get("in_channels")
    return layer.name, layer.arguments.get("kernel_size") == 1, depthwise


def numbered(chains: Mapping[ir.Node, Chain]) -> dict[ir.Node, Chain]:
    """Return chains with `blocks1`, `blocks2` for the labels of several modules of one name."""
    labels: dict[Chain, dict[str, list[str]]] = {}  # by the modules around: labels by name
    for chain in chains.values():
        for depth, (label, _) in enumerate(chain):
            name = label.partition("?")[0]
            known = labels.setdefault(chain[:depth], {}).setdefault(name, [])
            if label not in known:
                known.append(label)

    def final(around: Chain, label: str) -> str:
        name = label.partition("?")[0]
        same = labels[around][name]
        return name if len(same) == 1 else f"{name}{same.index(label) + 1}"

    return {
        node: tuple((final(chain[:i], label), kind) for i, (label, kind) in enumerate(chain))
        for node, chain in chains.items()
    }


def cut_nodes(nodes: list[ir.Node]) -> tuple[list[ir.Node], dict[ir.Node | None, list[ir.Node]]]:
    """Return the nodes on every path, and for each of them the nodes forked off before it.

    What forks and does not join again stands under None.
    """
    import networkx  # a fifth of a second that most models do not need

    inside = set(nodes)
    edges: list[tuple[object, object]] = []
    for node in nodes:
        reads = [v for v in node.inputs if v is not None and not ask.is_constant(v)]
        makers = [maker for v in reads if (maker := v.producer()) in inside]
        edges += [(maker, node) for maker in makers]
        if len(makers) < len(reads) or not reads:
            edges.append(("source", node))
        users = [use.node for out in node.outputs for use in out.uses()]
        leaves = any(out.is_graph_output() for out in node.outputs)
        if leaves or not users or any(user not in inside for user in users):
            edges.append((node, "sink"))
    dominators: dict[object, object] = dict(
        networkx.immediate_dominators(networkx.DiGraph(edges), "source")  # pyright: ignore
    )
    cuts: list[ir.Node] = []
    at = dominators["sink"]
    while isinstance(at, ir.Node):
        cuts.append(at)
        at = dominators[at]
    cuts.reverse()
    following: dict[object, ir.Node | None] = dict(
        zip(["source", *cuts], [*cuts, None], strict=True)
    )
    behind: dict[ir.Node | None, list[ir.Node]] = {}
    on_chain = set(cuts)
    for node in nodes:
        if node in on_chain:
            continue
        at = dominators[node]
        while at not in following:
            at = dominators[at]
        behind.setdefault(following[at], []).append(node)
    return cuts, behind


def components(nodes: list[ir.Node]) -> list[list[ir.Node]]:
    """Return the parts of a set of nodes that exchange no values, each in topological order."""
    group = {node: i for i, node in enumerate(nodes)}
    members = {i: [node] for i, node in enumerate(nodes)}
    for node in nodes:
        for value in node.inputs:
            maker = value.producer() if value is not None else None
            if maker is None or maker not in group or group[maker] == group[node]:
                continue
            kept, gone = sorted((group[maker], group[node]))
            for member in members[gone]:
                group[member] = kept
            members[kept] += members.pop(gone)
    order = {node: i for i, node in enumerate(nodes)}
    return [sorted(part, key=order.__getitem__) for _, part in sorted(members.items())]
