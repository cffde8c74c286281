"""The list of all passes, for people."""

from collections.abc import Sequence

from .pipeline import STAGES, Stage


def catalogue() -> str:
    """Return every pass in its order, as a table in Markdown: what it does, after which it runs."""
    lines = ["| stage | pass | what it does | after |", "| --- | --- | --- | --- |"]
    for stage in STAGES:
        name = f"{stage.name} (repeated)" if stage.repeat else stage.name
        for item in stage.passes:
            after = ", ".join(f"`{anchor}`" for anchor in item.after)
            doc = item.doc.replace("|", "\\|") + (" Only on request." if item.on_request else "")
            lines.append(f"| {name} | `{item.name}` | {doc} | {after} |")
            name = ""
    return "\n".join(lines) + "\n"


def listing(stages: Sequence[Stage]) -> list[str]:
    """Return every pass in its order, a line each, under its stage; plugins' with their names."""
    width = max(len(item.name) for stage in stages for item in stage.passes)
    lines: list[str] = []
    for stage in stages:
        lines.append(f"{stage.name}, until nothing changes" if stage.repeat else stage.name)
        for item in stage.passes:
            notes = [f"plugin {item.origin}"] if item.origin else []
            notes += ["on request"] if item.on_request else []
            note = f" ({', '.join(notes)})" if notes else ""
            lines.append(f"  {item.name:{width}}  {item.doc}{note}")
    return lines
