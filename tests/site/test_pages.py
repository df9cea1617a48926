"""Every page of the built site, opened in Chromium: quiet, light, live, readable by all, at home anywhere."""

import gzip
import re
from functools import cache
from pathlib import Path

import pytest
import yaml
from axe import LOOK, violations

pytestmark = pytest.mark.browser

ROOT = Path(__file__).parents[2]
SHOTS = ROOT / "_build" / "screenshots"
WIDE, PHONE = {"width": 1440, "height": 900}, {"width": 390, "height": 844}
CONTENTS = yaml.safe_load((ROOT / "_toc.yml").read_text("utf-8"))
PAGES = [f"{name}.html" for name in (CONTENTS["root"], *(page["file"] for part in CONTENTS["parts"] for page in part["chapters"]), "search")]
ALIVE = [path for path in PAGES if path.startswith("lessons/") or path == f"{CONTENTS['root']}.html"]  # these have widgets
SHOWN = ("book/intro.html", "lessons/2-attention/05-scaled-dot-product.html")  # kept as pictures
PAGE_BUDGET = 1_000_000  # bytes as sent, gzipped, without Plotly
LIVE_BUDGET = 500  # ms from a widget scrolling into view to its first live frame
LEFT = "net::ERR_ABORTED"  # the page was left before the file had come: no fault of the page
FIGURES = ":is([data-llm-widget], [data-llm-plot])"
COME_ALIVE = """([figures, number]) => {
  const figure = document.querySelectorAll(figures)[number];
  figure.scrollIntoView({ behavior: "instant" });
  return figure.matches("[data-llm-live], [data-llm-failed]");
}"""
COMPRESSED = (".woff2", ".png", ".jpg")


def addresses(site: Path) -> list[str]:
    """Every page that a reader can reach, the search page included; index.html only leads to the home page."""
    pages = [path.relative_to(site) for path in site.rglob("*.html") if "_static" not in path.parts]
    return sorted(str(path) for path in pages if str(path) != "index.html")


def visit(context, url: str, origin: str):
    """Open a page and note what it asks for and complains about."""
    page = context.new_page()
    page.problems, page.files = [], set()
    page.on("pageerror", lambda error: page.problems.append(f"error: {error}"))
    page.on("console", lambda said: page.problems.append(f"console: {said.text}") if said.type in ("error", "warning") else None)
    page.on("requestfailed", lambda request: request.failure != LEFT and page.problems.append(f"failed: {request.url}"))

    def note(response):
        if not response.url.startswith((origin, "data:", "blob:")):
            page.problems.append(f"off-origin: {response.url}")
        elif response.status >= 400:
            page.problems.append(f"{response.status}: {response.url}")
        elif response.url.startswith(origin) and response.status == 200:
            page.files.add(re.split("[?#]", response.url.removeprefix(origin))[0])

    page.on("response", note)
    page.goto(url)
    return page


def read_to_the_end(page) -> None:
    """Go from figure to figure, wait until each is live or has said why not, and return to the top."""
    for number in range(page.locator(FIGURES).count()):
        page.wait_for_function(COME_ALIVE, arg=[FIGURES, number], timeout=30_000)
    page.evaluate("scrollTo({ top: document.documentElement.scrollHeight, behavior: 'instant' })")
    page.evaluate("scrollTo({ top: 0, behavior: 'instant' })")


@cache
def weight(file: Path) -> tuple[int, int]:
    """Bytes of a file of the site, raw and as sent."""
    raw = file.read_bytes()
    return len(raw), len(raw if file.name.endswith(COMPRESSED) else gzip.compress(raw))


@pytest.fixture(scope="module")
def origin(serve, built_site) -> str:
    return serve(built_site)


@pytest.fixture
def open_page(browser, origin):
    """open_page(path, scheme, size): one page, in its own context."""
    contexts = []

    def opened(path: str, scheme: str = "light", size: dict = WIDE, **more):
        contexts.append(browser.new_context(viewport=size, color_scheme=scheme, **more))
        return visit(contexts[-1], origin + path, origin)

    yield opened
    for context in contexts:
        context.close()


@pytest.mark.parametrize("path", PAGES)
def test_a_page_is_quiet_light_live_and_accessible_in_both_themes(open_page, built_site, path):
    page = open_page(path)
    look_at_it_live(page, path, WIDE, built_site)
    if path in SHOWN:
        for theme in ("dark", "light"):
            change_theme(page, theme)
            keep_screenshot(page, path, theme)
    assert judged(page) == []
    assert page.problems == []


