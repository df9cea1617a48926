"""Exercises that answer back: `exercise("05.1")`, `check("05.1", fn)`, `progress()`.

`card.py` says what an exercise is, `judge.py` tries an answer and names the mistake, `progress.py` keeps
what is done, and each `lesson_NN.py` holds the exercises of one lesson.
"""

from llmkit.exercises.engine import check, exercise
from llmkit.exercises.progress import progress

__all__ = ["check", "exercise", "progress"]
