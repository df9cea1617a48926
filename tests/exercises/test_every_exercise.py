"""What holds for every exercise of every lesson; a new lesson file is covered as soon as it exists."""

import re

import pytest
import torch

from llmkit.exercises.card import lessons, message
from llmkit.exercises.engine import CORRECT, INCORRECT, NOT_ATTEMPTED, judge
from llmkit.exercises.judge import same, unpack

LESSONS = lessons()
EXERCISES = [exercise for lesson in LESSONS for exercise in lesson.exercises]
MISTAKES = [(exercise, mistake) for exercise in EXERCISES for mistake in exercise.mistakes]


def name(thing):
    return getattr(thing, "id", None) or getattr(thing, "__name__", str(thing))


every_exercise = pytest.mark.parametrize("exercise", EXERCISES, ids=name)
every_mistake = pytest.mark.parametrize("exercise, mistake", MISTAKES, ids=name)


def test_lesson_05_has_its_five_exercises():
    assert [exercise.id for exercise in EXERCISES if exercise.id.startswith("05.")] == ["05.1", "05.2", "05.3", "05.4", "05.5"]


def test_ids_are_unique_and_belong_to_their_lesson():
    ids = [exercise.id for exercise in EXERCISES]
    assert len(ids) == len(set(ids))
    assert all(one.id.startswith(f"{lesson.number}.") for lesson in LESSONS for one in lesson.exercises)


@every_exercise
def test_the_solution_passes(exercise):
    assert judge(exercise, exercise.solution).outcome == CORRECT


@every_exercise
def test_the_solution_also_works_in_single_precision(exercise):
    for case in exercise.cases():
        inputs = [tensor.float() if tensor.is_floating_point() else tensor for tensor in case.fresh()]
        double, single = exercise.solution(*case.fresh()), exercise.solution(*inputs)
        for expected, got in zip(unpack(exercise, double), unpack(exercise, single), strict=True):
            assert same(got, expected, 1e-3 if expected.abs().max() > 1 else 1e-4)


@every_exercise
def test_the_stub_is_not_attempted(exercise):
    scope = {}
    exec(exercise.stub, scope)
    verdict = judge(exercise, scope[exercise.name])
    assert verdict.outcome == NOT_ATTEMPTED
    assert exercise.name in repr(verdict)


@every_exercise
def test_the_solution_shown_is_code_that_runs_on_its_own(exercise):
    scope = {}
    exec("import math\nimport torch\n\n" + exercise.source, scope)
    assert judge(exercise, scope[exercise.name]).outcome == CORRECT


@every_exercise
def test_the_solution_fits_the_published_page_without_scrolling(exercise):
    assert max(map(len, exercise.source.splitlines())) <= 76


@every_mistake
def test_a_wrong_answer_fails_with_its_own_message(exercise, mistake):
    verdict = judge(exercise, mistake)
    assert verdict.outcome == INCORRECT
    assert verdict.paragraphs[0] == message(mistake)


@every_exercise
def test_every_exercise_knows_at_least_two_mistakes_and_no_two_say_the_same(exercise):
    sentences = [message(mistake) for mistake in exercise.mistakes]
    assert len(sentences) >= 2
    assert len(set(sentences)) == len(sentences)


@every_exercise
def test_properties_hold_for_what_is_expected(exercise):
    for case in exercise.cases():
        answer = unpack(exercise, (exercise.reference or exercise.solution)(*case.fresh()))
        assert all(holds(*answer) for holds in exercise.properties)


@every_exercise
def test_inputs_are_several_shapes_with_and_without_a_batch_and_the_same_every_time(exercise):
    cases, again = exercise.cases(), exercise.cases()
    assert len({tuple(tuple(t.shape) for t in case.inputs.values()) for case in cases}) >= 3
    assert {case.has_batch for case in cases} == {True, False}
    assert not cases[0].has_batch
    for one, other in zip(cases, again, strict=True):
        assert all(torch.equal(a, b) for a, b in zip(one.fresh(), other.fresh(), strict=True))


def test_inputs_do_not_depend_on_the_readers_seed_or_settings():
    exercise, state = EXERCISES[0], torch.get_rng_state()
    before = [case.fresh() for case in exercise.cases()]
    try:
        torch.set_default_dtype(torch.float16)
        torch.manual_seed(123)
        after = [case.fresh() for case in exercise.cases()]
    finally:
        torch.set_default_dtype(torch.float32)
        torch.set_rng_state(state)
    assert all(
        torch.equal(a, b) for x, y in zip(before, after, strict=True) for a, b in zip(x, y, strict=True)
    )


# The card -------------------------------------------------------------------------------------------


@every_exercise
def test_the_card_is_markdown_and_plain_text_and_never_html(exercise):
    bundle = exercise._repr_mimebundle_()
    assert set(bundle) == {"text/markdown", "text/plain"}
    outside = re.sub(r"```.*?```|`[^`\n]*`", "", bundle["text/markdown"], flags=re.DOTALL)
    assert set(re.findall(r"<[^>]*>", outside)) == {"<details>", "</details>", "<summary>", "</summary>"}


@every_exercise
def test_the_card_folds_every_hint_and_the_solution(exercise):
    card = exercise.markdown()
    assert card.count("<details>") == card.count("</details>") == len(exercise.hints) + 1
    folds = re.findall(r"\n\n<details>\n<summary>([^<]+)</summary>\n\n(.+?)\n\n</details>", card, re.DOTALL)
    assert [summary for summary, _ in folds] == [f"Hint {n + 1}" for n in range(len(exercise.hints))] + [
        "Solution"
    ]
    assert exercise.source in folds[-1][1]
    before_the_folds = card.split("<details>")[0]
    assert exercise.source not in before_the_folds and exercise.task.strip() in before_the_folds


@every_exercise
def test_the_card_renders_without_leftovers(exercise):
    """Read as the published page reads it: every formula a formula, every fence a block of code."""
    from markdown_it import MarkdownIt
    from mdit_py_plugins.dollarmath import dollarmath_plugin

    tokens = MarkdownIt("commonmark").use(dollarmath_plugin).parse(exercise.markdown())
    leaves = [leaf for token in tokens for leaf in (token.children or [token])]
    text = "".join(leaf.content for leaf in leaves if leaf.type == "text")
    assert not re.search(r"[$\\*`]", text)
    assert [leaf.info for leaf in leaves if leaf.type == "fence"] == ["python"]
    assert not any(leaf.type == "heading_open" for leaf in leaves)


def spoken(exercise):
    """The functions whose docstrings readers get to see."""
    return [*exercise.mistakes, *exercise.properties, *([exercise.shortcut] if exercise.shortcut else [])]


@every_exercise
def test_the_text_keeps_the_books_manners(exercise):
    words = " ".join(
        [exercise.title, exercise.task, *exercise.hints, exercise.afterword, *map(message, spoken(exercise))]
    )
    assert "!" not in words.replace(r"\!", "")
    assert not re.search(r"\b(simply|just|obviously|trivial|easy|easily|clearly)\b", words, re.IGNORECASE)
    assert not re.search(r"\b(TODO|coming soon)\b", words, re.IGNORECASE)
    assert 1 <= exercise.stars <= 3 and len(exercise.hints) >= 2


@every_exercise
def test_without_markdown_the_card_does_not_give_the_answer_away(exercise):
    assert exercise.source.splitlines()[-1].strip() not in repr(exercise)
    assert "hints[0]" in repr(exercise) and exercise.title in repr(exercise)
