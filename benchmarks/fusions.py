"""Which of PyTorch's modules an exporter took apart, and which of these are one operator again."""

import argparse
import re
import sys
import tempfile
from collections import Counter
from collections.abc import Iterator, Mapping
from pathlib import Path

import onnx
import onnx_ir as ir
from common import DATA, table

from onnx2ms.compiler.importer.load import load_model
from onnx2ms.compiler.ir.graph import operator
from onnx2ms.compiler.ir.provenance import scope_of
from onnx2ms.passes.pipeline import run_pipeline

sys.path.insert(0, str(DATA))
import zoo  # type: ignore[import-not-found]  # the archive's own reader

KINDS: Mapping[str, tuple[str, frozenset[str]]] = {
    name: (classes, frozenset(operators.split()))
    for name, classes, operators in (
        (
            "attention",
            r"\w*Attention|\w*Attn|Attention2d\w*|XCA",
            "Attention BiasedAttention MaskedAttention",
        ),
        ("layer norm", r"(?!T5)\w*LayerNorm(2d)?", "LayerNormalization RMSNormalization"),
        ("RMS norm", r"\w*RMSNorm|T5LayerNorm", "RMSNormalization"),
        ("group norm", r"GroupNorm(1|Act)?", "GroupNormalization InstanceNormalization"),
        ("GELU", r"(New)?GELU(Activation|Tanh)?", "Gelu"),
        ("SiLU", r"SiLU(Activation)?", "Swish"),
        ("hard swish", r"Hardswish", "HardSwish"),
        ("hard sigmoid", r"Hardsigmoid", "HardSigmoid"),
        ("Mish", r"Mish", "Mish"),
        ("softplus", r"Softplus", "Softplus"),
        ("GLU", r"GLU", "Glu"),
        ("linear", r"Linear|Conv1D|NonDynamicallyQuantizableLinear", "Gemm MatMul Linear"),
        ("embedding", r"Embedding", "Gather"),
        ("pixel shuffle", r"Pixel(Uns|S)huffle", "DepthToSpace PixelUnshuffle"),
        ("LSTM, GRU, RNN", r"LSTM|GRU|RNN", "LSTM GRU RNN LSTM1 LSTM2 GRU1 GRU2 RNN1 RNN2"),
    )
}
"""By kind: the classes of PyTorch's that are it, and the operators that say the same."""

LEFT = {"attention": "Softmax"}
"""What must not be left in a module that has other parts besides."""

IDLE = frozenset(
    ("Cast", "Concat", "Constant", "Expand", "Flatten", "Gather", "Identity", "Reshape")
) | {"Shape", "Slice", "Split", "Squeeze", "Transpose", "Unsqueeze"}
"""Operators that move elements."""

Modules = dict[str, set[str]]
"""Operators by path of the module."""


def modules(graph: ir.Graph, paths: Mapping[str, str]) -> Modules:
    """Return the operators of each module that is of some kind, those inside it included."""
    found: Modules = {}
    for node in graph:
        for module in scope_of(node):
            if module.path in paths:
                found.setdefault(module.path, set()).add(operator(node).rpartition(".")[2])
    return found


def kinds(graph: ir.Graph) -> dict[str, str]:
    """Return by path of a module which kind it is, as the dynamo exporter tells its class."""
    found: dict[str, str] = {}
    for node in graph:
        for module in scope_of(node):
            name = module.class_name.rpartition(".")[2]
            kind = next((k for k, (classes, _) in KINDS.items() if re.fullmatch(classes, name)), "")
            if kind:
                found[module.path] = kind
    return found


def counts(model: ir.Model, paths: Mapping[str, str]) -> Iterator[tuple[str, str, str]]:
    """Yield kind, path and what became of each module that a model holds; it goes the passes."""
    after: Modules = {}

    def keep(stage: str, given: ir.Model) -> None:
        if stage == "fuse":
            after.update(modules(given.graph, paths))

    before = modules(model.graph, paths)
    run_pipeline(model, on_stage=keep)
    for path, operators in before.items():
        kind = paths[path]
        wanted = KINDS[kind][1]
        left = LEFT.get(kind)
        if left and left not in operators and not operators & wanted:
            continue  # a module around it, or one that does something else
        done = after.get(path, set())
        rest = {left} & done if left else done - wanted - IDLE
        whole = bool(done & wanted) and not rest
        yield kind, path, "" if whole else f"{', '.join(sorted(rest or done)) or 'nothing'}"


def main() -> None:
    """Print the table, and the modules that stayed apart."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("archive", type=Path, help="folder with the index and the networks")
    parser.add_argument("--ids", nargs="*", default=[], help="networks")
    options = parser.parse_args()
    entries = zoo.select(zoo.load_index(options.archive), options.ids)
    told: dict[str, dict[str, str]] = {}
    there, raised = Counter[tuple[str, str]](), Counter[tuple[str, str]]()
    apart: dict[str, list[str]] = {}
    for entry in sorted(entries, key=lambda entry: entry["exporter"] != "dynamo"):
        with tempfile.TemporaryDirectory(prefix="onnx2ms-") as name:
            file = Path(name) / "model.onnx"
            onnx.save(zoo.load(options.archive, entry), file)
            model = load_model(file).model
            if entry["exporter"] == "dynamo":  # these come first, and tell the classes
                told[entry["id"]] = kinds(model.graph)
            for kind, path, left in counts(model, told.get(entry["id"], {})):
                there[kind, entry["exporter"]] += 1
                raised[kind, entry["exporter"]] += not left
                if left:
                    where = f"{entry['exporter']}/{entry['id']}"
                    apart.setdefault(f"{where} {kind}: {left}", []).append(path)
    rows = [
        [kind, *(f"{raised[kind, e]} of {there[kind, e]}" for e in ("dynamo", "legacy"))]
        for kind in KINDS
    ]
    print(table(("module", "dynamo:", "legacy:"), rows))
    print()
    for what, paths in apart.items():
        print(f"- {what}: {paths[0]}{f' and {len(paths) - 1} more' if len(paths) > 1 else ''}")


if __name__ == "__main__":
    main()
