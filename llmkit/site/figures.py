"""The HTML of a live figure: a still picture, and the data from which the page host brings it to life."""

import json
import math
from functools import cache
from html import escape
from typing import Any
from xml.etree import ElementTree

from llmkit import widgets
from llmkit.widgets import bundle

TABLE_CELLS = 400  # a figure with more numbers than this gets no "show as table": nobody reads that


def inert_json(value: Any) -> str:
    """JSON that is safe inside a <script> element, whatever text it holds.

    >>> inert_json("</script>")
    '"\\\\u003c/script>"'
    """
    text = json.dumps(value, ensure_ascii=False, separators=(",", ":"))
    return text.replace("<", "\\u003c").replace("\u2028", "\\u2028").replace("\u2029", "\\u2029")


@cache
def widget_class(name: str) -> type | None:
    """The Python class of the widget called `name`, or None when this llmkit has no such widget.

    >>> widget_class("telescope") is None
    True
    """
    if name not in bundle.names():
        return None
    return getattr(widgets, "".join(part.title() for part in name.split("_")))


def widget_figure(page: dict[str, Any]) -> str:
    """A widget's stored bundle (see llmkit.widgets.base) as a figure, or as a sentence when it cannot live here."""
    problem = why_not(page)
    if problem:
        return f'<p class="llm-note" role="note">{escape(problem)}</p>'
    name, schema, widget = escape(page["name"]), int(page.get("schema", 1)), widget_class(page["name"])
    height, on_a_phone = widget.heights(page.get("state", {}))
    return (
        f'<figure class="llm-figure" data-llm-widget="{name}" data-llm-schema="{schema}" '
        f'aria-label="{escape(page.get("label", name))}" style="--height:{height}px;--height-on-a-phone:{on_a_phone}px">'
        f'<div class="llm-mount">{safe_picture(page.get("picture", ""))}</div>'
        f'<script type="application/json">{inert_json(page.get("state", {}))}</script></figure>'
    )


def why_not(page: Any) -> str | None:
    """The sentence to show in place of a figure that this build cannot bring to life; None when it can."""
    if not isinstance(page, dict) or "name" not in page:
        return "A figure belongs here, but its stored output cannot be read. Run the lesson again to restore it."
    widget = widget_class(page["name"])
    if widget is None:
        return f"A figure called {page['name']} belongs here, but this edition of the book does not have it."
    if int(page.get("schema", 1)) > widget.schema:
        return (
            f"The figure {page['name']} was stored by a newer edition of the book than this page. "
            "Update llmkit, or run the lesson again with this one."
        )
    return None


def safe_picture(svg: str) -> str:
    """The SVG when it is well formed and runs nothing, otherwise nothing: the live figure will follow."""
    try:
        root = ElementTree.fromstring(svg)
    except ElementTree.ParseError:
        return ""
    for element in root.iter():
        attributes = element.attrib.items()
        runs = any(key.lower().startswith("on") or "javascript:" in value.lower() for key, value in attributes)
        if runs or str(element.tag).rpartition("}")[2].lower() in ("script", "foreignobject"):
            return ""
    return svg


def plot_figure(spec: dict[str, Any]) -> str:
    """A Plotly figure that the page host draws when the reader comes near, with its numbers as a table."""
    layout = spec.get("layout", {})
    height = int(layout.get("height") or 420)
    title = layout.get("title", "")
    label = title.get("text", "") if isinstance(title, dict) else title
    label = f"{label}. Chart" if label else "Chart"
    return (
        f'<figure class="llm-figure llm-plot" data-llm-plot aria-label="{escape(label)}">'
        f'<div class="llm-mount" style="min-height:{height}px"></div>'
        f'<script type="application/json">{inert_json({"data": spec.get("data", []), "layout": layout})}</script>'
        f"{plot_table(spec)}</figure>"
    )


def plot_table(spec: dict[str, Any]) -> str:
    """The figure's numbers in a folded table, when there are few enough to read."""
    blocks = [_trace_table(trace, number) for number, trace in enumerate(spec.get("data", []), start=1)]
    blocks = [rows for rows in blocks if rows]
    cells = sum(len(row) for rows in blocks for row in rows)
    if not blocks or cells > TABLE_CELLS:
        return ""
    return f"<details><summary>Show as table</summary>{''.join(map(_html_table, blocks))}</details>"


def _trace_table(trace: dict[str, Any], number: int) -> list[list[str]]:
    name = trace.get("name") or f"series {number}"
    x, y, z = (_values(trace.get(axis)) for axis in "xyz")
    if z and isinstance(z[0], list):
        columns = x or list(range(len(z[0])))
        header = ["", *map(_show, columns)]
        rows = y or list(range(len(z)))
        return [header, *([_show(row), *map(_show, line)] for row, line in zip(rows, z, strict=False))]
    if x and y:
        return [["x", str(name)], *([_show(a), _show(b)] for a, b in zip(x, y, strict=False))]
    return []


def _values(column: Any) -> list:
    """A column as plain numbers; Plotly stores arrays as base64 with a dtype."""
    if isinstance(column, dict) and "bdata" in column:
        import base64

        import numpy

        array = numpy.frombuffer(base64.b64decode(column["bdata"]), dtype=column["dtype"])
        shape = [int(size) for size in str(column.get("shape", "")).split(",") if size.strip()]
        return array.reshape(shape).tolist() if shape else array.tolist()
    return list(column) if isinstance(column, list | tuple) else []


def _show(value: Any) -> str:
    if isinstance(value, float):
        return "" if math.isnan(value) else f"{value:.4g}"
    return "" if value is None else str(value)


def _html_table(rows: list[list[str]]) -> str:
    head = "".join(f'<th scope="col">{escape(cell)}</th>' for cell in rows[0])
    body = "".join("<tr>" + "".join(f"<td>{escape(cell)}</td>" for cell in row) + "</tr>" for row in rows[1:])
    return f"<table><thead><tr>{head}</tr></thead><tbody>{body}</tbody></table>"
