"""The ladder in JupyterLab, with a real kernel: five models count in the page, and Python answers for the network."""

import pytest

HEARD = "from ipywidgets import IntText, link\nbox = IntText()\nlinked = link((ladder, 'picked'), (box, 'value'))\nbox"


@pytest.fixture(scope="module")
def notebook(lab):
    first = "import llmkit\nladder = llmkit.Ladder('Nora the fox')\nladder"
    with lab.open(lab.write("ladder.ipynb", first, "ladder.picked = 1", HEARD)) as opened:
        opened.run_all(timeout=120)
        assert opened.errors() == []
        opened.output(0).locator(".ld-chip").first.wait_for(timeout=20_000)
        yield opened


def read(notebook, text: str) -> None:
    """Wait until all six models have read the text."""
    tokens = "[...document.querySelectorAll('.jp-NotebookPanel .ld-chip')].map((chip) => chip.textContent).join('')"
    notebook.page.wait_for_function(f"{tokens} === '{text}' && !document.querySelector('.jp-NotebookPanel .ld-waiting')", timeout=20_000)


def test_what_is_typed_is_counted_in_the_page_and_read_by_the_kernel(notebook):
    read(notebook, "Nora·the·fox")
    notebook.output(0).get_by_label("Your text").fill("Otto the bear")
    read(notebook, "Otto·the·bear")
    assert "tales-gpt-mini on" in notebook.output(0).locator(".ld-status").inner_text()
    assert all(cost.endswith(" nats") for cost in notebook.output(0).locator(".ld-cost").all_inner_texts())
    assert notebook.errors() == []


def test_python_picks_a_model_and_hears_of_the_one_that_the_reader_picks(notebook):
    box = "document.querySelector('.jp-NotebookPanel .jp-OutputArea-output input[type=number]').value"
    notebook.page.wait_for_function(f"{box} === '1'", timeout=20_000)
    radio = notebook.output(0).get_by_role("radio", name="n = 2")
    assert radio.is_checked()  # by the second cell
    assert notebook.picture_changes(notebook.output(0), lambda: radio.press("ArrowRight"))
    assert notebook.output(0).locator(".ld-about").inner_text().startswith("The greatest surprise to n = 3")
    notebook.page.wait_for_function(f"{box} === '2'", timeout=20_000)
    assert notebook.errors() == []
