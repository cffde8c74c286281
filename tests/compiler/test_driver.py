import ast
import gc
import json
import os
import subprocess
import sys
import tempfile

import numpy as np
import onnx
import onnxruntime
import pytest

from onnx2ms import Conversion, NotProvenError, UsageError, convert
from onnx2ms.compiler import driver
from onnx2ms.compiler.verify.verify import ModeResult, Verification

FILES = ["model.ckpt", "model.py", "report.json", "weight_map.json"]


@pytest.fixture
def temporary(tmp_path, monkeypatch):
    """Return the folder that temporary files go to."""
    folder = tmp_path / "temporary"
    folder.mkdir()
    monkeypatch.setattr(tempfile, "tempdir", str(folder))
    return folder


def computed(model, x):
    """Return what onnxruntime computes."""
    return np.asarray(onnxruntime.InferenceSession(model).run(["y"], {"x": x})[0])


def finished(error):
    """Return the conversion that an error carries."""
    assert isinstance(error.conversion, Conversion)
    return error.conversion


def test_a_constant_may_be_returned():
    text = """<ir_version: 10, opset_import: ["": 20]> g (float[2] x) => (float[2] y, float[2] c)
        <float[2] c = {1, 2}> { y = Add(x, c) }"""
    conversion = convert(onnx.parser.parse_model(text), verify="pynative")
    assert conversion.verified
    assert "return x + self.shift, self.shift" in conversion.source


def test_batch_normalization_is_folded_on_request_only(tmp_path):
    text = """<ir_version: 8, opset_import: ["": 20]> g (float[1,1,2,2] x) => (float[1,1,2,2] y)
        <float[1,1,1,1] w = {2}, float[1] s = {3}, float[1] b = {1}, float[1] m = {0.5},
         float[1] v = {4}> { c = Conv(x, w)  y = BatchNormalization(c, s, b, m, v) }"""
    model = onnx.parser.parse_model(text)
    assert "nn.BatchNorm2d(1)" in convert(model, verify="none").source
    folded = convert(model, tmp_path / "out", fold_batchnorm=True, verify="pynative")
    assert folded.verified
    assert "nn.BatchNorm2d" not in folded.source
    assert "nn.Conv2d(1, 1, 1, has_bias=True)" in folded.source


def test_a_folder_holds_source_weights_map_and_report(model, tmp_path, capfd):
    out = tmp_path / "out"
    conversion = convert(model, out, verify="none")
    assert sorted(os.listdir(out)) == FILES
    assert conversion.folder == out
    assert conversion.source == (out / "model.py").read_text()
    assert conversion.report == json.loads((out / "report.json").read_text())
    assert conversion.verified is None
    assert [place.value for place in conversion.source_map] == ["conv_out", "y"]
    assert capfd.readouterr() == ("", "")


def test_safetensors(model, tmp_path):
    conversion = convert(model, tmp_path / "out", weights="safetensors", verify="none")
    assert (tmp_path / "out" / "model.safetensors").exists()
    assert conversion.report["weights"]["file"] == "model.safetensors"
    assert "model.safetensors" in conversion.source


def test_bytes_and_messages_are_models_too(model, temporary):
    sources = [
        convert(kind, verify="none", model_name="net.onnx").source
        for kind in (model, str(model), model.read_bytes(), onnx.load(model))
    ]
    assert len(set(sources)) == 1
    gc.collect()
    assert os.listdir(temporary) == []


def test_without_a_folder_nothing_outlives_the_conversion(model, temporary):
    conversion = convert(model, verify="none")
    assert conversion.folder is None
    assert conversion.checkpoint.exists()
    del conversion
    gc.collect()
    assert os.listdir(temporary) == []


def test_the_cell_computes_what_the_model_does_in_both_modes(model):
    import mindspore

    conversion = convert(model)
    assert conversion.verified is True
    x = np.random.default_rng(1).standard_normal((1, 3, 8, 8)).astype(np.float32)
    expected = computed(model, x)
    for mode in (mindspore.PYNATIVE_MODE, mindspore.GRAPH_MODE):
        mindspore.set_context(mode=mode)
        result = np.asarray(conversion.cell()(mindspore.Tensor(x)))
        np.testing.assert_allclose(result, expected, atol=1e-4)


