import json

import numpy as np
import pytest
from onnx import TensorProto, helper, numpy_helper

from onnx2ms.compiler.ir.provenance import KEY, Module, history_of, path_of, scope_of

RESNET = "torchvision.models.resnet.ResNet"
BLOCK = "torchvision.models.resnet.BasicBlock"
CONV = "torch.nn.modules.conv.Conv2d"
NORM = "torch.nn.modules.batchnorm.BatchNorm2d"
LINEAR = "torch.nn.modules.linear.Linear"
SIGNATURE = "pkg.torch.export.ExportedProgram.graph_signature"
FOLDED = ("BatchNorm folded in by the exporter",)


def node(op, inputs, output, paths=(), classes=(), **metadata):
    made = helper.make_node(op, inputs, [output], name=f"node_{output}")
    if paths:
        metadata["name_scopes"] = str([*paths, output])
        metadata["class_hierarchy"] = str([*classes, "aten.op.default"])
    for key, value in metadata.items():
        prefix = "pkg.onnxscript.rewriter." if key == "rule_name" else "pkg.torch.onnx."
        made.metadata_props.add(key=prefix + key, value=value)
    return made


def model(nodes, weights, signature=()):
    graph = helper.make_graph(
        nodes,
        "main_graph",
        [helper.make_tensor_value_info("x", TensorProto.FLOAT, [1, 2, 4, 4])],
        [helper.make_empty_tensor_value_info(nodes[-1].output[0])],
        [
            numpy_helper.from_array(np.ones(shape, np.float32), key)
            for key, shape in weights.items()
        ],
    )
    graph.output[0].type.tensor_type.elem_type = TensorProto.FLOAT
    graph.metadata_props.add(key=SIGNATURE, value="\n".join(["", "# inputs", *signature]))
    opsets = [helper.make_opsetid("", 20)]
    return helper.make_model(graph, opset_imports=opsets, ir_version=10, producer_name="pytorch")


def conv(path, weight, rule="", class_name=NORM):
    return node(
        "Conv",
        ["x", f"{weight}.weight", f"{weight}.weight_bias"],
        "y",
        ["", "layer1.0", path],
        [RESNET, BLOCK, class_name],
        rule_name=rule,
    )


def test_paths_and_classes_are_those_of_the_metadata(load):
    relu = node("Relu", ["x"], "y", ["", "l", "l.0"], [RESNET, BLOCK, "torch.nn.ReLU"])
    imported = load(model([relu], {}))
    (made,) = imported.model.graph
    assert imported.exporter == "dynamo"
    assert scope_of(made) == (
        Module("", RESNET),
        Module("l", BLOCK),
        Module("l.0", "torch.nn.ReLU"),
    )


@pytest.mark.parametrize(
    ("rule", "class_name"),
    [("FuseBatchNormIntoConv, RemoveOptionalBiasFromConv", NORM), ("", NORM)],
)
def test_a_conv_with_a_batch_norm_folded_in_is_the_conv(load, rule, class_name):
    weights = {"layer1.0.conv1.weight": (2, 2, 1, 1), "layer1.0.conv1.weight_bias": (2,)}
    (made,) = load(
        model([conv("layer1.0.bn1", "layer1.0.conv1", rule, class_name)], weights)
    ).model.graph
    assert scope_of(made) == (
        Module("", RESNET),
        Module("layer1.0", BLOCK),
        Module("layer1.0.conv1", CONV),
    )


def test_a_folded_conv_without_a_named_weight_keeps_the_path(load):
    made = conv("layer1.0.bn1", "val_1", "FuseBatchNormIntoConv")
    made.input[1] = "val_1"
    weights = {"val_1": (2, 2, 1, 1), "val_1.weight_bias": (2,)}
    (made,) = load(model([made], weights)).model.graph
    assert scope_of(made)[-1] == Module("layer1.0.bn1", CONV)


def test_a_tied_weight_does_not_move_the_layer(load):
    gemm = node("Gemm", ["f", "encoder.weight"], "y", ["", "decoder"], [RESNET, LINEAR])
    flat = node("Flatten", ["x"], "f", [""], [RESNET])
    made = list(load(model([flat, gemm], {"encoder.weight": (32, 3)})).model.graph)[1]
    assert path_of(made) == "decoder"


