"""The forms in which every case is tried: as the suite has it, and as exporters write models."""

from collections.abc import Callable

import onnx
from onnx import numpy_helper
from suite import DataSet, inputs_of

Form = Callable[[onnx.ModelProto, list[DataSet]], list[DataSet]]


def plain(model: onnx.ModelProto, sets: list[DataSet]) -> list[DataSet]:
    """Leave the model as it is: weights, axes and shapes are inputs like any other."""
    return sets


def lift(model: onnx.ModelProto, sets: list[DataSet]) -> list[DataSet]:
    """Make every input but the first a constant, as in models that were exported."""
    inputs = inputs_of(model)
    if len(sets) != 1 or len(inputs) != len(sets[0][0]):
        return sets
    arrays, outputs = sets[0]
    for value, array in list(zip(inputs, arrays, strict=True))[1:]:
        model.graph.initializer.append(numpy_helper.from_array(array, value.name))
        if model.ir_version >= 4:  # before, initializers had to be inputs as well
            model.graph.input.remove(value)
    return [(arrays[:1], outputs)]


def dynamic(model: onnx.ModelProto, sets: list[DataSet]) -> list[DataSet]:
    """Leave open every dimension of every input and output, each by a name of its own."""
    for role, values in (("d", inputs_of(model)), ("o", model.graph.output)):
        for i, value in enumerate(values):
            for j, dim in enumerate(value.type.tensor_type.shape.dim):
                dim.dim_param = f"{role}{i}_{j}"
    del model.graph.value_info[:]
    return sets


FORMS: dict[str, Form] = {"plain": plain, "lift": lift, "dynamic": dynamic}
"""By name."""
