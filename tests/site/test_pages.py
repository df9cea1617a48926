"""Every page of the built site, opened in Chromium: quiet, light, live, readable by all, at home anywhere."""

import gzip
import re
from pathlib import Path

import pytest
from axe_playwright_python.sync_playwright import Axe

pytestmark = pytest.mark.browser

ROOT = Path(__file__).parents[2]
SHOTS = ROOT / "_build" / "screenshots"
WIDE, PHONE = {"width": 1440, "height": 900}, {"width": 390, "height": 844}
LOOKS = {"light": ("light", WIDE), "dark": ("dark", WIDE), "phone": ("light", PHONE)}
PAGE_BUDGET = 1_000_000  # bytes as sent, gzipped, without Plotly
LIVE_BUDGET = 500  # ms from a widget scrolling into view to its first live frame
AXE_OPTIONS = {"resultTypes": ["violations"]}
LEFT = "net::ERR_ABORTED"  # the page was left before the file had come: no fault of the page
COMPRESSED = (".woff2", ".png", ".jpg")


def addresses(site: Path) -> list[str]:
    """Every page that a reader can reach, the search page included; index.html only leads to the home page."""
    pages = [path.relative_to(site) for path in site.rglob("*.html") if "_static" not in path.parts]
    return sorted(str(path) for path in pages if str(path) != "index.html")


def visit(context, url: str, origin: str):
    """Open a page and note what it asks for and complains about."""
    page = context.new_page()
    page.problems, page.bodies = [], {}
    page.on("pageerror", lambda error: page.problems.append(f"error: {error}"))
    page.on("console", lambda said: page.problems.append(f"console: {said.text}") if said.type in ("error", "warning") else None)
    page.on("requestfailed", lambda request: request.failure != LEFT and page.problems.append(f"failed: {request.url}"))

    def note(response):
        if not response.url.startswith((origin, "data:", "blob:")):
            page.problems.append(f"off-origin: {response.url}")
        elif response.status >= 400:
            page.problems.append(f"{response.status}: {response.url}")
        elif response.url.startswith(origin) and response.status == 200:
            page.bodies[response.url] = response

    page.on("response", note)
    page.goto(url)
    return page


def read_to_the_end(page) -> None:
    """Scroll as a reader would, and wait until every figure on the way is live or has said why not."""
    height = page.evaluate("document.documentElement.scrollHeight")
    for top in range(0, height, 800):
        page.evaluate(f"scrollTo({{ top: {top}, behavior: 'instant' }})")
        page.wait_for_timeout(30)
    waiting = ":is([data-llm-widget], [data-llm-plot]):not([data-llm-live], [data-llm-failed])"
    page.wait_for_function(f"!document.querySelector('{waiting}')", timeout=30000)
    page.evaluate("scrollTo({ top: 0, behavior: 'instant' })")


def weight(bodies: dict) -> tuple[int, int]:
    """Bytes of what a page loaded, raw and gzipped, without Plotly."""
    raw = sent = 0
    for url, response in bodies.items():
        if "plotly.min.js" in url:
            continue
        body = response.body()
        raw += len(body)
        sent += len(body) if url.split("?")[0].endswith(COMPRESSED) else len(gzip.compress(body))
    return raw, sent


@pytest.fixture(scope="module")
def origin(serve, built_site) -> str:
    return serve(built_site)


@pytest.fixture(scope="module")
def open_page(browser, origin):
    """open_page(path, scheme, size): one page, in its own context."""
    contexts = []

    def opened(path: str, scheme: str = "light", size: dict = WIDE, **more):
        contexts.append(browser.new_context(viewport=size, color_scheme=scheme, **more))
        return visit(contexts[-1], origin + path, origin)

    yield opened
    for context in contexts:
        context.close()


@pytest.mark.parametrize("look", LOOKS)
def test_every_page_is_quiet_light_live_and_accessible(open_page, built_site, look):
    scheme, size = LOOKS[look]
    print()
    for path in addresses(built_site):
        page = open_page(path, scheme, size)
        read_to_the_end(page)
        assert page.problems == [], f"{path}, {look}: {page.problems}"
        assert page.locator("[data-llm-failed]").count() == 0, f"{path}, {look}"
        assert page.evaluate("document.documentElement.scrollWidth") <= size["width"], f"{path}, {look}"
        keep_screenshot(page, path, look)
        if look != "phone":  # contrast differs between light and dark; nothing else does on a phone
            leave_less_to_judge(page)
            findings = Axe().run(page, options=AXE_OPTIONS)
            assert findings.violations_count == 0, f"{path}, {look}: {findings.generate_report()}"
        raw, sent = weight(page.bodies)
        print(f"{path}, {look}: {raw:,} bytes, {sent:,} gzipped, 0 off-origin, 0 errors{', 0 axe violations' if look != 'phone' else ''}")
        assert sent <= PAGE_BUDGET
        page.context.close()


