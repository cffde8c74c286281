"""`report.html` in a browser: no error, and what one clicks does what it says."""

import shutil

import pytest

CHROMIUM = shutil.which("chromium") or shutil.which("chromium-browser")
sync_api = pytest.importorskip(
    "playwright.sync_api", reason="needs playwright: pip install 'onnx2ms[browser]'"
)
pytestmark = pytest.mark.skipif(
    CHROMIUM is None, reason="needs Chromium on the PATH: apt-get install chromium"
)


@pytest.fixture(scope="module")
def browser():
    with sync_api.sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=CHROMIUM, args=["--no-sandbox"])
        yield browser
        browser.close()


@pytest.fixture(params=["light", "dark"])
def page(browser, conversion, request):
    """Open the page; whatever the console says is an error."""
    page = browser.new_page(color_scheme=request.param)
    said = []
    page.on("console", lambda message: said.append(message.text))
    page.on("pageerror", lambda error: said.append(str(error)))
    page.goto((conversion.folder / "report.html").as_uri())
    yield page
    page.close()
    assert said == []


def test_all_tabs_open_and_no_name_is_read_as_html(page):
    for tab in ("graph", "layers", "source", "weights", "work", "overview"):
        page.click(f"#tab-{tab}")
        assert page.is_visible(f"#{tab}")
        assert page.locator("main > section:visible").count() == 1
    assert page.title() == "model.onnx · onnx2ms"


def test_the_tree_opens_and_closes(page):
    assert page.locator("#tree .item", has_text="encoder").is_visible()
    assert page.locator("#tree .item", has_text="layers").count() == 0
    turn = page.locator("#tree .item", has_text="encoder").locator(".turn")
    turn.click()
    assert page.locator("#tree .item", has_text="layers").is_visible()
    turn.click()
    assert page.locator("#tree .item", has_text="layers").is_hidden()


def test_the_search_finds_a_layer_and_opens_it(page):
    page.fill("#search", "layers.1")
    page.locator("#tree .item").first.click()
    assert page.is_visible("#graph")
    crumbs = "".join(page.inner_text("#crumbs").split()).replace("\u203a", ">")
    assert crumbs == "Model>encoder>layers>1"
    assert page.locator("#drawing g.port").count() == 2
    page.fill("#search", "no such layer")
    assert "nothing of that name" in page.inner_text("#tree")


def test_a_node_is_told_with_its_error_and_its_line(page):
    page.fill("#search", "head")
    page.locator("#tree .item").first.click()
    page.locator("#drawing g.node").first.click()
    assert "error in PYNATIVE" in page.inner_text("#details")
    page.locator("#details button").first.click()
    assert page.is_visible("#source")
    assert page.locator("#code li.chosen").count() == 1
    assert page.locator("#beside .node").count() >= 1


def test_the_graph_as_it_was_read(page):
    page.click("#tab-graph")
    page.click("#before")
    page.locator("#drawing g.module", has_text="head").click()
    assert page.locator("#drawing g.node", has_text="MatMul").count() == 1
    assert page.locator("#drawing g.node", has_text="Relu").count() == 1


def test_weights_are_searched(page):
    page.click("#tab-weights")
    page.fill("#weights-search", "layers.1")
    assert page.inner_text("#weights-hint") == "1 of 3"
    assert page.locator("#weights-rows tr").count() == 1


def test_the_theme_changes(page):
    paper = "getComputedStyle(document.body).backgroundColor"
    before = page.evaluate(paper)
    page.click("#theme")
    assert page.evaluate(paper) != before
