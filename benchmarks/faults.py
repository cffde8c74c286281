"""Plant faults into networks and see whether `onnx2ms verify` catches and locates each of them.

    python benchmarks/faults.py [--faults 100] [--weights 30] [--only WORD] [--verify both]

Every fault is one that a compiler might make; half of the networks come from either exporter of
PyTorch. A fault of the momentum, which only training shows, is held against the PyTorch module,
all others against the ONNX model, on the inputs that onnx2ms makes up itself.
"""

import argparse
import os
import shutil
import sys
import tempfile
import warnings
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from itertools import islice
from pathlib import Path

import numpy as np
from common import table
from planting import Fault, in_source, in_weights
from safetensors.numpy import load_file, save_file

import onnx2ms
from onnx2ms.compiler.recheck import Recheck

NETWORKS = Path(__file__).parents[1] / "tests" / "models"
HEAD = ("network", "kind", "fault", "caught", "located", "said")


@dataclass(frozen=True)
class Network:
    """A network that was written right.

    Attributes:
        name: Of its factory in tests/models/torch_networks.
        exporter: "legacy" or "dynamo".
        model: The .onnx file.
        folder: What onnx2ms wrote.
    """

    name: str
    exporter: str
    model: Path
    folder: Path


@dataclass(frozen=True)
class Found:
    """What became of a fault.

    Attributes:
        caught: Whether something was found to be wrong.
        located: Whether the first node that diverges is the one that is wrong.
        said: The place, as told.
    """

    caught: bool
    located: bool
    said: str


def write(name: str, exporter: str, root: Path) -> Network:
    """Export a network and convert it.

    Args:
        name: Of its factory.
        exporter: "legacy" or "dynamo".
        root: Where the files go.
    """
    import torch
    import torch_networks

    network, inputs = getattr(torch_networks, name)()
    model, folder = root / f"{name}_{exporter}.onnx", root / f"{name}_{exporter}"
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        if exporter == "legacy":
            keep = torch.onnx.TrainingMode.PRESERVE
            torch.onnx.export(network, inputs, model, dynamo=False, opset_version=17, training=keep)
        else:
            program = torch.onnx.export(network, inputs, dynamo=True, optimize=False, verbose=False)
            program.save(model)
    onnx2ms.convert(model, folder, weights="safetensors", verify="none", force=True)
    return Network(name, exporter, model, folder)


def choose(network: Network, seed: int) -> Iterator[Fault]:
    """Yield the faults of a network's source, of one kind after the other.

    Args:
        network: Where to plant them.
        seed: Of the choice.
    """
    random = np.random.default_rng(seed)
    source = (network.folder / "model.py").read_text()
    kinds = in_source(source, load_file(network.folder / "model.safetensors"))
    order = sorted(kinds)
    random.shuffle(order)
    left = {kind: [*random.permutation(np.array(kinds[kind], object))] for kind in order}
    while any(left.values()):
        yield from [left[kind].pop() for kind in order if left[kind]]


def run(network: Network, fault: Fault, folder: Path, modes: str) -> Found:
    """Plant a fault and hold the folder against where it came from.

    Args:
        network: Where to plant it.
        fault: The fault.
        folder: A folder that does not exist yet.
        modes: As `onnx2ms verify --verify` takes them.
    """
    shutil.copytree(network.folder, folder)
    if fault.source:
        (folder / "model.py").write_text(fault.source)
    if fault.weights:
        weights = load_file(folder / "model.safetensors") | fault.weights
        kept = {name: array for name, array in weights.items() if array is not None}
        save_file(kept, folder / "model.safetensors")
    momentum = fault.kind == "momentum"
    against = f"torch_networks:{network.name}" if momentum else network.model
    try:
        onnx2ms.verify(folder, against, verify=modes)
    except onnx2ms.NotProvenError as error:
        found = error
    else:
        return Found(caught=False, located=False, said="nothing")
    finally:
        shutil.rmtree(folder)
    assert isinstance(found.conversion, Recheck)
    return judged(fault, found.conversion, str(found))


