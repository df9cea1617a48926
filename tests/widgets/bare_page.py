"""A page with one widget and nothing else: the site's own host and style, no kernel, no network."""

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from llmkit import models
from llmkit.site import assets, figures

# Keeps each widget's model where a test can reach it, as Python does through the comm.
EXPOSE = """(() => {
  const define = window.llmkit.define;
  window.models = [];
  window.llmkit.define = (name, widget) => define(name, !widget.render ? widget : { render(given) {
    window.models.push(given.model);
    return widget.render(given);
  } });
  window.longTasks = [];
  new PerformanceObserver((list) => window.longTasks.push(...list.getEntries().map((entry) => entry.duration)))
    .observe({ type: "longtask", buffered: true });
})();"""

PAGE = """<!DOCTYPE html><html lang="en" data-theme="{theme}"><head><meta charset="utf-8"><title>One widget</title>
<meta name="viewport" content="width=device-width, initial-scale=1"><link rel="icon" href="data:,">
<link rel="stylesheet" href="_static/llmkit/book.css"><style>body {{ margin: 16px; }} figure {{ margin: 0; }}</style></head>
<body><main><h1 style="font-size: 12px; margin: 0">One widget</h1>{figure}</main><script src="_static/llmkit/host.js"></script><script>{expose}</script></body></html>"""


class BareSite:
    """The site's own look and scripts, published once, and one page among them, on which each test puts its widget."""

    def __init__(self, serve: Callable[..., str], folder: Path):
        self.serve, self.folder = serve, folder
        self.is_timed = False  # then each page is opened as a reader opens it
        self.published: dict[Path, tuple[Path, str]] = {}  # folder and address, by the models that the book carried

    @property
    def place(self) -> tuple[Path, str]:
        """Folder and address of the site, with the models that the book carries now."""
        if models.BUNDLED not in self.published:
            folder = self.folder / str(len(self.published))
            assets.publish(folder / "_static" / "llmkit")
            self.published[models.BUNDLED] = folder, self.serve(folder)
        return self.published[models.BUNDLED]

    def put(self, html: str) -> str:
        """Make this the page; its address."""
        folder, address = self.place
        (folder / "index.html").write_text(html, "utf-8")
        return address


FREE: dict[str, list] = {}  # live pages that a test has left, by how they were opened; the next test moves in
SWEEP = """() => {
  for (let id = setTimeout(() => {}); id; id--) clearTimeout(id);  // intervals are counted with them
  for (let id = requestAnimationFrame(() => {}); id; id--) cancelAnimationFrame(id);
  document.body.replaceChildren();
  scrollTo(0, 0);
}"""


def open_widget(browser, site: BareSite, widget: Any, theme: str = "light", anew: bool = False, **context: Any):
    """A page where `widget` is live, at 760 by 600 px unless told otherwise; errors gather in `page.errors`.

    A page that a test has left gets a new document in place of the old one, which takes a third of the processor that
    going there takes. With `anew` the browser goes there, as a reader's does: after a new document Chromium sends no
    pointerleave any more.
    """
    html = PAGE.format(theme=theme, figure=figures.widget_figure(widget.page_bundle()), expose=EXPOSE)
    address = site.put(html)
    page = free_page(browser, {"viewport": {"width": 760, "height": 600}, **context})
    if anew or page.url != address or page.workers:
        page.goto(address)
    else:
        page.set_content(html, wait_until="domcontentloaded")
    page.wait_for_selector("figure[data-llm-live]", timeout=10_000)
    settle(page)  # only what has been drawn asks for its fonts
    page.evaluate("document.fonts.ready.then(() => true)")  # before they are here, words have other sizes
    return page


def free_page(browser, context: dict):
    """A page opened with these options: one that a test has left, else a new one."""
    kind = repr(sorted(context.items()))
    if left := FREE.get(kind):
        page = left.pop()
        page.errors.clear()
        page.mouse.move(0, 0)
        return page
    page = browser.new_context(**context).new_page()
    page.kind, page.errors = kind, []
    page.on("pageerror", lambda error: page.errors.append(str(error)))
    page.on("console", lambda message: page.errors.append(message.text) if message.type == "error" else None)
    page.on("dialog", lambda dialog: page.errors.append(f"dialog: {dialog.message}") or dialog.dismiss())
    return page


def leave(page) -> None:
    """The page ended without an error; nothing of it goes on, and another test may move in."""
    assert page.errors == []
    page.evaluate(SWEEP)
    FREE.setdefault(page.kind, []).append(page)


@contextmanager
def visits(browser, site: BareSite, make: Callable[..., Any]) -> Iterator[Callable[..., Any]]:
    """visit(theme=, context=, anew=, **traits) -> page with the live widget of `make(**traits)`; no page may end with an error."""
    pages = []

    def visit(theme: str = "light", context: dict | None = None, anew: bool = False, **traits: Any):
        pages.append(open_widget(browser, site, make(**traits), theme, anew or site.is_timed, **(context or {})))
        return pages[-1]

    yield visit
    for page in pages:
        leave(page)


def settle(page) -> None:
    """Two frames later."""
    page.evaluate("() => new Promise((done) => requestAnimationFrame(() => requestAnimationFrame(done)))")


def state(page, *names: str) -> list:
    """What the widget's model holds under these names."""
    settle(page)
    return page.evaluate("names => names.map((name) => models[0].get(name))", list(names))


def axe_violations(page) -> list[str]:
    """What axe-core finds wrong with the page as it is, in both themes, one line each."""
    from axe import violations  # for those that open pages, and not for those that only measure

    theme = page.evaluate("document.documentElement.dataset.theme")
    long = "hide => document.querySelectorAll('.llm-table tbody tr:nth-child(n + 13)').forEach((row) => row.hidden = hide)"
    page.evaluate(long, True)  # a table of a thousand rows is judged by its first
    found = [violation for results in violations(page, set_theme) for violation in results.response["violations"]]
    set_theme(page, theme)
    page.evaluate(long, False)
    return [f"{violation['id']}: {node['html'][:120]}" for violation in found for node in violation["nodes"]]


def set_theme(page, theme: str) -> None:
    page.evaluate("theme => document.documentElement.dataset.theme = theme", theme)
    settle(page)
    page.evaluate("document.getAnimations().forEach((fading) => fading.finish())")


def table_numbers(page) -> list[list[str]]:
    """Every cell of "show as table", as shown."""
    if not page.locator(".llm-details[open]").count():
        page.locator(".llm-details summary").click()
    page.wait_for_selector(".llm-table td")
    return page.eval_on_selector_all(
        ".llm-table tbody tr", "rows => rows.map((r) => [...r.cells].map((c) => c.textContent))"
    )


def to_number(shown: str) -> float:
    """'−0.5' as -0.5 and '−∞' as minus infinity."""
    return float(shown.replace("−", "-").replace("∞", "inf"))
