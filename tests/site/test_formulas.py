"""Formulas are set while the site is built; a bad one is a warning with its place."""

import pytest

from llmkit.site import formulas


def test_a_formula_becomes_html_for_the_eye_and_mathml_for_the_ear():
    html = formulas.render(r"\frac{QK^\top}{\sqrt{d_k}}", display=True)
    assert "katex-display" in html
    assert "<mfrac>" in html and "<msqrt>" in html


@pytest.mark.parametrize("tex", [r"\frac{a", r"\nosuchcommand", "a_b_c"])
def test_a_formula_that_cannot_be_read_raises_with_the_place_inside_it(tex):
    with pytest.raises(formulas.FormulaError, match=r".+"):
        formulas.render(tex)


def test_inline_display_numbered_and_aligned_formulas_are_all_set(build):
    page, warnings = build(
        "# Title\n\nInline $x^2$.\n\n$$\ny = x\n$$ (eq-one)\n\nSee {eq}`eq-one`.\n\n"
        "\\begin{align}\na &= b \\\\\nc &= d\n\\end{align}\n"
    )
    assert warnings == ""
    assert page.count('class="katex"') == 3
    assert 'class="eqno">(1)' in page
    assert 'href="#equation-eq-one"' in page
    assert "katex.min.css" in page and "MathJax" not in page


def test_a_bad_formula_is_a_build_warning_with_file_and_line(build):
    _, warnings = build("# Title\n\nText.\n\n$$\n\\frac{a\n$$\n")
    assert "index.md:5" in warnings
    assert "KaTeX cannot read the formula" in warnings


def test_a_page_without_formulas_does_not_load_their_style(build):
    page, warnings = build("# Title\n\nText.\n")
    assert warnings == ""
    assert "katex" not in page


def test_an_unknown_widget_in_a_page_is_a_build_error_that_names_the_known_ones(build):
    _, warnings = build("# Title\n\n```{llmkit-widget} telescope\n```\n")
    assert "There is no widget called 'telescope'" in warnings
    assert "microscope" in warnings
