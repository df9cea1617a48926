"""A checkpoint is whole or not there; what does not fit is refused and left alone; a killed run goes on exactly."""

import errno
import json
import os
import signal
import subprocess
import time
from pathlib import Path

import pytest
import torch
from safetensors import safe_open
from small import BATCHES, Small, settings, weights

from llmkit.objectives import next_token_loss
from llmkit.training import train
from llmkit.training.checkpoint import NAME
from llmkit.transformer import Config, Transformer

ROOT = Path(__file__).resolve().parents[2]


def run(folder, model=None, **changes):
    return train(model or Small(), BATCHES, next_token_loss, settings(folder=folder, **changes))


def test_the_checkpoint_is_safetensors_with_json_beside_and_nothing_that_runs(tmp_path):
    run(tmp_path)
    assert [path.name for path in tmp_path.iterdir()] == [NAME]
    with safe_open(tmp_path / NAME, framework="pt") as file:
        about = json.loads(file.metadata()["about"])
        names = set(file.keys())
    assert about["step"] == 20 and about["settings"]["warmup"] == 3
    assert {"model.embedding.weight", "random.torch", "random.python", "history.loss"} < names
    assert any(name.startswith("optimizer.0.") for name in names) and any(name.startswith("optimizer.1.") for name in names)


def test_tied_weights_are_saved_once_and_come_back_tied(tmp_path):
    def fresh():
        torch.manual_seed(0)
        return Transformer(Config(vocab_size=12, width=8, num_layers=1, num_heads=2))

    first, second = fresh(), fresh()
    run(tmp_path, first)
    run(tmp_path, second)
    assert torch.equal(weights(first), weights(second))
    assert second.head is None


@pytest.mark.parametrize("keep", [0.0, 0.3, 0.999])
def test_a_checkpoint_that_was_cut_short_is_refused_and_left_alone(tmp_path, keep):
    run(tmp_path)
    path = tmp_path / NAME
    path.write_bytes(path.read_bytes()[: int(path.stat().st_size * keep)])
    left = path.read_bytes()
    model = Small()
    before = weights(model)
    with pytest.raises(ValueError, match="cannot be read as a checkpoint; was it cut short"):
        run(tmp_path, model)
    assert path.read_bytes() == left and torch.equal(weights(model), before)


@pytest.mark.parametrize(("model", "changes", "sentence"), [
    (Small(width=8), {}, r"its model, weights, is"),
    (Small(), {"lr": 0.01}, r"its settings, lr, is 0\.003, this run's is 0\.01"),
    (Small(), {"steps": 40}, r"its settings, steps, is 20, this run's is 40"),
    (Small(), {"seed": 5}, r"its settings, seed, is 0, this run's is 5"),
])  # fmt: skip
def test_a_checkpoint_of_another_run_is_refused_and_left_alone(tmp_path, model, changes, sentence):
    run(tmp_path)
    before = (tmp_path / NAME).read_bytes()
    with pytest.raises(ValueError, match=sentence):
        run(tmp_path, model, **changes)
    assert (tmp_path / NAME).read_bytes() == before


def test_a_config_that_differs_where_no_shape_does_is_refused(tmp_path):
    config = {"vocab_size": 12, "width": 8, "num_layers": 1, "num_heads": 2}
    run(tmp_path, Transformer(Config(**config)))
    with pytest.raises(ValueError, match="its model, positions, is rope, this run's is alibi"):
        run(tmp_path, Transformer(Config(**config, positions="alibi")))


def test_a_file_of_weights_is_no_checkpoint(tmp_path):
    from safetensors.torch import save_file

    save_file({"weight": torch.ones(2)}, tmp_path / NAME)
    with pytest.raises(ValueError, match="belongs to another run: its format is None"):
        run(tmp_path)


def test_how_a_run_is_watched_and_cut_into_pieces_may_change_on_the_way(tmp_path):
    first = train(Small(), BATCHES, next_token_loss, settings(folder=tmp_path), on_step=lambda h: h.step == 9)
    second = run(tmp_path, eval_every=3, save_every=2)
    assert first.step == 9 and second.step == 20