def spoiled(write):
    """Return a writer that changes the first weight."""

    def wrong(weights, path):
        write(weights, path)
        content = bytearray(path.read_bytes())
        content[200] ^= 0x40
        path.write_bytes(content)

    return wrong


def test_a_network_that_computes_something_else(model, tmp_path, monkeypatch):
    monkeypatch.setattr(driver, "write_checkpoint", spoiled(driver.write_checkpoint))
    with pytest.raises(NotProvenError) as caught:
        convert(model, tmp_path / "out", verify="pynative")
    error = caught.value
    assert error.exit_status == 3
    assert "first diverging node: 'conv', Conv" in error.message
    assert error.help == f"repeat it with: onnx2ms {model} -o {tmp_path}/out --force " + (
        "--verify pynative"
    )
    assert finished(error).verified is False
    assert sorted(os.listdir(tmp_path / "out")) == FILES
    assert json.loads((tmp_path / "out" / "report.json").read_text())["verified"] is False


def test_a_model_that_no_reference_can_run(model, tmp_path, monkeypatch):
    found = Verification("", "onnxruntime 1.31.1: Fail", ())
    monkeypatch.setattr(driver, "verify_folder", lambda *words, **options: found)
    with pytest.raises(
        NotProvenError, match=r"no reference can run the model\n  .*: Fail"
    ) as caught:
        convert(model, tmp_path / "out")
    assert finished(caught.value).verified is False
    assert sorted(os.listdir(tmp_path / "out")) == FILES


def test_messages_name_the_folder_where_it_ends(model, tmp_path, monkeypatch):
    def verify_folder(folder, **options):
        mode = ModeResult("graph", (), f"no {folder}/model.ckpt", None, f"see {folder}", {}, 0)
        return Verification("onnxruntime 1.31.1", "", (mode,))

    monkeypatch.setattr(driver, "verify_folder", verify_folder)
    with pytest.raises(NotProvenError) as caught:
        convert(model, tmp_path / "out")
    assert f"    no {tmp_path}/out/model.ckpt\n    see {tmp_path}/out\n" in caught.value.message


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"weights": "h5"}, "weights cannot be 'h5'"),
        ({"verify": "yes"}, "verify cannot be 'yes'"),
        ({"tolerance": -1.0}, "tolerance cannot be -1.0"),
        ({"tolerance": float("nan")}, "tolerance cannot be nan"),
        ({"shapes": {"z": (1, 3, 8, 8)}}, "'z'"),
        ({"outputs": ["z"]}, "'z'"),
        ({"inputs": {"z": np.zeros(3)}}, "there is no input 'z'"),
        ({"inputs": "missing.npz"}, "cannot read the inputs 'missing.npz'"),
    ],
)
def test_a_wrong_call_leaves_nothing(model, tmp_path, temporary, options, message):
    with pytest.raises(UsageError, match=message):
        convert(model, tmp_path / "out", **options)
    assert sorted(os.listdir(tmp_path)) == ["model", "temporary"]
    assert os.listdir(temporary) == []


def test_names_of_one_output_need_no_list(model):
    assert convert(model, outputs="conv_out", verify="none").report["outputs"] == [
        {"name": "conv_out", "dtype": "float32", "shape": [1, 64, 8, 8]}
    ]


def test_given_arrays_are_the_ones_computed_on(model, monkeypatch):
    given = {}

    def verify_folder(*words, **options):
        given.update(options)
        return Verification("", "", ())

    monkeypatch.setattr(driver, "verify_folder", verify_folder)
    x = np.full((1, 3, 8, 8), 2.5, np.float32)
    with pytest.raises(NotProvenError) as caught:
        convert(model, inputs={"x": x})
    (call,) = given["inputs"]
    assert call["x"] is x
    assert finished(caught.value).report["options"]["inputs"] == "arrays"
    assert finished(caught.value).report["repeat"] is None


def test_a_dump_holds_a_valid_model_of_every_stage(model, tmp_path):
    convert(model, verify="none", dump=tmp_path / "dump", check_passes=True)
    files = sorted(file.name for file in (tmp_path / "dump").glob("*.onnx"))
    assert files[:2] == ["00_import.onnx", "01_modernize.onnx"]
    x = np.random.default_rng(1).standard_normal((1, 3, 8, 8)).astype(np.float32)
    expected = computed(model, x)
    for name in files:
        file = tmp_path / "dump" / name
        onnx.checker.check_model(file, full_check=True)
        assert file.stat().st_size < 3000
        np.testing.assert_allclose(computed(file, x), expected, atol=1e-5)
    assert (tmp_path / "dump" / "weights.bin").stat().st_size < 10_000