def judged(fault: Fault, recheck: Recheck, message: str) -> Found:
    """Return whether the place that was told is where the fault is."""
    if recheck.verification is None:
        wrong = [c.name for r in recheck.training for c in r.checks if not c.passed]
        layers = {part for name in wrong for part in name.split(".")}
        return Found(True, fault.layer in layers, ", ".join(wrong))
    for mode in recheck.verification.modes:
        first = mode.first_divergence
        if first is None:
            ordered = fault.kind == "order of outputs" and "in the order" in mode.explanation
            said = mode.explanation or mode.failure or message.splitlines()[-1]
            return Found(True, ordered, said)
        inside = fault.lines[0] <= first.line <= fault.lines[1]
        inside |= bool(fault.function) and f"{fault.function}(" in first.text
        layer = bool(fault.layer) and (
            fault.layer in first.path.split(".") or f"self.{fault.layer}(" in first.text
        )
        said = f"{first.node}, line {first.line}: {first.text}"
        if not (inside or layer):
            return Found(True, False, said)
    return Found(True, True, said)


def main() -> None:
    """Print a row for each fault that was not caught or not located, and the sums."""
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("--faults", type=int, default=100, help="faults of the source (100)")
    parser.add_argument("--weights", type=int, default=30, help="faults of the weights (30)")
    parser.add_argument("--only", default="", help="networks whose name holds this word")
    parser.add_argument("--verify", default="both", help="modes of MindSpore (both)")
    parser.add_argument("--all", action="store_true", help="print a row for every fault")
    options = parser.parse_args()
    sys.path.insert(0, str(NETWORKS))
    os.chdir(NETWORKS)
    import torch_networks

    names = [made.__name__ for made in torch_networks.NETWORKS if options.only in made.__name__]
    with tempfile.TemporaryDirectory(prefix="onnx2ms-") as folder:
        root = Path(folder)
        networks = [write(n, ("dynamo", "legacy")[i % 2], root) for i, n in enumerate(names)]
        rows = [*plant(networks, options.faults, options.weights, root, options.verify)]
    print(table(HEAD, [row for row in rows if options.all or "no" in row[3:5]]))
    for where, wanted in (("source", False), ("weights", True)):
        part = [row for row in rows if (row[4] == "-") is wanted]
        caught, located = (sum(row[i] == "yes" for row in part) for i in (3, 4))
        told = "" if wanted else f", {located} located"
        print(
            f"\n{len(part)} faults of the {where} in {len(names)} networks: {caught} caught{told}"
        )


def plant(
    networks: Sequence[Network], faults: int, weights: int, root: Path, modes: str
) -> Iterator[list[str]]:
    """Yield a row for each fault.

    Args:
        networks: Where to plant them, in turn.
        faults: How many of the source.
        weights: How many of the weights.
        root: A folder to work in.
        modes: As `onnx2ms verify --verify` takes them.
    """
    weighed = [load_file(network.folder / "model.safetensors") for network in networks]
    of_source = in_turn([choose(network, i) for i, network in enumerate(networks)])
    of_weights = in_turn(
        [in_weights(array, np.random.default_rng(i)) for i, array in enumerate(weighed)]
    )
    for which, fault in (*islice(of_source, faults), *islice(of_weights, weights)):
        network = networks[which]
        found = run(network, fault, root / "faulty", modes)
        located = "-" if not fault.source else "yes" if found.located else "no"
        caught = "yes" if found.caught else "no"
        print(network.name, fault.kind, fault.text, caught, located, sep=" | ", file=sys.stderr)
        name = f"{network.name}, {network.exporter}"
        yield [name, fault.kind, fault.text, caught, located, found.said]


def in_turn(iterators: Sequence[Iterator[Fault]]) -> Iterator[tuple[int, Fault]]:
    """Yield from iterators in turn, each with its number, until all of them end."""
    left = dict(enumerate(iterators))
    while left:
        for which, faults in [*left.items()]:
            try:
                yield which, next(faults)
            except StopIteration:
                del left[which]


if __name__ == "__main__":
    main()
