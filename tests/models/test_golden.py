"""Generated source as it was reviewed: a change of one line shows here, to be read as code is."""

import ast
from pathlib import Path

import onnx
import pytest

import onnx2ms

GOLDEN = Path(__file__).parents[1] / "golden"
NETWORKS = {
    "dynamo_bn/mobilenet_v2": 125,
    "legacy_bn/densenet121": 125,
    "dynamo/tv_efficientnet_b0": 140,
    "legacy/pl_unet_up": 80,
    "legacy_bn/resnet50 stripped": 110,
    "legacy_bn/densenet121 stripped": 110,
    "dynamo/dyn_pl_unet_up": 115,
    "legacy/dyn_hf_gpt2": 150,
    "dynamo/dyn_hf_bert": 180,
    "legacy/dyn_hf_bert": 190,
    "dynamo/dyn_hf_llama": 170,
    "legacy/dyn_hf_llama": 180,
    "dynamo/dyn_tv_swin_small": 170,
    "legacy/dyn_tv_swin_small": 170,
    "dynamo/tv_vit_small": 140,
}
"""At most so many lines; `stripped` of what tells of modules."""


@pytest.fixture
def source(restore, stripped):
    def run(network: str) -> str:
        key, _, changed = network.partition(" ")
        model = onnx.load(restore(key))
        if changed:
            stripped.strip(model)
        name = f"{key.rpartition('/')[2]}.onnx"
        return onnx2ms.convert(model, verify="none", model_name=name).source

    return run


@pytest.mark.parametrize("network", NETWORKS)
def test_source_is_the_one_reviewed(network: str, source, request: pytest.FixtureRequest):
    written = source(network)
    golden = GOLDEN / f"{network.replace('/', '_').replace(' ', '_')}.py"
    if request.config.getoption("--update-golden"):
        golden.write_text(written)
    assert written == golden.read_text()
    assert len(written.splitlines()) <= NETWORKS[network]


@pytest.mark.parametrize("network", NETWORKS)
def test_no_class_equals_another_but_for_numbers(network: str, source, reading):
    figures = reading.read(source(network))
    assert figures.twins == ()
    assert figures.counted == ()
    assert figures.arguments <= 8


@pytest.mark.parametrize("key", ["legacy_bn/resnet50", "legacy_bn/densenet121"])
def test_a_file_without_names_takes_hardly_more_lines(key: str, source):
    lines = [len(source(network).splitlines()) for network in (key, f"{key} stripped")]
    assert lines[1] <= 1.5 * lines[0]


def test_blocks_without_names_are_called_what_they_are(source):
    module = ast.parse(source("legacy_bn/resnet50 stripped"))
    classes = [node.name for node in module.body if isinstance(node, ast.ClassDef)]
    assert classes == ["Bottleneck", "Resnet50"]
