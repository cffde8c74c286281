import onnx
import pytest

from onnx2ms.compiler.ir.provenance import KEY, history_of, path_of, scope_of

HEADER = (
    '<ir_version: 8, opset_import: ["": 17], producer_name: "pytorch", producer_version: "2.14.1">'
)
FOLDED = ("BatchNorm folded in by the exporter",)


def chain(*names, op="Relu", attributes=""):
    """A network of nodes of these names, one behind the other."""
    values = ["x", *(f"v{i}" for i in range(len(names)))]
    nodes = "".join(
        f'["{name}"] {values[i + 1]} = {op}{attributes}({values[i]}) '
        for i, name in enumerate(names)
    )
    return f"{HEADER} g (float[1,2,8,8] x) => (float[1,2,8,8] {values[-1]}) {{ {nodes} }}"


def keys(model):
    return {n: v.metadata_props.get(KEY) for n, v in model.graph.initializers.items()}


def renamed(model, **names):
    """Give initializers names that ONNX text does not allow; `a__b` becomes `a.b`."""
    model = onnx.parser.parse_model(model)
    for tensor in model.graph.initializer:
        names.setdefault(tensor.name, tensor.name.replace("__", "."))
        tensor.name = names[tensor.name]
    for node in model.graph.node:
        node.input[:] = [names.get(name, name) for name in node.input]
    return model


def paths(model):
    return [path_of(node) for node in model.graph.all_nodes()]


@pytest.mark.parametrize(
    ("name", "scope"),
    [
        ("/Relu", [""]),
        ("/conv1/Relu", ["", "conv1"]),
        ("/layer1/layer1.0/conv1/Relu", ["", "layer1", "layer1.0", "layer1.0.conv1"]),
        ("/encoder/layer.0/self/Relu", ["", "encoder", "encoder.layer.0", "encoder.layer.0.self"]),
        ("/a/a.0/b/b.1/b.1.2/Relu_3", ["", "a", "a.0", "a.0.b", "a.0.b.1", "a.0.b.1.2"]),
        ("/model.4/m.1/cv2/Relu", ["", "model.4", "model.4.m.1", "model.4.m.1.cv2"]),
        ("Relu_12", []),
        ("//Relu", []),
        ("/../../etc/Relu", []),
        ("/a..b/Relu", []),
        ("/" + "a/" * 1000 + "Relu", []),
        ("/" + "a" * 10_000 + "/Relu", []),
    ],
)
def test_scopes_are_the_parts_of_the_name(load, name, scope):
    imported = load(chain(name))
    assert imported.exporter == "legacy"
    (node,) = imported.model.graph
    assert [module.path for module in scope_of(node)] == scope
    assert {module.class_name for module in scope_of(node)} <= {""}


def test_the_second_call_of_a_module_is_the_same_module(load):
    names = ["/l/l.0/relu/Relu", "/l/l.0/relu_1/Relu", "/l/l.0/relu_2/Relu"]
    assert paths(load(chain(*names)).model) == ["l.0.relu"] * 3


def test_a_number_in_a_name_is_no_second_call(load):
    assert paths(load(chain("/act_1/Relu", "/act_2/Relu")).model) == ["act_1", "act_2"]


def test_a_module_with_other_attributes_is_another_module(load):
    model = chain(
        "/pool/MaxPool", "/pool_1/MaxPool", op="MaxPool", attributes="<kernel_shape=[1,1]>"
    )
    assert paths(load(model).model) == ["pool", "pool"]
    model = model.replace("[1,1]", "[3,3], pads=[1,1,1,1]", 1)
    assert paths(load(model).model) == ["pool", "pool_1"]


