"""The models that come with the book: small enough, as good as promised, and as good as their own cards say."""

import json
from itertools import islice

import pytest
import torch
from tokenizers import Tokenizer

from llmkit import models
from llmkit.recipes import RECIPES, bert, qa
from llmkit.recipes.floor import against_the_floor
from llmkit.recipes.translation import answers, measure
from llmkit.tales import tales
from llmkit.tokenization import BPE
from llmkit.weights import from_transformers
from llmkit.wordpiece import WordPiece

FLOORS = {"tales-gpt": 0.08, "tales-gpt-mini": 0.15}  # nats above the perfect model's, as a share of them


def card(name: str) -> dict:
    """What was measured when the model was made."""
    return json.loads((models.path(name) / "measured.json").read_text("utf-8"))


def ours(name: str):
    return from_transformers(models.load(name).model).eval()


def test_they_weigh_at_most_16_megabytes_together():
    assert set(models.bundled()) == set(RECIPES)
    assert sum((models.path(name) / models.WEIGHTS).stat().st_size for name in models.bundled()) <= 16e6
    assert sum(weight.numel() for weight in ours("tales-gpt-mini").parameters()) <= 1e6


@pytest.mark.parametrize("name", FLOORS)
def test_decoders_are_near_the_floor(name):
    said = card(name)
    assert said["above_floor"] <= FLOORS[name]
    with torch.inference_mode():
        found = against_the_floor(ours(name), BPE.from_file(models.path(name)), list(islice(tales("test", seed=41), 60)))
    assert found["above_floor"] == pytest.approx(said["above_floor"], abs=0.03)


def test_bert_guesses_hidden_words_as_often_as_its_card_says():
    said, tokenizer = card("tales-bert"), WordPiece.from_file(models.path("tales-bert"))
    with torch.inference_mode():
        found = bert.measure(ours("tales-bert"), list(islice(bert.pairs(tokenizer, "test")(41), 150)))
    assert found["masked_accuracy"] == pytest.approx(said["test"]["masked_accuracy"], abs=0.04)
    assert found["next_sentence_accuracy"] == pytest.approx(said["test"]["next_sentence_accuracy"], abs=0.1)


@pytest.mark.parametrize(("split", "least"), [("test", 0.95), ("compositional", 0.85)])
def test_qa_answers_and_keeps_silent_as_promised(split, least):
    said = card("tales-qa")[split]
    assert said["exact_match"] >= least and said["abstained"] >= 0.9
    tokenizer = Tokenizer.from_file(str(models.path("tales-qa") / "tokenizer.json"))
    with torch.inference_mode():
        found = qa.measure(ours("tales-qa"), qa.every_question(tokenizer, split, 20))
    assert found["exact_match"] >= said["exact_match"] - 0.05


def test_t5_translates_as_well_as_its_card_says():
    said = card("tales-t5")
    assert said["test_sentence"] >= 0.8
    model, tokenizer = ours("tales-t5"), BPE.from_file(models.path("tales-t5"))
    asked = list(islice(tales("test", seed=41), 4))
    shares, _ = measure(lambda questions: answers(model, tokenizer, questions), asked)
    assert shares["sentence"] >= said["test_sentence"] - 0.15
