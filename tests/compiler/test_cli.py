import contextlib
import os
import pty
import re
import resource
import signal
import subprocess
import sys
import time

import numpy as np
import onnx
import pytest

import onnx2ms
from onnx2ms.compiler import cli, driver
from onnx2ms.compiler.ir.errors import NotProvenError, UsageError

COMMAND = [sys.executable, "-m", "onnx2ms"]


@pytest.fixture
def here(tmp_path, monkeypatch):
    """Return the empty current folder."""
    folder = tmp_path / "here"
    folder.mkdir()
    monkeypatch.chdir(folder)
    return folder


def run(*words):
    return cli.main([str(word) for word in words])


def test_converted_and_proved(model, here, capsys):
    assert run(model, "--verify", "pynative") == 0
    assert os.listdir(here) == ["net_mindspore"]
    lines = capsys.readouterr().out.splitlines()
    assert re.fullmatch(r"net_mindspore/model\.py    Net: \d\d lines", lines[0])
    assert lines[1] == "net_mindspore/model.ckpt  1,792 parameters, 0.0 MB"
    assert lines[2].startswith("proved in PYNATIVE mode against onnxruntime 1.")
    assert lines[3].startswith("  PYNATIVE  'y': error ")


def test_quiet_prints_nothing_on_success(model, here, capsys):
    assert run(model, "--no-verify", "-q") == 0
    assert capsys.readouterr() == ("", "")


def test_verbose_tells_steps_passes_and_times(model, here, capsys):
    assert run(model, "--no-verify", "-v") == 0
    out, err = capsys.readouterr()
    lines = err.splitlines()
    assert [line for line in lines if line.endswith("…")] == [
        "read …",
        "rewrite …",
        "emit …",
        "write …",
    ]
    assert any(re.match(r"shapes +infer_shapes +\d+ changes?$", line) for line in lines)
    assert "infer_shapes" in out
    assert "nobody asked" in out


def test_verbose_names_the_nodes_that_a_pass_removes_and_makes(here, capsys):
    text = """<ir_version: 8, opset_import: ["": 20]>
    g (float[2,3] x) => (float[2,3] y) {
        [first] a = Sigmoid(x)
        [second] y = Mul(x, a)
    }"""
    onnx.save(onnx.parser.parse_model(text), here / "net.onnx")
    assert run("net.onnx", "--no-verify", "-v") == 0
    (line,) = (line for line in capsys.readouterr().err.splitlines() if "fuse_swish" in line)
    assert re.fullmatch(
        r"fuse +fuse_swish +1 change; - Sigmoid 'first', Mul 'second'; \+ Swish '.*'", line
    )


def test_a_terminal_shows_the_work_and_a_pipe_does_not(model, here):
    words = [*COMMAND, str(model), "--no-verify", "--force"]
    main, terminal = pty.openpty()
    with subprocess.Popen(words, stdout=subprocess.DEVNULL, stderr=terminal) as process:
        os.close(terminal)
        shown = b""
        with contextlib.suppress(OSError):  # the other end is closed
            while part := os.read(main, 4096):
                shown += part
    os.close(main)
    assert process.returncode == 0
    assert b"net.onnx" in shown
    assert b"\x1b" in shown
    piped = subprocess.run(words, capture_output=True, check=True)
    assert piped.stderr == b""
    assert b"\x1b" not in piped.stdout


def test_all_options_reach_the_driver(model, here, monkeypatch):
    given = {}

    def convert(model, output, **options):
        given.update(options, model=model, output=output)
        raise UsageError("seen")

    monkeypatch.setattr(driver, "convert", convert)
    words = "--shape a:b:1,n --shape c:2 --outputs p,q --outputs r --weights safetensors"
    words += " --inputs i.npz --inputs j.npz --verify graph --tolerance 1e-3 --dump d"
    words += " --check-passes --fold-batchnorm --stub --html --force -o o --plugin a.py --plugin b"
    words += " --target t --skip-pass fuse_gelu --only-pass fuse_glu"
    assert run(*words.split(), model) == 2
    assert {name: str(value) for name, value in given.items()} == {
        "model": str(model),
        "output": "o",
        "shapes": "{'a:b': [1, 'n'], 'c': [2]}",
        "outputs": "['p', 'q', 'r']",
        "weights": "safetensors",
        "inputs": "[PosixPath('i.npz'), PosixPath('j.npz')]",
        "verify": "graph",
        "tolerance": "0.001",
        "dump": "d",
        "check_passes": "True",
        "fold_batchnorm": "True",
        "stub": "True",
        "html": "True",
        "plugins": "('a.py', 'b')",
        "target": "t",
        "skip_passes": "('fuse_gelu',)",
        "only_passes": "('fuse_glu',)",
        "force": "True",
        "progress": "None",
        "explain": "None",
    }


