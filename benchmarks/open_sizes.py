"""Networks whose sizes were fixed when they were exported, with symbols in their place."""

from collections.abc import Iterator, Mapping, Sequence
from typing import Any

import numpy as np
import onnxruntime
from onnx import ModelProto

SYMBOLS = (("batch", "height", "width"), ("batch",))
"""What is tried, the freest first; height and width only of pictures."""

LARGER = {"batch": 1, "height": 32, "width": 64}
"""By how much each size is larger in the second call."""

Shapes = Mapping[str, list[int]]


def open_sizes(model: ModelProto, arrays: Mapping[str, np.ndarray]) -> tuple[list[str], Shapes]:
    """Put symbols in the place of sizes, as many as the network allows; the model is changed.

    It allows what onnxruntime runs at other sizes, each sample of the batch for itself.

    Args:
        model: The model.
        arrays: Its inputs as it was exported for them.

    Returns:
        The symbols, none if the export fixes all sizes, and the shapes of a second call.
    """
    shapes = {name: list(array.shape) for name, array in arrays.items()}
    for symbols in SYMBOLS:
        if "height" in symbols and not any(len(shape) == 4 for shape in shapes.values()):
            continue
        opened = ModelProto()
        opened.CopyFrom(model)
        second = dict(_write(opened, shapes, symbols))
        if _runs(opened, arrays, second):
            model.CopyFrom(opened)
            return list(symbols), second
    return [], shapes


def _write(
    model: ModelProto, shapes: Shapes, symbols: Sequence[str]
) -> Iterator[tuple[str, list[int]]]:
    """Write symbols into the inputs, forget all other shapes, and yield the second call's."""
    for value in model.graph.input:
        if value.name not in shapes:
            continue
        shape = list(shapes[value.name])
        axes = {0: "batch", 2: "height", 3: "width"} if len(shape) == 4 else {0: "batch"}
        for axis, name in axes.items():
            if name in symbols:
                value.type.tensor_type.shape.dim[axis].dim_param = name
                shape[axis] += LARGER[name]
        yield value.name, shape
    del model.graph.value_info[:]
    for value in model.graph.output:
        for dim in value.type.tensor_type.shape.dim:
            dim.Clear()


def _runs(model: ModelProto, arrays: Mapping[str, Any], second: Shapes) -> bool:
    """Tell whether a model runs at both sizes, and makes one result for each sample."""
    options = onnxruntime.SessionOptions()
    options.log_severity_level = 4
    try:
        session = onnxruntime.InferenceSession(
            model.SerializeToString(), options, providers=["CPUExecutionProvider"]
        )
        session.run(None, dict(arrays))
        larger = {name: np.resize(arrays[name], shape) for name, shape in second.items()}
        results = session.run(None, larger)
    except Exception:  # whatever onnxruntime says, the export does not allow it
        return False
    batches = {shape[0] for shape in second.values()}
    return all(result.ndim and result.shape[0] in batches for result in results)
