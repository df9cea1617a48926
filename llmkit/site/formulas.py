"""Formulas become HTML and MathML while the site is built, so that no page needs a math script.

KaTeX (assets/katex, MIT) runs in an embedded V8. A formula it cannot read is a build warning with its
file and line; with `-W` that stops the build.
"""

import html
import json
import re
from functools import cache

from docutils import nodes
from py_mini_racer import MiniRacer
from sphinx.util import logging
from sphinx.util.math import get_node_equation_number

from llmkit.site.assets import ASSETS

logger = logging.getLogger(__name__)

FORMULA_STARTS, FORMULA_ENDS = "<!--formula-->", "<!--/formula-->"

_RENDER = """
function renderFormula(tex, displayMode) {
  try {
    const html = katex.renderToString(tex, {
      displayMode, output: "htmlAndMathml", throwOnError: true, strict: "ignore", trust: false,
    });
    return JSON.stringify({ html });
  } catch (error) {
    return JSON.stringify({ problem: error.rawMessage || String(error) });
  }
}
"""


class FormulaError(ValueError):
    """KaTeX could not read a formula; the message says where it stopped."""


@cache
def _engine() -> MiniRacer:
    engine = MiniRacer()
    engine.eval((ASSETS / "katex" / "katex.min.js").read_text("utf-8") + ";0")
    engine.eval(_RENDER + ";0")
    return engine


@cache
def render(tex: str, display: bool = False) -> str:
    """`tex` as HTML for the eye with MathML for the ear.

    Raises FormulaError when KaTeX does not know a command or a brace is missing.

    >>> "<math" in render("x^2")
    True
    """
    answer = json.loads(_engine().call("renderFormula", tex, display))
    if "problem" in answer:
        raise FormulaError(answer["problem"])
    return answer["html"]


def _render_or_warn(tex: str, display: bool, node: nodes.Node) -> str:
    try:
        return render(tex, display)
    except FormulaError as error:
        logger.warning("KaTeX cannot read the formula %r: %s", tex, error, location=node, type="llmkit")
        return f"<code>{html.escape(tex)}</code>"


def visit_inline(translator, node: nodes.math) -> None:
    """A formula inside a sentence."""
    shown = _render_or_warn(node.astext(), False, node)
    translator.body.append(translator.starttag(node, "span", "", CLASS="math notranslate nohighlight"))
    translator.body.append(f"{shown}</span>")
    if shown.count('class="katex-base"') <= 2:  # short enough never to need a line break of its own
        translator.body.insert(-2, FORMULA_STARTS)
        translator.body.append(FORMULA_ENDS)
    raise nodes.SkipNode


def with_punctuation(body: str) -> str:
    """Keep a comma or full stop on the line of the short formula before it; browsers would break there.

    >>> with_punctuation("<!--formula--><span>x</span><!--/formula-->, so")
    '<span class="together"><span>x</span>,</span> so'
    """
    together = rf"{FORMULA_STARTS}((?:(?!{FORMULA_STARTS}).)*?){FORMULA_ENDS}([.,;:!?)’”]+)"
    body = re.sub(together, r'<span class="together">\1\2</span>', body, flags=re.DOTALL)
    return body.replace(FORMULA_STARTS, "").replace(FORMULA_ENDS, "")


def visit_block(translator, node: nodes.math_block) -> None:
    """A formula on a line of its own, with its number when it has a label."""
    shown = _render_or_warn(node.astext(), True, node)
    translator.body.append(translator.starttag(node, "div", "", CLASS="math-block notranslate nohighlight"))
    translator.body.append(shown)
    if node.get("number"):
        translator.body.append(f'<span class="eqno">({get_node_equation_number(translator, node)})')
        translator.add_permalink_ref(node, "Link to this equation")
        translator.body.append("</span>")
    translator.body.append("</div>\n")
    raise nodes.SkipNode


def setup(app) -> None:
    """Make KaTeX the way this site shows formulas."""
    app.add_html_math_renderer("llmkit-katex", (visit_inline, None), (visit_block, None))
