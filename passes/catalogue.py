"""The list of all passes, for people."""

from .pipeline import STAGES


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
