"""Changes of operators, attributes, names, metadata and functions."""

import onnx
from onnx import AttributeProto, helper
from parts import FLOATS, Random, infos, nodes, number, on_model, tensors, text


@on_model
def change_operator(rng: Random, model: onnx.ModelProto) -> None:
    node = rng.choice(nodes(model))
    names = sorted({schema.name for schema in onnx.defs.get_all_schemas() if not schema.domain})
    node.op_type = rng.choice(names) if rng.random() < 0.8 else text(rng)


@on_model
def change_domain(rng: Random, model: onnx.ModelProto) -> None:
    known = ("ai.onnx", "ai.onnx.ml", "com.microsoft", "onnx2ms", "own", text(rng))
    domain = rng.choice(known)
    rng.choice(nodes(model)).domain = domain
    if rng.random() < 0.7:
        model.opset_import.add(domain=domain, version=rng.choice((1, 1, number(rng))))


@on_model
def change_opset(rng: Random, model: onnx.ModelProto) -> None:
    rng.choice(model.opset_import).version = rng.choice((*range(1, 30), number(rng)))


@on_model
def change_ir_version(rng: Random, model: onnx.ModelProto) -> None:
    model.ir_version = rng.choice((*range(15), number(rng)))


@on_model
def exaggerate_an_attribute(rng: Random, model: onnx.ModelProto) -> None:
    attribute = rng.choice([a for node in nodes(model) for a in node.attribute])
    if attribute.type == AttributeProto.INT:
        attribute.i = number(rng)
    elif attribute.type == AttributeProto.INTS:
        kind = rng.randrange(3)
        if kind == 0 and attribute.ints:
            attribute.ints[rng.randrange(len(attribute.ints))] = number(rng)
        elif kind == 1:
            attribute.ints.extend([number(rng)] * rng.choice((1, 5, 1000)))
        else:
            del attribute.ints[: rng.choice((1, 100))]
    elif attribute.type == AttributeProto.FLOAT:
        attribute.f = rng.choice(FLOATS)
    elif attribute.type == AttributeProto.STRING:
        attribute.s = rng.choice((text(rng).encode(), b"\xff\xfe", b""))
    else:
        attribute.name = text(rng)


@on_model
def set_an_attribute(rng: Random, model: onnx.ModelProto) -> None:
    """Give a node an attribute that its operator knows, of any value, or of the wrong type."""
    node = rng.choice([node for node in nodes(model) if onnx.defs.has(node.op_type)])
    known = sorted(onnx.defs.get_schema(node.op_type).attributes)
    name = rng.choice(known) if rng.random() < 0.9 else text(rng)
    values = (
        number(rng),
        [number(rng)] * rng.choice((1, 2, 4, 8)),
        rng.choice(FLOATS),
        [rng.choice(FLOATS)],
        text(rng),
        [text(rng)],
    )
    kept = [a for a in node.attribute if a.name != name or rng.random() < 0.1]
    added = helper.make_attribute(name, rng.choice(values))
    del node.attribute[:]
    node.attribute.extend([*kept, added])


@on_model
def lose_an_attribute(rng: Random, model: onnx.ModelProto) -> None:
    node = rng.choice([node for node in nodes(model) if node.attribute])
    del node.attribute[rng.randrange(len(node.attribute))]


@on_model
def confuse_an_attribute(rng: Random, model: onnx.ModelProto) -> None:
    attribute = rng.choice([a for node in nodes(model) for a in node.attribute])
    kind = rng.randrange(3)
    if kind == 0:
        known = list(AttributeProto.AttributeType.values())
        attribute.type = rng.choice(known)  # pyright: ignore[reportAttributeAccessIssue]
    elif kind == 1:
        attribute.ref_attr_name = text(rng)
    else:
        attribute.i, attribute.s = number(rng), text(rng).encode()


@on_model
def rename_a_value(rng: Random, model: onnx.ModelProto) -> None:
    """Give a value another name, wherever it stands."""
    names = [name for node in nodes(model) for name in (*node.input, *node.output) if name]
    old, new = rng.choice(names), text(rng)
    for node in nodes(model):
        for which in (node.input, node.output):
            for i, name in enumerate(which):
                if name == old:
                    which[i] = new
    for item in (*infos(model), *tensors(model)):
        if item.name == old:
            item.name = new


@on_model
def rename_a_node(rng: Random, model: onnx.ModelProto) -> None:
    rng.choice(nodes(model)).name = text(rng)


@on_model
def rename_the_rest(rng: Random, model: onnx.ModelProto) -> None:
    name = text(rng)
    kind = rng.randrange(4)
    if kind == 0:
        model.producer_name = name
    elif kind == 1:
        model.graph.name = name
    elif kind == 2:
        model.doc_string = name
    else:
        model.producer_version = name


@on_model
def spoil_metadata(rng: Random, model: onnx.ModelProto) -> None:
    keys = (
        *("pkg.torch.onnx.name_scopes", "pkg.torch.onnx.class_hierarchy", "namespace"),
        *("pkg.torch.onnx.fx_node", "pkg.onnxscript.rewriter.rule_name", "onnx2ms.torch"),
        *("pkg.torch.export.ExportedProgram.graph_signature", "onnx2ms.scope", "onnx2ms.nodes"),
        *("onnx2ms.state_dict", "onnx2ms.moves", "onnx2ms.history", "onnx2ms.keys", text(rng)),
    )
    values = (
        *("[" * 5000, "['', 'a', 'b']", "['" + "a" * 9999 + "']", '{"trained": 3}', "null"),
        *('{"classes": {"a": "b"}, "tied": []}', "[1]", '"x"', "1e999", text(rng)),
        *("%a: call_function[target=torch.ops.aten." + "((" * 3000,),
    )
    target = rng.choice([model, model.graph, *nodes(model), *tensors(model), *infos(model)])
    held = list(target.metadata_props)
    if held and rng.random() < 0.5:
        rng.choice(held).value = rng.choice(values)
    else:
        target.metadata_props.add(key=rng.choice(keys), value=rng.choice(values))


@on_model
def spoil_a_function(rng: Random, model: onnx.ModelProto) -> None:
    function = rng.choice(model.functions)
    kind = rng.randrange(5)
    if kind == 0:
        function.node.add(op_type=function.name, domain=function.domain, input=["u"], output=["r"])
    elif kind == 1:
        del function.output[:]
    elif kind == 2:
        function.name, function.domain = rng.choice(
            (("Relu", ""), ("MatMul", ""), (text(rng), "own"))
        )
    elif kind == 3:
        function.opset_import.add(domain="", version=number(rng))
    else:
        model.functions.add().CopyFrom(function)
