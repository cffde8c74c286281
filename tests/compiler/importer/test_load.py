import subprocess
import sys

import numpy as np
import onnx
import pytest
from onnx import TensorProto, helper, numpy_helper

from onnx2ms.compiler.importer.load import load_model
from onnx2ms.compiler.ir.dialect import NEWEST_OPSET
from onnx2ms.compiler.ir.errors import ModelError
from onnx2ms.compiler.ir.provenance import origins, scope_of

RELU = "g (float[2,3] x) => (float[2,3] y) { y = Relu(x) }"
HEADER = '<ir_version: 8, opset_import: ["": 17]>'
HOSTILE = [
    "it's",
    'a"b',
    "a\nb\tc",
    "class",
    "__import__('os').system('true')",
    "名前 ñ 🦙",
    "../../etc/passwd",
    "/../../x/Relu",
    "$(touch owned)",
    "n" * 10_000,
    "\x00",
    " ",
]


def test_what_is_told(load):
    model = onnx.parser.parse_model(f"{HEADER} {RELU}")
    model.producer_name, model.producer_version = "pytorch", "2.14.1"
    imported = load(model)
    assert imported.name == "net.onnx"
    assert imported.file.is_absolute()
    assert imported.opset == 17
    assert imported.producer == "pytorch 2.14.1"
    assert imported.operators == {"Relu": 1}


def test_initializers_listed_as_inputs_are_not_inputs(light):
    model = load_model(light).model
    assert [value.name for value in model.graph.inputs] == [
        value.name
        for value in onnx.load(light).graph.input
        if value.name not in model.graph.initializers
    ]
    assert len(model.graph.inputs) == 1


def test_every_node_has_a_name_of_its_own_and_its_origin(load):
    model = onnx.parser.parse_model(
        f"""{HEADER} g (float[2] x) => (float[2] y)
        {{ [a] a = Relu(x)  b = Relu(a)  [a] c = Tanh(b)  [Relu_1] y = Relu(c) }}"""
    )
    nodes = list(load(model).model.graph)
    assert [node.name for node in nodes] == ["a", "Relu_1_1", "a_1", "Relu_1"]
    assert [origins(node) for node in nodes] == [("a",), ("Relu_1_1",), ("a",), ("Relu_1",)]


def test_nodes_of_a_function_stand_for_the_node_that_calls_it(load):
    model = """<ir_version: 8, opset_import: ["": 17, "own": 1]>
        g (float[2] x) => (float[2] y) { [first] t = own.Twice(x)  [second] y = own.Twice(t) }
        <domain: "own", opset_import: ["": 17, "own": 1]>
        Twice (a) => (c) { b = own.Once(a)  c = own.Once(b) }
        <domain: "own", opset_import: ["": 17]>
        Once (a) => (b) { b = Relu(a) }
        <domain: "own", opset_import: ["": 17]>
        Unused (a) => (b) { b = Relu(a) }"""
    imported = load(model)
    nodes = list(imported.model.graph)
    assert imported.operators == {"Relu": 4}
    assert [origins(node) for node in nodes] == [("first",)] * 2 + [("second",)] * 2
    assert len({node.name for node in nodes}) == 4
    assert [value.name for value in imported.model.graph.outputs] == ["y"]
    assert not imported.model.functions


def test_metadata_of_a_call_reaches_the_inlined_nodes(load):
    model = onnx.parser.parse_model(
        """<ir_version: 10, opset_import: ["": 17, "own": 1]>
        g (float[2] x) => (float[2] y) { y = own.F(x) }
        <domain: "own", opset_import: ["": 17]> F (a) => (b) { b = Relu(a) }"""
    )
    model.graph.node[0].metadata_props.add(key="who", value="me")
    (node,) = load(model).model.graph
    assert node.metadata_props["who"] == "me"


def test_functions_that_call_themselves_cannot_be_inlined(load):
    model = """<ir_version: 8, opset_import: ["": 17, "own": 1]>
        g (float[2] x) => (float[2] y) { y = own.F(x) }
        <domain: "own", opset_import: ["": 17, "own": 1]> F (a) => (b) { b = own.F(a) }"""
    with pytest.raises(ModelError, match="must not be recursive"):
        load(model)