class FullDisk:
    """A file that takes some bytes and then finds the disk full, as `open` would give it."""

    def __init__(self, file, room):
        self.file, self.room = file, room

    def __enter__(self):
        return self

    def __exit__(self, *problem):
        self.file.close()

    def write(self, data):
        self.file.write(data[: self.room])
        raise OSError(errno.ENOSPC, "No space left on device")


@pytest.fixture
def disk(monkeypatch):
    """disk.full = True: from now on every file that is written fills the disk."""

    class Disk:
        full = False

    def opener(path, mode="r", *rest, **options):
        file = open(path, mode, *rest, **options)  # noqa: SIM115
        return FullDisk(file, room=1000) if Disk.full and "w" in mode else file

    monkeypatch.setattr("llmkit.training.checkpoint.open", opener, raising=False)
    return Disk


def test_a_full_disk_leaves_the_checkpoint_before_and_the_training_goes_on(tmp_path, disk):
    def fill(history):
        disk.full = 8 <= history.step < 18

    with pytest.warns(UserWarning, match=r"of step 1[05] could not be written .*No space left.* Training goes on") as said:
        history = train(Small(), BATCHES, next_token_loss, settings(folder=tmp_path), on_step=fill)
    assert len(said) == 2 and history.step == 20
    assert [path.name for path in tmp_path.iterdir()] == [NAME]


def test_a_disk_that_stays_full_is_an_error_at_the_end_and_the_old_checkpoint_survives(tmp_path, disk):
    def fill(history):
        disk.full = history.step >= 8

    with pytest.warns(UserWarning), pytest.raises(OSError, match=r"step 20 could not be written.*the one before it is untouched"):
        train(Small(), BATCHES, next_token_loss, settings(folder=tmp_path), on_step=fill)
    disk.full = False
    assert [path.name for path in tmp_path.iterdir()] == [NAME]
    steps = []
    resumed = train(Small(), BATCHES, next_token_loss, settings(folder=tmp_path), on_step=lambda h: steps.append(h.step))
    assert steps[0] == 6  # the checkpoint of step 5
    assert resumed.loss == train(Small(), BATCHES, next_token_loss, settings()).loss


KILLED = """
import sys, time
from pathlib import Path
sys.path.insert(0, {tests!r})
from small import BATCHES, Small, held_out_loss, settings
from llmkit.objectives import next_token_loss
from llmkit.training import train

def tell(history):
    print(history.step, flush=True)
    if history.step >= 13:
        time.sleep(60)  # to be killed in the middle, three steps after a checkpoint

train(Small(), BATCHES, next_token_loss, settings(folder={folder!r}), held_out_loss, on_step=tell)
"""


def test_a_run_killed_in_the_middle_goes_on_exactly_as_if_nothing_had_happened(tmp_path, python):
    from small import held_out_loss

    code = KILLED.format(tests=str(Path(__file__).parent), folder=str(tmp_path))
    environment = {**os.environ, "PYTHONPATH": str(ROOT)}
    child = subprocess.Popen([python, "-c", code], stdout=subprocess.PIPE, text=True, env=environment)
    deadline = time.monotonic() + 120
    for line in child.stdout:
        if int(line) == 13 or time.monotonic() > deadline:
            break
    child.send_signal(signal.SIGKILL)
    assert child.wait() == -signal.SIGKILL

    model, whole, steps = Small(), Small(), []
    plan = settings(folder=tmp_path)
    resumed = train(model, BATCHES, next_token_loss, plan, held_out_loss, on_step=lambda h: steps.append(h.step))
    uninterrupted = train(whole, BATCHES, next_token_loss, settings(), held_out_loss)
    assert steps == list(range(11, 21))
    assert resumed.loss == uninterrupted.loss and resumed.evaluations == uninterrupted.evaluations
    assert torch.equal(weights(model), weights(whole))
