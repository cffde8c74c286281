"""Passes without Python: a pattern and its replacement, both written as ONNX functions.

# Replace x * sigmoid(1.702 x) by com.acme.QuickGelu.
# stage: fuse
<domain: "acme", opset_import: ["": 20]>
pattern (x) => (y) {
    factor = Constant <value_float = 1.702> ()
    scaled = Mul (x, factor)
    gate = Sigmoid (scaled)
    y = Mul (x, gate)
}
----- becomes -----
<domain: "acme", opset_import: ["": 20, "com.acme": 1]>
replacement (x) => (y) { y = com.acme.QuickGelu (x) }
"""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path

import numpy as np
import onnx
import onnx.defs
import onnx.parser
import onnx_ir as ir

from ..compiler.ir import graph as ask
from ..compiler.ir.dialect import NEWEST_OPSET, OPSET
from ..compiler.ir.errors import ModelError, PluginError, told
from ..compiler.ir.provenance import inherit
from .base import Pass
from .matching import Match, find
from .modernize.lift_constants import lift_constants
from .modernize.modernize_operators import modernize
from .pattern import Apply, Number, Pattern, symbol
from .rewrite import Names, Site, add_initializer, take_over
from .shapes.infer_shapes import infer_shapes

BECOMES = "----- becomes -----"
KEYS = ("stage", "after", "replaces")

Attributes = Mapping[str, ir.Attr]


def text_pass(
    name: str,
    pattern: str,
    replacement: str,
    *,
    doc: str,
    stage: str = "",
    after: Sequence[str] = (),
    replaces: Sequence[str] = (),
) -> Pass:
    """Make a pass of two ONNX functions: what looks like the first becomes the second.

    Both have the same inputs and the same output, by name. An attribute that the pattern does not
    mention must have its default; one that it takes from an attribute of its own, as in `alpha:
    float = @alpha`, may have any value, which the replacement can refer to. A constant stands for
    itself. Nothing is replaced where somebody else reads what is inside.

    Args:
        name: What the pass is called.
        pattern: ONNX text of a function, in any operator set that onnx2ms reads.
        replacement: The same.
        doc: What it does, a sentence.
        stage: The stage that it is put into, as early as `after` allows.
        after: Names of passes that must have run before.
        replaces: Passes that it stands in for.

    Raises:
        PluginError: The texts are no such functions.
    """
    rule = Rule(_parsed(name, "pattern", pattern), _parsed(name, "replacement", replacement))
    try:
        rule.check()
    except (ValueError, ModelError) as error:
        raise PluginError(f"the pass {name} cannot be read: {error}") from error
    return Pass(name, rule.run, doc, tuple(after), stage=stage, replaces=tuple(replaces))


def read_pass(file: Path) -> Pass:
    """Read a pass from a file; its name is the file's.

    Comments at the top say what it does, and `# stage: …`, `# after: …, …`, `# replaces: …`.

    Raises:
        OSError: The file cannot be read.
        PluginError: It holds no pass.
    """
    comments: list[str] = []
    lines: list[str] = []
    for line in file.read_text(encoding="utf-8").splitlines():
        (comments if line.startswith("#") else lines).append(line)
    said = [comment.lstrip("# ").strip() for comment in comments]
    given = dict.fromkeys(KEYS, "")
    doc = ""
    for line in said:
        key, colon, value = line.partition(":")
        if colon and key in given:
            given[key] = value.strip()
        elif not doc:
            doc = line
    pattern, becomes, replacement = "\n".join(lines).partition(BECOMES)
    if not becomes or not doc:
        missing = "a comment that says what it does" if becomes else f"a line {BECOMES}"
        raise PluginError(f"the pass {file.stem} lacks {missing}")
    after, replaces = (
        [name.strip() for name in given[key].split(",") if name.strip()] for key in KEYS[1:]
    )
    return text_pass(
        file.stem,
        pattern,
        replacement,
        doc=doc,
        stage=given["stage"],
        after=after,
        replaces=replaces,
    )


def _parsed(name: str, what: str, text: str) -> onnx.FunctionProto:
    try:
        return onnx.parser.parse_function(text)
    except onnx.parser.ParseError as error:
        raise PluginError(
            f"the {what} of the pass {name} is no ONNX text: {told(error)}",
            help=f'write <domain: "…", opset_import: ["": {OPSET}]> {what} (x) => (y) {{ … }}',
        ) from error


