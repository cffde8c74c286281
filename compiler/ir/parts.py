"""A model with operators of unknown domains, run part by part."""

from collections.abc import Iterable, Iterator, Mapping, Sequence

import onnx

from .graph import Array
from .meanings import Meanings, Run, value_info

FETCHED = "onnx2ms_fetched_"
"""Prefix of the outputs by which an engine hands out constants."""


def run_in_parts(
    proto: onnx.ModelProto,
    inputs: Mapping[str, Array],
    outputs: Sequence[str],
    meanings: Meanings,
    run: Run,
) -> dict[str, Array]:
    """Compute values of a model: some operators as others say, all the rest by an engine.

    Args:
        proto: The model; those operators stand in its main graph alone.
        inputs: One array an input.
        outputs: Names of values.
        meanings: What those operators compute.
        run: The engine.

    Raises:
        PluginError: What a plugin says fails.
        Exception: Whatever `run` raises.
    """
    nodes = proto.graph.node
    foreign = [node for node in nodes if (node.domain, node.op_type) in meanings]
    known = dict(inputs)
    known |= _constants(proto, [name for node in foreign for name in node.input], run)
    part: list[onnx.NodeProto] = []
    for index, node in enumerate(nodes):
        meaning = meanings.get((node.domain, node.op_type))
        if meaning is None:
            part.append(node)
            continue
        later = {name for other in nodes[index:] for name in _reads(other)}
        known |= _run_part(proto, part, known, later.union(outputs), run)
        part = []
        given = [known[name] if name else None for name in node.input]
        known |= dict(zip(node.output, meaning.run(node, given, run), strict=False))
    known |= _run_part(proto, part, known, outputs, run)
    return {name: known[name] for name in outputs}


def _constants(proto: onnx.ModelProto, names: Iterable[str], run: Run) -> dict[str, Array]:
    """Return those of some values that are constants, which an engine reads from their files."""
    found = [item.name for item in proto.graph.initializer if item.name in set(names)]
    if not found:
        return {}
    nodes = [onnx.helper.make_node("Identity", [name], [FETCHED + name]) for name in found]
    fetched = [FETCHED + name for name in found]
    arrays = run(_model(proto, nodes, {}, fetched), {}, fetched)
    return {name: arrays[FETCHED + name] for name in found}


def _run_part(
    proto: onnx.ModelProto,
    nodes: Sequence[onnx.NodeProto],
    known: Mapping[str, Array],
    wanted: Iterable[str],
    run: Run,
) -> Mapping[str, Array]:
    """Compute those of some values that some nodes make."""
    made = {name for node in nodes for name in node.output if name}
    results = sorted(made.intersection(wanted))
    if not results:
        return {}
    part = _model(proto, nodes, known, results)
    return run(part, {value.name: known[value.name] for value in part.graph.input}, results)


def _model(
    proto: onnx.ModelProto,
    nodes: Sequence[onnx.NodeProto],
    known: Mapping[str, Array],
    outputs: Sequence[str],
) -> onnx.ModelProto:
    """Return a model of some nodes; what is known of all that they read becomes an input."""
    read = {name for node in nodes for name in _reads(node)}
    given = sorted(read & known.keys())
    part = onnx.ModelProto(ir_version=proto.ir_version)
    part.opset_import.extend(proto.opset_import)
    part.functions.extend(proto.functions)
    part.graph.name = "part"
    part.graph.node.extend(nodes)
    constants = (item for item in proto.graph.initializer if item.name in read)
    part.graph.initializer.extend(item for item in constants if item.name not in known)
    part.graph.input.extend(value_info(name, known[name]) for name in given)
    part.graph.output.extend(onnx.ValueInfoProto(name=name) for name in outputs)
    return part


def _reads(node: onnx.NodeProto) -> Iterator[str]:
    """Yield the names that a node reads, and those that its bodies do, their own too."""
    yield from node.input
    for attribute in node.attribute:
        if attribute.type == onnx.AttributeProto.GRAPH:
            for inner in attribute.g.node:
                yield from _reads(inner)
            yield from (value.name for value in attribute.g.output)
