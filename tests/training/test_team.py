"""Two processes on one batch do what one does."""

import json
import os
import subprocess
from pathlib import Path

import pytest
import torch
from accelerate.commands.launch import launch_command_parser
from small import BATCHES, Small, settings, weights

from llmkit.objectives import next_token_loss
from llmkit.training import __main__ as program
from llmkit.training import train
from llmkit.training.team import Team, arithmetic

HERE = Path(__file__).parent


def test_two_processes_give_the_loss_of_one_on_the_same_batch(tmp_path, python):
    command = [python, "-m", "accelerate.commands.launch", "--multi_gpu", "--num_processes", "2", "--num_machines", "1",
               "--mixed_precision", "no", "--dynamo_backend", "no", "--main_process_port", "0"]  # fmt: skip
    environment = {**os.environ, "PYTHONPATH": f"{HERE.parents[1]}{os.pathsep}{HERE}", "LLMKIT_DEVICE": "cpu", "PYTHON_EXEC": python}
    done = subprocess.run([*command, HERE / "in_step.py", tmp_path / "said.json", tmp_path / "run"],
                          env=environment, capture_output=True, text=True, timeout=240)  # fmt: skip
    assert done.returncode == 0, done.stderr[-2000:]
    said = json.loads((tmp_path / "said.json").read_text())

    model = Small()
    model.dropout.p = 0.0
    history = train(model, BATCHES, next_token_loss, settings())
    assert said["processes"] == 2
    assert said["loss"] == pytest.approx(history.loss, rel=1e-5)
    assert torch.allclose(torch.tensor(said["weights"]), weights(model), atol=1e-4)
    alone = train(model, BATCHES, next_token_loss, settings(folder=tmp_path / "run"))  # goes on in one process
    assert alone.loss == said["loss"]


def test_the_command_that_the_help_names_is_one_that_accelerate_knows():
    line = next(line for line in program.EXAMPLES.splitlines() if "accelerate launch" in line)
    asked = launch_command_parser().parse_args(line.partition("   two")[0].split()[2:])
    assert (asked.multi_gpu, asked.num_processes, asked.module, asked.training_script) == (True, 2, True, "llmkit.training")


def test_every_row_of_a_batch_goes_to_exactly_one_process():
    batch = {"tokens": torch.arange(14).view(7, 2)}
    shares = []
    for rank in range(3):
        team = Team()
        team.rank, team.size = rank, 3
        shares += team.share(batch)["tokens"].tolist()
    assert sorted(shares) == batch["tokens"].tolist()


def test_the_arithmetic_is_what_was_asked_for_or_what_the_device_is_good_at(monkeypatch):
    assert arithmetic("auto", torch.device("cpu")) == torch.float32
    assert arithmetic("bfloat16", torch.device("cpu")) == torch.bfloat16
    for capability, expected in (((7, 5), torch.float32), ((8, 0), torch.bfloat16), ((9, 0), torch.bfloat16)):
        monkeypatch.setattr(torch.cuda, "get_device_capability", lambda device, c=capability: c)
        assert arithmetic("auto", torch.device("cuda")) == expected