def test_a_dump_holds_what_nodes_refer_to_in_the_file(tmp_path):
    big = ", ".join(["1.5"] * 4096)
    text = f"""<ir_version: 8, opset_import: ["": 20]>
    g (float[4096] x, bool c) => (float[4096] y) {{
        y = If(c)<
            then_branch = t () => (float[4096] p)
                {{ w = Constant<value = float[4096] {{ {big} }}>() p = Add(x, w) }},
            else_branch = e () => (float[4096] q) {{ q = Neg(x) }}>
    }}"""
    onnx.save(onnx.parser.parse_model(text), tmp_path / "net.onnx")
    convert(tmp_path / "net.onnx", verify="none", dump=tmp_path / "dump")
    (tmp_path / "net.onnx").unlink()
    for file in sorted((tmp_path / "dump").glob("*.onnx")):
        onnx.checker.check_model(file, full_check=True)


def test_passes_that_were_checked_are_not_listed_as_unchecked(model):
    report = convert(model, verify="none", check_passes=True).report
    assert report["unchecked_passes"] == []
    assert convert(model, verify="none").report["unchecked_passes"] is None


def test_the_same_model_gives_the_same_bytes_anywhere(model, tmp_path):
    code = "import sys, onnx2ms; onnx2ms.convert(*sys.argv[1:], verify='none')"
    contents = []
    for seed in ("1", "2"):
        place = tmp_path / seed
        place.mkdir()
        subprocess.run(
            [sys.executable, "-c", code, str(model), "out"],
            env={**os.environ, "PYTHONHASHSEED": seed},
            cwd=place,
            check=True,
        )
        content = {name: (place / "out" / name).read_bytes() for name in FILES}
        content["report.json"] = json.loads(content["report.json"])
        del content["report.json"]["measured"]
        contents.append(content)
    assert contents[0] == contents[1]


HOSTILE = (
    '"""\nimport os\nos.system("touch PWNED")\n"""',
    "'; raise SystemExit #\\",
    "../../weight" + "w" * 10_000,
    "class",
    "√ \u202e\x1b[31m ünï\r\n/etc/passwd",
    "__import__('os').system('touch PWNED')",
)


def check_source(source: str) -> None:
    """Assert that a module holds nothing but classes of cells and build_model."""
    module = ast.parse(source)
    kinds = [type(node).__name__ for node in module.body]
    assert set(kinds) == {"Expr", "Import", "ImportFrom", "Assign", "ClassDef", "FunctionDef"}
    assert kinds.count("Expr") == kinds.count("Assign") == kinds.count("FunctionDef") == 1
    imported = {
        name
        for node in ast.walk(module)
        if isinstance(node, (ast.Import, ast.ImportFrom))
        for name in (
            [node.module]
            if isinstance(node, ast.ImportFrom)
            else [alias.name for alias in node.names]
        )
    }
    assert imported <= {"mindspore", "numpy", "pathlib"}
    functions = {node.name for node in ast.walk(module) if isinstance(node, ast.FunctionDef)}
    assert functions == {"__init__", "construct", "build_model"}
    names = {node.id for node in ast.walk(module) if isinstance(node, ast.Name)}
    assert names.isdisjoint({"os", "__import__", "eval", "exec", "open", "SystemExit"})
    assert all(line.isprintable() and len(line) <= 100 for line in source.splitlines())


def test_names_are_data(network, tmp_path):
    path = tmp_path / "in" / "a\"'\\\n;import os#ü.onnx"
    path.parent.mkdir()
    onnx.save(network(HOSTILE), path)
    conversion = convert(path, tmp_path / "out", verify="pynative")
    assert conversion.verified is True
    check_source(conversion.source)
    assert sorted(os.listdir(tmp_path)) == ["in", "out"]
    assert sorted(os.listdir(tmp_path / "out")) == FILES
    entries = json.loads((tmp_path / "out" / "weight_map.json").read_text())["parameters"]
    assert {entry["initializer"] for entry in entries} == {HOSTILE[2], HOSTILE[3]}
    assert [place.value for place in conversion.source_map][-1] == HOSTILE[1]
