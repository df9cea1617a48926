"""The speed benchmark, tried on a few steps: turns are taken fairly, and time is counted in them alone."""

import threading
import time

import pytest
from shakespeare import Run, Turns, read, report, run

from llmkit.training import Settings

CONFIG = {"positions": "rope"}


def short(name, steps):
    return Run(name, Settings(steps=steps, warmup=2, clip=None), 2, CONFIG)


def test_runs_that_take_turns_end_as_if_each_had_been_alone(monkeypatch, tmp_path):
    monkeypatch.setattr("shakespeare.TURN", 0.0)
    text = tmp_path / "play.txt"
    text.write_text("To be, or not to be, that is the question. " * 60, encoding="utf-8")
    said = []
    figures = run(said.append, text, [short("yardstick", 6), short("a fifth", 3), short("best", 6)])
    alone = run(said.append, text, [short("yardstick", 6)])
    assert figures["yardstick, loss"] == alone["yardstick, loss"] == figures["best, loss"]
    assert figures["a fifth, loss"] != alone["yardstick, loss"]
    assert figures["yardstick, share"] == 1.0 and figures["a fifth, share"] > 0
    assert "play.txt: 2,580 letters" in said[0] and any(line.startswith("1.60 in all of the time: no") for line in said)


def test_only_one_works_at_a_time_and_nobody_is_forgotten():
    turns, log, busy = Turns(3), [], []

    def work(place):
        turns.wait(place)
        for _ in range(place + 2):
            busy.append(place)
            time.sleep(0.001)
            log.append((place, len(busy)))
            busy.remove(place)
            turns.give(place)
        turns.leave(place)

    threads = [threading.Thread(target=work, args=(place,)) for place in range(3)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(10)
    assert [place for place, _ in log] == [0, 1, 2, 0, 1, 2, 1, 2, 2]
    assert {together for _, together in log} == {1}


def test_a_run_that_fails_is_not_silent(tmp_path):
    text = tmp_path / "play.txt"
    text.write_text("Out, damned spot. " * 60, encoding="utf-8")
    with pytest.raises(ValueError, match="positions is one of"):
        run(print, text, [Run("yardstick", Settings(steps=2), 2, {"positions": "nowhere"}), short("a fifth", 2)])


def test_the_bars_are_said_to_be_met_when_they_are():
    done = [short("yardstick", 1), short("a fifth", 1), short("best", 1)]
    for one, loss, seconds in zip(done, (1.87, 1.88, 1.59), (100.0, 20.0, 99.0), strict=True):
        one.loss, one.seconds = loss, seconds
    said = []
    report(done, said.append)
    assert "1.88 in a fifth of the time: yes" in said and said[-1].startswith("1.60 in all of the time: yes")
    done[1].seconds, done[2].loss = 20.1, 1.61
    report(done, said.append)
    assert "1.88 in a fifth of the time: no" in said and said[-1].startswith("1.60 in all of the time: no")


def test_without_shakespeare_the_python_documentation_takes_its_place_and_it_says_so(monkeypatch, tmp_path):
    monkeypatch.delenv("LLMKIT_SHAKESPEARE", raising=False)
    monkeypatch.chdir(tmp_path)
    letters, source = read()
    assert len(letters) > 300_000 and "Python documentation instead of Shakespeare" in source
    monkeypatch.setenv("LLMKIT_SHAKESPEARE", str(tmp_path / "play.txt"))
    (tmp_path / "play.txt").write_text("To be", encoding="utf-8")
    assert read() == ("To be", "play.txt")