def test_what_torch_export_adds_belongs_to_the_root(load):
    hook = "_empty_nn_module_stack_from_metadata_hook"
    nodes = [
        node("Relu", ["x"], "r", ["", "act"], [RESNET, "torch.nn.ReLU"]),
        node("Relu", ["r"], "s", [hook], [hook]),
        node("Relu", ["s"], "y"),
    ]
    _, added, unknown = load(model(nodes, {})).model.graph
    assert scope_of(added) == (Module("", RESNET),)
    assert scope_of(unknown) == ()


@pytest.mark.parametrize(
    "scopes",
    [
        "__import__('os').system('true')",
        "[" * 100_000,
        "[" + "'a', " * 100_000,
        "['', 'a', 'b'",
        "['', 'a'] + ['b']",
        "['', '../..', 'b']",
        "['', 'a..b', 'b']",
        "['', 'a\\x00', 'b']",
        str(["", "a." * 1000 + "a", "b"]),
        str(["", "a", "a.b", "c"]),
        "",
    ],
)
def test_metadata_that_make_no_sense_are_ignored(load, scopes):
    relu = node("Relu", ["x"], "y", name_scopes=scopes, class_hierarchy="['A', 'B', 'C']")
    assert scope_of(next(iter(load(model([relu], {})).model.graph))) == (Module("", ""),)


def test_keys_are_those_of_the_signature(load):
    signature = [
        "p_conv_weight: PARAMETER target='conv.weight'",
        "b_norm_mean: BUFFER target='norm.mean' persistent=True",
        "b_table: BUFFER target='table' persistent=False",
        "c_lifted: CONSTANT_TENSOR target='lifted'",
    ]
    names = ["conv.weight", "norm.mean", "table", "lifted", "val_3"]
    graph = load(
        model([node("Sum", names, "y", [""], [RESNET])], dict.fromkeys(names, (2,)), signature)
    )
    keys = {
        name: value.metadata_props.get(KEY)
        for name, value in graph.model.graph.initializers.items()
    }
    assert keys == {
        "conv.weight": "conv.weight",
        "norm.mean": "norm.mean",
        "table": None,
        "lifted": None,
        "val_3": None,
    }


def test_a_weight_with_a_batch_norm_folded_in_has_no_key(load):
    """It keeps the name of the parameter, but not its value."""
    weights = {"layer1.0.conv1.weight": (2, 2, 1, 1), "layer1.0.conv1.weight_bias": (2,)}
    signature = ["p_layer1_0_conv1_weight: PARAMETER target='layer1.0.conv1.weight'"]
    folded = conv("layer1.0.bn1", "layer1.0.conv1", "FuseBatchNormIntoConv")
    values = load(model([folded], weights, signature)).model.graph.initializers.values()
    assert [value.metadata_props.get(KEY) for value in values] == [None, None]
    assert [history_of(value) for value in values] == [FOLDED, FOLDED]


def test_a_transposed_linear_weight_has_the_key_of_its_parameter(load):
    fx = (
        "%linear : [num_users=1] = call_function[target=torch.ops.aten.linear.default]"
        "(args = (%x, %p_fc_weight, %p_fc_bias), kwargs = {})"
    )
    matmul = node("MatMul", ["x", "val_1"], "y", ["", "fc"], [RESNET, LINEAR], fx_node=fx)
    signature = ["p_fc_weight: PARAMETER target='fc.weight'"]
    (value,) = load(model([matmul], {"val_1": (4, 3)}, signature)).model.graph.initializers.values()
    assert value.metadata_props[KEY] == "fc.weight"
    assert history_of(value) == ("transposed by the exporter",)


def test_provenance_survives_as_plain_metadata(load):
    relu = node("Relu", ["x"], "y", ["", "l"], [RESNET, BLOCK])
    (made,) = load(model([relu], {})).model.graph
    assert json.loads(made.metadata_props["onnx2ms.scope"]) == [["", RESNET], ["l", BLOCK]]
    assert made.metadata_props["pkg.torch.onnx.name_scopes"] == "['', 'l', 'y']"
