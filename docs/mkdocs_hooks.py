"""What mkdocs does beyond its configuration: README.md and its like are pages of the site too.

Links are written for a reader of the repository. Here they lead to the page that a file became, or
to a copy of the file; a folder has neither, and its name stays as text.
"""

import os
import re
from pathlib import Path, PurePosixPath

from mkdocs.config.defaults import MkDocsConfig
from mkdocs.structure.files import File, Files
from mkdocs.structure.pages import Page

ROOT = Path(__file__).parents[1]

PAGES = {
    "README.md": "index.md",
    "samples/README.md": "samples.md",
    "CONTRIBUTING.md": "contributing.md",
    "CHANGELOG.md": "changes.md",
}
"""Files outside docs/, and the pages that they become."""

LINK = re.compile(r"(?<!!)\[([^\]]*)\]\(([^)\s#]+)(#[^)\s]*)?\)")
FENCE = re.compile(r"(^```.*?^```|`[^`\n]*`)", re.M | re.S)


def on_files(files: Files, config: MkDocsConfig) -> Files:
    """Add the files outside docs/ that are pages, and those that a page names."""
    for source, target in PAGES.items():
        files.append(File.generated(config, target, content=(ROOT / source).read_text()))
    texts = {_source(file.src_uri): file.content_string for file in files.documentation_pages()}
    for source, text in texts.items():
        for _, link, _ in LINK.findall(FENCE.sub("", text)):
            target = _target(source, link)
            if target and (ROOT / target).is_file() and not _page(target):
                uri = _copy(target)
                if files.get_file_from_path(uri) is None:
                    files.append(File.generated(config, uri, content=(ROOT / target).read_text()))
    return files


def on_page_markdown(markdown: str, page: Page, config: MkDocsConfig, files: Files) -> str:
    """Let each link lead to where the file is on the site."""
    source, here = _source(page.file.src_uri), PurePosixPath(page.file.src_uri).parent

    def relinked(match: re.Match[str]) -> str:
        text, link, anchor = match[1], match[2], match[3] or ""
        target = _target(source, link)
        if not target:
            return match[0]
        if (ROOT / target).is_dir():
            return text
        uri = _page(target) or _copy(target)
        return f"[{text}]({os.path.relpath(uri, here)}{anchor})"

    parts = FENCE.split(markdown)
    return "".join(part if i % 2 else LINK.sub(relinked, part) for i, part in enumerate(parts))


def _source(uri: str) -> str:
    """Return the file in the repository that a page is made of."""
    return next((s for s, target in PAGES.items() if target == uri), f"docs/{uri}")


def _target(source: str, link: str) -> str:
    """Return the file that a link names, from the root; empty if it leads elsewhere."""
    if ":" in link or link.startswith("/"):
        return ""
    return os.path.normpath(os.path.join(os.path.dirname(source), link))


def _page(target: str) -> str:
    """Return the page that a file is; empty if it is none."""
    inside = target.startswith("docs/") and target.endswith(".md")
    return PAGES.get(target, target.removeprefix("docs/") if inside else "")


def _copy(target: str) -> str:
    """Return where the copy of a file that is no page stands."""
    return target.removeprefix("docs/") if target.startswith("docs/") else f"files/{target}.txt"