@pytest.mark.parametrize("path", PAGES)
def test_a_page_opened_in_the_dark_on_a_phone_is_quiet_light_and_live(open_page, built_site, path):
    page = open_page(path, "dark", PHONE)
    look_at_it_live(page, path, PHONE, built_site)
    if path in SHOWN:
        keep_screenshot(page, path, "phone")


def look_at_it_live(page, path: str, size: dict, site: Path) -> None:
    """No complaint, every figure live, nothing wider than the screen, nothing moved when the figures came alive, and not too heavy."""
    name = "--height-on-a-phone" if size is PHONE else "--height"
    kept = page.eval_on_selector_all("[data-llm-widget]", "(all, name) => all.map((one) => parseFloat(one.style.getPropertyValue(name)))", name)
    read_to_the_end(page)
    assert page.problems == []
    assert page.locator("[data-llm-failed]").count() == 0
    assert page.evaluate("document.documentElement.scrollWidth") <= size["width"]
    assert wait_for_height(page, kept) == [], f"{path}: what is kept free is not as high as what comes there"
    raw, sent = map(sum, zip(*(weight(site / name) for name in page.files if not name.endswith("plotly.min.js")), strict=True))
    print(f"\n{path}, {size['width']} px wide: {raw:,} bytes, {sent:,} gzipped, 0 off-origin, 0 errors")
    assert sent <= PAGE_BUDGET


def wait_for_height(page, kept: list[float]) -> list[str]:
    """The widgets that are not within 8 px of the height kept for them, two seconds later at most."""
    page.evaluate("document.fonts.ready.then(() => true)")
    for _ in range(20):  # the microscope measures its steps, one in a frame
        live = page.eval_on_selector_all("[data-llm-widget]", "all => all.map((one) => [one.dataset.llmWidget, one.getBoundingClientRect().height])")
        apart = [f"{widget} keeps {px:.0f} px and is {height:.0f} high" for px, (widget, height) in zip(kept, live, strict=True) if abs(px - height) > 8]
        if not apart:
            break
        page.wait_for_timeout(100)
    return apart


def change_theme(page, theme: str) -> None:
    if page.evaluate("document.documentElement.dataset.theme") != theme:
        page.get_by_role("button", name=f"Use {theme} colors").click()
    page.evaluate("document.getAnimations().forEach((fading) => fading.finish())")


def judged(page) -> list[str]:
    """What axe finds wrong with the page, as it tells it."""
    leave_less_to_judge(page)
    return [results.generate_report() for results in violations(page, change_theme)]


def test_a_color_too_faint_in_one_theme_is_found(open_page):
    page = open_page("book/faq.html")
    page.add_style_tag(content="[data-theme=dark] article p { color: #444; }")
    (report,) = judged(page)
    assert "color-contrast" in report and "#444" in report


def test_the_pages_looked_at_are_all_there_are(built_site):
    assert addresses(built_site) == sorted(PAGES)


def leave_less_to_judge(page) -> None:
    """Take out what axe need not look at: three quarters of a lesson's elements, for which it took half a minute.

    Of the words of code that look the same, one is left; the others become plain text. KaTeX writes all formulas alike,
    each as dozens of elements: the first five stay, the others become a word in a box of their size. To exclude them by
    axe's own means is slower than to keep them.
    """
    page.evaluate(f"""() => {{
      {LOOK}
      const formulas = [...document.querySelectorAll(".katex")].slice(5);
      const boxes = formulas.map((formula) => formula.querySelector(".katex-html").getBoundingClientRect());
      formulas.forEach((formula, i) => {{
        formula.textContent = "formula";
        formula.style.cssText = `display: inline-block; overflow: clip; width: ${{boxes[i].width}}px; height: ${{boxes[i].height}}px`;
      }});
      const seen = new Set(), words = [...document.querySelectorAll(".highlight span")].filter((word) => !word.childElementCount);
      const again = words.filter((word) => seen.has(look(word)) || !seen.add(look(word)));
      for (const word of again) word.replaceWith(word.textContent);
    }}""")


def keep_screenshot(page, path: str, look: str) -> None:
    """For a person to look at."""
    SHOTS.mkdir(parents=True, exist_ok=True)
    page.screenshot(path=str(SHOTS / f"{Path(path).stem}-{look}.jpg"), full_page=True, type="jpeg", quality=85)


