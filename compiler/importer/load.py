"""A file becomes a graph: checked, flat, of known input shapes, its weights still on disk."""

import mmap
from collections import Counter
from collections.abc import Collection, Generator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

import onnx
import onnx_ir as ir
from google.protobuf.message import DecodeError  # type: ignore[import-untyped]
from onnx_ir.passes.common import RemoveInitializersFromInputsPass

from ..ir.dialect import NEWEST_OPSET, OPSET
from ..ir.errors import ModelError, Onnx2msError, PassCrashError, quoted
from ..ir.graph import operator
from ..ir.meanings import Meaning, Meanings
from ..ir.provenance import forget_all
from .bind import Dim, bind_shapes, require_ranks
from .check import check_model, check_nodes, check_text, flaw, not_utf8
from .cut import cut_outputs, infer_outputs
from .flatten import flatten, return_copies
from .symbols import name_dimensions
from .tensors import attach, check_tensors
from .torch_scopes import Exporter, read_provenance
from .wire import skeleton


@dataclass(frozen=True)
class Imported:
    """A model as it was read.

    Attributes:
        model: The graph, valid ONNX in the opset of the file; large weights stay on disk.
        file: The file.
        name: Its name, for messages and headers.
        opset: Version of ai.onnx that it is written in.
        producer: Who wrote it, `pytorch 2.14.1`; empty where the file does not tell.
        exporter: Which of PyTorch's two exporters; empty for any other producer.
        operators: How many nodes of each operator, functions inlined, before anything else.
        functions: What operators compute whose functions were not inlined.
    """

    model: ir.Model
    file: Path
    name: str
    opset: int
    producer: str
    exporter: Exporter
    operators: dict[str, int]
    functions: Meanings


def load_model(
    path: Path,
    *,
    shapes: Mapping[str, Sequence[Dim]] | None = None,
    outputs: Sequence[str] | None = None,
    kept: Collection[tuple[str, str]] = (),
) -> Imported:
    """Read an ONNX model for compilation.

    Every node of the result has a unique name, its origins and, where the file tells, its torch
    scope; initializers have their state_dict keys. No weight is read.

    Args:
        path: An .onnx file, weights inside or beside it.
        shapes: Dimensions of inputs by name, a number or a symbol each; the name '' stands for
            the only input.
        outputs: Values to compute instead of the model's outputs.
        kept: Domains and names of operators that stay, though the file may define them.

    Raises:
        ModelError: The file is not a valid ONNX model that can be read.
        UsageError: `shapes` or `outputs` do not fit the model, or a dimension stays unknown.
    """
    file = Path(path).absolute()
    proto = _read(file)
    name = file.name
    opset = _check_header(proto, name)
    model = _graph(proto, file)
    forget_all(model)
    RemoveInitializersFromInputsPass()(model)
    flatten(model, name, kept)
    functions = [ir.serde.serialize_function(function) for function in model.functions.values()]
    model.functions.clear()
    attach(model, file.parent)
    operators = Counter(operator(node) for node in model.graph.all_nodes())
    exporter = read_provenance(model)
    return_copies(model.graph)
    if outputs is not None:
        cut_outputs(model, outputs, name)
    bind_shapes(model, shapes or {}, name)
    require_ranks(model, name)
    name_dimensions(model)
    infer_outputs(model)
    return Imported(
        model=model,
        file=file,
        name=name,
        opset=opset,
        producer=f"{model.producer_name or ''} {model.producer_version or ''}".strip(),
        exporter=exporter,
        operators=dict(sorted(operators.items())),
        functions={(f.domain, f.name): Meaning(f.name, f.domain, function=f) for f in functions},
    )


@contextmanager
def blaming_model(file: Path) -> Generator[None]:
    """Tell what is wrong with a model where the block ends in an exception nobody expected.

    Raises:
        ModelError: ONNX's inference finds a flaw in the model, or it needs too much memory.
    """
    name = quoted(file.name)[1:-1]
    try:
        yield
    except MemoryError as error:
        raise ModelError(
            f"{name} needs more memory than there is", help="a machine with more may compile it"
        ) from error
    except Exception as error:
        if isinstance(error, Onnx2msError) and not isinstance(error, PassCrashError):
            raise
        if found := flaw(_read(file.absolute())):
            raise ModelError(
                f"{name} is not a valid ONNX model: {found}", help="export the network again"
            ) from error
        raise


def _read(file: Path) -> onnx.ModelProto:
    """Return the model without its large tensors."""
    name = quoted(file.name)[1:-1]
    try:
        if not file.exists():
            raise ModelError(f"{name}: no such file", help=f"check the path {file}")
        if not file.is_file():
            kind = "a directory" if file.is_dir() else "not a regular file"
            raise ModelError(f"{name} is {kind}", help="give the path of an .onnx file")
        if not file.stat().st_size:
            raise ModelError(f"{name} is empty", help="copy or download the file again")
        file.name.encode()
        with file.open("rb") as stream, mmap.mmap(stream.fileno(), 0, prot=mmap.PROT_READ) as data:
            proto = onnx.ModelProto()
            proto.ParseFromString(skeleton(data, file.name))
            return proto
    except OSError as error:
        raise ModelError(f"{name} cannot be read: {error.strerror}") from error
    except UnicodeEncodeError as error:
        raise ModelError(f"{name}: the name is not UTF-8", help="rename the file") from error
    except UnicodeDecodeError as error:  # as protobuf's slower implementation tells it
        raise not_utf8(name) from error
    except DecodeError as error:
        raise ModelError(
            f"{name} is damaged: its protobuf message cannot be parsed",
            help="copy or download the file again",
        ) from error


def _check_header(proto: onnx.ModelProto, name: str) -> int:
    """Return the version of ai.onnx, or raise where there is nothing to compile."""
    imports = [entry for entry in proto.opset_import if entry.domain in ("", "ai.onnx")]
    versions = {int(entry.version) for entry in imports}
    if not versions and all(node.domain not in ("", "ai.onnx") for node in proto.graph.node):
        proto.opset_import.add(domain="", version=OPSET)  # nothing in it asks for a version
        versions = {OPSET}
    if len(versions) != 1:
        told = "two versions" if versions else "no version"
        raise ModelError(
            f"{name} names {told} of the operator set ai.onnx", help="export the network again"
        )
    (opset,) = versions
    if opset > NEWEST_OPSET:
        raise ModelError(
            f"{name} is written in opset {opset}; onnx2ms reads opset {NEWEST_OPSET} and older",
            help=f"export the network with opset_version={NEWEST_OPSET}, or a newer onnx2ms",
        )
    if not proto.graph.output:
        raise ModelError(f"{name}: the graph has no outputs", help="export the network again")
    if proto.graph.sparse_initializer:
        raise ModelError(
            f"{name} has sparse initializers, which are not read",
            help="store the weights as dense tensors",
        )
    return opset


def _graph(proto: onnx.ModelProto, file: Path) -> ir.Model:
    try:
        check_model(proto, check_tensors(proto, file), file.name)
        check_nodes(proto, file.name)
        model = ir.from_proto(proto)
    except UnicodeDecodeError as error:
        raise not_utf8(file.name) from error
    except ir.serde.SerdeError as error:
        reason: BaseException = error
        while reason.__cause__:
            reason = reason.__cause__
        raise ModelError(f"{file.name} cannot be read: {quoted(str(reason), 400)[1:-1]}") from error
    check_text(model, file.name)
    return model
