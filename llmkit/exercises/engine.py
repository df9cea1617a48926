"""The two names a lesson uses: `exercise` shows a card, `check` answers back.

Neither ever raises in the reader's notebook, and what they display is the same on every machine.
"""

import traceback
from collections.abc import Callable
from dataclasses import dataclass

from llmkit.exercises.card import Exercise, find, lessons, message
from llmkit.exercises.judge import Attempt, attempt, cannot_be_called, is_stub, reader_line, recognize
from llmkit.exercises.progress import record
from llmkit.exercises.show import Note, Shown, code, comparison, inputs, listing, shape, tolerance

NOT_ATTEMPTED, CORRECT, INCORRECT, ERROR = "not attempted", "correct", "incorrect", "error"
HEADLINES = {NOT_ATTEMPTED: "Not attempted", CORRECT: "Correct", INCORRECT: "Not right yet", ERROR: "Error"}
PRINTED = 1000  # characters of the reader's own printing that are shown


@dataclass(frozen=True, repr=False)
class Verdict(Shown):
    """What `check` found out: one of four outcomes, and paragraphs that explain it."""

    id: str
    outcome: str
    paragraphs: tuple[str, ...]

    def markdown(self) -> str:
        first, *rest = self.paragraphs
        return "\n\n".join([f"**{self.id} · {HEADLINES[self.outcome]}.** {first}", *rest])


def exercise(exercise_id: str) -> Exercise | Note:
    """The card of one exercise: task, stars, minutes, hints and solution folded.

    >>> exercise("05.1").title
    'Attention weights'
    """
    return find(exercise_id) or unknown(exercise_id)


def check(exercise_id: str, function: Callable) -> Verdict | Note:
    """Try the reader's function on every case of the exercise and say what was found.

    The outcome is "not attempted" while the function raises NotImplementedError, then "correct",
    "incorrect" or "error". An attempt is counted in the progress file, if there can be one.

    >>> def attention_weights(query, key):
    ...     raise NotImplementedError
    >>> check("05.1", attention_weights).outcome
    'not attempted'
    """
    chosen = find(exercise_id)
    if chosen is None:
        return unknown(exercise_id)
    verdict = judge(chosen, function)
    if verdict.outcome == NOT_ATTEMPTED:
        return verdict
    notice = record(chosen.id, solved=verdict.outcome == CORRECT)
    return Verdict(verdict.id, verdict.outcome, (*verdict.paragraphs, *([notice] if notice else [])))


def judge(chosen: Exercise, function: Callable) -> Verdict:
    """The verdict, without counting it."""
    refusal = cannot_be_called(chosen, function)
    if refusal:
        return Verdict(chosen.id, ERROR, (refusal,))
    attempts = []
    for case in chosen.cases():
        attempts.append(attempt(chosen, function, case))
        if is_stub(attempts[-1].error, function):
            line = f"Replace `raise NotImplementedError` in `{chosen.name}` with your answer, and run the cell again."
            return Verdict(chosen.id, NOT_ATTEMPTED, (line,))
        if isinstance(attempts[-1].error, KeyboardInterrupt):
            break  # the reader wants it to stop
    failing = [one for one in attempts if one.fault]
    if not failing and any(one.shortcut for one in attempts):
        return Verdict(chosen.id, INCORRECT, (message(chosen.shortcut),))
    if not failing:
        return Verdict(chosen.id, CORRECT, correct(chosen, attempts))
    if failing[0].error is not None:
        return Verdict(chosen.id, ERROR, stopped(function, attempts, failing[0]))
    return Verdict(chosen.id, INCORRECT, incorrect(chosen, attempts, failing[0]))


def correct(chosen: Exercise, attempts: list[Attempt]) -> tuple[str, ...]:
    """A short confirmation, and what the reader now has."""
    first = (
        f"All {len(attempts)} inputs give the expected numbers, to within `{tolerance(chosen.tolerance)}`."
    )
    return tuple(part for part in (first, chosen.afterword, printed(attempts[0])) if part)


def incorrect(chosen: Exercise, attempts: list[Attempt], first: Attempt) -> tuple[str, ...]:
    """The likely mistake, then input, got and expected."""
    sentences = recognize(chosen, attempts)
    where = f"{tally(attempts)} The first that failed: {first.case.name}."
    blocks = [inputs(first.case.inputs)]
    if first.wrong:
        part = first.wrong[0]
        blocks.append(comparison(chosen.returns[part], first.answer[part], first.expected[part]))
    hint = "" if sentences else batch_hint(attempts)
    explanation = "\n\n".join(sentences) or first.fault
    return tuple(p for p in (explanation, hint, where, code("\n\n".join(blocks)), printed(first)) if p)


def stopped(function: Callable, attempts: list[Attempt], first: Attempt) -> tuple[str, ...]:
    """The reader's own exception, with its line, and the shapes that led to it."""
    error, line = first.error, reader_line(first.error, function)
    if isinstance(error, KeyboardInterrupt):
        what, text = "You interrupted your function", "KeyboardInterrupt"
    else:
        what, text = "Your function stopped", explain(error)
    source = f"{line.line}\n" if line and line.line else ""
    at = f" in line {line.lineno} of its cell" if line else ""
    given = listing([f"`{name}` of shape {shape(tensor)}" for name, tensor in first.case.inputs.items()])
    where = f"It was called with {given}; numbers are float64. {tally(attempts)}"
    return tuple(
        p for p in (f"{what}{at}:", code(source + text), where, batch_hint(attempts), printed(first)) if p
    )


def explain(error: BaseException) -> str:
    """The error's name and the first line of what it says."""
    return traceback.format_exception_only(error)[0].strip().splitlines()[0]


def tally(attempts: list[Attempt]) -> str:
    right = sum(not one.fault for one in attempts)
    return f"{right} of {len(attempts)} inputs came out right."


def batch_hint(attempts: list[Attempt]) -> str:
    """Said when a function is right for plain matrices and wrong as soon as there is a batch."""
    if any(one.case.has_batch != bool(one.fault) for one in attempts):
        return ""
    return (
        "Single matrices come out right; inputs with batch dimensions in front do not. "
        "Count axes from the end: `dim=-1`, `shape[-1]`, and `.mT` (which swaps the last two axes) in place of `.T`."
    )


def printed(one: Attempt) -> str:
    """What the reader's function printed on this input, cut to a readable length."""
    text = one.printed.strip()
    if not text:
        return ""
    cut = text if len(text) <= PRINTED else text[:PRINTED] + "\n(cut here)"
    return "Your function printed, on this input:\n\n" + code(cut)


def unknown(exercise_id: str) -> Note:
    """The sentence for a number that does not exist, with those that do."""
    ids = [one.id for lesson in lessons() for one in lesson.exercises]
    bare = str(exercise_id).strip().lstrip("0")
    meant = "".join(f' Did you mean "{one}"?' for one in ids if one.lstrip("0") == bare)
    return Note(f"There is no exercise {exercise_id!r}.{meant} These exist: {', '.join(ids)}.")