def test_a_module_with_weights_of_its_own_is_another_module(load):
    model = f"""{HEADER} g (float[1,2] x) => (float[1,2] y)
        <float[2,2] fc__weight = {{1,2,3,4}}, float[2,2] other = {{5,6,7,8}}> {{
        ["/fc/MatMul"] a = MatMul(x, fc__weight)
        ["/fc_1/MatMul"] b = MatMul(a, fc__weight)
        ["/fc_2/MatMul"] y = MatMul(b, other) }}"""
    assert paths(load(renamed(model)).model) == ["fc", "fc", "fc_2"]


def test_an_identity_for_an_equal_weight_is_a_weight_of_its_own(load):
    model = f"""{HEADER} g (float[1,2] x) => (float[1,2] y) <float[2,2] fc__weight = {{1,2,3,4}}> {{
        ["Identity_0"] w = Identity(fc__weight)
        ["/fc/MatMul"] a = MatMul(x, fc__weight)
        ["/fc_1/MatMul"] y = MatMul(a, w) }}"""
    assert paths(load(renamed(model)).model) == ["fc_1", "fc", "fc_1"]


def test_nodes_of_subgraphs_have_scopes(load):
    model = f"""{HEADER} g (bool p, float[2] x) => (float[2] y) {{ ["/gate/If"] y = If(p) <
        then_branch = t () => (float[2] a) {{ ["/gate/act/Relu"] a = Relu(x) }},
        else_branch = e () => (float[2] b) {{ ["If_1"] b = Identity(x) }}> }}"""
    assert paths(load(model).model) == ["gate", "gate.act", ""]


def test_keys_are_names_of_initializers_in_modules_that_exist(load):
    model = f"""{HEADER} g (float[2] x) => (float[2] y) <float[2] fc__bias = {{1,2}},
        float[2] scale = {{1,2}}, float[2] other__bias = {{1,2}}, float[2] a = {{1,2}},
        float[2] b = {{1,2}}> {{
        ["/fc/Add"] s = Add(fc__bias, x)
        ["/Sum"] y = Sum(s, scale, other__bias, a, b) }}"""
    assert keys(load(renamed(model, a="onnx::Add_15", b="15")).model) == {
        "fc.bias": "fc.bias",
        "scale": "scale",
        "other.bias": None,
        "onnx::Add_15": None,
        "15": None,
    }


def test_keys_of_files_without_scopes(load):
    model = f"""{HEADER} g (float[2] x) => (float[2] y) <float[2] fc__bias = {{1,2}},
        float[2] x__1 = {{1,2}}, float[2] z = {{1,2}}>
        {{ [Sum_0] y = Sum(x, fc__bias, x__1, z) }}"""
    assert keys(load(renamed(model)).model) == {"fc.bias": "fc.bias", "x.1": None, "z": None}


def test_tools_that_rewrite_weights_lose_the_keys(load):
    model = f"""{HEADER} g (float[2] x) => (float[2] y) <float[2] fc__bias = {{1,2}}> {{
        ["/fc/Add"] y = Add(fc__bias, x) }}"""
    assert keys(load(renamed(model)).model) == {"fc.bias": "fc.bias"}
    model = model.replace('"pytorch"', '"onnx.quantize"')
    assert keys(load(renamed(model)).model) == {"fc.bias": None}


@pytest.mark.parametrize(
    ("names", "history"),
    [
        ({"w": "onnx::Conv_497", "b": "onnx::Conv_498"}, FOLDED),
        ({"w": "onnx::Conv_497", "b": "conv.bias"}, ()),
        ({"w": "conv.weight", "b": "conv.bias"}, ()),
    ],
)
def test_a_weight_computed_with_its_bias_holds_a_batch_norm(load, names, history):
    model = f"""{HEADER} g (float[1,1,4,4] x) => (float[1,1,4,4] y)
        <float[1,1,1,1] w = {{1}}, float[1] b = {{1}}> {{ ["/conv/Conv"] y = Conv(x, w, b) }}"""
    graph = load(renamed(model, **names)).model.graph
    assert [history_of(value) for value in graph.initializers.values()] == [history] * 2
