"""A small network, once as ONNX and once as a folder that a conversion might have written."""

import ast
from collections.abc import Callable
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np
import onnx
import onnx.parser
import onnx_ir as ir
import pytest
from onnx import numpy_helper
from safetensors.numpy import save_file

from onnx2ms.emitters.base import Place

SOURCE = '''
"""Net, compiled by hand."""

from pathlib import Path

import mindspore as ms
from mindspore import nn, ops


class Block(nn.Cell):
    def __init__(self, channels: int, stride: int = 1, downsample: nn.Cell | None = None):
        super().__init__()
        self.conv = nn.Conv2d(
            channels, channels, 3, stride=stride, pad_mode="pad", padding=1, has_bias=True
        )
        self.downsample = downsample

    def construct(self, x: ms.Tensor) -> ms.Tensor:
        identity = x if self.downsample is None else self.downsample(x)
        out = ops.relu(self.conv(x))
        return ops.tanh(out - identity)


class Net(nn.Cell):
    def __init__(self):
        super().__init__()
        self.stem = nn.SequentialCell(nn.Conv2d(3, 4, 1, has_bias=True), nn.ReLU())
        shortcut = nn.SequentialCell(nn.Conv2d(4, 4, 1, stride=2, has_bias=True))
        self.blocks = nn.CellList([Block(4), Block(4), Block(4, 2, shortcut)])
        self.head = nn.Dense(4, 5)

    def construct(self, image: ms.Tensor) -> tuple[ms.Tensor, ms.Tensor]:
        x = self.stem(image)
        for block in self.blocks:
            x = block(x)
        pooled = x.mean((2, 3))
        low, high = ops.split(pooled, 2, axis=1)
        return self.head(pooled), low * high


def build_model(checkpoint: str | Path = Path(__file__).with_name("model.safetensors")) -> nn.Cell:
    net = Net()
    weights = ms.load_checkpoint(str(checkpoint), format="safetensors")
    missing, over = ms.load_param_into_net(net, weights, strict_load=True)
    assert not missing and not over
    return net.set_train(False)
'''.lstrip()

GRAPH = """
<ir_version: 10, opset_import: ["": 20]>
net (float[1,3,8,8] image) => (float[1,5] logits, float[1,2] product)
<int64[2] axes = {2, 3}>
{
  s0 = Conv <kernel_shape = [1, 1]> (image, stem_0_weight, stem_0_bias)
  s1 = Relu (s0)
  a0 = Conv <pads = [1, 1, 1, 1]> (s1, blocks_0_conv_weight, blocks_0_conv_bias)
  a1 = Relu (a0)
  a2 = Sub (a1, s1)
  a3 = Tanh (a2)
  b0 = Conv <pads = [1, 1, 1, 1]> (a3, blocks_1_conv_weight, blocks_1_conv_bias)
  b1 = Relu (b0)
  b2 = Sub (b1, a3)
  b3 = Tanh (b2)
  d0 = Conv <strides = [2, 2]> (b3, blocks_2_downsample_0_weight, blocks_2_downsample_0_bias)
  c0 = Conv <pads = [1, 1, 1, 1], strides = [2, 2]> (b3, blocks_2_conv_weight, blocks_2_conv_bias)
  c1 = Relu (c0)
  c2 = Sub (c1, d0)
  c3 = Tanh (c2)
  pooled = ReduceMean <keepdims = 0> (c3, axes)
  low, high = Split <axis = 1, num_outputs = 2> (pooled)
  logits = Gemm <transB = 1> (pooled, head_weight, head_bias)
  product = Mul (low, high)
}
"""

SHAPES = {
    "stem.0.weight": (4, 3, 1, 1),
    "stem.0.bias": (4,),
    **{f"blocks.{i}.conv.weight": (4, 4, 3, 3) for i in range(3)},
    **{f"blocks.{i}.conv.bias": (4,) for i in range(3)},
    "blocks.2.downsample.0.weight": (4, 4, 1, 1),
    "blocks.2.downsample.0.bias": (4,),
    "head.weight": (5, 4),
    "head.bias": (5,),
}

CONV, RELU = "self.conv(x)", "ops.relu(self.conv(x))"
SUB, TANH = "out - identity", "ops.tanh(out - identity)"
PLACES = [
    # value, class, path, expression, local
    ("s0", "nn.SequentialCell", "stem.0", "", ""),
    ("s1", "Net", "", "self.stem(image)", "x"),
    *((f"a{i}", "Block", "blocks.0", e, "") for i, e in enumerate((CONV, RELU, SUB, TANH))),
    *((f"b{i}", "Block", "blocks.1", e, "") for i, e in enumerate((CONV, RELU, SUB, TANH))),
    ("d0", "Block", "blocks.2", "self.downsample(x)", ""),
    *((f"c{i}", "Block", "blocks.2", e, "") for i, e in enumerate((CONV, RELU, SUB, TANH))),
    ("pooled", "Net", "", "x.mean((2, 3))", "pooled"),
    ("low", "Net", "", "ops.split(pooled, 2, axis=1)", "low"),
    ("high", "Net", "", "ops.split(pooled, 2, axis=1)", "high"),
    ("logits", "Net", "", "self.head(pooled)", ""),
    ("product", "Net", "", "low * high", ""),
]