def leave_less_to_judge(page) -> None:
    """Take out what axe need not look at: two thirds of a lesson's elements, for which it took half a minute.

    Of the words of code that share ink, size, weight and every ground below them, one is left to be judged; the others
    become plain text. The drawn half of a formula, thousands of spans that assistive technology does not see, becomes
    an empty box of its size; the MathML beside it stays. To exclude them by axe's own means is slower than to keep them.
    """
    page.evaluate("""() => {
      for (const drawn of document.querySelectorAll(".katex-html")) {
        const { width, height } = drawn.getBoundingClientRect();
        drawn.replaceChildren();
        drawn.style.cssText = `display: inline-block; width: ${width}px; height: ${height}px`;
      }
      const seen = new Set(), again = [];
      const ground = (node) => node ? `${getComputedStyle(node).backgroundColor} ${getComputedStyle(node).opacity} ${ground(node.parentElement)}` : "";
      for (const word of document.querySelectorAll(".highlight span")) {
        if (word.childElementCount) continue;
        const style = getComputedStyle(word);
        const look = [style.color, style.fontSize, style.fontWeight, ground(word)].join("|");
        if (seen.has(look)) again.push(word);
        seen.add(look);
      }
      for (const word of again) word.replaceWith(word.textContent);
    }""")


def keep_screenshot(page, path: str, look: str) -> None:
    """The home page and the lessons, for a person to look at."""
    if path.startswith("lessons/") or path == "book/intro.html":
        SHOTS.mkdir(parents=True, exist_ok=True)
        page.screenshot(path=str(SHOTS / f"{Path(path).stem}-{look}.jpg"), full_page=True, type="jpeg", quality=85)


@pytest.mark.parametrize("size", [WIDE, PHONE], ids=["wide", "phone"])
def test_what_is_kept_free_for_a_widget_is_as_high_as_the_widget(open_page, built_site, size):
    """So that nothing below it moves when it comes alive. Its `height` and `height_on_a_phone` say what is kept free."""
    apart = []
    for path in addresses(built_site):
        if "data-llm-widget" not in (built_site / path).read_text("utf-8"):
            continue
        page = open_page(path, size=size)
        name = "--height-on-a-phone" if size is PHONE else "--height"
        kept = page.eval_on_selector_all("[data-llm-widget]", "(all, name) => all.map((one) => parseFloat(one.style.getPropertyValue(name)))", name)
        read_to_the_end(page)
        page.evaluate("document.fonts.ready.then(() => true)")
        page.wait_for_timeout(1000)  # the microscope measures its steps, one in a frame
        live = page.eval_on_selector_all("[data-llm-widget]", "all => all.map((one) => [one.dataset.llmWidget, one.getBoundingClientRect().height])")
        apart += [f"{path}: {widget} keeps {px:.0f} px and is {height:.0f} high" for px, (widget, height) in zip(kept, live, strict=True) if abs(px - height) > 8]
        page.close()
    assert apart == []


@pytest.mark.timed
def test_a_widget_is_live_soon_after_the_reader_jumps_to_it(open_page, built_site):
    print()
    for path in addresses(built_site):
        names = re.findall(r'data-llm-widget="(\w+)"', (built_site / path).read_text("utf-8"))
        for number, name in enumerate(names):
            page = open_page(path)
            page.wait_for_load_state("networkidle")
            page.locator("[data-llm-widget]").nth(number).evaluate("f => f.scrollIntoView({ behavior: 'instant' })")
            page.wait_for_selector(f"[data-llm-widget={name}][data-llm-live]", timeout=20000)
            live = int(page.locator("[data-llm-widget]").nth(number).get_attribute("data-llm-live"))
            print(f"{path}: {name} live in {live} ms")
            assert live <= LIVE_BUDGET
            page.context.close()


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
    assert not [url for url in page.bodies if "katex" in url and ".js" in url]


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
