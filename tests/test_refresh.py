"""Refreshing stores what a lesson prints in one form only, or says why not."""

import nbformat
import pytest

from llmkit.refresh import (
    PAGE_MIME,
    VIEW_MIME,
    RefreshError,
    chosen,
    leaks,
    lessons,
    normalize,
    refresh,
    setup_cell,
)


def code(source, *outputs, **metadata):
    return nbformat.v4.new_code_cell(source, outputs=list(outputs), metadata=metadata, execution_count=7)


def book(tmp_path, *sources, config="title: a book\n"):
    """A tiny book with one lesson; returns the lesson's path."""
    tmp_path.mkdir(exist_ok=True)
    (tmp_path / "_config.yml").write_text(config)
    (tmp_path / "_toc.yml").write_text("root: book/intro\nparts:\n- chapters:\n  - file: lessons/1-a/01-one\n")
    path = tmp_path / "lessons" / "1-a" / "01-one.ipynb"
    path.parent.mkdir(parents=True)
    nbformat.write(nbformat.v4.new_notebook(cells=[nbformat.v4.new_code_cell(source) for source in sources]), path)
    return path


def test_a_lesson_stores_what_its_run_took_of_a_processor(tmp_path):
    path = book(tmp_path, "import time\nwhile time.process_time() < 1.5: pass")
    refresh(path, tmp_path)
    seconds = nbformat.read(path, as_version=4).metadata["llmkit"]["seconds"]
    assert 1 <= seconds <= 5


def test_refreshing_twice_leaves_the_same_bytes(tmp_path):
    path = book(tmp_path, "print('a'); import sys; sys.stdout.flush(); print('b')", "1 + 1",
                "import ipywidgets; import os; os.path.basename(os.getcwd())")
    assert refresh(path, tmp_path)[0] is True
    first = path.read_bytes()
    assert refresh(path, tmp_path)[0] is False
    assert path.read_bytes() == first
    notebook = nbformat.read(path, 4)
    assert [cell.execution_count for cell in notebook.cells] == [1, 2, 3]
    assert notebook.cells[0].outputs[0].text == "a\nb\n"
    assert notebook.cells[2].outputs[0].data["text/plain"] == "'1-a'"  # it runs in the lesson's folder


@pytest.mark.parametrize(("sources", "sentences"), [
    (["import os; print(os.path.expanduser('/home/someone/model'))", "object()", "import warnings; warnings.warn('old')"],
     ["path of this machine", "memory address", "writes a warning"]),
    (["1 / 0"], ["ZeroDivisionError"]),
])  # fmt: skip
def test_what_must_not_be_stored_is_named_and_the_file_stays(tmp_path, sources, sentences):
    path = book(tmp_path, *sources)
    before = path.read_bytes()
    with pytest.raises(RefreshError) as refused:
        refresh(path, tmp_path)
    assert all(sentence in str(refused.value) for sentence in sentences)
    assert path.read_bytes() == before


def test_normalizing_drops_what_depends_on_machine_day_or_chance():
    shown = nbformat.v4.new_output("display_data", {VIEW_MIME: {"model_id": "random"}, PAGE_MIME: {"name": "x"}})
    notebook = nbformat.v4.new_notebook(
        cells=[code("x", shown, execution={"iopub.status.busy": "2026-01-01"}, tags=["nbval-ignore-output"]), code("x")],
        metadata={"widgets": {"state": {}}, "kernelspec": {"name": "mine", "display_name": "Mine"}},
    )
    clean = normalize(notebook)
    assert set(clean.metadata) == {"kernelspec", "language_info"} and clean.metadata.kernelspec.name == "python3"
    assert clean.cells[0].metadata == {"tags": ["nbval-ignore-output"]}
    assert clean.cells[0].outputs[0].data == {PAGE_MIME: {"name": "x"}}
    assert len({cell.id for cell in clean.cells}) == 2 and normalize(notebook).cells[1].id == clean.cells[1].id
    assert VIEW_MIME in notebook.cells[0].outputs[0].data, "the notebook given is not changed"


def test_a_view_without_our_own_form_is_kept():
    shown = nbformat.v4.new_output("display_data", {VIEW_MIME: {"model_id": "random"}})
    assert VIEW_MIME in normalize(nbformat.v4.new_notebook(cells=[code("x", shown)])).cells[0].outputs[0].data


@pytest.mark.parametrize("text", ["see https://example.org/home/x", "a/b/c", "1/2", "~/models", "and/or", "w = 3/var/2"])
def test_what_only_looks_like_a_path_is_no_leak(text):
    assert leaks(nbformat.v4.new_notebook(cells=[code("x", nbformat.v4.new_output("stream", text=text))])) == []


def test_the_setup_cell_installs_from_the_checkout_until_the_repository_is_known(tmp_path):
    path = book(tmp_path, 'x = "LLMKIT_SOURCE"')
    assert '"../.."' in setup_cell(tmp_path)
    (tmp_path / "_config.yml").write_text("repository:\n  url: https://example.org/inside-llms/\n")
    assert 'get("LLMKIT_SOURCE", "git+https://example.org/inside-llms")' in setup_cell(tmp_path)
    assert lessons(tmp_path) == [path]


def test_a_lesson_is_named_by_its_path_below_lessons_wherever_the_checkout_lies(tmp_path):
    root = tmp_path / "08-lessons"
    path = book(root, "1")
    assert chosen([], root) == chosen(["01-o"], root) == chosen(["9", "1-a/01"], root) == [path]
    assert chosen(["08"], root) == chosen(["lessons"], root) == []
