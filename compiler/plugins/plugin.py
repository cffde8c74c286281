"""What a plugin is: parts of a compiler that others bring, each of the type that our own have."""

import re
import sys
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import cast

import onnx
import onnx.parser

from ...emitters.base import Emitter
from ...emitters.mindspore.function_source import Helper, read_helper
from ...emitters.mindspore.registry import OperatorEmitter
from ...passes.base import Pass
from ..ir.errors import PluginError, quoted, told
from ..ir.graph import Array
from ..ir.meanings import Compute, Meaning
from ..settings import Format

NAME = re.compile(r"[A-Za-z][\w.-]{0,63}", re.ASCII)


@dataclass(frozen=True)
class Target:
    """A framework whose source a model can become.

    Attributes:
        name: What `--target` calls it.
        emitter: Writes the source, and tells the weights.
        doc: A sentence on what it writes.
        lower: The passes of its stage `lower`: what its framework lacks, in other operators.
        formats: In which formats its source reads the weights; the first one is the default.
        run: Runs a written folder on arrays, one an input in the model's order, and returns one an
            output; None: what it writes is never proved.
        origin: The plugin that it comes from; empty: onnx2ms itself.
    """

    name: str
    emitter: Emitter
    doc: str = ""
    lower: Sequence[Pass] = ()
    formats: Sequence[Format] = ("safetensors",)
    run: Callable[[Path, Sequence[Array]], Sequence[Array]] | None = None
    origin: str = ""


@dataclass(frozen=True)
class Plugin:
    """Parts of a compiler, under one name.

    Attributes:
        name: What reports and messages call it: letters, digits, `.`, `_` and `-`.
        passes: Each says where it stands.
        emitters: What operators become in MindSpore.
        meanings: What operators of unknown domains compute.
        helpers: Functions and classes that are written into model.py where its code names them:
            a file for each, which bears its name, or a `Helper`.
        targets: Frameworks that a model can become source of.
        version: Its version, for the report.

    Raises:
        PluginError: A part is not of its type, or a helper defines nothing.
    """

    name: str
    passes: Sequence[Pass] = ()
    emitters: Sequence[OperatorEmitter] = ()
    meanings: Sequence[Meaning] = ()
    helpers: Sequence[Helper | Path] = ()
    targets: Sequence[Target] = ()
    version: str = ""

    def __post_init__(self) -> None:
        """Check what types do not tell in Python, and read the helpers."""
        if not NAME.fullmatch(str(self.name)):
            raise PluginError(
                f"a plugin cannot be called {quoted(str(self.name))}",
                help="letters, digits, '.', '_' and '-', a letter first",
            )
        for field, kind in (
            ("passes", Pass),
            ("emitters", OperatorEmitter),
            ("meanings", Meaning),
            ("targets", Target),
        ):
            members: object = getattr(self, field)
            object.__setattr__(self, field, self._checked(members, field, kind))
        object.__setattr__(self, "helpers", tuple(map(self._helper, self.helpers)))

    def _checked(self, members: object, field: str, kind: type) -> tuple[object, ...]:
        """Return what stands in a field, all of it of one type."""
        if not isinstance(members, (list, tuple)):
            raise self._wrong(members, field, "a list")
        found = tuple(cast("Sequence[object]", members))
        for member in found:
            if not isinstance(member, kind):
                raise self._wrong(member, field, f"a list of {kind.__name__}")
        return found

    def _wrong(self, found: object, field: str, wanted: str) -> PluginError:
        name = getattr(found, "__name__", type(found).__name__)
        return PluginError(
            f"plugin {self.name}: its {field} must be {wanted}, but there is {quoted(str(name))}",
            help="docs/plugins.md shows how the parts of a plugin are made",
        )

    def _helper(self, given: Helper | Path) -> Helper:
        try:
            helper = given if isinstance(given, Helper) else read_helper(Path(given))
            foreign = [line for line in helper.imports if not _stands_alone(line)]
            if foreign:
                raise ValueError(f"model.py must not need what it imports: {'; '.join(foreign)}")
            assert helper.lines, "a helper defines something"
        except (OSError, ValueError, SyntaxError) as error:
            name = given.name if isinstance(given, Helper) else str(given)
            raise PluginError(
                f"plugin {self.name}: the helper {quoted(name, 400)} cannot be used: {told(error)}",
                help="it must be Python that defines a function or class of its name, and import "
                "nothing but mindspore, numpy and the standard library",
            ) from error
        return helper


def _stands_alone(line: str) -> bool:
    """Tell whether a generated module may import something."""
    words = re.findall(r"(?:^from|^import|,) (\w+)", line.partition(" import ")[0])
    return all(word in {*sys.stdlib_module_names, "mindspore", "numpy"} for word in words)


def define(text: str | onnx.FunctionProto) -> Meaning:
    """Return what an operator computes, in operators of ONNX.

    Args:
        text: ONNX text, `<domain: "com.acme", opset_import: ["": 20]> Swoosh (x) => (y) {…}`, or
            the message.

    Raises:
        PluginError: It is no such text.
    """
    try:
        proto = onnx.parser.parse_function(text) if isinstance(text, str) else text
        if not proto.domain:
            raise ValueError("it has no domain of its own")
    except (onnx.parser.ParseError, ValueError) as error:
        raise PluginError(
            f"a definition cannot be read: {told(error)}",
            help='write <domain: "com.acme", opset_import: ["": 20]> Swoosh (x) => (y) { … }',
        ) from error
    return Meaning(proto.name, proto.domain, function=proto)


def reference(operator: str, *, domain: str) -> Callable[[Compute], Meaning]:
    """Make a meaning of a NumPy function.

    It takes one array an input, None for an absent one, and the attributes that the node has by
    name; it returns the output, or a tuple of several.

    Args:
        operator: Name of the operator.
        domain: Its domain.
    """
    return lambda compute: Meaning(operator, domain, compute)
