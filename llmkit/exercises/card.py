"""What an exercise is: a task, hints in steps, a solution, and the wrong answers it knows by name.

An exercise is written as plain functions. The solution is a function whose source the reader sees;
a mistake is a wrong answer written out as a function, and its docstring is the sentence that a reader
with the same mistake gets. Both are run, never read: a mistake is recognized by what it computes.
"""

import ast
import importlib
import inspect
import pkgutil
import re
import textwrap
from collections.abc import Callable
from dataclasses import dataclass

from torch import Tensor

from llmkit.exercises.show import Shown, code, folded, stars


@dataclass(frozen=True)
class Case:
    """One input that a check tries, in words and in numbers."""

    name: str
    inputs: dict[str, Tensor]

    @property
    def has_batch(self) -> bool:
        return any(tensor.ndim > 2 for tensor in self.inputs.values())

    def fresh(self) -> tuple[Tensor, ...]:
        """Copies of the inputs, so that no function can spoil them for the next."""
        return tuple(tensor.clone() for tensor in self.inputs.values())


@dataclass(frozen=True, repr=False)
class Exercise(Shown):
    """One exercise, displayed as a card.

    `cases` gives the inputs, smallest first, in float64. Numbers agree when they differ by at most
    `tolerance * (1 + |expected|)`. `reference` computes what is expected, where that is not the solution.
    A property is a function of the answer that says whether it holds; its docstring is shown when it
    does not and no mistake was recognized. A shortcut says of the name of a torch function whether calling it
    leaves nothing to write; its docstring is shown when an answer with the right numbers took it.
    """

    id: str
    title: str
    stars: int
    minutes: int
    task: str
    hints: tuple[str, ...]
    solution: Callable
    mistakes: tuple[Callable, ...]
    cases: Callable[[], list[Case]]
    returns: tuple[str, ...]
    properties: tuple[Callable, ...] = ()
    shortcut: Callable | None = None
    reference: Callable | None = None
    tolerance: float = 1e-6
    afterword: str = ""

    @property
    def name(self) -> str:
        """The name of the function to write."""
        return self.solution.__name__

    @property
    def source(self) -> str:
        """The solution as it stands in the file."""
        return textwrap.dedent(inspect.getsource(self.solution)).rstrip()

    @property
    def stub(self) -> str:
        """What the reader starts from: the solution's first lines, then `raise NotImplementedError`."""
        function = ast.parse(self.source).body[0]
        docstring = function.body[0]
        head = self.source.splitlines()[: docstring.end_lineno]
        return "\n".join([*head, "    raise NotImplementedError"])

    @property
    def headline(self) -> str:
        return f"{stars(self.stars)} · about {self.minutes} minutes"

    def markdown(self) -> str:
        hints = [folded(f"Hint {number}", hint) for number, hint in enumerate(self.hints, start=1)]
        return "\n\n".join(
            [
                f"**Exercise {self.id} · {self.title}** · {self.headline}",
                self.task.strip(),
                *hints,
                folded("Solution", code(self.source, "python")),
            ]
        )

    def plain(self) -> str:
        return (
            f"Exercise {self.id} · {self.title} · {self.headline}\n\n{self.task.strip()}\n\n"
            f'Hints, one at a time: print(exercise("{self.id}").hints[0]), up to hints[{len(self.hints) - 1}].\n'
            f'Solution: print(exercise("{self.id}").source).'
        )


@dataclass(frozen=True)
class Lesson:
    """The exercises of one lesson, in order."""

    number: str
    title: str
    exercises: tuple[Exercise, ...]


def message(function: Callable) -> str:
    """The docstring of a mistake or a property, as one paragraph."""
    return " ".join(inspect.getdoc(function).split())


def lessons() -> list[Lesson]:
    """Every lesson that has exercises: each file `lesson_NN.py` in this folder holds one `LESSON`."""
    package = importlib.import_module(__package__)
    names = sorted(module.name for module in pkgutil.iter_modules(package.__path__))
    return [
        importlib.import_module(f"{__package__}.{name}").LESSON
        for name in names
        if re.fullmatch(r"lesson_\d\d", name)
    ]


def find(exercise_id: str) -> Exercise | None:
    """The exercise with this number, or None."""
    everything = {exercise.id: exercise for lesson in lessons() for exercise in lesson.exercises}
    return everything.get(str(exercise_id))
