"""The alignment in JupyterLab, with a real kernel: computed in the page, and Python hears what the reader did."""

import pytest


@pytest.fixture(scope="module")
def notebook(lab):
    source = "import llmkit\nshown = llmkit.Alignment(question=False)\nshown"
    with lab.open(lab.write("alignment.ipynb", source)) as opened:
        opened.run_all(timeout=60)
        assert opened.errors() == []
        opened.output(0).locator(".al-tally").first.wait_for(timeout=20_000)
        yield opened


def test_a_string_that_is_typed_is_written_backwards(notebook):
    notebook.output(0).get_by_label("Your string").fill("notebook")
    written = "[...document.querySelectorAll('.jp-NotebookPanel .al-panel:last-child .al-rows bdi')].map((one) => one.textContent).join('')"
    notebook.page.wait_for_function(f"{written} === 'koobeton'", timeout=20_000)
    assert notebook.errors() == []


def test_the_arrow_keys_scrub_and_stay_with_the_slider(notebook):
    slider = notebook.output(0).get_by_role("slider", name="letters written")
    assert notebook.picture_changes(notebook.output(0), lambda: slider.press("Home"))
    assert notebook.output(0).locator(".al-tally").first.inner_text() == "0 of 0 right"
    assert notebook.errors() == []
