"""Every lesson keeps the rules of a notebook; and every rule, broken, is seen to be broken."""

import copy
from functools import cache

import nbformat
import pytest
import rules
from rules import IGNORED, RULES, Lesson

from llmkit.refresh import PAGE_MIME, ROOT, VIEW_MIME, lessons, normalize, setup_cell

LESSONS = lessons()


def test_the_table_of_contents_lists_every_notebook():
    assert sorted(LESSONS) == sorted(p for p in (ROOT / "lessons").rglob("*.ipynb") if "checkpoints" not in str(p))


@cache
def stored(path):
    """A lesson of the book, read once for all rules."""
    return Lesson.read(path)


@pytest.mark.parametrize("path", LESSONS, ids=lambda path: path.stem)
@pytest.mark.parametrize("rule", RULES, ids=lambda rule: rule.__name__)
def test_the_lesson_keeps_the_rule(rule, path):
    assert rule(stored(path)) == []


def markdown(source):
    return nbformat.v4.new_markdown_cell(source)


def code(source, *outputs, tags=()):
    return nbformat.v4.new_code_cell(source, outputs=list(outputs), metadata={"tags": list(tags)})


def printed(text):
    return nbformat.v4.new_output("stream", text=text)


@pytest.fixture
def good():
    """A small lesson that keeps every rule."""
    tasks = [code(f"exercise('01.{n}')\ncheck('01.{n}', None)") for n in range(1, 5)]
    lesson = normalize(nbformat.v4.new_notebook(cells=[
        markdown("# A lesson\n\nAfter it you can count.\n\nKnow first: nothing. Time: 20 minutes to read, a few seconds to run."),
        code(setup_cell(), printed("torch on the CPU"), tags=[IGNORED, "remove-cell"]),
        markdown("Watch `x!` and $n! = 1$, <kbd>Enter</kbd>, a < b.\n\n<details><summary>Why</summary>So</details>"),
        code("print(2)", printed("2\n"), tags=["remove-input"]),
        code("assert seconds < 9\nprint(seconds)", printed("8.1 s"), tags=[IGNORED]),
        markdown("## Here is the trap"), markdown("## Exercises"), *tasks,
        markdown("## Summary"), markdown("## What to read next"),
    ]))
    lesson.metadata["llmkit"] = {"seconds": 5}
    return lesson


def store(notebook, tmp_path, name="1-first/01-count.ipynb"):
    path = tmp_path / name
    path.parent.mkdir(parents=True, exist_ok=True)
    nbformat.write(notebook, path)
    return Lesson.read(path)


@pytest.mark.parametrize("rule", RULES, ids=lambda rule: rule.__name__)
def test_a_good_lesson_keeps_the_rule(rule, good, tmp_path):
    assert rule(store(good, tmp_path)) == []


def shows(**data):
    return nbformat.v4.new_output("display_data", data)


BROKEN = [  # (rule, cell to change or add, words of the complaint)
    (rules.plain_markdown, markdown("```{note}\nhello\n```"), "uses MyST"),
    (rules.plain_markdown, markdown("see {ref}`there`"), "uses MyST"),
    (rules.plain_markdown, markdown("(label)=\n## Here"), "uses MyST"),
    (rules.plain_markdown, markdown(":::{tip}\nhello\n:::"), "uses MyST"),
    (rules.plain_markdown, markdown("$$\na\n$$ (eq-1)"), "uses MyST"),
    (rules.plain_markdown, markdown("<div class='x'>hello</div>"), "uses HTML"),
    (rules.short_cells, code("\n".join("x = 1" for _ in range(20))), "has 20 lines"),
    (rules.refreshed, code("x"), "not numbered"),
    (rules.refreshed, code("1/0", nbformat.v4.new_output("error", ename="E", evalue="", traceback=[])), "stores an error"),
    (rules.no_leaks, code("x", printed("/home/someone/x")), "path of this machine"),
    (rules.no_leaks, code("x", printed("<object at 0x7f0012345678>")), "memory address"),
    (rules.views_have_a_page_form, code("x", shows(**{VIEW_MIME: {}})), "the site cannot"),
    (rules.views_have_a_page_form, code("x", shows(**{VIEW_MIME: {}, PAGE_MIME: {}})), "random id"),
    (rules.no_wall_clock, code("x", printed("done in 3.2 s")), "prints a time"),
    (rules.ignored_cells_assert, code("print(1)", tags=[IGNORED]), "asserts nothing"),
    (rules.exercises, code("exercise('01.5')"), "never checked"),
    (rules.exercises, code("exercise('02.1'); check('02.1', f)"), "does not belong"),
    (rules.finished_prose, markdown("Wonderful!"), "exclamation mark"),
    (rules.finished_prose, markdown("TODO: more"), "ships finished"),
    (rules.small, markdown("x" * 600_001), "at most 600 KB"),
]


