"""The command `onnx2ms ops`: what is supported."""

import difflib

from .ir.errors import UsageError, quoted


def ops(name: str = "", /) -> None:
    """List the supported operators, or tell all that is known of one.

    Args:
        name: An operator, such as Gemm or com.microsoft.QGemm; all if not given.
    """
    from .operator_facts import operator_facts  # not for --help: it imports onnx

    facts = {fact.name: fact for fact in operator_facts()}
    if not name:
        width = max(map(len, facts))
        for fact in facts.values():
            first, dot, _ = fact.form.partition(". ")
            print(f"{fact.name:{width}}  {first}{dot.strip()}".rstrip())
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
