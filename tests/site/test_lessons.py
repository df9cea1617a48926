"""The list of lessons on the home page: made from the lessons themselves."""

from pathlib import Path

import pytest
from nbformat.v4 import new_markdown_cell, new_notebook, writes

from llmkit.refresh import lessons
from llmkit.site.lessons import as_markdown, chapters, facts

ROOT = Path(__file__).parents[2]


def lesson(folder: Path, first: str, **metadata) -> Path:
    path = folder / "lessons" / "1-a" / "01-one.ipynb"
    path.parent.mkdir(parents=True)
    path.write_text(writes(new_notebook(cells=[new_markdown_cell(first)], metadata=metadata)), "utf-8")
    return path


def test_the_list_is_made_of_first_cells_and_of_real_runs(tmp_path):
    lesson(tmp_path, "# One\n\nYou will count.\n\n**Lesson 01** · 20 minutes to read, half a minute to run", llmkit={"seconds": 12})
    (tmp_path / "_toc.yml").write_text("parts:\n- caption: Begin\n  chapters:\n  - file: book/notation\n- caption: First\n  chapters:\n  - file: lessons/1-a/01-one\n")
    shown = "**First**\n\n- [One](../lessons/1-a/01-one.ipynb). You will count.\\\n  *Lesson 01 · 20 minutes to read, 12 s to run*\n"
    assert as_markdown(tmp_path, tmp_path / "book") == shown


def test_a_lesson_without_facts_is_named(tmp_path):
    with pytest.raises(ValueError, match=r"first cell of 01-one\.ipynb is not title, promise and facts"):
        facts(lesson(tmp_path, "# One"))


def test_every_lesson_of_the_book_is_listed_with_its_seconds():
    listed = [path for paths in chapters(ROOT).values() for path in paths]
    assert listed == lessons(ROOT)
    assert all(facts(path).seconds for path in listed)


def test_the_home_page_shows_them_all(built_site):
    page = (built_site / "book" / "intro.html").read_text("utf-8")
    for path in lessons(ROOT):
        address = path.relative_to(ROOT).with_suffix(".html").as_posix()
        assert f'href="../{address}"' in page and f"{facts(path).minutes} minutes to read, {facts(path).seconds} s to run" in page
