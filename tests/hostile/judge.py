"""What must hold of a run of the command on any file at all."""

import ast
import json
import re
import signal
import sys
from collections.abc import Iterator
from pathlib import Path

FILES = {"model.py", "model.ckpt", "weight_map.json", "report.json"}
MESSAGE = 20_000
"""Most characters of a message."""

STATEMENTS = (
    *(ast.Import, ast.ImportFrom, ast.Assign, ast.AnnAssign, ast.AugAssign, ast.FunctionDef),
    *(ast.ClassDef, ast.Return, ast.If, ast.For, ast.While, ast.Expr, ast.Raise, ast.Pass),
    *(ast.Break, ast.Continue),
)
MODULES = {"mindspore", "mindspore.common.initializer", "pathlib", "collections", "numpy"} | {
    *("collections.abc", "math", "functools", "typing", "itertools", "mindspore.common.api"),
}
BUILTINS = {
    *("abs", "all", "any", "bool", "dict", "enumerate", "float", "int", "isinstance", "len"),
    *("list", "max", "min", "range", "reversed", "round", "slice", "str", "sum", "super"),
    *("tuple", "type", "zip", "ValueError", "None", "True", "False", "map", "sorted", "divmod"),
    *("pow", "NotImplementedError", "RuntimeError", "TypeError", "object", "set", "__file__"),
    "complex",
}


def judge(status: int, told: str, left: dict[str, list[str]]) -> str:
    """Return what is wrong with a run, or nothing.

    Args:
        status: How the process ended, as `os.waitstatus_to_exitcode` says.
        told: All that it printed.
        left: Names of the files that it made, by folder.
    """
    if status < 0:
        return f"died of {signal.Signals(-status).name}"
    if status not in (0, 1, 2, 3, 4):
        return f"status {status}"
    for fault in ("Traceback (most recent call last)", "internal error", "pass \\w+ failed"):
        if found := re.search(f"{fault}.*", told):
            return found[0]
    if status and not told.strip():
        return f"status {status} without a message"
    if len(told) > MESSAGE:
        return f"a message of {len(told)} characters"
    if bad := [c for c in told if not c.isprintable() and c != "\n"]:
        return f"prints {bad[0]!r}"
    made = {name for names in left.values() for name in names}
    if status in (1, 2) and made:
        return f"status {status} leaves {sorted(made)[:5]}"
    if status in (0, 3, 4) and (left.keys() != {"out"} or made - FILES != set()):
        return f"status {status} leaves {left}"
    return ""


def foreign(source: str) -> Iterator[str]:
    """Yield whatever stands in a generated module that no emitter writes.

    Importing it may execute nothing but definitions; every name that it reads is defined in it,
    imported, or one of a few builtins; no name or attribute has two underscores in front but
    `__init__` and `__file__`; strings stand where they name something.
    """
    tree = ast.parse(source)
    for node in tree.body:
        if not isinstance(node, ast.Import | ast.ImportFrom | ast.ClassDef | ast.FunctionDef):
            written = ast.unparse(node)
            if not is_text(node) and not re.fullmatch(r"[A-Z_]+ = [\w.\"'()\-]+", written):
                yield f"executes {written[:100]}"
    for definition in tree.body:
        if isinstance(definition, ast.ClassDef):
            for inner in definition.body:
                if not isinstance(inner, ast.FunctionDef) and not is_text(inner):
                    yield f"executes {ast.unparse(inner)[:100]}"
                if isinstance(inner, ast.FunctionDef) and inner.decorator_list:
                    yield f"decorates {inner.name}"
    known = BUILTINS | defined(tree)
    for node in ast.walk(tree):
        match node:
            case ast.Import(names=names):
                yield from (f"imports {a.name}" for a in names if a.name not in MODULES)
            case ast.ImportFrom(module=module) if module not in MODULES:
                yield f"imports from {module}"
            case ast.Name(id=name) if name not in known:
                yield f"reads {name}"
            case ast.Attribute(attr=name) if name.startswith("__") and name != "__init__":
                yield f"attribute {name}"
            case ast.Name(id=name) | ast.arg(arg=name) if not name.isascii():
                yield f"name {name!r}"
            case ast.stmt() if not isinstance(node, STATEMENTS):
                yield f"statement {ast.unparse(node)[:100]}"
            case ast.Lambda() | ast.Await() | ast.Yield() | ast.NamedExpr():
                yield f"expression {ast.unparse(node)[:100]}"
    if bad := [c for c in source if not c.isascii() or (not c.isprintable() and c != "\n")]:
        yield f"character {bad[0]!r}"


def is_text(node: ast.stmt) -> bool:
    return isinstance(node, ast.Expr) and isinstance(node.value, ast.Constant)


def defined(tree: ast.Module) -> set[str]:
    """Return all names that a module binds anywhere."""
    names: set[str] = set()
    for node in ast.walk(tree):
        match node:
            case ast.Import(names=aliases) | ast.ImportFrom(names=aliases):
                names |= {alias.asname or alias.name for alias in aliases}
            case ast.FunctionDef(name=name) | ast.ClassDef(name=name) | ast.arg(arg=name):
                names.add(name)
            case ast.Name(id=name, ctx=ast.Store()):
                names.add(name)
    return names


def judge_folder(folder: Path) -> str:
    """Return what is wrong with a written folder, or nothing."""
    if {file.name for file in folder.iterdir()} != FILES:
        return f"it holds {sorted(file.name for file in folder.iterdir())}"
    for name in ("weight_map.json", "report.json"):
        json.loads((folder / name).read_text("utf-8"))
    source = (folder / "model.py").read_text("utf-8")
    try:
        found = next(foreign(source), "")
    except (SyntaxError, RecursionError) as error:
        return f"model.py is no Python: {error}"
    return f"model.py {found}" if found else ""


if __name__ == "__main__":
    for path in sys.argv[1:]:
        print(path, list(foreign(Path(path).read_text("utf-8"))))
