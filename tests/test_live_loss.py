"""The live loss: it draws, pauses, stops, keeps what was learned, and cleans up after itself."""

import threading
import time

import IPython.display
import plotly.io
import pytest

from llmkit import live_loss
from llmkit.training import Bar, History


class Screen:
    """Stands where the notebook would show things: remembers what was put in each place."""

    def __init__(self):
        self.places = []

    def display(self, thing, display_id, raw=False):
        place = Place()
        place.update(thing, raw)
        self.places.append(place)
        return place


class Place:
    def __init__(self):
        self.shown = []

    def update(self, thing, raw=False):
        """Where it is not raw, IPython lets an object that can display itself do so anew, as a figure of Plotly would."""
        assert raw == isinstance(thing, dict) and not hasattr(thing, "_ipython_display_")
        self.shown.append(thing["application/vnd.plotly.v1+json"] if raw else thing)


@pytest.fixture
def screen(monkeypatch):
    monkeypatch.setattr(plotly.io.renderers, "default", "plotly_mimetype")  # as in JupyterLab
    shown = Screen()
    monkeypatch.setattr(IPython.display, "display", shown.display)
    return shown


def run(live, steps=6, planned=6, between=lambda step: None):
    """What `train` does with its `on_step`."""
    history = History(planned=planned)
    for step in range(1, steps + 1):
        history.loss.append(3.0 / step)
        if step == 3:
            history.evaluations.append({"step": 3, "loss": 1.25})
        between(step)
        if live(history):
            history.stopped = True
            break
    return history


def test_the_figure_grows_and_a_sentence_takes_the_place_of_the_buttons(screen):
    run(live_loss.LiveLoss({"entropy floor": 0.4}, seconds=0))
    controls, figure = screen.places
    assert [len(shown["data"][0]["x"]) for shown in figure.shown] == [1, 1, 2, 3, 4, 5, 6]
    assert list(figure.shown[-1]["data"][1]["y"]) == [1.25]
    assert figure.shown[-1]["layout"]["annotations"][0]["text"] == "entropy floor 0.40"
    assert controls.shown[-1].data.startswith("Trained 6 steps.")


def test_it_draws_no_more_often_than_asked_but_always_the_end(screen):
    run(live_loss.LiveLoss(seconds=60), steps=500, planned=500)
    assert len(screen.places[1].shown[-1]["data"][0]["x"]) == 250  # 500 steps in pairs
    assert len(screen.places[1].shown) == 3


def test_stop_stops_after_the_step(screen):
    live = live_loss.LiveLoss(seconds=60)
    history = run(live, between=lambda step: live.stop.click() if step == 4 else None)
    assert history.stopped and history.step == 4
    assert screen.places[0].shown[-1].data.startswith("Stopped after 4 of 6 steps; the model keeps what it has learned.")


def test_pause_waits_until_it_is_lifted(screen, monkeypatch):
    monkeypatch.setattr(live_loss, "POLL", 0.01)
    live, seen = live_loss.LiveLoss(seconds=60), []

    def lift():
        time.sleep(0.15)
        seen.append(live.said.value)
        live.pause.value = False

    def press(step):
        if step == 2:
            live.pause.value = True
            threading.Thread(target=lift).start()
        seen.append(step)

    began = time.monotonic()
    history = run(live, between=press)
    assert time.monotonic() - began >= 0.15 and history.step == 6
    assert seen == [1, 2, "paused at step 1 of 6, loss 3.000", 3, 4, 5, 6]
    assert live.pause.description == "Pause"


def test_stop_ends_a_pause(screen, monkeypatch):
    monkeypatch.setattr(live_loss, "POLL", 0.01)
    live = live_loss.LiveLoss(seconds=60)

    def press(step):
        if step == 2:
            live.pause.value = True
            threading.Timer(0.05, live.stop.click).start()

    assert run(live, between=press).step == 2


def test_the_notebooks_own_stop_button_ends_a_pause_too(screen, monkeypatch):
    monkeypatch.setattr(live_loss, "POLL", 0.01)
    live, history = live_loss.LiveLoss(seconds=60), History(loss=[1.0], planned=9)
    live.pause.value = True
    threading.Timer(0.05, lambda: setattr(history, "stopped", True)).start()
    live(history)
    assert screen.places[0].shown[-1].data.startswith("Stopped after 1 of 9 steps")


def test_in_a_terminal_it_is_a_bar():
    assert isinstance(live_loss.watch({"trigram": 2.0}), Bar)


def test_in_a_notebook_it_is_the_figure(monkeypatch):
    monkeypatch.setattr(live_loss, "_in_notebook", lambda: True)
    assert live_loss.watch({"trigram": 2.0}).marks == {"trigram": 2.0}
