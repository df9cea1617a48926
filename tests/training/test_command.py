"""`python -m llmkit.training`, as typed."""

import io
import re
import runpy
import sys

import pytest
import torch
from small import BATCHES, Small, settings

from llmkit.objectives import next_token_loss
from llmkit.training import Bar, __main__, train

TEXT = "The quick brown fox jumps over the lazy dog, and the dog sleeps on. " * 60
SMALL = ["--layers", "1", "--width", "16", "--heads", "2", "--context", "16", "--batch-size", "4", "--warmup", "2"]


@pytest.fixture
def book(tmp_path):
    path = tmp_path / "book.txt"
    path.write_text(TEXT, encoding="utf-8")
    return path


def test_help_names_every_option_with_its_default_and_examples():
    text = __main__.make_parser().format_help()
    assert "(0.02)" in text and "accelerate launch --multi_gpu --num_processes 2" in text
    options = set(re.findall(r"^  (--[a-z-]+)", text, re.M))
    assert {"--text", "--steps", "--matrix-lr", "--folder", "--anew", "--kv-heads"} <= options
    for line in re.findall(r"^  --.*\n(?:   +[^-].*\n)?", text, re.M):
        assert len(line.split()) > 3, f"{line!r} explains nothing"


def test_a_run_on_a_text_of_ones_own_is_kept_stopped_and_taken_up(book, tmp_path, capsys):
    folder = tmp_path / "run"
    command = ["--text", str(book), "--characters", *SMALL, "--steps", "30", "--eval-every", "10", "--folder", str(folder)]
    __main__.main(command)
    said = capsys.readouterr().err
    assert re.search(rf"[\d,]+ parameters, {len(set(TEXT))} tokens, on CPU", said)
    found = re.search(r"held-out loss after 30 steps: ([\d.]+) nats per token", said)
    assert float(found[1]) < 3.3  # ln 30 is 3.40
    assert (folder / "checkpoint.safetensors").exists() and (folder / "model" / "model.safetensors").exists()
    assert (folder / "model" / "characters.txt").read_text(encoding="utf-8") == "".join(sorted(set(TEXT)))

    __main__.main(command)  # nothing is left to do, and nothing is lost
    assert found[0] in capsys.readouterr().err


def test_the_model_it_keeps_is_one_that_transformers_reads(book, tmp_path):
    from transformers import AutoModelForCausalLM, AutoTokenizer

    folder = tmp_path / "run"
    __main__.main(["--text", str(book), *SMALL, "--vocab-size", "270", "--steps", "3", "--folder", str(folder)])
    model, tokenizer = (kind.from_pretrained(folder / "model") for kind in (AutoModelForCausalLM, AutoTokenizer))
    ids = tokenizer("The lazy fox", return_tensors="pt").input_ids
    assert model(ids).logits.shape == (1, ids.shape[1], 270)


def test_a_run_on_the_tales_says_what_a_perfect_model_would_have(capsys, monkeypatch):
    monkeypatch.setattr(__main__, "READ", 20)
    monkeypatch.setattr(__main__, "HELD_OUT", 5)
    __main__.main([*SMALL, "--context", "600", "--vocab-size", "300", "--batch-size", "1", "--steps", "2"])
    floor = float(re.search(r"a perfect model has ([\d.]+)", capsys.readouterr().err)[1])
    assert 0.05 < floor < 0.4  # 0.32 with a token a word; these tokens are shorter


@pytest.mark.parametrize(("arguments", "sentence"), [
    (["--text", "nowhere.txt"], "No such file"),
    (["--text", "{book}", "--context", "5000"], "is too short: its last tenth"),
    (["--text", "{book}", "--steps", "0"], "steps must be at least 1; got 0"),
    (["--text", "{book}", "--context", "16", "--width", "30"], "30 cannot be cut into 4 equal heads"),
])  # fmt: skip
def test_what_cannot_be_done_is_said_in_a_sentence_without_a_traceback(book, capsys, arguments, sentence):
    with pytest.raises(SystemExit) as ended:
        __main__.main([argument.format(book=book) for argument in arguments])
    said = capsys.readouterr().err
    assert ended.value.code == 1 and sentence in said and "Traceback" not in said


def test_the_module_runs_as_a_program(capsys, monkeypatch):
    monkeypatch.setattr(sys, "argv", ["training", "--steps", "many"])
    with pytest.raises(SystemExit) as ended:
        runpy.run_module("llmkit.training", run_name="__main__")
    assert ended.value.code == 2 and "--steps: invalid int value: 'many'" in capsys.readouterr().err


def test_the_bar_tells_steps_loss_and_what_was_held_out():
    line = io.StringIO()
    train(Small(), BATCHES, next_token_loss, settings(), lambda model: torch.tensor(1.5).item(), Bar(line))
    last = line.getvalue().split("\r")[-1]
    assert "20/20" in last and "held-out loss=1.500" in last and re.search(r"[^-]loss=\d\.\d{3}", last)
