"""What axe-core finds wrong with a page, in both themes, in half the time that asking it twice would take.

Almost all of that time it judges the contrast of texts, one by one. So it is asked about everything else once, and about
contrast, in each theme, with one text left of all that look alike.
"""

from collections.abc import Callable

from axe_playwright_python.sync_playwright import Axe, AxeResults

ALREADY_THERE = "'axe is in the page'"  # its half a megabyte of script need not be read again
LOOK = """const ground = (node) => node ? `${getComputedStyle(node).backgroundColor} ${getComputedStyle(node).opacity} ${ground(node.parentElement)}` : "";
  const look = (node) => [node.tagName, node.getAttribute("class"), getComputedStyle(node).color, getComputedStyle(node).fontSize, getComputedStyle(node).fontWeight, ground(node)].join("|");"""


def violations(page, set_theme: Callable[[object, str], None]) -> list[AxeResults]:
    """Those of axe's answers that find something: on all but contrast, on contrast in light, on contrast in the dark."""
    found = [ask(page, Axe(), rules={"color-contrast": {"enabled": False}})]
    leave_one_of_each_look(page)
    for theme in ("light", "dark"):  # nothing but colors is another in the dark
        set_theme(page, theme)
        found.append(ask(page, Axe(ALREADY_THERE), runOnly=["color-contrast"]))
    page.evaluate("for (const [text, data] of window.againTheSame) text.data = data")
    return [results for results in found if results.violations_count]


def ask(page, axe: Axe, **options: object) -> AxeResults:
    return axe.run(page, options={"resultTypes": ["violations"], **options})


def leave_one_of_each_look(page) -> None:
    """Of the texts that share kind, ink, size, weight and every ground below them, leave the first: what axe says of its contrast holds for all."""
    page.evaluate(f"""() => {{
      {LOOK}
      const seen = new Set(), again = [];
      for (const one of document.querySelectorAll("body :not(script, style)")) {{
        const said = [...one.childNodes].filter((child) => child.nodeType === Node.TEXT_NODE && child.data.trim());
        if (!said.length || !one.checkVisibility()) continue;
        if (seen.has(look(one))) again.push(...said.map((text) => [text, text.data]));
        seen.add(look(one));
      }}
      for (const [text] of again) text.data = "";
      window.againTheSame = again;
    }}""")
