"""Every number on the page of questions and answers is printed by the lesson that its answer names."""

import re
from functools import cache
from pathlib import Path

import nbformat
import pytest

ROOT = Path(__file__).parents[2]
PAGE = ROOT / "book" / "faq.md"
NUMBER = re.compile(r"(?<![\w.])\d+(?:,\d{3})*(?:\.\d+)?(?![\w%]*\w)")
LESSON = re.compile(r"\[[Ll]esson \d\d\]\(([^)]+\.ipynb)\)")
NOT_PROSE = re.compile(r"\$[^$]+\$|`[^`]+`|\[[Ll]esson \d\d\]\([^)]+\)|\bsections? \d+|\b(?:float|bfloat)\d+|\d\d\d\d\)")


def questions() -> dict[str, str]:
    """{question: answer}."""
    parts = re.split(r"^## (.+)$", PAGE.read_text("utf-8"), flags=re.MULTILINE)[1:]
    return dict(zip(parts[::2], parts[1::2], strict=True))


@cache
def told_by(lesson: Path) -> str:
    """What the cells of a lesson say: their code and what it printed."""
    cells = [cell for cell in nbformat.read(lesson, as_version=4).cells if cell.cell_type == "code"]
    printed = [output.get("text", "") for cell in cells for output in cell.outputs]
    return "\n".join(cell.source for cell in cells) + "\n".join(printed)


def missing(answer: str) -> list[str]:
    """The numbers of an answer that no lesson named in it prints."""
    told = "\n".join(told_by((PAGE.parent / address).resolve()) for address in LESSON.findall(answer))
    said = {number.replace(",", "").replace("_", "") for number in NUMBER.findall(told.replace("_", ""))}
    return [number for number in NUMBER.findall(NOT_PROSE.sub(" ", answer)) if number.replace(",", "") not in said]


@pytest.mark.parametrize("question", questions())
def test_an_answer_names_its_lesson_and_every_number_in_it_is_printed_there(question):
    answer = questions()[question]
    assert question.endswith("?")
    assert LESSON.search(answer), "name the lesson that measures it: [lesson 05](../lessons/...)"
    assert missing(answer) == []


def test_a_number_that_no_cell_prints_is_found():
    question, answer = next(iter(questions().items()))
    assert missing(answer.replace("1.8 nats", "1.9 nats")) == ["1.9"], question


def test_every_lesson_answers_a_question():
    asked = {(PAGE.parent / address).resolve() for answer in questions().values() for address in LESSON.findall(answer)}
    assert asked == set((ROOT / "lessons").rglob("[0-9]*.ipynb"))