def test_without_pytorch_the_command_says_what_to_install(here, monkeypatch, capsys):
    monkeypatch.setitem(sys.modules, "torch", None)
    assert run("torch", "package.module:factory", "--input", "1,3") == 1
    assert "PyTorch is not installed" in capsys.readouterr().err


def test_a_shape_without_a_name_is_that_of_the_only_input(network, here, tmp_path):
    path = tmp_path / "net.onnx"
    onnx.save(network(shape=("n", 3, 8, 8)), path)
    assert run(path, "--shape", "2,3,8,8", "--no-verify", "-q") == 0
    assert run(path, "--shape", "x:2,3,8,8", "--no-verify", "-q", "--force") == 0


@pytest.mark.parametrize(
    ("words", "status", "message"),
    [
        ([], 2, "MODEL"),
        (["MODEL", "--unknown"], 2, "Unknown option"),
        (["MODEL", "other.onnx"], 2, "other.onnx"),
        (["MODEL", "--verify", "maybe"], 2, '"maybe"'),
        (["MODEL", "--tolerance", "small"], 2, "small"),
        (["MODEL", "--tolerance", "-1"], 2, "tolerance cannot be -1"),
        (["MODEL", "-v", "-q"], 2, "-v and -q contradict"),
        (["MODEL", "--no-verify", "--verify", "graph"], 2, "--no-verify and --verify graph"),
        (["MODEL", "--shape", "x:1,3,8,8", "--shape", "x:1,3,8,8"], 2, "two shapes"),
        (["MODEL", "--shape", "x:1,3,8,-1"], 2, "'-1'"),
        (["MODEL", "--shape", "x:1,3,8,a.b"], 2, "'a.b'"),
        (["MODEL", "--shape", "x:1,3,8"], 2, "'x'"),
        (["MODEL", "--shape", "x:2,3,8,8"], 2, "'x'"),
        (["MODEL", "--shape", "z:1"], 2, "'z'"),
        (["MODEL", "--outputs", "z"], 2, "'z'"),
        (["MODEL", "--inputs", "missing.npz"], 2, "missing.npz"),
        (["MODEL", "-o", "."], 2, "current folder"),
        (["MODEL", "-o", "missing/out"], 1, "cannot write 'missing/out'"),
        (["MODEL", "-o", "/proc/out"], 1, "cannot write '/proc/out'"),
        (["missing.onnx"], 1, "missing.onnx: no such file"),
        ([os.devnull], 1, "not a regular file"),
        (["."], 1, "is a directory"),
    ],
)
def test_wrong_use(model, here, capsys, words, status, message):
    words = [str(model) if word == "MODEL" else word for word in words]
    assert run(*words) == status
    out, err = capsys.readouterr()
    assert out == ""
    assert message in err
    assert "\n\nhelp: " in err
    assert "Traceback" not in err
    assert os.listdir(here) == []


def test_a_file_that_is_no_model(here, tmp_path, capsys):
    file = tmp_path / "text.onnx"
    file.write_text("not a model")
    assert run(file) == 1
    assert "help: " in capsys.readouterr().err
    assert os.listdir(here) == []


def test_a_dimension_that_is_left_open(network, here, tmp_path):
    onnx.save(network(shape=("n", 3, 8, 8)), tmp_path / "net.onnx")
    assert run(tmp_path / "net.onnx", "--no-verify", "-q") == 0
    source = (here / "net_mindspore" / "model.py").read_text()
    assert "ms.Tensor(shape=[None, 3, 8, 8], dtype=ms.float32)," in source


def test_a_number_of_dimensions_that_is_not_known(network, here, tmp_path, capsys):
    proto = network()
    proto.graph.input[0].type.tensor_type.ClearField("shape")
    onnx.save(proto, tmp_path / "net.onnx")
    assert run(tmp_path / "net.onnx") == 2
    assert "--shape" in capsys.readouterr().err
    assert os.listdir(here) == []


def test_operators_that_are_not_supported(network, here, tmp_path, capsys):
    proto = network()
    proto.graph.node[1].op_type, proto.graph.node[1].domain = "Swoosh", "com.acme"
    proto.opset_import.append(onnx.helper.make_opsetid("com.acme", 1))
    onnx.save(proto, tmp_path / "net.onnx")
    assert run(tmp_path / "net.onnx") == 1
    assert "com.acme.Swoosh" in capsys.readouterr().err
    assert os.listdir(here) == []


def test_an_existing_folder(model, here, capsys):
    (here / "net_mindspore").mkdir()
    (here / "net_mindspore" / "mine").write_text("mine")
    assert run(model, "--no-verify") == 2
    assert "--force" in capsys.readouterr().err
    assert os.listdir(here / "net_mindspore") == ["mine"]
    assert run(model, "--no-verify", "--force") == 0
    assert "mine" not in os.listdir(here / "net_mindspore")
    assert os.listdir(here) == ["net_mindspore"]


