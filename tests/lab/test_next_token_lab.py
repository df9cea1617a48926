"""The next token in JupyterLab, with a real kernel: tales-gpt answers what is typed, is stepped and run."""

import re

import pytest

WIDGET = (
    "from llmkit import models\nfrom llmkit.widgets import NextToken\n"
    "loaded = models.load('tales-gpt')\nNextToken(loaded.model, loaded.tokenizer, 'Nora the fox', seed=3)"
)


@pytest.fixture(scope="module")
def notebook(lab):
    with lab.open(lab.write("next.ipynb", WIDGET)) as opened:
        opened.run_all(timeout=120)
        assert opened.errors() == []
        opened.output(0).locator(".nt-chip").first.wait_for(timeout=20_000)
        yield opened


def chips(notebook) -> list[str]:
    return notebook.output(0).locator(".nt-chip").all_inner_texts()


def wait_for_chips(notebook, least: int) -> None:
    notebook.page.wait_for_function(f"document.querySelectorAll('.jp-NotebookPanel .nt-chip').length >= {least}", timeout=20_000)


def test_what_is_typed_is_read_by_the_kernel(notebook):
    box = notebook.output(0).get_by_label("Your text")
    box.press("End")
    box.press_sequentially(" woke early")
    read = "[...document.querySelectorAll('.jp-NotebookPanel .nt-chip')].map((chip) => chip.textContent).join('')"
    notebook.page.wait_for_function(f"{read} === '<s>Nora·the·fox·woke·early'", timeout=20_000)
    assert re.match(r"tales-gpt on .+: \d+ tokens? read in [\d.]+ ms\.", notebook.output(0).locator(".nt-status").inner_text())


def test_step_adds_one_token_and_run_goes_on_until_it_is_paused(notebook):
    press = lambda name: notebook.output(0).get_by_role("button", name=name, exact=True).press("Enter")  # noqa: E731
    before = len(chips(notebook))
    press("Step")
    wait_for_chips(notebook, before + 1)
    assert len(chips(notebook)) == before + 1
    press("Run")
    wait_for_chips(notebook, before + 6)
    press("Pause")
    notebook.page.wait_for_timeout(500)
    rest = chips(notebook)
    notebook.page.wait_for_timeout(500)
    assert chips(notebook) == rest
    assert notebook.errors() == []


def test_a_slider_moved_by_keyboard_shapes_what_is_drawn_from(notebook):
    slider = notebook.output(0).get_by_role("slider", name="temperature")
    assert notebook.picture_changes(notebook.output(0), lambda: slider.press("ArrowRight"))