def test_functions_of_another_opset_cannot_be_inlined(load):
    model = """<ir_version: 8, opset_import: ["": 17, "own": 1]>
        g (float[2] x) => (float[2] y) { y = own.F(x) }
        <domain: "own", opset_import: ["": 16]> F (a) => (b) { b = Relu(a) }"""
    with pytest.raises(ModelError, match="functions cannot be inlined"):
        load(model)


def test_functions_that_double_without_end_are_an_error(load):
    functions = "".join(
        f"""<domain: "own", opset_import: ["": 17, "own": 1]>
        F{i} (a) => (c) {{ b = own.F{i - 1}(a)  c = own.F{i - 1}(b) }}"""
        for i in range(1, 40)
    )
    model = f"""<ir_version: 8, opset_import: ["": 17, "own": 1]>
        g (float[2] x) => (float[2] y) {{ y = own.F39(x) }}
        <domain: "own", opset_import: ["": 17]> F0 (a) => (b) {{ b = Relu(a) }} {functions}"""
    with pytest.raises(ModelError, match="549755813888 nodes"):
        load(model)


def test_scalars_are_inputs(load):
    model = load(f"{HEADER} g (float x) => (float y) {{ y = Relu(x) }}").model
    assert model.graph.inputs[0].shape == []


@pytest.mark.parametrize("name", HOSTILE, ids=range(len(HOSTILE)))
def test_names_are_data(load, tmp_path, name):
    """Names of a model go through unchanged and leave no trace elsewhere."""
    weight = numpy_helper.from_array(np.ones((20, 30), "float32"), f"w{name}")
    names = (f"i{name}", f"m{name}", name)
    graph = helper.make_graph(
        [
            helper.make_node("Add", [names[0], weight.name], [names[1]], name=f"/{name}/Add"),
            helper.make_node("Relu", [names[1]], [names[2]], name=name),
        ],
        name,
        [helper.make_tensor_value_info(names[0], TensorProto.FLOAT, [20, 30])],
        [helper.make_tensor_value_info(names[2], TensorProto.FLOAT, [20, 30])],
        [weight],
    )
    model = helper.make_model(graph, opset_imports=[helper.make_opsetid("", 17)], ir_version=8)
    model.producer_name = "pytorch"
    imported = load(model, shapes={"": (20, 30)}, outputs=[names[2]])
    add, relu = imported.model.graph
    assert (add.inputs[0].name, add.outputs[0].name, relu.outputs[0].name) == names
    assert (add.name, relu.name) == (f"/{name}/Add", name)
    assert add.inputs[1].const_value.numpy().sum() == 600
    assert [path.name for path in tmp_path.iterdir()] == ["net.onnx"]


@pytest.mark.parametrize("name", HOSTILE, ids=range(len(HOSTILE)))
def test_messages_show_names_on_one_bounded_line(load, name):
    graph = helper.make_graph(
        [helper.make_node("Nonsense", ["x"], ["y"], name=name)],
        "g",
        [helper.make_tensor_value_info("x", TensorProto.FLOAT, [1])],
        [helper.make_tensor_value_info("y", TensorProto.FLOAT, [1])],
    )
    model = helper.make_model(graph, opset_imports=[helper.make_opsetid("", 17)], ir_version=8)
    with pytest.raises(ModelError, match="No Op registered for Nonsense") as caught:
        load(model)
    assert caught.value.message.isprintable()
    assert len(caught.value.message) < 1000


def test_names_that_are_not_utf8(write):
    model = onnx.parser.parse_model(f"{HEADER} {RELU}")
    model.graph.node[0].name = "some_name"
    content = model.SerializeToString().replace(b"some_name", b"\xff\xfe_name..")
    with pytest.raises(ModelError, match="not UTF-8"):
        load_model(write(content))


def test_path_that_is_no_file(tmp_path):
    with pytest.raises(ModelError, match=r"missing\.onnx: no such file"):
        load_model(tmp_path / "missing.onnx")
    with pytest.raises(ModelError, match="is a directory"):
        load_model(tmp_path)
    (tmp_path / "empty.onnx").touch()
    with pytest.raises(ModelError, match="is empty"):
        load_model(tmp_path / "empty.onnx")


