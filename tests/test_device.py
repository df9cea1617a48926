import random

import pytest
import torch

from llmkit import device


def test_the_cpu_is_always_offered_last():
    assert device.devices()[-1] == torch.device("cpu")


def test_the_environment_chooses_when_the_caller_does_not(monkeypatch):
    monkeypatch.setenv("LLMKIT_DEVICE", "cpu")
    assert device.pick_device() == torch.device("cpu")


def test_a_device_that_is_not_here_is_named_with_those_that_are():
    with pytest.raises(ValueError, match=r"no device 'abacus' here; this machine offers: .*cpu"):
        device.pick_device("abacus")


def test_the_same_seed_gives_the_same_numbers():
    drawn = []
    for _ in range(2):
        device.seed_everything(7)
        drawn.append((random.random(), torch.rand(3).tolist()))
    assert drawn[0] == drawn[1]


def test_start_says_where_it_computes(capsys, monkeypatch):
    monkeypatch.setenv("LLMKIT_DEVICE", "cpu")
    device.start()
    assert "computing on: CPU" in capsys.readouterr().out
