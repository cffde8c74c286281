"""The generated documents are those that `make docs` would write now."""

import os
import subprocess
import sys
from pathlib import Path

import pytest

from onnx2ms.compiler.docs import PAGES, main

DOCS = Path(__file__).parents[1] / "docs"


@pytest.mark.parametrize("name", PAGES)
def test_page_is_fresh(name):
    assert (DOCS / name).read_text() == PAGES[name](), "run `make docs`"


def test_main_writes_all_pages(tmp_path):
    main([str(tmp_path)])
    assert {file.name for file in tmp_path.iterdir()} == set(PAGES)


@pytest.mark.parametrize("name", PAGES)
def test_tables_have_as_many_cells_everywhere(name):
    rows = [line for line in PAGES[name]().splitlines() if line.startswith("|")]
    assert not rows or len({row.replace("\\|", "").count("|") for row in rows}) == 1


def test_the_site_has_no_broken_link(tmp_path):
    """mkdocs names links that lead nowhere, anchors too, and pages that no one can reach."""
    pytest.importorskip("mkdocs", reason="needs mkdocs-material: pip install 'onnx2ms[docs]'")
    words = ["-m", "mkdocs", "build", "--strict", "--site-dir", str(tmp_path / "site")]
    environment = os.environ | {"NO_MKDOCS_2_WARNING": "1"}
    run = subprocess.run(
        [sys.executable, *words], cwd=DOCS.parent, env=environment, capture_output=True, text=True
    )
    assert run.returncode == 0, run.stderr
    pages = {file.relative_to(tmp_path / "site").parts[0] for file in tmp_path.rglob("*.html")}
    assert {"index.html", "options", "limits", "how-it-works"} <= pages