def test_not_proved(model, here, capsys, monkeypatch):
    def convert(*words, **options):
        raise NotProvenError("net.onnx is converted but not proved", help="repeat it")

    monkeypatch.setattr(driver, "convert", convert)
    assert run(model) == 3
    assert capsys.readouterr() == ("", "net.onnx is converted but not proved\n\nhelp: repeat it\n")


def test_an_exception_that_nobody_expected(model, here, capsys, monkeypatch):
    monkeypatch.setattr(driver, "convert", lambda *words, **options: 1 // 0)
    assert run(model) == 1
    err = capsys.readouterr().err
    assert err.startswith("internal error: ZeroDivisionError: ")
    assert "(test_cli.py, line " in err
    assert "Traceback" not in err
    assert run(model, "-v") == 1
    assert "Traceback" in capsys.readouterr().err


def test_an_interruption(model, here, capsys, monkeypatch):
    def interrupt(*words, **options):
        raise KeyboardInterrupt

    monkeypatch.setattr(driver, "convert", interrupt)
    assert run(model) == 130
    assert capsys.readouterr().err == "interrupted\n"


def test_version_and_help(capsys):
    assert run("--version") == 0
    assert capsys.readouterr().out == f"{onnx2ms.__version__}\n"
    assert run("--help") == 0
    out = capsys.readouterr().out
    for option in ("--shape", "--outputs", "--weights", "--inputs", "--verify", "--no-verify"):
        assert option in out
    for option in ("--tolerance", "--dump", "--check-passes", "--force", "-v", "-q", "-o"):
        assert option in out


def test_version_imports_neither_onnx_nor_numpy():
    code = "import sys; from onnx2ms.compiler.cli import main; main(['--version']); " + (
        "sys.exit(not {'onnx', 'numpy'}.isdisjoint(sys.modules))"
    )
    assert subprocess.run([sys.executable, "-c", code], check=False).returncode == 0


def test_converting_imports_neither_torch_nor_mindspore_nor_onnxruntime(model, tmp_path):
    code = "import sys, onnx2ms; onnx2ms.convert(*sys.argv[1:], verify='none'); " + (
        "sys.exit(not {'torch', 'mindspore', 'onnxruntime'}.isdisjoint(sys.modules))"
    )
    command = [sys.executable, "-c", code, str(model), str(tmp_path / "out")]
    assert subprocess.run(command, check=False).returncode == 0


def test_nobody_reads_what_is_printed(model, here):
    reader, writer = os.pipe()
    os.close(reader)
    command = [*COMMAND, str(model), "--no-verify"]
    result = subprocess.run(command, stdout=writer, stderr=subprocess.PIPE, check=False)
    os.close(writer)
    assert (result.returncode, result.stderr) == (0, b"")
    assert os.listdir(here) == ["net_mindspore"]


def test_a_name_that_the_terminal_cannot_show(model, here):
    path = model.with_name("ü.onnx")
    model.rename(path)
    result = subprocess.run(
        [*COMMAND, str(path), "--no-verify"],
        env={**os.environ, "PYTHONIOENCODING": "ascii"},
        capture_output=True,
        check=False,
    )
    assert (result.returncode, result.stderr) == (0, b"")
    assert b"\\xfc_mindspore" in result.stdout


def test_a_full_disk(network, here, tmp_path):
    path = tmp_path / "net.onnx"
    onnx.save(network(), path)
    limit = 4096  # bytes a file; the weights are larger
    result = subprocess.run(
        [*COMMAND, str(path), "--no-verify"],
        preexec_fn=lambda: resource.setrlimit(resource.RLIMIT_FSIZE, (limit, limit)),
        env={**os.environ, "PYTHONDONTWRITEBYTECODE": "1"},
        capture_output=True,
        text=True,
        check=False,
    )
    assert result.returncode == 1
    assert "cannot write 'net_mindspore': file too large" in result.stderr
    assert os.listdir(here) == []


def test_a_run_that_is_told_to_stop_leaves_nothing(model, here):
    process = subprocess.Popen([*COMMAND, str(model)], stderr=subprocess.DEVNULL)
    while not os.listdir(here):
        time.sleep(0.01)
    process.send_signal(signal.SIGTERM)
    assert process.wait() == 128 + signal.SIGTERM
    assert os.listdir(here) == []


def test_inputs_from_a_file(model, here):
    np.savez("inputs.npz", x=np.ones((1, 3, 8, 8), np.float32))
    assert run(model, "--inputs", "inputs.npz", "--check-passes", "--no-verify", "-q") == 0
