"""ONNX's own converter of versions agrees with `modernize`, wherever it can convert."""

import sys
from pathlib import Path

import numpy as np
import onnx
import onnx.backend.test
import onnx_ir as ir
import pytest
from onnx import numpy_helper, version_converter

from onnx2ms.compiler.ir.dialect import OPSET
from onnx2ms.passes.check import relative_error
from onnx2ms.passes.modernize.modernize_operators import modernize_operators

sys.path.insert(0, str(Path(__file__).parents[1]))  # what reads the cases is a test, no package

from test_cases import CASES, array_for, compute, read

DATA = Path(onnx.backend.test.__file__).parent / "data"
OLD = sorted(file.parent for file in DATA.glob("pytorch-*/*/model.onnx"))
WRITTEN = sorted((CASES / "modernize_operators").glob("*.txt"))

MISSES = {
    "batch_normalization_in_training": "it refuses statistics as outputs",
    "batch_normalization_of_each_element": "it refuses spatial=0",
    "broadcast_at_an_axis": "it refuses an axis in the middle",
    "dropout_in_training": "what is dropped is of chance",
    "groups_with_one_scale_each": "it leaves a scale for each group, not for each channel",
    "hints_for_memory": "it cannot lift Cast-1",
    "mask_of_dropout": "it leaves the mask a number",
    "power_of_a_norm": "it cannot lift LpPool-1",
    "recurrent": "it cannot lift RNN-1",
    "regions_without_half_a_pixel": "onnxruntime has no RoiAlign-22",
    "remainder_of_real_numbers": "it refuses Mod of real numbers",
    "resize_of_two_operands": "it takes Resize-10 for one by half a pixel",
    "scan_with_a_batch": "it leaves the batch of Scan-8",
    "slopes_of_channels": "it leaves the slopes of PRelu-6 a vector, which then goes along rows",
    "test_PReLU_1d_multiparam": "it leaves the slopes of PRelu-6 a vector",
    "test_PReLU_2d_multiparam": "it leaves the slopes of PRelu-6 a vector",
    "test_PReLU_3d_multiparam": "it leaves the slopes of PRelu-6 a vector",
    "tile_along_one_axis": "it cannot lift Tile-1",
    "upsample": "it takes Upsample for a Resize by half a pixel",
    "upsample_by_height_and_width": "it leaves the mode bilinear",
}
"""What onnx 1.23's converter refuses or gets wrong: onnxruntime runs the old form as we do."""


def named(path):
    reason = MISSES.get(path.stem)
    marks = [] if reason is None else [pytest.mark.xfail(reason=reason, strict=True)]
    return pytest.param(path, id=path.stem, marks=marks)


@pytest.mark.parametrize("folder", [*map(named, OLD)])
def test_models_of_the_package(folder):
    files = sorted(folder.glob("test_data_set_0/input_*.pb"))
    arrays = [numpy_helper.to_array(onnx.load_tensor(file)) for file in files]
    proto = onnx.load(folder / "model.onnx")
    constant = {tensor.name for tensor in proto.graph.initializer}
    names = [value.name for value in proto.graph.input if value.name not in constant]
    agree(proto, dict(zip(names, arrays, strict=True)))


@pytest.mark.parametrize("file", [*map(named, WRITTEN)])
def test_written_models(file):
    before, _, notes = read(file)
    model = ir.from_onnx_text(before)
    sizes = dict(pair.split("=") for pair in notes.get("sizes", "").replace(",", " ").split())
    rng = np.random.default_rng(0)
    inputs = {value.name: array_for(value, sizes, rng) for value in model.graph.inputs}
    agree(ir.to_proto(model), inputs)


def agree(proto, inputs):
    """Check that both make models of an old one that compute the same."""
    proto.ir_version = max(proto.ir_version, 8)
    converted = version_converter.convert_version(proto, OPSET)
    onnx.checker.check_model(converted, full_check=True)
    model = ir.from_proto(proto)
    modernize_operators(model.graph)
    both = (compute(model, inputs), compute(ir.from_proto(converted), inputs))
    for ours, theirs in zip(*both, strict=True):
        assert relative_error(np.asarray(ours), np.asarray(theirs)) <= 1e-6
