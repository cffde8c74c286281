"""Right and faulty folders in MindSpore itself, in both of its modes."""

import json
from pathlib import Path

import pytest

from onnx2ms.compiler.verify.verify import repeat_command, verify_folder

BOTH = ("pynative", "graph")


@pytest.fixture(scope="session")
def run(image):
    def run(net, modes=BOTH, **options):
        return verify_folder(
            net.folder,
            model=net.model,
            lowered=net.lowered,
            inputs=[image],
            source_map=net.source_map,
            source=net.source,
            modes=modes,
            **options,
        )

    return run


@pytest.fixture(scope="module")
def right(net, run):
    return run(net)


def test_a_right_folder_is_verified_in_both_modes(right):
    assert right.verified
    assert right.reference.startswith("onnxruntime")
    for mode in right.modes:
        assert [output.name for output in mode.outputs] == ["logits", "product"]
        assert all(output.error < 1e-6 for output in mode.outputs)
        assert mode.peak_memory > 10**8


def test_what_is_measured_stands_apart(right):
    document = json.loads(json.dumps(right.to_json(), allow_nan=False))
    assert set(document["measured"]) == set(document["modes"]) == set(BOTH)
    assert document["measured"]["graph"]["seconds"]["first call"] > 0
    assert document["modes"]["graph"]["outputs"][0]["shape"] == [1, 5]
    assert "seconds" not in document["modes"]["graph"]
    assert document["verified"] is True


def test_no_files_are_left_behind(net, right):
    found = sorted(file.name for file in net.folder.iterdir())
    assert found == ["model.py", "model.safetensors", "net.onnx"]


def test_a_swapped_operand(net, run, tmp_path):
    faulty = net.faulty(tmp_path / "out", ("out - identity", "identity  -  out"))
    for mode in run(faulty).modes:
        first = mode.first_divergence
        assert not mode.verified
        assert (first.node, first.path, first.operator) == ("node_a2", "blocks.0", "Sub")
        assert first.text == "return ops.tanh(identity  -  out)"
        assert first.mode == mode.mode
        assert first.unseen == ()


def test_one_changed_weight_in_a_sequence(net, run, tmp_path):
    weight = net.weights["stem.0.weight"].copy()
    weight[1, 2] += 1e-3
    faulty = net.faulty(tmp_path / "out", **{"stem.0.weight": weight})
    for mode in run(faulty).modes:
        first = mode.first_divergence
        assert (first.node, first.path, first.operator) == ("node_s0", "stem.0", "Conv")
        assert 1e-5 < first.error < 1e-2
        assert first.mode == mode.mode


def test_a_wrong_stride_that_graph_mode_does_not_compile(net, run, tmp_path):
    faulty = net.faulty(tmp_path / "out", ("stride=stride", "stride=1"))
    (mode,) = run(faulty, ["graph"]).modes
    assert mode.failure.startswith("ValueError: For 'Sub', input1.shape and input2.shape")
    assert mode.failure.endswith("(model.py, line 20: return ops.tanh(out - identity))")
    assert mode.first_divergence.node == "node_c0"
    assert mode.first_divergence.problem == "shape [1, 4, 8, 8], expected [1, 4, 4, 4]"
    assert mode.first_divergence.mode == "pynative"
    assert "this is from PYNATIVE mode" in mode.explanation


def test_outputs_in_another_order(net, run, tmp_path):
    right, wrong = "self.head(pooled), low * high", "low * high, self.head(pooled)"
    (mode,) = run(net.faulty(tmp_path / "out", (right, wrong)), ["graph"]).modes
    assert [output.problem for output in mode.outputs] == [
        "shape [1, 2], expected [1, 5]",
        "shape [1, 5], expected [1, 2]",
    ]
    assert mode.first_divergence is None
    assert mode.explanation.endswith("the outputs come back in the order 'product', 'logits'")


def test_the_command_that_repeats_it():
    command = repeat_command(
        Path("my model.onnx"),
        Path("out"),
        shapes={"a:0": [1, "n"], "": [3]},
        outputs=["b", "c d"],
        inputs=[Path("in.npz"), Path("b.npz")],
        weights="safetensors",
        modes=["graph"],
        tolerance=1e-4,
        fold_batchnorm=True,
        stub=True,
    )
    assert command == (
        "onnx2ms 'my model.onnx' -o out --force --shape a:0:1,n --shape 3 --outputs 'b,c d' "
        "--inputs in.npz --inputs b.npz --weights safetensors --verify graph --tolerance 0.0001 "
        "--fold-batchnorm --stub"
    )
    assert repeat_command(Path("m.onnx"), Path("o")) == "onnx2ms m.onnx -o o --force"
