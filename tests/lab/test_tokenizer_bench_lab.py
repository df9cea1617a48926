"""The tokenizer bench in JupyterLab, with a real kernel: it learns in the page, and Python hears what the reader did."""

import pytest


@pytest.fixture(scope="module")
def notebook(lab):
    source = "import llmkit\nbench = llmkit.TokenizerBench(question=False)\nbench"
    with lab.open(lab.write("bench.ipynb", source)) as opened:
        opened.run_all(timeout=60)
        assert opened.errors() == []
        opened.output(0).locator(".llm[data-ready]").wait_for(timeout=20_000)
        yield opened


def test_the_arrow_keys_make_merges_and_stay_with_the_slider(notebook):
    slider = notebook.output(0).get_by_role("slider", name="merges")
    before = notebook.output(0).locator(".tb-token").count()
    assert notebook.picture_changes(notebook.output(0), lambda: slider.press("End"))
    assert notebook.output(0).locator(".tb-token").count() < before
    assert notebook.output(0).locator(".tb-words").inner_text().startswith("Merge 62 joins")
    assert notebook.errors() == []


def test_a_sentence_that_is_typed_is_cut(notebook):
    box = notebook.output(0).get_by_label("Your sentence", exact=True).first
    box.fill("the kite 猫")
    tokens = "[...document.querySelectorAll('.jp-NotebookPanel .tb-token')].map((one) => one.textContent).join('|')"
    notebook.page.wait_for_function(f"{tokens} === 't|he|·kite|·|E7|8C|AB'", timeout=20_000)
    assert notebook.errors() == []
