"""The page of one small network, whose names are as hostile as a file's can be."""

import numpy as np
import onnx
import pytest
from onnx import TensorProto, helper, numpy_helper

from onnx2ms import convert

HOSTILE = "</script><script>document.title='read as HTML'</script>&'\"{{ 7 * 7 }}"


def network() -> onnx.ModelProto:
    """Return two layers of modules `encoder.layers.0` and `encoder.layers.1`, and a head."""
    rng = np.random.default_rng(0)
    nodes, weights, last = [], [], "x"
    for name in ("encoder.layers.0", "encoder.layers.1", "head"):
        weight = f"{name}.weight"
        weights.append(numpy_helper.from_array(rng.random((4, 4), np.float32), weight))
        scope = name.replace(".", "/")
        nodes.append(helper.make_node("MatMul", [last, weight], [f"/{scope}/MatMul_output_0"]))
        last = f"{HOSTILE} {name}"
        nodes.append(helper.make_node("Relu", nodes[-1].output, [last], f"/{scope}/Relu"))
        nodes[-2].name = f"/{scope}/MatMul"
    graph = helper.make_graph(
        nodes,
        "net",
        [helper.make_tensor_value_info("x", TensorProto.FLOAT, (2, 4))],
        [helper.make_tensor_value_info(last, TensorProto.FLOAT, (2, 4))],
        weights,
    )
    opsets = [helper.make_opsetid("", 20)]
    return helper.make_model(
        graph, opset_imports=opsets, ir_version=10, producer_name="pytorch", producer_version="2"
    )


@pytest.fixture(scope="session")
def conversion(tmp_path_factory):
    """Convert it, proved in PYNATIVE mode, with its page."""
    folder = tmp_path_factory.mktemp("page") / "out"
    return convert(network(), folder, verify="pynative", html=True)


@pytest.fixture(scope="session")
def text(conversion) -> str:
    """Return the text of its page."""
    return (conversion.folder / "report.html").read_text()
