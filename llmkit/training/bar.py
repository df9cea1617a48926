"""A line in the terminal that says how the training goes."""

import sys
from io import TextIOBase

from tqdm import tqdm

from llmkit.training.loop import History


class Bar:
    """Give it to `train` as `on_step`: steps done, time left, the loss, and what the last evaluation said."""

    def __init__(self, file: TextIOBase | None = None):
        self.file = file or sys.stderr
        self._line: tqdm | None = None

    def __call__(self, history: History) -> None:
        if self._line is None:
            self._line = tqdm(total=history.planned, initial=history.step - 1, unit="step", file=self.file, dynamic_ncols=True)
        told = {"loss": f"{history.recent():.3f}"}
        if history.evaluations:
            told |= {
                f"held-out {name}": f"{value:.3f}"
                for name, value in history.evaluations[-1].items()
                if name != "step" and isinstance(value, int | float)
            }
        self._line.set_postfix(told, refresh=False)
        self._line.update(history.step - self._line.n)
        if history.step == history.planned:
            self.close()

    def close(self) -> None:
        """End the line, when the run was stopped early."""
        if self._line is not None:
            self._line.close()
            self._line = None
