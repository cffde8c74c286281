"""Random operators: moments, range and type of what they draw, and that a seed is one."""

import subprocess
import sys

import numpy as np
import onnx.parser
import pytest

import onnx2ms

MODEL = """<ir_version: 10, opset_import: ["": 22]>
g (float[40,50] x, float[2,3] p) => (
  float16[100,30] n, float[40,50] nl, double[100,30] u, float[40,50] ul, int32[2,1000] m,
  float[40,50] b, float[100] s)
{
  n = RandomNormal <shape = [100, 30], mean = 2.0, scale = 0.5, dtype = 10> ()
  nl = RandomNormalLike <mean = -1.0> (x)
  u = RandomUniform <shape = [100, 30], low = -3.0, high = 1.0, dtype = 11> ()
  ul = RandomUniformLike (x)
  m = Multinomial <sample_size = 1000> (p)
  half = RandomUniformLike <low = 0.25, high = 0.25> (x)
  b = Bernoulli (half)
  s = RandomNormal <shape = [100], seed = 1.5> ()
}"""
RUN = """
import sys
import mindspore as ms, numpy as np
sys.path.insert(0, sys.argv[1])
from model import build_model
ms.set_context(mode=int(sys.argv[2]))
net = build_model()
x = ms.Tensor(np.zeros((40, 50), np.float32))
p = ms.Tensor(np.log(np.array([[1, 2, 5], [4, 4, 1e-9]], np.float32)))
runs = [[y.asnumpy() for y in net(x, p)] for _ in range(2)]
np.savez(sys.argv[3], **{f"r{i}_{k}": y for i, run in enumerate(runs) for k, y in enumerate(run)})
"""


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    folder = tmp_path_factory.mktemp("random") / "net"
    onnx2ms.convert(onnx.parser.parse_model(MODEL), folder, verify="none")
    return folder


@pytest.mark.parametrize("mode", [1, 0], ids=["pynative", "graph"])
def test_distributions(mode, folder, tmp_path):
    runs = []
    for name in ("a", "b"):
        command = [sys.executable, "-c", RUN, str(folder), str(mode), str(tmp_path / f"{name}.npz")]
        done = subprocess.run(command, cwd=tmp_path, capture_output=True, text=True, check=False)
        assert done.returncode == 0, done.stderr
        with np.load(tmp_path / f"{name}.npz") as stored:
            runs.append([[stored[f"r{i}_{k}"] for k in range(7)] for i in (0, 1)])
    normal, like, uniform, unit, places, truths, seeded = runs[0][0]
    assert [normal.dtype, like.dtype, uniform.dtype] == ["float16", "float32", "float64"]
    assert moments(normal) == pytest.approx((2, 0.5), abs=0.1)
    assert moments(like) == pytest.approx((-1, 1), abs=0.1)
    assert moments(uniform) == pytest.approx((-1, 4 / 12**0.5), abs=0.1)
    assert uniform.min() >= -3
    assert uniform.max() <= 1
    assert moments(unit) == pytest.approx((0.5, 1 / 12**0.5), abs=0.1)
    counts = np.stack([np.bincount(row, minlength=3) for row in places]) / 1000
    np.testing.assert_allclose(counts, [[1 / 8, 2 / 8, 5 / 8], [0.5, 0.5, 0]], atol=0.1)
    assert set(np.unique(truths)) == {0, 1}
    assert truths.mean() == pytest.approx(0.25, abs=0.1)
    np.testing.assert_array_equal(seeded, runs[1][0][-1])  # the same in every process
    assert (like != runs[0][1][1]).any()  # other ones in every run


def moments(numbers):
    return numbers.mean(dtype=np.float64), numbers.std(dtype=np.float64)


def test_seeds_differ():
    sources = [
        onnx2ms.convert(onnx.parser.parse_model(MODEL.replace("1.5", seed)), verify="none").source
        for seed in ("1.5", "2.5")
    ]
    assert sources[0] != sources[1]
