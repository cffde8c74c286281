import json
import subprocess
import sys
import weakref

import ml_dtypes
import numpy as np
import onnx_ir as ir
import pytest
from safetensors.numpy import save

from onnx2ms.compiler.ir.errors import OutputError
from onnx2ms.emitters.base import Weight
from onnx2ms.emitters.mindspore import checkpoint
from onnx2ms.emitters.mindspore.checkpoint import write_checkpoint
from onnx2ms.emitters.mindspore.safetensors_file import write_safetensors
from onnx2ms.emitters.mindspore.weight_map import weight_map

RNG = np.random.default_rng(0)
FLOATS = RNG.standard_normal((3, 4, 5)).astype(np.float32)
INTEGERS = [f"{sign}int{bits}" for sign in ("", "u") for bits in (8, 16, 32, 64)]
ARRAYS = {
    "layer1.0.weight": FLOATS,
    "transposed": FLOATS.T,
    "part": FLOATS[:, 1:3],
    "scalar": np.array(1.5, np.float32),
    "one": np.array([2], np.int64),
    "bfloat16": FLOATS.astype(ml_dtypes.bfloat16),
    "名前": FLOATS[0],
    **{dtype: (FLOATS * 10).astype(dtype) for dtype in (*INTEGERS, "float16", "float64", "bool")},
}
EMPTY = np.zeros((0, 3), np.float32)


def weight(name, array, **told):
    origin = {"initializer": name, "state_dict": None, "done": ()} | told
    dtype = ir.DataType.from_numpy(array.dtype)
    return Weight(name, array.shape, dtype, read=lambda: array, **origin)


def weights(**more):
    return [weight(name, array) for name, array in (ARRAYS | more).items()]


def test_mindspore_loads_what_was_written(tmp_path):
    """In one process: a checkpoint, one in slices, and safetensors with an empty tensor."""
    pytest.importorskip("mindspore")
    write_checkpoint(weights(), tmp_path / "a.ckpt")
    write_safetensors(weights(empty=EMPTY), tmp_path / "c.safetensors")
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(checkpoint, "SLICE", 100)
        write_checkpoint(weights(), tmp_path / "b.ckpt")
    script = """if True:
        import sys, numpy, mindspore
        for file in sys.argv[1:]:
            loaded = mindspore.load_checkpoint(file, format=file.rpartition(".")[2])
            for name, parameter in loaded.items():
                array = parameter.asnumpy()
                if parameter.dtype == mindspore.bfloat16:
                    array = array.view(numpy.int16)
                numpy.save(f"{file}.{name}.npy", array)
                print(file, name, parameter.dtype, sep="|")
    """
    files = [str(tmp_path / name) for name in ("a.ckpt", "b.ckpt", "c.safetensors")]
    done = subprocess.run(
        [sys.executable, "-c", script, *files], capture_output=True, text=True, check=True
    )
    told = [line.split("|") for line in done.stdout.splitlines() if line.count("|") == 2]
    assert {(file, name) for file, name, _ in told} == {
        *((file, name) for file in files for name in ARRAYS),
        (files[2], "empty"),
    }
    for file, name, dtype in told:
        expected = (ARRAYS | {"empty": EMPTY})[name]
        assert dtype.lower() == expected.dtype.name
        bits = expected.view(np.int16) if name == "bfloat16" else expected
        np.testing.assert_array_equal(np.load(f"{file}.{name}.npy"), bits, strict=True)


def test_safetensors_are_those_of_the_library(tmp_path):
    arrays = ARRAYS | {"empty": EMPTY, 'quote"\n': FLOATS}
    write_safetensors([weight(name, array) for name, array in arrays.items()], tmp_path / "a")
    copies = {name: np.ascontiguousarray(a).reshape(a.shape) for name, a in arrays.items()}
    assert (tmp_path / "a").read_bytes() == save(copies, {"format": "ms"})


@pytest.mark.parametrize("write", [write_checkpoint, write_safetensors])
def test_the_same_weights_are_the_same_bytes(tmp_path, write):
    for name in "ab":
        write(weights(), tmp_path / name)
    assert (tmp_path / "a").read_bytes() == (tmp_path / "b").read_bytes()


@pytest.mark.parametrize("write", [write_checkpoint, write_safetensors])
def test_weights_are_read_one_at_a_time(tmp_path, write):
    alive = []

    def read(name):
        array = FLOATS.copy()
        assert all(reference() is None for reference in alive)
        alive.append(weakref.ref(array))
        return array

    stream = [
        Weight(name, FLOATS.shape, ir.DataType.FLOAT, name, None, (), lambda name=name: read(name))
        for name in "abc"
    ]
    write(stream, tmp_path / "file")
    assert len(alive) == 3


def test_an_empty_weight_needs_safetensors(tmp_path):
    with pytest.raises(OutputError, match=r"'empty' of shape \(0, 3\)") as caught:
        write_checkpoint(weights(empty=EMPTY), tmp_path / "a.ckpt")
    assert "--weights safetensors" in caught.value.help


@pytest.mark.parametrize("write", [write_checkpoint, write_safetensors])
@pytest.mark.parametrize("dtype", [np.complex64, ml_dtypes.int4, ml_dtypes.float8_e4m3fn])
def test_types_that_mindspore_does_not_load(tmp_path, write, dtype):
    with pytest.raises(OutputError, match="'bad' cannot be stored"):
        write(weights(bad=FLOATS.astype(dtype)), tmp_path / "file")


@pytest.mark.parametrize("write", [write_checkpoint, write_safetensors])
@pytest.mark.parametrize("array", [FLOATS[0], FLOATS.astype(np.float64)])
def test_a_weight_is_what_it_says(tmp_path, write, array):
    wrong = Weight("w", FLOATS.shape, ir.DataType.FLOAT, "w", None, (), lambda: array)
    with pytest.raises(OutputError, match=r"'w' of type FLOAT and shape \(3, 4, 5\) is read as"):
        write([wrong], tmp_path / "file")


def test_a_weight_map_tells_every_step():
    done = ("BatchNorm folded in by the exporter", "transposed")
    text = weight_map(
        [
            weight("bn.gamma", FLOATS, initializer="bn.weight", state_dict="bn.weight"),
            weight("conv.weight", FLOATS, initializer="onnx::Conv_1", done=done),
            weight("scale", ARRAYS["scalar"], initializer=""),
            weight("w", ARRAYS["bfloat16"], initializer="o'\"\n../w"),
        ],
        {"bn2.weight": done[0]},
    )
    assert text.endswith("}\n")
    content = json.loads(text)
    assert content["version"] == 1
    assert content["not in file"] == {"bn2.weight": done[0]}
    assert content["parameters"] == [
        {
            "name": "bn.gamma",
            "initializer": "bn.weight",
            "state_dict": "bn.weight",
            "shape": [3, 4, 5],
            "dtype": "float32",
            "done": ["as is"],
        },
        {
            "name": "conv.weight",
            "initializer": "onnx::Conv_1",
            "state_dict": None,
            "reason": "not in the state_dict: " + done[0],
            "shape": [3, 4, 5],
            "dtype": "float32",
            "done": list(done),
        },
        {
            "name": "scale",
            "initializer": None,
            "state_dict": None,
            "reason": "the compiler made it",
            "shape": [],
            "dtype": "float32",
            "done": ["as is"],
        },
        {
            "name": "w",
            "initializer": "o'\"\n../w",
            "state_dict": None,
            "reason": "the file does not tell",
            "shape": [3, 4, 5],
            "dtype": "bfloat16",
            "done": ["as is"],
        },
    ]