@dataclass(frozen=True)
class Rule:
    """A pattern and its replacement.

    Attributes:
        pattern: A function of one output.
        replacement: A function of the same output, and of some of the inputs.
    """

    pattern: onnx.FunctionProto
    replacement: onnx.FunctionProto

    def check(self) -> None:
        """Check that the functions fit together.

        Raises:
            ValueError: They do not.
            ModelError: The pattern cannot be written in the dialect.
        """
        if len(self.pattern.output) != 1 or self.pattern.output != self.replacement.output:
            raise ValueError("pattern and replacement have one output, of the same name")
        unknown = set(self.replacement.input) - set(self.pattern.input)
        if unknown:
            raise ValueError(f"the replacement reads {', '.join(sorted(unknown))}, unknown there")
        told = {
            attribute.ref_attr_name for node in self.pattern.node for attribute in node.attribute
        }
        unknown = {
            attribute.ref_attr_name
            for node in self.replacement.node
            for attribute in node.attribute
            if attribute.ref_attr_name
        } - told
        if unknown:
            raise ValueError(f"no node of the pattern tells {', '.join(sorted(unknown))}")
        _, _ = self.wanted  # it can be looked for

    @cached_property
    def wanted(self) -> tuple[Pattern, Mapping[Pattern, ir.Node]]:
        """What is looked for, and by pattern of an operator the node that says so.

        Raises:
            ValueError: The function computes nothing that can be looked for.
            ModelError: It cannot be written in the dialect.
        """
        body = _modern(self.pattern)
        known: dict[ir.Value, Pattern] = {value: symbol(value.name or "") for value in body.inputs}
        nodes: dict[Pattern, ir.Node] = {}
        whole = _pattern(body.outputs[0], known, nodes)
        if not nodes:
            raise ValueError("the pattern computes nothing")
        return whole, nodes

    def run(self, graph: ir.Graph) -> int:
        """Replace every match in a graph; return their number."""
        replaced = 0
        for match in find(graph, self.wanted[0]):
            attributes = self._attributes(match)
            if attributes is not None:
                self._replace(match, attributes)
                replaced += 1
        if replaced:
            infer_shapes.run(graph)
        return replaced

    def _attributes(self, match: Match) -> Attributes | None:
        """Return the attributes that the pattern takes from a match; None if others differ."""
        taken: dict[str, ir.Attr] = {}
        for pattern, node in match.made_by.items():
            wanted = self.wanted[1][pattern].attributes
            for name, attribute in wanted.items():
                held = node.attributes.get(name) or _default(node, name)
                if not attribute.is_ref():
                    if held is None or not _equal(held, attribute):
                        return None
                elif held is not None:
                    role = attribute.ref_attr_name or ""
                    if not _equal(taken.setdefault(role, held), held):
                        return None
            for name, held in node.attributes.items():
                default = _default(node, name)
                if name not in wanted and (default is None or not _equal(held, default)):
                    return None
        return taken

    def _replace(self, match: Match, attributes: Attributes) -> None:
        """Put the replacement in the place of a match, with its provenance."""
        root, graph = match.root, match.root.graph
        assert graph is not None, "find yields what is in a graph"
        body = _modern(self.replacement, attributes)
        site = Site(root, Names(graph))
        for value in list(body.initializers.values()):
            tensor = value.const_value
            assert tensor is not None, "an initializer has elements"
            wish = site.name_for(value.name or "constant")
            value.replace_all_uses_with(add_initializer(site.graph, wish, tensor))
        for value in body.inputs:
            value.replace_all_uses_with(match[value.name or ""])
        result = body.outputs[0]
        body.outputs.clear()
        nodes = list(body)
        body.remove(nodes)
        for node in nodes:
            node.name = site.fresh(f"{root.name}/{node.op_type}")
            for value in node.outputs:
                value.name = site.name_for(value.name or node.op_type.lower())
        site.graph.insert_before(root, nodes)
        inherit(nodes, match.nodes)
        take_over(match.result, result)
        site.graph.remove(match.nodes, safe=True)


def _pattern(
    value: ir.Value, known: dict[ir.Value, Pattern], nodes: dict[Pattern, ir.Node]
) -> Pattern:
    """Return a value of a function as a pattern; `known` and `nodes` take what is found."""
    if value not in known:
        node = value.producer()
        if ask.is_constant(value):
            known[value] = _constant(value, len(known))
        elif node is None:
            raise ValueError(f"nothing makes {value.name}")
        else:
            given = [None if item is None else _pattern(item, known, nodes) for item in node.inputs]
            index = value.index() or 0
            known[value] = Apply(node.op_type, tuple(given), output=index, domain=node.domain)
            nodes[known[value]] = node
    return known[value]


def _constant(value: ir.Value, number: int) -> Pattern:
    """Return a pattern of a constant: one element up to its rounding, several to the bit."""
    element, array = ask.scalar(value), ask.constant(value)
    if element is not None:
        return Number(float(element))

    def same(other: ir.Value) -> bool:
        found = ask.small_constant(other, 0 if array is None else array.size)
        return found is not None and array is not None and np.array_equal(found, array)

    return symbol(f"constant {number}", same)


def _modern(proto: onnx.FunctionProto, attributes: Attributes | None = None) -> ir.Graph:
    """Return the body of a function in the dialect.

    Args:
        proto: The function.
        attributes: Its attributes; None: they stay open.
    """
    function = ir.serde.deserialize_function(proto)
    if attributes is not None:
        for node in function.graph:
            for name, reference in list(node.attributes.items()):
                if reference.is_ref():
                    _resolve(node, name, reference, attributes)
    version = function.opset_imports.get("", OPSET)
    if version > NEWEST_OPSET:
        raise ValueError(f"operator set {version} is not known, {NEWEST_OPSET} is the newest")
    modernize(function.graph, version)
    lift_constants.run(function.graph)
    return function.graph


def _resolve(node: ir.Node, name: str, reference: ir.Attr, attributes: Attributes) -> None:
    found = attributes.get(reference.ref_attr_name or "")
    if found is None:
        del node.attributes[name]
    else:
        node.attributes[name] = ir.Attr(name, found.type, found.value)


def _default(node: ir.Node, name: str) -> ir.Attr | None:
    """Return the default of an attribute; None where there is none."""
    if node.domain or not onnx.defs.has(node.op_type, OPSET):
        return None
    attribute = onnx.defs.get_schema(node.op_type, OPSET).attributes.get(name)
    if attribute is None or not attribute.default_value.type:
        return None
    return ir.serde.deserialize_attribute(attribute.default_value)


def _equal(one: ir.Attr, other: ir.Attr) -> bool:
    values = list(_plain((one, other)))
    return one.type == other.type and values[0] == values[1]


def _plain(attributes: Sequence[ir.Attr]) -> Iterator[object]:
    for attribute in attributes:
        if attribute.type is ir.AttributeType.TENSOR:
            yield ask.elements(attribute.as_tensor()).tolist()
        elif attribute.type is ir.AttributeType.FLOAT:
            yield np.float32(attribute.as_float())
        else:
            yield attribute.value
