"""Functions that are written into a generated module: MindSpore has none, and no expression does.

Each of onnx2ms's own stands in a file of its name in the folder `functions`.
"""

import ast
import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path

HEADER = re.compile(
    r"import mindspore as ms|from mindspore import (?:Parameter|Tensor|nn|ops|, )+"
    r"|from collections\.abc import Callable|from pathlib import Path"
)
"""What a generated module imports itself where its code names it."""


@dataclass(frozen=True)
class Helper:
    """A function or class that a generated module may define.

    Attributes:
        name: Its name.
        text: Source of a module that defines it. What comes before it is for whoever reads that
            file: only imports are heeded. What comes behind it is copied too.
    """

    name: str
    text: str

    @cached_property
    def lines(self) -> tuple[str, ...]:
        """What is written into a module, a line each.

        Raises:
            ValueError: The text does not define it at its outermost level.
        """
        found = re.search(rf"^(?:@.*\n)*(?:def|class) {self.name}\b", self.text, re.MULTILINE)
        if found is None:
            raise ValueError(f"it defines no function or class {self.name}")
        return tuple(self.text[found.start() :].rstrip("\n").split("\n"))

    @cached_property
    def calls(self) -> frozenset[str]:
        """Other helpers that it calls, which its text imports: `from .other import other`."""
        return frozenset(re.findall(r"^from \.(\w+) import", self.text, re.MULTILINE))

    @cached_property
    def imports(self) -> tuple[str, ...]:
        """Lines of its imports that a generated module does not have anyway."""
        found = [
            ast.unparse(node)
            for node in ast.parse(self.text).body
            if isinstance(node, ast.Import) or (isinstance(node, ast.ImportFrom) and not node.level)
        ]
        return tuple(line for line in found if not HEADER.fullmatch(line))


def read_helper(file: Path) -> Helper:
    """Return the helper that a file defines, which bears the file's name.

    Raises:
        OSError: It cannot be read.
        UnicodeDecodeError: It is not UTF-8.
    """
    return Helper(file.stem, file.read_text(encoding="utf-8"))


def called(names: Iterable[str], helpers: Mapping[str, Helper]) -> frozenset[str]:
    """Return helpers and all that these call, at any depth; those that nobody knows stay."""
    found: set[str] = set()
    waiting = [*names]
    while waiting:
        name = waiting.pop()
        if name not in found:
            found.add(name)
            waiting += helpers[name].calls if name in helpers else ()
    return frozenset(found)


HELPERS: Mapping[str, Helper] = {
    file.stem: read_helper(file)
    for file in sorted(Path(__file__).with_name("functions").glob("*.py"))
    if not file.stem.startswith("_")
}
"""Every helper of ours; a verb and its object, so that no module of a network bears such a name."""
