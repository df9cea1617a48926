"""Stored outputs become figures that are safe, sized, and honest when they cannot live."""

import json
import re

import plotly.graph_objects as go
import pytest

from llmkit.site import figures
from llmkit.site.render import PLOTLY_MIME, WIDGET_MIME, PageRenderer
from llmkit.widgets import Microscope

HOSTILE = ["<script>alert(1)</script>", "</script>", "<!--", '"><img src=x onerror=alert(1)>']


class Output:
    """What MyST-NB hands to a renderer."""

    def __init__(self, mime_type, content):
        self.mime_type, self.content = mime_type, content


def state_in(html: str) -> dict:
    return json.loads(re.search(r'<script type="application/json">(.*?)</script>', html, re.DOTALL)[1])


def test_a_widget_becomes_a_figure_with_picture_state_and_reserved_height():
    page = Microscope().page_bundle()
    (node,) = PageRenderer.handle_mime(None, Output(WIDGET_MIME, page), inline=False)
    html = node.astext()
    assert 'data-llm-widget="microscope"' in html
    assert f"--height:{page['height']}px;" in html
    assert page["picture"] in html
    assert state_in(html) == page["state"]


def test_hostile_text_in_state_stays_text_and_cannot_end_the_script_element():
    page = Microscope(tokens=HOSTILE, query=[[1, 0]] * 4, key=[[1, 0]] * 4, value=[[1, 0]] * 4).page_bundle()
    html = figures.widget_figure(page)
    assert state_in(html)["tokens"] == HOSTILE
    assert html.count("</script>") == 1
    assert "<script>alert" not in html
    assert "<img" not in html


@pytest.mark.parametrize(
    "picture",
    [
        "<svg xmlns='http://www.w3.org/2000/svg'><script>alert(1)</script></svg>",
        "<svg xmlns='http://www.w3.org/2000/svg' onload='alert(1)'/>",
        "<svg xmlns='http://www.w3.org/2000/svg'><a href='javascript:alert(1)'/></svg>",
        "<svg><unclosed></svg>",
    ],
)
def test_a_picture_that_could_run_something_or_is_broken_is_left_out(picture):
    assert figures.safe_picture(picture) == ""


def test_a_newer_schema_becomes_a_sentence_that_says_what_to_do():
    page = {**Microscope().page_bundle(), "schema": Microscope.schema + 1}
    html = figures.widget_figure(page)
    assert "<figure" not in html
    assert "newer edition" in html and "Update llmkit" in html


@pytest.mark.parametrize("page", [{"name": "telescope", "schema": 1}, {}, "text"])
def test_an_unknown_or_unreadable_widget_becomes_a_sentence(page):
    html = figures.widget_figure(page)
    assert html.startswith('<p class="llm-note"') and html.endswith("</p>")


def test_a_plot_keeps_its_data_and_shows_few_numbers_as_a_table():
    chart = go.Figure(go.Scatter(x=[1, 2, 3], y=[0.5, 0.25, 0.125], name="entropy"), {"title": "Width", "height": 300})
    (node,) = PageRenderer.handle_mime(None, Output(PLOTLY_MIME, json.loads(chart.to_json())), inline=False)
    html = node.astext()
    assert state_in(html)["data"][0]["name"] == "entropy"
    assert "min-height:300px" in html
    assert 'aria-label="Width. Chart"' in html
    for cell in ("<th scope=\"col\">entropy</th>", "<td>0.25</td>", "<td>0.125</td>"):
        assert cell in html


def test_a_plot_of_arrays_stored_as_base64_gets_the_same_table():
    import numpy

    plain = go.Figure(go.Heatmap(z=[[0.0, 0.5], [0.25, 1.0]])).to_dict()
    packed = json.loads(go.Figure(go.Heatmap(z=numpy.array([[0.0, 0.5], [0.25, 1.0]]))).to_json())
    assert "bdata" in packed["data"][0]["z"]
    assert figures.plot_table(packed) == figures.plot_table(json.loads(json.dumps(plain, default=list)))


def test_a_plot_of_many_numbers_gets_no_table():
    many = list(range(figures.TABLE_CELLS))
    assert figures.plot_table({"data": [{"x": many, "y": many}]}) == ""


def test_our_kinds_of_output_come_before_the_widget_view_and_others_are_left_alone():
    from myst_nb.core.render import get_mime_priority

    order = get_mime_priority("html", [])
    assert order.index(WIDGET_MIME) < order.index("application/vnd.jupyter.widget-view+json")
    assert order.index(PLOTLY_MIME) < order.index("text/html")
    assert PageRenderer.handle_mime(None, Output("text/html", "x"), inline=False) is None
