"""Hostile names, and models that bear them wherever a model has a name."""

import keyword
import random
import string

import onnx
from onnx import TensorProto, helper, numpy_helper

RANDOM = random.Random(8)

QUOTES = (
    "'",
    '"',
    '"""',
    "'''",
    "\\",
    "\\'",
    '\\"""',
    "`",
    "\n",
    "\r",
    "\r\n",
    "\t",
    "\0",
    "\x1b[2J",
)
CODE = (
    *("__import__('os').system('touch owned')", "exec('1')", "eval('1')", "open('owned', 'w')"),
    *(
        "); import os; (",
        '"""\nimport os\n"""',
        "x = 1 #",
        "\nimport os\n",
        "lambda: 0",
        "*",
        "**k",
    ),
    *(
        "{0}",
        "{x!r}",
        "{{}}",
        "{__import__('os')}",
        "%s",
        "%(x)s",
        "$(touch owned)",
        "`id`",
        "${HOME}",
    ),
    *(
        "@property",
        "x if y else z",
        "a;b",
        "a=b",
        "a:=b",
        "->",
        "# coding: utf-7",
        "\f",
        "\\N{DIGIT ONE}",
    ),
)
UNICODE = (
    *(
        "\u202eevil\u202c",
        "\u2066a\u2069",
        "\u200bself",
        "se\u200blf",
        "\u0430",
        "ｓｅｌｆ",
        "ﬁ",
        "ⅳ",
    ),
    *(
        "名前",
        "ñ",
        "🦙",
        "\ufeff",
        "\u2028",
        "\u2029",
        "\x85",
        "ℯ",
        "𝐱",
        "Ａ",
        "ß",
        "İ",
        "ſelf",
        "\u0301",
    ),
)
PATHS = (
    "../",
    "../../etc/passwd",
    "/",
    "/etc/passwd",
    "..",
    ".",
    "~",
    "a/../b",
    "C:\\x",
    "a//b",
    ".x.",
)
DUNDERS = (
    "__init__",
    "__class__",
    "__import__",
    "__builtins__",
    "__file__",
    "__name__",
    "__dict__",
)
OWN = (
    *("self", "ms", "nn", "ops", "np", "Path", "Tensor", "Parameter", "WEIGHTS", "build_model"),
    *(
        "construct",
        "super",
        "Net",
        "Model",
        "dynamic_inputs",
        "print",
        "str",
        "float",
        "range",
        "len",
    ),
    *(
        "net",
        "weights",
        "checkpoint",
        "name",
        "cells",
        "training",
        "param_prefix",
        "ms.nn",
        "ops.relu",
    ),
)
COLLIDING = (
    "a.b",
    "a_b",
    "a-b",
    "a b",
    "A_B",
    "a__b",
    "a/b",
    "a.b.",
    "a_b_",
    "_a_b",
    "a\u00a0b",
    "a:b",
)
LONG = ("x" * 100_000, "a." * 5_000, "'" * 10_000, "0" * 5_000, "\n" * 3_000, "名" * 20_000)
BASES = (
    *QUOTES, *CODE, *UNICODE, *PATHS, *DUNDERS, *OWN, *COLLIDING, *LONG, *keyword.kwlist,
    *keyword.softkwlist, *("0", "00", "1.weight", "1.0", "0.1.a", "1.a.0", "2.00", "-1", "1e5"),
    *("", " "),
)  # fmt: skip


def hostile(count: int) -> list[str]:
    """Return different names, the bases first, then what they make together."""
    names = dict.fromkeys(BASES)
    while len(names) < count:
        parts = RANDOM.sample(BASES, RANDOM.choice((2, 2, 3)))
        joint = RANDOM.choice(("", ".", "/", "_", "\n", '"', RANDOM.choice(string.printable)))
        names[joint.join(part[:200] for part in parts)] = None
    return list(names)[:count]


def bearing(names: list[str], exporter: str) -> onnx.ModelProto:
    """Return a network whose inputs, values, weights, nodes, modules, symbols … bear names.

    Args:
        names: One for each layer.
        exporter: Whose way of telling modules: "dynamo", "legacy" or "" for none.
    """
    nodes: list[onnx.NodeProto] = []
    weights: list[TensorProto] = []
    last = names[0] or "x"
    inputs = [helper.make_tensor_value_info(last, TensorProto.FLOAT, [names[1] or "n", 8])]
    taken = {last}

    def fresh(wish: str) -> str:
        while not wish or wish in taken:
            wish += "'"
        taken.add(wish)
        return wish

    for i, name in enumerate(names):
        weight = fresh(f"{name}.weight" if i % 2 else name)
        array = numpy_helper.to_array(helper.make_tensor("", 1, [8, 8], [float(i)] * 64))
        weights.append(numpy_helper.from_array(array, weight))
        product = fresh(f"{name}\n{i}")
        result = fresh(name)
        label = f"/{name}/MatMul" if exporter == "legacy" else name
        nodes += [
            helper.make_node("MatMul", [last, weight], [product], name=label),
            helper.make_node("own_function", [product], [result], domain="own" + name[:50]),
        ]
        told = {name[:1000]: name, "doc": name}
        if exporter == "dynamo":
            told["pkg.torch.onnx.name_scopes"] = repr(["", name, f"{name}.{name}", "matmul"])
            told["pkg.torch.onnx.class_hierarchy"] = repr([name, f"m.{name}", name, "aten.matmul"])
            told["pkg.torch.onnx.fx_node"] = (
                f"%{name} : call_function[target={name}](args = ({name}"
            )
            told["namespace"] = f"{name}: {name}/{name}"
        for node in nodes[-2:]:
            node.doc_string = name
            for key, value in told.items():
                node.metadata_props.add(key=key, value=value)
        last = result
    output = helper.make_tensor_value_info(last, TensorProto.FLOAT, None)
    graph = helper.make_graph(nodes, names[2] or "g", inputs, [output], weights)
    opsets = [helper.make_opsetid("", 20)]
    functions = []
    for domain in dict.fromkeys(node.domain for node in nodes if node.domain):
        opsets.append(helper.make_opsetid(domain, 1))
        body = [helper.make_node("Relu", ["a"], ["b"], name=domain)]
        functions.append(
            helper.make_function(domain, "own_function", ["a"], ["b"], body, opsets[:1])
        )
    model = helper.make_model(graph, functions=functions, opset_imports=opsets, ir_version=10)
    model.producer_name = "pytorch" if exporter else names[3]
    model.producer_version, model.doc_string = names[4], names[5]
    for name in names:
        model.metadata_props.add(key=name, value=name)
    return model
