"""Watching a training: in a notebook a figure that grows, with buttons; in a terminal a line. Used from lesson 11 on."""

import threading
import time
from collections.abc import Callable, Mapping

from llmkit.training import Bar, History

POLL = 0.1  # seconds between looks at the buttons while paused


def watch(marks: Mapping[str, float] | None = None) -> Callable[[History], bool | None]:
    """What to give `train` as `on_step`, wherever it runs: a `LiveLoss` in a notebook, a `Bar` in a terminal.

    `marks` are losses to compare with, such as {"trigram": 2.1, "entropy floor": 0.9}; the terminal does not show them.
    """
    return LiveLoss(marks) if _in_notebook() else Bar()


class LiveLoss:
    """The loss as it falls, against `marks`, with buttons to pause and to stop; either keeps what was learned.

    Give it to `train` as `on_step`. It draws at most once every `seconds`. The buttons work where the notebook
    passes messages on to a busy kernel (JupyterLab 4.4 and later with ipykernel 7); the notebook's own stop button
    (■) works everywhere. When the training is over, a sentence takes the place of the buttons.
    """

    def __init__(self, marks: Mapping[str, float] | None = None, seconds: float = 1.0):
        import ipywidgets

        self.marks, self.seconds = dict(marks or {}), seconds
        self.pause = ipywidgets.ToggleButton(description="Pause", tooltip="Wait after the present step")
        self.stop = ipywidgets.Button(description="Stop", tooltip="Stop after the present step and keep what was learned")
        self.said = ipywidgets.Label()
        self._stopped = threading.Event()
        self.stop.on_click(lambda _: self._stopped.set())
        self.pause.observe(self._tell_pause, "value")
        self._places: list | None = None
        self._drawn = 0.0
        self._told = ""

    def __call__(self, history: History) -> bool:
        """Draw when it is time, wait while paused, and say whether to stop."""
        last = history.step == history.planned
        if self._places is None:
            self._open(history)
        elif last or self._wanted(history) or time.monotonic() - self._drawn >= self.seconds:
            self._draw(history)
        while self.pause.value and not self._wanted(history) and not last:
            time.sleep(POLL)
        if last or self._wanted(history):
            self._close(history)
        return self._stopped.is_set()

    def _wanted(self, history: History) -> bool:
        return self._stopped.is_set() or history.stopped

    def _open(self, history: History) -> None:
        from IPython.display import display
        from ipywidgets import HBox

        figure = self._figure(history)  # first, since Plotly takes a while to load and buttons should answer at once
        self._controls = HBox([self.pause, self.stop, self.said])
        self._places = [display(self._controls, display_id=True), display(figure, raw=True, display_id=True)]
        for button in (self.pause, self.stop):
            vars(button.comm).pop("_reply_subshell_id", None)
            # ipykernel 7.4 hands a click to the shell that spoke last, which is the one that is busy training.
            # With this forgotten, it goes to the subshell that JupyterLab names.
        self._draw(history)

    def _draw(self, history: History) -> None:
        self._drawn = time.monotonic()
        self._told = f"step {history.step} of {history.planned}, loss {history.recent():.3f}"
        self.said.value = "paused at " + self._told if self.pause.value else self._told
        self._places[1].update(self._figure(history), raw=True)

    def _close(self, history: History) -> None:
        """Buttons that can no longer do anything give way to what happened."""
        from IPython.display import Markdown

        if history.step < history.planned:
            outcome = f"Stopped after {history.step} of {history.planned} steps; the model keeps what it has learned."
        else:
            outcome = f"Trained {history.planned} steps."
        self._places[0].update(Markdown(f"{outcome} Loss: {history.recent():.3f} nats per token."))
        self._controls.close()
        self._places = None

    def _figure(self, history: History) -> dict:
        """The figure as what Plotly would send to this notebook: sent raw, it can be replaced where it stands."""
        from llmkit import figures

        held_out = {said["step"]: said["loss"] for said in history.evaluations if "loss" in said}
        return figures.training(history.loss, held_out, self.marks, history.planned)._repr_mimebundle_()

    def _tell_pause(self, change) -> None:
        self.pause.description = "Go on" if change.new else "Pause"
        self.said.value = "paused at " + self._told if change.new else self._told


def _in_notebook() -> bool:
    """True in Jupyter, Colab and VS Code notebooks; not in a terminal, IPython's included."""
    try:
        from IPython import get_ipython
    except ImportError:
        return False
    shell = get_ipython()
    return shell is not None and getattr(shell, "kernel", None) is not None
