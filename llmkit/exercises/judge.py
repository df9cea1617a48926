"""Run a reader's function on every case, compare, and name the likely mistake."""

import contextlib
import inspect
import io
import traceback
from collections.abc import Callable
from dataclasses import dataclass

import torch
from torch import Tensor
from torch.overrides import TorchFunctionMode

from llmkit.exercises.card import Case, Exercise, message
from llmkit.exercises.show import listing, shape, tolerance

SINGLE_PRECISION = 1e-4  # agreement this close, though not within the tolerance, means float32 or worse
SAME_MISTAKE = 1e-5  # wrong numbers this close to a known mistake's were made by that mistake


@dataclass(frozen=True, eq=False)
class Attempt:
    """What came of one call of the reader's function."""

    case: Case
    expected: tuple[Tensor, ...]
    answer: tuple[Tensor, ...] | None = None  # float64, on the CPU; None when there was nothing to compare
    error: BaseException | None = None
    fault: str = ""  # what is wrong, in a sentence; empty when nothing is
    wrong: tuple[int, ...] = ()  # which parts of the answer differ
    printed: str = ""
    shortcut: bool = False  # it called the very function that the exercise asks for


class Watch(TorchFunctionMode):
    """Notes the names of the torch functions that are called meanwhile, and lets them do their work."""

    def __init__(self):
        super().__init__()
        self.names: set[str] = set()

    def __torch_function__(self, function, types, args=(), kwargs=None):
        self.names.add(getattr(function, "__name__", ""))
        return function(*args, **(kwargs or {}))


def attempt(exercise: Exercise, function: Callable, case: Case) -> Attempt:
    """Call the function once and compare; what it raises or prints is kept, never let through."""
    expected = unpack(exercise, (exercise.reference or exercise.solution)(*case.fresh()))
    given, printed, watch = case.fresh(), io.StringIO(), Watch()
    try:
        with contextlib.redirect_stdout(printed), watch:
            result = function(*given)
    except (Exception, KeyboardInterrupt, SystemExit) as error:
        return Attempt(case, expected, error=error, fault="stopped", printed=printed.getvalue())
    fault = unusable(exercise, result)
    if fault:
        return Attempt(case, expected, fault=fault, printed=printed.getvalue())
    answer = unpack(exercise, result)
    wrong = tuple(
        i
        for i, (got, want) in enumerate(zip(answer, expected, strict=True))
        if not same(got, want, exercise.tolerance)
    )
    fault = differs(exercise, answer, expected, wrong) if wrong else changed(case, given)
    shortcut = exercise.shortcut is not None and any(map(exercise.shortcut, watch.names))
    return Attempt(case, expected, answer, None, fault, wrong, printed.getvalue(), shortcut)


def unpack(exercise: Exercise, result) -> tuple[Tensor, ...]:
    """The parts of an answer as float64 on the CPU, whatever they were computed in."""
    parts = (result,) if len(exercise.returns) == 1 else tuple(result)
    return tuple(part.detach().to("cpu", torch.float64).clone() for part in parts)


def same(got: Tensor, expected: Tensor, within: float) -> bool:
    """Equal shapes, and numbers that differ by at most `within * (1 + |expected|)`; NaN equals NaN."""
    if got.shape != expected.shape:
        return False
    return torch.allclose(got, expected, rtol=within, atol=within, equal_nan=True)


def unusable(exercise: Exercise, result) -> str:
    """Why this is not an answer that can be compared, or an empty string."""
    wanted = exercise.returns
    if result is None:
        return "Your function returned None. Does its last line begin with `return`?"
    if len(wanted) > 1:
        if not isinstance(result, tuple | list) or len(result) != len(wanted):
            got = f"{len(result)} things" if isinstance(result, tuple | list) else kind(result)
            return f"Your function should return {len(wanted)} tensors, {listing(list(wanted))}; it returned {got}."
        results = result
    elif isinstance(result, tuple) and len(result) == 1:
        return (
            "Your function returned a tuple with one entry. Is there a comma at the end of the `return` line?"
        )
    else:
        results = (result,)
    for name, part in zip(wanted, results, strict=True):
        if not isinstance(part, Tensor):
            return f"`{name}` should be a torch.Tensor; your function returned {kind(part)}."
        if part.is_complex() or part.layout != torch.strided:
            return f"`{name}` should be an ordinary tensor of real numbers; yours is {part.dtype}, {part.layout}."
    return ""


def kind(thing) -> str:
    """
    >>> kind([1]), kind(1), kind(None)
    ('a list', 'an int', 'None')
    """
    name = type(thing).__name__
    return "None" if thing is None else f"{'an' if name[0] in 'aeiou' else 'a'} {name}"


