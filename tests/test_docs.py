"""The generated documents are those that `make docs` would write now."""

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
    assert len({row.replace("\\|", "").count("|") for row in rows}) == 1
