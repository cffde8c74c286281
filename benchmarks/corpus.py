"""What becomes of real trained networks: nodes, lines, errors, CPU seconds."""

import importlib.util
import json
import tempfile
from functools import partial
from pathlib import Path
from types import ModuleType
from typing import Any

import numpy as np
from zoo import Result, arguments, convert, report_all


def generators(archive: Path) -> ModuleType:
    """Return the archive's own module that makes inputs."""
    spec = importlib.util.spec_from_file_location("inputs", archive / "inputs.py")
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


def run(entry: Any, options: Any) -> Result:
    """Convert one network at the shapes of its first run."""
    with tempfile.TemporaryDirectory(prefix="onnx2ms-") as name:
        folder = Path(name)
        inputs = generators(options.archive).make(entry, entry["runs"][0])
        np.savez(folder / "inputs.npz", **inputs)
        shapes = [f"{key}:{','.join(map(str, a.shape))}" for key, a in inputs.items() if a.ndim]
        file = options.models / f"{entry['id']}.onnx"
        return convert({**entry, "exporter": entry["producer"]}, file, folder, options, shapes)


def main() -> None:
    """Print the table and what is to be said of all networks."""
    parser = arguments(__doc__)
    parser.add_argument("models", type=Path, help="folder with the .onnx files")
    options = parser.parse_args()
    manifest = json.loads((options.archive / "manifest.json").read_text(encoding="utf-8"))
    chosen = [
        e for e in manifest if not options.ids or any(word in e["id"] for word in options.ids)
    ]
    report_all([partial(run, entry, options) for entry in chosen], options.jobs)


if __name__ == "__main__":
    main()