@pytest.mark.parametrize(("rule", "cell", "complaint"), BROKEN, ids=lambda value: getattr(value, "__name__", None))
def test_a_broken_rule_is_named(rule, cell, complaint, good, tmp_path):
    good.cells.insert(3, copy.deepcopy(cell))
    assert any(complaint in sentence for sentence in rule(store(good, tmp_path)))


@pytest.mark.parametrize(("change", "rule", "complaint"), [
    (lambda nb: nb.metadata.update(widgets={"state": {}}), rules.clean_metadata, "widget state"),
    (lambda nb: nb.metadata.pop("kernelspec"), rules.clean_metadata, "not python3"),
    (lambda nb: nb.cells[3].metadata.update(execution={"a": "b"}), rules.clean_metadata, "when it was run"),
    (lambda nb: nb.cells[1].update(source="import llmkit"), rules.same_setup, "not the setup cell"),
    (lambda nb: nb.cells[1].metadata.pop("tags"), rules.same_setup, "tag it"),
    (lambda nb: nb.cells[1].metadata.update(tags=[IGNORED]), rules.first_screen, "tag it remove-cell"),
    (lambda nb: nb.cells[3].metadata.pop("tags"), rules.first_screen, "tag it remove-input"),
    (lambda nb: nb.cells[0].update(source="Hello"), rules.anatomy, "not a title"),
    (lambda nb: nb.cells[0].update(source="# Hello, 3 minutes to read"), rules.anatomy, "how long to run"),
    (lambda nb: nb.cells.pop(), rules.anatomy, "'read next'"),
    (lambda nb: nb.cells.append(nb.cells.pop(5)), rules.anatomy, "not in the order"),
    (lambda nb: nb.metadata.pop("llmkit"), rules.honest_time, "no run time is stored"),
    (lambda nb: nb.metadata.update(llmkit={"seconds": 21}), rules.honest_time, "promises a few seconds, and a run took 21 s"),
    (lambda nb: nb.cells[0].update(source="# A lesson, 5 seconds to run"), rules.honest_time, "promises no run time"),
    (lambda nb: nb.cells.pop(7), rules.exercises, "it has 3 exercises"),
])
def test_a_lesson_with_a_part_missing_is_named(change, rule, complaint, good, tmp_path):
    change(good)
    assert any(complaint in sentence for sentence in rule(store(good, tmp_path)))


def test_a_lesson_has_an_address_that_can_stay(good, tmp_path):
    assert rules.named(store(good, tmp_path, "2-attention/05-x.ipynb")) == []
    assert "no address" in rules.named(store(good, tmp_path, "attention/Lesson 5.ipynb"))[0]


def test_every_rule_was_seen_to_fail():
    shown = {rule for rule, *_ in BROKEN} | {rules.clean_metadata, rules.same_setup, rules.first_screen, rules.anatomy, rules.honest_time, rules.named}
    assert shown == set(RULES)