@pytest.mark.parametrize(
    ("header", "graph", "match"),
    [
        (f'<ir_version: 8, opset_import: ["": {NEWEST_OPSET + 1}]>', RELU, "opset 29; onnx2ms"),
        ('<ir_version: 8, opset_import: ["own": 1]>', RELU, "names no version"),
        ('<ir_version: 8, opset_import: ["": 17, "ai.onnx": 16]>', RELU, "names two versions"),
        (HEADER, "g (float[2] x) => () { y = Relu(x) }", "no outputs"),
        (HEADER, "g (float[2] x) => (float[2] y) { y = Relu(z) }", "not a valid ONNX model"),
        (HEADER, "g (float[2] x) => (float[2] y) { y = Relu(x, x) }", r"node .* \(Relu\)"),
        (HEADER, "g (string[2] x) => (string[2] y) { y = Identity(x) }", "'x' .*String"),
        (HEADER, "g (seq(float[2]) s) => (int64 y) { y = SequenceLength(s) }", "Sequence"),
        (HEADER, "g (optional(float[2]) o) => (bool y) { y = OptionalHasElement(o) }", "Optional"),
    ],
)
def test_models_that_are_refused(load, header, graph, match):
    with pytest.raises(ModelError, match=f"(?i){match}") as caught:
        load(f"{header} {graph}")
    assert caught.value.help


def test_sparse_weights_are_refused(load):
    model = onnx.parser.parse_model(f"{HEADER} {RELU}")
    model.graph.sparse_initializer.add()
    with pytest.raises(ModelError, match="sparse"):
        load(model)


def test_weights_are_not_read(write, tmp_path):
    """Reading 200 MB of weights takes no more memory than a tenth of it, mappings included."""
    part = numpy_helper.from_array(np.zeros((50, 1 << 20), "float32"), "w")
    graph = helper.make_graph(
        [helper.make_node("Relu", ["w"], ["y"])],
        "g",
        [],
        [helper.make_tensor_value_info("y", TensorProto.FLOAT, [50, 1 << 20])],
        [part],
    )
    opsets = [helper.make_opsetid("", 17)]
    path = write(helper.make_model(graph, opset_imports=opsets, ir_version=8))
    script = (
        "import resource, pathlib, sys\n"
        "from onnx2ms.compiler.importer.load import load_model\n"
        "peak = lambda: resource.getrusage(resource.RUSAGE_SELF).ru_maxrss >> 10\n"
        "before = peak()\n"
        "load_model(pathlib.Path(sys.argv[1]))\n"
        "print(peak() - before)\n"
    )
    done = subprocess.run(
        [sys.executable, "-c", script, path], capture_output=True, text=True, check=True
    )
    assert int(done.stdout) < 20


@pytest.mark.parametrize(
    ("graph", "spoiled", "match"),
    [
        (
            "y = LeakyRelu<alpha = 0.5>(x)",
            {"ref_attr_name": "a"},
            r"'' \(LeakyRelu\) refers to an attribute of a func",
        ),
        ('y = Gelu<approximate = "tanh">(x)', {"s": b"\xff"}, "approximate .* is not UTF-8"),
        ("y, z = Split<num_outputs = 1>(x)", {}, "num_outputs .* is 1, but it has 2 outputs"),
        (
            "y, z = If(c) <then_branch = a () => (float[2] p) { p = Relu(x) },"
            " else_branch = b () => (float[2] q) { q = Neg(x) }>",
            {},
            r"then_branch of node '' \(If\) has 0 inputs and 1 outputs, which do not fit",
        ),
    ],
)
def test_nodes_that_cannot_be_what_they_say(load, graph, spoiled, match):
    text = f"{HEADER} g (float[2] x, bool c) => (float[2] y) {{ {graph} }}".replace("17", "20")
    model = onnx.parser.parse_model(text)
    for key, value in spoiled.items():
        setattr(model.graph.node[0].attribute[0], key, value)
    with pytest.raises(ModelError, match=match):
        load(model)


def test_a_file_cannot_speak_for_the_importer(load):
    """Metadata in the words that onnx2ms uses inside are the file's, and worth nothing."""
    model = onnx.parser.parse_model(f"{HEADER} {RELU}")
    holders = (model, model.graph, model.graph.node[0], model.graph.input[0])
    for held in holders:
        held.metadata_props.add(key="onnx2ms.scope", value="[no JSON")
        held.metadata_props.add(key="onnx2ms.moves", value="3")
    (node,) = load(model).model.graph
    assert scope_of(node) == ()