def differs(exercise: Exercise, answer, expected, wrong) -> str:
    """What can be said about wrong numbers without knowing where they came from."""
    first = wrong[0]
    name, got, want = exercise.returns[first], answer[first], expected[first]
    if got.shape != want.shape:
        return f"`{name}` should have shape {shape(want)}; yours has {shape(got)}."
    if all(same(answer[i], expected[i], SINGLE_PRECISION) for i in wrong):
        return (
            f"Your numbers are right to single precision, but this check asks for `{tolerance(exercise.tolerance)}`, and the "
            "inputs are float64. Some step runs in float32: create new tensors with `dtype=query.dtype`, and leave "
            "out `.float()`."
        )
    bad = got.isnan() & ~want.isnan()
    if bad.any():
        return f"`{name}` contains NaN, {int(bad.sum())} of {got.numel()} numbers."
    shapes_are_right = all(one.shape == other.shape for one, other in zip(answer, expected, strict=True))
    for holds in exercise.properties if shapes_are_right else ():
        if not holds(*answer):
            return message(holds)
    apart = (got - want).abs().max()
    return (
        f"`{name}` has the right shape, but its numbers differ from what is expected, by up to {apart:.2g}."
    )


def changed(case: Case, given: tuple[Tensor, ...]) -> str:
    """A right answer may still have spoiled what it was given."""
    for (name, original), now in zip(case.inputs.items(), given, strict=True):
        if original.shape != now.shape or not torch.equal(original, now):
            return (
                f"The numbers are right, but your function changed its input `{name}` on the way, and its caller "
                "may still need it. Look for `-=`, `/=`, an assignment to `[...]`, or a method whose name ends in `_`."
            )
    return ""


def recognize(exercise: Exercise, attempts: list[Attempt]) -> list[str]:
    """The sentences of the known mistakes that explain the first wrong answer.

    Each part of the answer is explained on its own. A mistake explains a part when it computes the same
    wrong numbers on the first failing input and on at least half of all that failed, so that a coincidence
    is not enough; among several, the one that agrees on most inputs is named.
    """
    failing = [one for one in attempts if one.fault]
    first, sentences = failing[0], []
    for part in first.wrong:
        if same(first.answer[part], first.expected[part], SINGLE_PRECISION):
            continue  # rounding, which `differs` tells about
        agreement = {}
        for mistake in exercise.mistakes:
            if not agrees(exercise, mistake, first, part):
                continue
            alike = [one for one in attempts if agrees(exercise, mistake, one, part)]
            if 2 * sum(one in alike for one in failing) >= len(failing):
                agreement[mistake] = len(alike)
        if agreement:
            sentences.append(message(max(agreement, key=agreement.get)))
    return list(dict.fromkeys(sentences))


def agrees(exercise: Exercise, mistake: Callable, one: Attempt, part: int) -> bool:
    """Whether the mistake and the reader's function do the same on this input."""
    try:
        theirs = unpack(exercise, mistake(*one.case.fresh()))[part]
    except RuntimeError:  # shapes that do not fit: the mistake stops here, and so must the reader's function
        return isinstance(one.error, RuntimeError)
    return one.answer is not None and same(one.answer[part], theirs, SAME_MISTAKE)


def reader_line(error: BaseException, function: Callable) -> traceback.FrameSummary | None:
    """The last line of the reader's own code that ran before the error."""
    own = getattr(inspect.unwrap(function), "__code__", None)
    frames = [
        frame
        for frame in traceback.extract_tb(error.__traceback__)
        if own and frame.filename == own.co_filename
    ]
    return frames[-1] if frames else None


def is_stub(error: BaseException | None, function: Callable) -> bool:
    """`raise NotImplementedError` in the reader's code, not torch refusing a dtype under the same name."""
    if not isinstance(error, NotImplementedError):
        return False
    line = reader_line(error, function)
    return not error.args or (line is not None and "raise NotImplementedError" in (line.line or ""))


def cannot_be_called(exercise: Exercise, function) -> str:
    """Why `check` cannot even try, or an empty string."""
    names = inspect.signature(exercise.solution).parameters
    wanted = f"{exercise.name}({', '.join(names)})"
    if not callable(function):
        return (
            f"`check` needs the function itself, without parentheses: "
            f'`check("{exercise.id}", {exercise.name})`. It got {kind(function)}.'
        )
    with contextlib.suppress(ValueError):  # some built-in functions do not tell their arguments
        try:
            inspect.signature(function).bind(*names)
        except TypeError:
            return f"The check calls `{wanted}`; your function does not take these {len(names)} arguments."
    return ""
