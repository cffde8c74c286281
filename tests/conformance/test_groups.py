"""Cases of the official suite that are not core: a few of each kind, in both modes."""

import subprocess
import sys
from pathlib import Path

RUN = Path(__file__).with_name("run.py")

RIGHT = ["celu_bfloat16", "onehot_with_bfloat16", "reversesequence_bfloat16", "bernoulli_seed"]
REFUSED = ["cast_INT4_to_FLOAT16", "split_to_sequence_1", "array_feature", "adagrad", "regex_full"]
TABLE = """\
| ai.onnx.ml | GRAPH | 0 | 0 | 0 | 1 | 0 | 1 |
| ai.onnx.ml | PYNATIVE | 0 | 0 | 0 | 1 | 0 | 1 |
| random | GRAPH | 2 | 0 | 0 | 0 | 0 | 2 |
| random | PYNATIVE | 2 | 0 | 0 | 0 | 0 | 2 |
| sequences | GRAPH | 1 | 0 | 0 | 1 | 0 | 2 |
| sequences | PYNATIVE | 1 | 0 | 0 | 1 | 0 | 2 |
| strings | GRAPH | 0 | 0 | 0 | 3 | 0 | 3 |
| strings | PYNATIVE | 0 | 0 | 0 | 3 | 0 | 3 |
| training | GRAPH | 0 | 0 | 0 | 2 | 0 | 2 |
| training | PYNATIVE | 0 | 0 | 0 | 2 | 0 | 2 |
| types | GRAPH | 3 | 0 | 0 | 1 | 0 | 4 |
| types | PYNATIVE | 3 | 0 | 0 | 1 | 0 | 4 |
"""


def test_groups(tmp_path):
    command = [sys.executable, str(RUN), "--groups", "--only", ",".join([*RIGHT, *REFUSED])]
    done = subprocess.run(command, cwd=tmp_path, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stdout + done.stderr
    assert done.stdout.endswith(TABLE), done.stdout
