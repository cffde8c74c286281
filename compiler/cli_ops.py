"""The commands `onnx2ms ops` and `onnx2ms passes`: what is supported, and what is done."""

import difflib

from .ir.errors import UsageError, quoted
from .terminal import Names


def ops(name: str = "", /, *, plugin: Names = ()) -> None:
    """List the supported operators, or tell all that is known of one.

    Args:
        name: An operator, such as Gemm or com.microsoft.QGemm; all if not given.
        plugin: A .py file or module to use beside the installed plugins. It runs.
    """
    from .operator_facts import operator_facts  # not for --help: it imports onnx
    from .plugins.assembly import assemble

    assembly = assemble(plugin)
    facts = {fact.name: fact for fact in operator_facts(assembly.emitters, assembly.helpers)}
    if not name:
        width = max(map(len, facts))
        for fact in facts.values():
            first, dot, _ = fact.form.partition(". ")
            origin = f" (plugin {fact.origin})" if fact.origin else ""
            print(f"{fact.name:{width}}  {first}{dot.strip()}{origin}".rstrip())
        return
    found = facts.get(name) or {key.lower(): fact for key, fact in facts.items()}.get(name.lower())
    if found is None:
        close = difflib.get_close_matches(name, facts, 3)
        raise UsageError(
            f"no operator {quoted(name)} is emitted",
            help=f"did you mean {', '.join(close)}?"
            if close
            else "`onnx2ms ops` lists all; those that passes rewrite are in docs/passes.md",
        )
    print(found.name)
    for title, text in found.lines():
        print(f"  {title:10} {text}")


def passes(*, plugin: Names = (), target: str = "mindspore") -> None:
    """List the graph passes in their order, those of plugins with the plugin's name.

    Args:
        plugin: A .py or .onnxtxt file or a module to use beside the installed plugins. It runs.
        target: The framework whose source is written; plugins bring others.
    """
    from ..passes.catalogue import listing  # not for --help: it imports onnx
    from .plugins.assembly import assemble

    print("\n".join(listing(assemble(plugin, target).stages)))
