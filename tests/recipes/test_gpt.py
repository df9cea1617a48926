"""The recipe of the decoders: what it measures is what it says, and what it writes can be loaded."""

import json
import math
from dataclasses import replace
from itertools import islice

import pytest
import torch

from llmkit import models
from llmkit.recipes import build, gpt, tokenizers
from llmkit.recipes.floor import against_the_floor, recall_spans
from llmkit.tales import tales
from llmkit.tokenization import BPE

TALES = list(islice(tales("validation", seed=5), 12))


@pytest.fixture(scope="module")
def tokenizer():
    return BPE.train([tale.text for tale in TALES], vocab_size=400, special=("<pad>", "<s>", "</s>"))


class Uniform(torch.nn.Module):
    """Knows nothing: every token is as likely as any other."""

    def __init__(self, vocab_size):
        super().__init__()
        self.logits = torch.nn.Parameter(torch.zeros(vocab_size))

    def forward(self, tokens):
        return self.logits.expand(*tokens.shape, -1)


class Cheat(torch.nn.Module):
    """Has read the answers: all its probability is on the token that comes next."""

    def __init__(self, vocab_size, rows):
        super().__init__()
        self.size = torch.nn.Parameter(torch.zeros(vocab_size))
        self.rows = rows

    def forward(self, tokens):
        logits = torch.full((*tokens.shape, len(self.size)), -50.0)
        for row, ids in enumerate(tokens.tolist()):
            whole = next(known for known in self.rows if known[: 20] == ids[: 20])
            for place in range(min(len(ids), len(whole) - 1)):
                logits[row, place, whole[place + 1]] = 50.0
        return logits


def test_knowing_nothing_costs_the_logarithm_of_the_vocabulary_and_knowing_all_costs_nothing(tokenizer):
    size = len(tokenizer.vocab)
    nothing = against_the_floor(Uniform(size), tokenizer, TALES)
    assert nothing["loss"] == pytest.approx(math.log(size), rel=1e-6)
    assert nothing["recall"] == 0
    rows = [[1, *tokenizer.encode(tale.text), 2] for tale in TALES]
    everything = against_the_floor(Cheat(size, rows), tokenizer, TALES)
    assert everything["loss"] == pytest.approx(0, abs=1e-6)
    assert everything["recall"] == 1
    assert everything["above_floor"] == pytest.approx(-1, abs=1e-6)


def test_the_floor_is_the_exact_surprise_of_the_same_tales(tokenizer):
    found = against_the_floor(Uniform(len(tokenizer.vocab)), tokenizer, TALES, batch_size=5)
    assert found["floor"] == pytest.approx(-sum(tale.log_probability for tale in TALES) / len(TALES))
    assert found["above_floor"] == pytest.approx(found["tale"] / found["floor"] - 1)


def test_the_tokens_of_a_recall_spell_the_words_to_be_recalled(tokenizer):
    checked = 0
    for tale in TALES:
        ids = [1, *tokenizer.encode(tale.text), 2]
        for recall, (first, last) in zip(tale.recalls, recall_spans(tokenizer, tale), strict=True):
            assert tokenizer.decode(ids[first:last]).strip() == tale.text[recall.start : recall.end]
            checked += 1
    assert checked >= 10


def test_a_recipe_writes_a_model_that_loads_by_name_with_its_measures_and_its_hash(tmp_path, monkeypatch, tokenizer):
    name = "tales-gpt-mini"
    tiny = replace(gpt.SHAPES[name], vocab_size=400, width=64, num_layers=2, num_heads=2, num_kv_heads=2, hidden_width=16, context=512)
    monkeypatch.setitem(gpt.SHAPES, name, tiny)
    monkeypatch.setitem(gpt.PLANS, name, replace(gpt.PLANS[name], steps=2, warmup=1, eval_every=1, save_every=1))
    monkeypatch.setattr(gpt, "english", lambda work: tokenizer)
    monkeypatch.setattr(gpt, "TESTED", 6)
    said = []
    build(name, tmp_path / "work", tmp_path / "bundled" / name, said.append)
    monkeypatch.setattr(models, "BUNDLED", tmp_path / "bundled")
    loaded = models.load(name)
    text = TALES[0].text
    assert loaded.tokenizer(text).input_ids == tokenizer.encode(text)
    assert (loaded.tokenizer.bos_token_id, loaded.tokenizer.eos_token_id, loaded.tokenizer.pad_token_id) == (1, 2, 0)
    assert loaded.model(torch.tensor([[1, 5, 6]])).logits.shape == (1, 3, 400)
    measured = json.loads((tmp_path / "bundled" / name / "measured.json").read_text())
    assert measured["steps"] == 2 and measured["loss"] < math.log(400)
    assert (tmp_path / "bundled" / name / "README.md").read_text().count("nats") >= 2
    weights = models.BUNDLED / name / models.WEIGHTS
    weights.write_bytes(weights.read_bytes()[:-1] + b"\x01")
    with pytest.raises(models.ModelUnavailable, match="SHA-256"):
        models.load(name)


def test_the_english_tokenizer_is_learned_once_and_kept(tmp_path, monkeypatch):
    monkeypatch.setattr(tokenizers, "TEXTS", 30)
    first = tokenizers.english(tmp_path, vocab_size=300)
    monkeypatch.setattr(tokenizers, "TEXTS", 0)
    again = tokenizers.english(tmp_path, vocab_size=300)
    assert again.merges == first.merges and len(again.vocab) == 300


def test_an_unknown_recipe_names_the_recipes_there_are(tmp_path):
    with pytest.raises(ValueError, match="tales-gpt-mini"):
        build("tales-nothing", tmp_path, tmp_path)