@pytest.mark.timed
@pytest.mark.parametrize("path", ALIVE)
def test_a_widget_is_live_soon_after_the_reader_jumps_to_it(open_page, built_site, path):
    names = re.findall(r'data-llm-widget="(\w+)"', (built_site / path).read_text("utf-8"))
    assert names
    page = open_page(path)
    page.wait_for_load_state("networkidle")
    for number, name in enumerate(names):
        figure = page.locator("[data-llm-widget]").nth(number)
        figure.evaluate("f => f.scrollIntoView({ behavior: 'instant' })")
        page.wait_for_function("n => document.querySelectorAll('[data-llm-widget]')[n].dataset.llmLive", arg=number, timeout=20_000)
        live = int(figure.get_attribute("data-llm-live"))
        print(f"\n{path}: {name} live in {live} ms")
        assert live <= LIVE_BUDGET


def test_the_menu_opens_and_closes_on_a_phone(open_page):
    page = open_page("book/intro.html", size=PHONE)
    menu = page.locator("#site-nav")
    assert not menu.is_visible()
    page.get_by_role("button", name="Contents").click()
    assert menu.is_visible()
    page.keyboard.press("Escape")
    assert not menu.is_visible()


def test_formulas_are_set_with_their_own_fonts_and_no_script(open_page):
    page = open_page("book/notation.html")
    formulas = page.locator(".math, .math-block")
    assert formulas.count() > 20
    assert formulas.count() == page.locator(":is(.math, .math-block) .katex-html").count()
    page.evaluate("document.fonts.ready")
    assert page.evaluate("[...document.fonts].some(f => f.family.includes('KaTeX_Main') && f.status === 'loaded')")
    assert not [name for name in page.files if "katex" in name and name.endswith(".js")]


def test_the_theme_button_changes_colors_and_the_choice_is_remembered(open_page):
    page = open_page("book/notation.html")
    ground = "getComputedStyle(document.body).backgroundColor"
    light = page.evaluate(ground)
    page.get_by_role("button", name="Use dark colors").click()
    assert page.evaluate(ground) != light
    page.reload()
    assert page.evaluate("document.documentElement.dataset.theme") == "dark"


def test_search_finds_a_page_by_its_words(open_page):
    page = open_page("book/notation.html")
    page.keyboard.press("/")
    page.keyboard.type("bilinear")
    page.keyboard.press("Enter")
    page.wait_for_selector("ul.search li a", timeout=10000)
    page.get_by_role("link", name="Glossary").first.wait_for()
    assert page.problems == []


def test_the_first_tab_stop_skips_to_the_text(open_page):
    page = open_page("book/notation.html")
    page.keyboard.press("Tab")
    assert page.evaluate("document.activeElement.className") == "skip-link"


def test_without_javascript_text_formulas_and_pictures_are_there(open_page):
    page = open_page("book/intro.html", java_script_enabled=False)
    assert page.locator("h1").is_visible()
    assert page.locator(".llm-mount svg").first.is_visible()
    assert page.locator("#site-nav a").first.is_visible()


@pytest.mark.parametrize("prefix", ["/", "/some/where/deep/"])
def test_the_address_of_the_site_leads_home_under_any_prefix(browser, serve, built_site, prefix):
    url = serve(built_site, prefix=prefix)
    context = browser.new_context(viewport=WIDE)
    page = visit(context, url, url)
    page.wait_for_selector("[data-llm-live]", timeout=10000)
    assert page.problems == []
    assert page.url.startswith(url + "book/intro.html")
    context.close()


def test_the_book_works_as_plain_files(browser, built_site):
    context = browser.new_context(viewport=WIDE)
    page = visit(context, (built_site / "index.html").as_uri(), "file://")
    page.wait_for_selector("[data-llm-live]", timeout=10000)
    assert page.problems == []
    assert page.evaluate("[...document.fonts].some(f => f.family.includes('Source Serif') && f.status === 'loaded')")
    context.close()


def test_links_between_pages_lead_somewhere(built_site):
    for path in addresses(built_site):
        for link in re.findall(r'<a [^>]*href="([^"]+)"', (built_site / path).read_text("utf-8")):
            target, _, anchor = link.partition("#")
            if "://" in link or link.startswith("mailto:"):
                continue
            file = (built_site / path).parent.joinpath(target).resolve() if target else built_site / path
            assert file.exists(), f"{path} links to {link}"
            if anchor and file.suffix == ".html":
                assert f'id="{anchor}"' in file.read_text("utf-8"), f"{path} links to {link}"