def find_place(
    source: str, value: str, class_name: str, path: str, text: str, local: str = ""
) -> Place:
    """Return the place of the only expression of this text in a class's construct."""
    line = column = end_line = end_column = 0
    for node in ast.parse(source).body:
        if text and isinstance(node, ast.ClassDef) and node.name == class_name:
            found = [e for e in ast.walk(node.body[-1]) if isinstance(e, ast.expr)]
            (spot,) = [e for e in found if ast.get_source_segment(source, e) == text]
            line, column = spot.lineno, spot.col_offset
            end_line, end_column = spot.end_lineno or 0, spot.end_col_offset or 0
    node_name = f"node_{value}"
    return Place(value, node_name, class_name, path, local, line, column, end_line, end_column)


@dataclass(frozen=True)
class Net:
    """A folder and the model that it was made from.

    Attributes:
        folder: Holds model.py and model.safetensors.
        model: The .onnx file.
        lowered: The graph.
        source: The right model.py.
        source_map: Where it computes the graph's values.
        weights: By name.
    """

    folder: Path
    model: Path
    lowered: ir.Model
    source: str
    source_map: tuple[Place, ...]
    weights: dict[str, np.ndarray]

    def faulty(self, folder: Path, *edits: tuple[str, str], **weights: np.ndarray) -> "Net":
        """Return the network with another text, or other weights, in a folder of its own."""
        source = self.source
        for old, new in edits:
            assert old in source
            source = source.replace(old, new)
        folder.mkdir()
        (folder / "model.py").write_text(source)
        save_file(self.weights | weights, folder / "model.safetensors")
        return replace(self, folder=folder)


@pytest.fixture(scope="session")
def net(tmp_path_factory: pytest.TempPathFactory) -> Net:
    folder = tmp_path_factory.mktemp("net")
    rng = np.random.default_rng(0)
    weights = {
        name: (0.5 * rng.standard_normal(shape)).astype(np.float32)
        for name, shape in SHAPES.items()
    }
    proto = onnx.parser.parse_model(GRAPH)
    for node in proto.graph.node:
        node.name = f"node_{node.output[0]}"
    proto.graph.initializer.extend(
        numpy_helper.from_array(array, name.replace(".", "_")) for name, array in weights.items()
    )
    onnx.checker.check_model(proto, full_check=True)
    onnx.save(proto, folder / "net.onnx")
    (folder / "model.py").write_text(SOURCE)
    save_file(weights, folder / "model.safetensors")
    source_map = tuple(find_place(SOURCE, *row) for row in PLACES)
    lowered = ir.from_proto(onnx.shape_inference.infer_shapes(proto))
    return Net(folder, folder / "net.onnx", lowered, SOURCE, source_map, weights)


@pytest.fixture(scope="session")
def place() -> Callable[..., Place]:
    return find_place


@pytest.fixture(scope="session")
def image() -> dict[str, np.ndarray]:
    x = np.random.default_rng(1).standard_normal((1, 3, 8, 8))
    return {"image": x.astype(np.float32)}


STUB = {
    "__init__.py": """
from types import SimpleNamespace

from . import nn

GRAPH_MODE, PYNATIVE_MODE = 0, 1
runtime = SimpleNamespace(launch_blocking=lambda: None)


def set_context(mode):
    pass


def set_device(name):
    pass


class Tensor:
    def __init__(self, array):
        self.array = array

    def asnumpy(self):
        return self.array
""",
    "nn.py": """
class Cell:
    def __call__(self, *args):
        return self.construct(*args)

    def name_cells(self):
        return {name: cell for name, cell in vars(self).items() if isinstance(cell, Cell)}

    def construct(self, *args):
        raise NotImplementedError


class CellList(Cell):
    def __init__(self, cells):
        self.cells = cells

    def __iter__(self):
        return iter(self.cells)

    def __getitem__(self, index):
        return self.cells[index]

    def name_cells(self):
        return {str(i): cell for i, cell in enumerate(self.cells)}


class SequentialCell(CellList):
    def __init__(self, *cells):
        self.cells = self.cell_list = cells

    def construct(self, x):
        for cell in self.cells:
            x = cell(x)
        return x


class CellDict(Cell):
    pass
""",
}


@pytest.fixture
def stub(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Let child processes import, for MindSpore, a stub that starts at once."""
    package = tmp_path / "stub" / "mindspore"
    package.mkdir(parents=True)
    for name, text in STUB.items():
        (package / name).write_text(text)
    monkeypatch.setenv("PYTHONPATH", str(package.parent))
