"""The page host: brings figures to life from any place, hands bytes over as bytes, keeps the picture when it cannot."""

import shutil
from html import escape

import pytest

from llmkit.site import assets, figures
from llmkit.widgets import Microscope

pytestmark = pytest.mark.browser

PAGE = """<!DOCTYPE html><html lang="en" data-theme="light"><head><meta charset="utf-8"><title>t</title>
<link rel="icon" href="_static/llmkit/mark.svg"><link rel="stylesheet" href="_static/llmkit/book.css"></head>
<body><main>{body}</main><script src="_static/llmkit/host.js?v=1"></script></body></html>"""

FIGURE = """<figure class="llm-figure" data-llm-widget="{name}" data-llm-schema="1" aria-label="{name}">
<div class="llm-mount">the still picture</div><script type="application/json">{state}</script></figure>"""

PROBE = """llmkit.define("probe", { render({ model, el }) {
  const heard = [];
  const callback = () => heard.push(model.get("n"));
  model.on("change:n", callback);
  model.set("n", 2); model.set("n", 2); model.save_changes();
  model.off("change:n", callback);
  model.set("n", 3);
  const view = model.get("packed").deep;
  el.textContent = JSON.stringify({ heard, n: model.get("n"), kernel: model.get("kernel"),
    view: view instanceof DataView, bytes: [view.getUint8(0), view.getUint8(1)], text: model.get("text") });
} });"""

BROKEN = 'llmkit.define("broken", { render({ el }) { el.textContent = "half"; throw new Error("no numbers"); } });'


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    """A site with two widgets made for this test beside the real ones."""
    folder = tmp_path_factory.mktemp("host") / "deep" / "site"
    assets.publish(folder / "_static" / "llmkit")
    for name, script in {"probe": PROBE, "broken": BROKEN}.items():
        (folder / "_static" / "llmkit" / "widgets" / f"{name}.js").write_text(script, "utf-8")
    yield folder
    shutil.rmtree(folder)


@pytest.fixture
def show(browser, folder):
    """show(body) -> a page from file:// with its console errors in page.errors."""
    context = browser.new_context(viewport={"width": 900, "height": 700})

    def visit(body: str):
        (folder / "page.html").write_text(PAGE.format(body=body), "utf-8")
        page = context.new_page()
        page.errors = []
        page.on("pageerror", lambda error: page.errors.append(str(error)))
        page.on("console", lambda message: page.errors.append(message.text) if message.type == "error" else None)
        page.on("dialog", lambda dialog: page.errors.append(f"dialog: {dialog.message}") or dialog.dismiss())
        page.goto((folder / "page.html").as_uri())
        return page

    yield visit
    context.close()


def test_the_model_behaves_as_in_a_notebook_and_bytes_arrive_as_a_data_view(show):
    state = '{"n": 1, "kernel": true, "text": "a", "packed": {"deep": {"base64": "AQI="}}}'
    page = show(FIGURE.format(name="probe", state=state))
    page.wait_for_selector("[data-llm-live]", timeout=5000)
    told = page.evaluate("JSON.parse(document.querySelector('.llm-live').textContent)")
    assert told == {"heard": [2], "n": 3, "kernel": False, "view": True, "bytes": [1, 2], "text": "a"}
    assert not page.locator(".llm-mount").is_visible()
    assert page.errors == []


@pytest.mark.parametrize(("name", "reason"), [("broken", "no numbers"), ("absent", "could not be loaded")])
def test_a_widget_that_fails_leaves_its_picture_and_a_sentence(show, name, reason):
    page = show(FIGURE.format(name=name, state="{}"))
    page.wait_for_selector("[data-llm-failed]", timeout=5000)
    assert page.locator(".llm-mount").is_visible()
    assert page.locator(".llm-live").count() == 0
    assert reason in page.locator(".llm-note").inner_text()


def test_one_failing_figure_does_not_stop_the_next(show):
    page = show(FIGURE.format(name="broken", state="{}") + FIGURE.format(name="probe", state='{"packed": {"deep": {"base64": "AQI="}}}'))
    page.wait_for_selector("[data-llm-widget=probe][data-llm-live]", timeout=5000)


def test_a_figure_far_below_loads_nothing_until_the_reader_comes_near(show):
    page = show('<div style="height:6000px"></div>' + FIGURE.format(name="probe", state='{"packed": {"deep": {"base64": "AQI="}}}'))
    page.wait_for_timeout(200)
    assert page.locator("[data-llm-live]").count() == 0
    assert page.evaluate("performance.getEntriesByType('resource').filter(r => r.name.includes('widgets/')).length") == 0
    page.locator("figure").scroll_into_view_if_needed()
    page.wait_for_selector("[data-llm-live]", timeout=5000)


def test_hostile_words_are_shown_as_words_by_a_real_widget(show):
    words = ["<script>alert(1)</script>", "</script>", "<img src=x onerror=alert(1)>"]
    numbers = [[1.0, 0.0]] * 3
    widget = Microscope(tokens=words, query=numbers, key=numbers, value=numbers)
    page = show(figures.widget_figure(widget.page_bundle()))
    page.wait_for_selector("[data-llm-live]", timeout=5000)
    page.wait_for_timeout(100)
    html = page.locator(".llm-live").inner_html()
    assert escape(words[0], quote=False) in html
    assert page.locator(".llm-live script, .llm-live img").count() == 0
    assert page.errors == []


def test_a_plot_is_drawn_and_follows_the_theme(show):
    spec = {"data": [{"type": "bar", "x": ["a", "b"], "y": [1, 2]}], "layout": {"height": 300}}
    page = show(figures.plot_figure(spec))
    page.wait_for_selector("[data-llm-live] .main-svg", timeout=20000)
    ink = "getComputedStyle(document.querySelector('.xtick text')).fill"
    light = page.evaluate(ink)
    page.evaluate("document.documentElement.dataset.theme = 'dark'")
    page.wait_for_function(f"{ink} !== '{light}'", timeout=5000)
    assert page.errors == []


def test_the_browser_shows_what_the_server_serves(browser, serve, tmp_path):
    (tmp_path / "index.html").write_text("<script type=module src=a.js></script>")
    (tmp_path / "a.js").write_text("document.title = 'module ran'")
    page = browser.new_page()
    page.goto(serve(tmp_path, prefix="/some/where/"))
    page.wait_for_function("document.title === 'module ran'", timeout=5000)
    page.close()
