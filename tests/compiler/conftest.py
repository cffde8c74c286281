"""One small network for the tests of the driver and the command line, and the schemas in docs."""

import json
import re
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import onnx
import pytest
from onnx import TensorProto, helper, numpy_helper

NAMES = ("x", "y", "conv.weight", "conv.bias", "conv", "relu")


def build(
    names: tuple[str, ...] = NAMES, *, shape: tuple[int | str, ...] = (1, 3, 8, 8)
) -> onnx.ModelProto:
    """Return relu(conv(x)), its input, output, weights and nodes named as wished."""
    source, result, weight, bias, conv, relu = names
    rng = np.random.default_rng(0)
    weights = {weight: rng.standard_normal((64, 3, 3, 3)), bias: rng.standard_normal(64)}
    graph = helper.make_graph(
        [
            helper.make_node("Conv", [source, weight, bias], [f"{conv}_out"], conv, pads=[1] * 4),
            helper.make_node("Relu", [f"{conv}_out"], [result], relu),
        ],
        f"graph {source}",
        [helper.make_tensor_value_info(source, TensorProto.FLOAT, shape)],
        [helper.make_tensor_value_info(result, TensorProto.FLOAT, (shape[0], 64, *shape[2:]))],
        [numpy_helper.from_array(w.astype(np.float32), name) for name, w in weights.items()],
    )
    opsets = [helper.make_opsetid("", 20)]
    return helper.make_model(graph, opset_imports=opsets, ir_version=10, producer_name=source)


@pytest.fixture
def network() -> Callable[..., onnx.ModelProto]:
    """Return the function that makes it."""
    return build


@pytest.fixture
def model(tmp_path: Path) -> Path:
    """Return the file of a small network, alone in its folder."""
    path = tmp_path / "model" / "net.onnx"
    path.parent.mkdir()
    onnx.save(build(), path)
    return path


DOCS = Path(__file__).parents[2] / "docs"
TYPES = {
    "object": dict,
    "array": list,
    "string": str,
    "boolean": bool,
    "integer": int,
    "number": (int, float),
    "null": type(None),
}


def misfits(value: Any, schema: dict[str, Any], path: str) -> Iterator[str]:
    """Yield where a value does not fit a schema, as far as ours use JSON Schema."""
    kinds = schema["type"] if isinstance(schema["type"], list) else [schema["type"]]
    fits = any(isinstance(value, TYPES[kind]) for kind in kinds)
    if not fits or (isinstance(value, bool) and "boolean" not in kinds):
        yield f"{path} is {value!r}, not {kinds}"
    if value not in schema.get("enum", [value]) or value != schema.get("const", value):
        yield f"{path} is {value!r}"
    if isinstance(value, dict):
        known = schema.get("properties", {})
        yield from (f"{path} lacks {name}" for name in schema.get("required", []) - value.keys())
        for name, member in value.items():
            member_schema = known.get(name, schema.get("additionalProperties"))
            if member_schema is None:
                yield f"{path}.{name} is not in the schema"
            else:
                yield from misfits(member, member_schema, f"{path}.{name}")
    if isinstance(value, list) and "items" in schema:
        for i, member in enumerate(value):
            yield from misfits(member, schema["items"], f"{path}[{i}]")


def fields(schema: dict[str, Any]) -> Iterator[str]:
    """Yield the name of every field in a schema."""
    for name, member in schema.get("properties", {}).items():
        yield name
        yield from fields(member)
    for key in {"items", "additionalProperties"} & schema.keys():
        yield from fields(schema[key])


@dataclass(frozen=True)
class Schema:
    """A schema in docs, and the page beside it."""

    name: str

    @property
    def content(self) -> dict[str, Any]:
        return json.loads((DOCS / f"{self.name}.schema.json").read_text())

    def misfits(self, value: Any) -> Iterator[str]:
        return misfits(value, self.content, self.name)

    def fields(self) -> set[str]:
        return set(fields(self.content))

    def described(self) -> set[str]:
        return set(re.findall(r"`(\w+)`", (DOCS / f"{self.name}.md").read_text()))


@pytest.fixture(scope="session")
def schemas() -> type[Schema]:
    """Return what makes a schema of its name."""
    return Schema
