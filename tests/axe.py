"""What axe-core finds wrong with a page, in both themes, in less than half the time that asking it twice would take.

Much of that time it judges the contrast of texts, one by one. So it judges one of all that look alike. In light it looks at
everything, and in the dark at contrast only: nothing but colors is another there.
"""

import json
from collections.abc import Callable

from axe_playwright_python.sync_playwright import Axe, AxeResults

CONTRAST = "color-contrast"
ASKED = ({"resultTypes": ["violations"]}, {"resultTypes": ["violations"], "runOnly": [CONTRAST]})
LOOK = """const ground = (node) => node ? `${getComputedStyle(node).backgroundColor} ${getComputedStyle(node).opacity} ${ground(node.parentElement)}` : "";
  const look = (node) => [node.tagName, node.getAttribute("class"), getComputedStyle(node).color, getComputedStyle(node).fontSize, getComputedStyle(node).fontWeight, ground(node)].join("|");"""


def violations(page, set_theme: Callable[[object, str], None]) -> list[AxeResults]:
    """Those of axe's answers that find something: on everything in light, on contrast in the dark."""
    page.evaluate(Axe().axe_script)
    page.evaluate("id => axe.configure({ rules: [{ id, selector: '[data-first-of-its-look]' }] })", CONTRAST)
    found = []
    for theme, options in zip(("light", "dark"), ASKED, strict=True):
        set_theme(page, theme)
        mark_one_of_each_look(page)
        found.append(ask(page, options))
    return [results for results in found if results.violations_count]


def ask(page, options: dict) -> AxeResults:
    said = page.evaluate("options => axe.run(options).then(({ violations }) => JSON.stringify({ violations }))", options)
    return AxeResults(json.loads(said))


def mark_one_of_each_look(page) -> None:
    """Of the texts that share kind, ink, size, weight and every ground below them, mark the first: what axe says of its contrast holds for all."""
    page.evaluate(f"""() => {{
      {LOOK}
      const seen = new Set();
      for (const one of document.querySelectorAll("body :not(script, style)")) {{
        one.removeAttribute("data-first-of-its-look");
        if (![...one.childNodes].some((child) => child.nodeType === Node.TEXT_NODE && child.data.trim()) || !one.checkVisibility()) continue;
        if (seen.size < seen.add(look(one)).size) one.dataset.firstOfItsLook = "";
      }}
    }}""")
